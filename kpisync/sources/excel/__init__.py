"""Workbooks."""

from kpisync.sources.excel.source import SPEC

__all__ = ["SPEC"]
