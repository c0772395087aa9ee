"""Doubles, builders and conformance suites, public for the authors of adapters; nothing else of kpisync imports them.

The classes named below are suites for pytest: docs/adapters.md shows how to inherit them.
"""

from kpisync.testing.conformance_apart import KeepsApartConformance
from kpisync.testing.conformance_destination import DestinationConformance
from kpisync.testing.conformance_source import SourceConformance

__all__ = ["DestinationConformance", "KeepsApartConformance", "SourceConformance"]
