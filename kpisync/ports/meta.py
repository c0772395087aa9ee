"""What a destination may have besides: a look at what its platform has, and at what a write does there."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Protocol, runtime_checkable

from kpisync.model import Aggregation, Interval


@dataclass(frozen=True, slots=True)
class MetaKpi:
    """A KPI as its platform shows it; `values`, `sub_tiles` and `teams` are ids → names.

    `interval` is None where what the platform says of it, `says`, is not understood; so is `aggregation`, or where it
    has none. `teams` are those that record it; empty where the platform shows none.
    """

    id: str
    name: str
    interval: Interval | None = None
    says: str = ""
    values: Mapping[str, str] = field(default_factory=dict)
    sub_tiles: Mapping[str, str] = field(default_factory=dict)
    teams: Mapping[str, str] = field(default_factory=dict)
    aggregation: Aggregation | None = None


class Meta(Protocol):
    """What a platform has. Reads only, in the platform's order; ids and names as `catalog:` has them.

    Each method raises `DestinationError` where the platform cannot be used (not reached, not authorised, redirected,
    busy, or an answer that is not understood).
    """

    def teams(self) -> Mapping[str, str]:
        """Ids → names; empty where the platform has no teams. Called first: it tells whether the login is good."""

    def kpis(self) -> Mapping[str, str]:
        """Ids → names."""

    def kpi(self, id: str) -> MetaKpi | None:
        """One KPI; None if the platform does not have it. Raises `Unreadable` if just this one cannot be read."""


@runtime_checkable
class HasMeta(Protocol):
    """What a destination may have besides, for `discover` and `check --online`."""

    def meta(self) -> Meta:
        """Good until the destination is closed."""


@runtime_checkable
class SupposesInterval(Protocol):
    """A `Meta` whose platform does not say how often a KPI is measured."""

    @property
    def supposed_interval(self) -> Interval:
        """What to write where nobody says it."""


@runtime_checkable
class HasProbe(Protocol):
    """What a destination may have besides, where nobody documents what its platform does."""

    def probe(self) -> Iterator[str]:
        """Find it out on scratch KPIs, and delete them: each step as a sentence, the last one says what to set.

        Raises DestinationError where the platform cannot be used.
        """
