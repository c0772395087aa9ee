"""What was sent, what was confirmed and what is in doubt: the one package that touches the tables."""
