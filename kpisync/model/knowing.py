"""What is known: keys, numbers, and what a platform has."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from typing import Literal, NamedTuple


class Interval(StrEnum):
    DAY = "day"
    WEEK = "week"
    MONTH = "month"
    QUARTER = "quarter"
    YEAR = "year"


@dataclass(frozen=True, slots=True)
class FiscalCalendar:
    """A year that begins elsewhere than in January, or whose months are whole weeks.

    `start` is a month from 1, `weeks` those of the three months of a quarter, `begins` the day of a year by weeks:
    `first` (the 1st; its first and last weeks are cut), or the weekday `week_starts` (Monday is 0) that is `nearest`
    to the 1st or the `last` until then. A year is named by the calendar year in which it `ends` or `starts`.
    """

    start: int
    weeks: tuple[int, int, int] | None = None
    begins: Literal["first", "nearest", "last"] = "first"
    week_starts: int = 0
    named_by: Literal["ends", "starts"] = "ends"


class Rhythm(NamedTuple):
    """How time is cut into periods: an interval, by a fiscal calendar or (None) by everyone's."""

    interval: Interval
    calendar: FiscalCalendar | None = None


class Aggregation(StrEnum):
    """How a platform makes one number of several that stand in one period."""

    LAST = "last"
    SUM = "sum"
    AVERAGE = "average"


class RecordKey(NamedTuple):
    """What a platform stores under one key; ids, and the first day of the period. None: the platform has none."""

    destination: str
    kpi: str
    team: str | None
    sub_tile: str | None
    period: date


class ValueKey(NamedTuple):
    """One number's key: its record and the id of its value kind."""

    record: RecordKey
    value: str


@dataclass(frozen=True, slots=True)
class KpiValue:
    """A number that the source states for a key, and the cell or cells it came from."""

    key: ValueKey
    number: Decimal
    source: str


@dataclass(frozen=True, slots=True)
class CatalogKpi:
    """A KPI of a platform: names → ids of its value kinds and sub-tiles; empty where nothing is known of them.

    `utc_offset`, `group` and `aggregation` are for a platform that names periods by a text: `utc_offset`, in hours, is
    where they begin, and `group` a template of the text.
    """

    name: str
    id: str
    interval: Interval = Interval.DAY
    values: Mapping[str, str] = field(default_factory=dict)
    sub_tiles: Mapping[str, str] = field(default_factory=dict)
    aggregation: Aggregation | None = None
    utc_offset: int = 0
    group: str | None = None
    calendar: FiscalCalendar | None = None

    @property
    def rhythm(self) -> Rhythm:
        return Rhythm(self.interval, self.calendar)


@dataclass(frozen=True, slots=True)
class Catalog:
    """What a platform has: team names → ids, and its KPIs by name."""

    teams: Mapping[str, str] = field(default_factory=dict)
    kpis: Mapping[str, CatalogKpi] = field(default_factory=dict)

    def kpi(self, id: str) -> CatalogKpi | None:
        return next((kpi for kpi in self.kpis.values() if kpi.id == id), None)

    def interval(self, kpi_id: str) -> Interval:
        """A KPI that the catalog does not list is a daily one."""
        return self.rhythm(kpi_id).interval

    def rhythm(self, kpi_id: str) -> Rhythm:
        """As `interval`, with its calendar."""
        kpi = self.kpi(kpi_id)
        return kpi.rhythm if kpi else Rhythm(Interval.DAY)


Values = Mapping[str, Decimal]  # value id -> number: the content of one record


class Status(StrEnum):
    """What is known of a value at the platform, weakest last."""

    CONFIRMED = "confirmed"  # read back and equal
    SENT = "sent"  # answered 2xx, not read back
    IN_DOUBT = "in_doubt"  # an attempt whose outcome is unknown
    REFUSED = "refused"  # surely not stored
    WITHDRAWN = "withdrawn"  # deleted by us


@dataclass(frozen=True, slots=True)
class Known:
    """What the state store holds for a value: the last number known to stand at the platform, and who owns it.

    `remote` is the platform's own id of it, if we created it and the platform gives ids to values.
    """

    number: Decimal
    status: Status
    job: str
    remote: str | None = None


class Stands(NamedTuple):
    """A number that was found to stand at the platform as it is stated, and the cell that states it.

    `remote` is the platform's id of it, if we created it.
    """

    number: Decimal
    source: str
    remote: str | None = None


@dataclass(frozen=True, slots=True)
class Intent:
    """A value about to be sent; recorded before the request.

    `old` is what stood at the platform when it was read (None: nothing), `new` what shall stand (None: withdraw).
    """

    key: ValueKey
    old: Decimal | None
    new: Decimal | None
    source: str


@dataclass(frozen=True, slots=True)
class Doubt:
    """An intent whose outcome is unknown; nothing different is sent, and nothing confirmed, before `settles`."""

    intent: Intent
    job: str
    run: str
    settles: datetime


class Partition(NamedTuple):
    """What a source said of one period when all of it was confirmed: a digest of its rows, and counts."""

    digest: bytes
    values: int
    rows: int = 0
