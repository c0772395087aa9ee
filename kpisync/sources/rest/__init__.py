"""REST interfaces that answer in JSON."""

from kpisync.sources.rest.source import SPEC

__all__ = ["SPEC"]
