"""CSV files."""

from kpisync.sources.csv.source import SPEC, CsvOptions, CsvSource

__all__ = ["SPEC", "CsvOptions", "CsvSource"]
