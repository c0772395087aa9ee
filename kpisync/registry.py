"""Entry points → adapters: which sources and destinations are installed, loaded only when asked for."""

from __future__ import annotations

import difflib
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from importlib.metadata import EntryPoint, entry_points
from typing import Any

from kpisync.errors import ConfigError, KpisyncError
from kpisync.ports import AdapterSpec, Destination, Source

SOURCES = "kpisync.sources"
DESTINATIONS = "kpisync.destinations"

# What a module may raise while it is imported; foreign code is free to raise any of the families of exceptions.
_IMPORT_FAILURES = (
    ImportError, AttributeError, SyntaxError, NameError, TypeError, ValueError, LookupError, ArithmeticError,
    AssertionError, RuntimeError, OSError, MemoryError, BufferError, EOFError, Warning, KpisyncError,
)  # fmt: skip


@dataclass(frozen=True)
class Offer:
    """An adapter that a package offers, not imported yet."""

    package: str
    load: Callable[[], object]


Offers = Mapping[str, tuple[Offer, ...]]  # type name → who offers it


@dataclass(frozen=True)
class Registry:
    """The adapters that `type:` can name. An unknown or broken one raises `ConfigError`; others are not harmed."""

    sources: Offers = field(default_factory=dict)
    destinations: Offers = field(default_factory=dict)

    def source(self, type_name: str) -> AdapterSpec[Source]:
        return _load(self.sources, type_name, "source")

    def destination(self, type_name: str) -> AdapterSpec[Destination]:
        return _load(self.destinations, type_name, "destination")


def installed() -> Registry:
    """What the packages installed beside kpisync offer, its own adapters among them."""
    return Registry(_offers(SOURCES), _offers(DESTINATIONS))


def of_specs(sources: Mapping[str, AdapterSpec[Any]], destinations: Mapping[str, AdapterSpec[Any]]) -> Registry:
    """A registry of adapters at hand, for tests and for programs that bring their own."""
    return Registry(
        *(
            {name: (Offer("the program", lambda spec=spec: spec),) for name, spec in specs.items()}  # type: ignore[misc]
            for specs in (sources, destinations)
        )
    )


def suggestion(name: str, known: Iterable[str]) -> str:
    """`; did you mean "x"?`, or nothing where no known name comes near."""
    folded = {each.casefold(): each for each in known}
    close = difflib.get_close_matches(name[:80].casefold(), folded, n=1, cutoff=0.6)
    return f'; did you mean "{folded[close[0]]}"?' if close else ""


def _offers(group: str) -> Offers:
    # An editable install may list the same entry point twice; two packages with one type name are told apart by value.
    found: dict[str, dict[str, Offer]] = defaultdict(dict)
    for point in entry_points(group=group):
        found[point.name].setdefault(point.value, Offer(_package(point), point.load))
    return {name: tuple(by_value.values()) for name, by_value in sorted(found.items())}


def _package(point: EntryPoint) -> str:
    return point.dist.name if point.dist else point.value.partition(".")[0]


def _load(offers: Offers, type_name: str, kind: str) -> AdapterSpec[Any]:
    found = offers.get(type_name, ())
    if not found:
        names = ", ".join(sorted(offers)) or "none"
        raise ConfigError(
            f'there is no {kind} of type "{type_name[:60]}"{suggestion(type_name, offers)}', hint=f"Installed: {names}."
        )
    if len(found) > 1:
        packages = " and ".join(sorted(offer.package for offer in found))
        raise ConfigError(f'{kind} type "{type_name}" is offered by {packages}', hint="Uninstall all but one of them.")
    return _import(found[0], type_name, kind)


def _import(offer: Offer, type_name: str, kind: str) -> AdapterSpec[Any]:
    try:
        spec = offer.load()
    except _IMPORT_FAILURES as error:
        raise ConfigError(
            f'{kind} type "{type_name}" of the package {offer.package} cannot be imported: '
            f"{type(error).__name__}: {str(error)[:300]}",
            hint=f"Repair or uninstall {offer.package}.",
        ) from error
    if not isinstance(spec, AdapterSpec):
        raise ConfigError(
            f'{kind} type "{type_name}" of the package {offer.package} is not an AdapterSpec',
            hint=f"Ask the makers of {offer.package} for a version that fits.",
        )
    return spec
