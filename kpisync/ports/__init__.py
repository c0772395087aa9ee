"""What a source, a destination and the state store must do: all that a plug-in imports.

The docstring of each method is the contract that the conformance suites test sentence by sentence.
"""

from kpisync.ports.adapters import AdapterSpec, Platform, PlatformOptions, Surroundings, Traffic
from kpisync.ports.clock import Clock, Progress, SystemClock
from kpisync.ports.destinations import (
    Confirm,
    Destination,
    DestinationOptions,
    KeepsApart,
    OnConflict,
    ReadBefore,
    Summarises,
    Unreadable,
    Window,
)
from kpisync.ports.meta import HasMeta, HasProbe, Meta, MetaKpi, SupposesInterval
from kpisync.ports.sources import Rereadable, Source, Surveyable
from kpisync.ports.state import State

__all__ = [
    "AdapterSpec",
    "Clock",
    "Confirm",
    "Destination",
    "DestinationOptions",
    "HasMeta",
    "HasProbe",
    "KeepsApart",
    "Meta",
    "MetaKpi",
    "OnConflict",
    "Platform",
    "PlatformOptions",
    "Progress",
    "ReadBefore",
    "Rereadable",
    "Source",
    "State",
    "Summarises",
    "SupposesInterval",
    "Surroundings",
    "Surveyable",
    "SystemClock",
    "Traffic",
    "Unreadable",
    "Window",
]
