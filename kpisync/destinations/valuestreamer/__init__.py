"""ValueStreamer: the destination."""

from kpisync.destinations.valuestreamer.destination import SPEC

__all__ = ["SPEC"]
