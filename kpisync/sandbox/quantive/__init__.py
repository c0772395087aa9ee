"""Quantive and Gtmhub: the stand-in."""

from kpisync.sandbox.quantive.standin import GTMHUB, QUANTIVE, QuantiveResults

__all__ = ["GTMHUB", "QUANTIVE", "QuantiveResults"]
