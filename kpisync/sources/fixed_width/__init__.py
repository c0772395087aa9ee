"""Text in columns of fixed width."""

from kpisync.sources.fixed_width.source import SPEC

__all__ = ["SPEC"]
