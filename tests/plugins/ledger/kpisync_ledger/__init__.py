"""KPI values in a CSV file that anyone can open: a destination, and a source that reads it again."""
