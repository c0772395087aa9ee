"""`transform`: SQL over the rows of a source, before they are mapped."""
