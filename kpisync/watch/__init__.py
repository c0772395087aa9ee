"""Read models: what the page, the metrics and the alerts show of the state store and of the running daemon."""
