"""What an entry point names, and what an adapter is given."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

from pydantic import Field

from kpisync.errors import ConfigError
from kpisync.fields import Options
from kpisync.model import Catalog
from kpisync.ports.clock import Clock, SystemClock
from kpisync.ports.destinations import Destination

S = TypeVar("S")


@dataclass(frozen=True)
class Platform:
    """A destination of the configuration, for a source that reads what it holds.

    `connect` makes an instance that keeps the destination's own limits; who calls it closes it.
    """

    type: str
    catalog: Catalog
    connect: Callable[[], Destination]


class PlatformOptions(Options):
    """The base of the options of a source that reads a destination; its type is that of the destination."""

    destination: str = Field(description="a name under `destinations`: its address, login and limits hold here too")


def _no_platform(name: str) -> Platform:
    raise ConfigError(f"there is no destination {name}")


def _counters() -> defaultdict[str, Counter[str]]:
    return defaultdict(Counter)


@dataclass(frozen=True, slots=True)
class Traffic:
    """Requests by method and their answers by status, of each destination by its name; those of sources under ""."""

    requests: defaultdict[str, Counter[str]] = field(default_factory=_counters)
    answers: defaultdict[str, Counter[str]] = field(default_factory=_counters)


@dataclass(frozen=True)
class Surroundings:
    """What an adapter is given when it is built, beside its options."""

    name: str = ""  # the destination's name in the configuration; empty for a source
    catalog: Catalog = field(default_factory=Catalog)
    requests: Counter[str] = field(default_factory=Counter)  # to be counted up by method, one a request
    wait_turn: Callable[[], None] = lambda: None  # to be called before each request: keeps the rate limit
    redact: Callable[[str], str] = lambda text: text  # strikes secrets out of words that are not our own
    clock: Clock = field(default_factory=SystemClock)
    platform: Callable[[str], Platform] = _no_platform  # a destination by its name, for a source
    answers: Counter[str] = field(default_factory=Counter)  # by status, "none" for none; support.http counts them up


@dataclass(frozen=True)
class AdapterSpec(Generic[S]):
    """What an entry point of `kpisync.sources` or `kpisync.destinations` names.

    `options` is a pydantic model derived from `fields.Options` (destinations: `DestinationOptions`) without its
    `type` key; it is the documentation and the JSON Schema too.
    """

    summary: str
    options: type[Options]
    build: Callable[[Any, Surroundings], S]
