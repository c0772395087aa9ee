"""MicroStrategy: the stand-in."""

from kpisync.sandbox.microstrategy.standin import MicroStrategy

__all__ = ["MicroStrategy"]
