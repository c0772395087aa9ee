"""What runs for a year: due times, runs beside each other, reload, alerts."""
