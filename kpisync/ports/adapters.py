"""What an entry point names, and what an adapter is given."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

from kpisync.fields import Options
from kpisync.model import Catalog
from kpisync.ports.clock import Clock, SystemClock

S = TypeVar("S")


@dataclass(frozen=True)
class Surroundings:
    """What an adapter is given when it is built, beside its options."""

    name: str = ""  # the destination's name in the configuration; empty for a source
    catalog: Catalog = field(default_factory=Catalog)
    requests: Counter[str] = field(default_factory=Counter)  # to be counted up by method, one a request
    wait_turn: Callable[[], None] = lambda: None  # to be called before each request: keeps the rate limit
    redact: Callable[[str], str] = lambda text: text  # strikes secrets out of words that are not our own
    clock: Clock = field(default_factory=SystemClock)


@dataclass(frozen=True)
class AdapterSpec(Generic[S]):
    """What an entry point of `kpisync.sources` or `kpisync.destinations` names.

    `options` is a pydantic model derived from `fields.Options` (destinations: `DestinationOptions`) without its
    `type` key; it is the documentation and the JSON Schema too.
    """

    summary: str
    options: type[Options]
    build: Callable[[Any, Surroundings], S]
