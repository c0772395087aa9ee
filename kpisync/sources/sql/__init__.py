"""SQL databases."""

from kpisync.sources.sql.source import SPEC

__all__ = ["SPEC"]
