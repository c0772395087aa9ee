"""The built-in destinations, one module each."""
