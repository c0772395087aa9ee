"""Quantive and Gtmhub: the destination."""

from kpisync.destinations.quantive.destination import GTMHUB, SPEC, Quantive

__all__ = ["GTMHUB", "SPEC", "Quantive"]
