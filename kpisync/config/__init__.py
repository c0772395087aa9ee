"""From YAML files to a checked configuration, with every problem at its line and column."""
