"""ValueStreamer: the stand-in."""

from kpisync.sandbox.valuestreamer.standin import ValueStreamer

__all__ = ["ValueStreamer"]
