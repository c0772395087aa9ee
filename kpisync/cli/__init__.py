"""The command line: a file per command, one place where errors become words."""
