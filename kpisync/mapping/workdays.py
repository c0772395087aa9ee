"""The days on which a plant works: some weekdays, without public holidays and closed days, and others that are open."""

from __future__ import annotations

import re
from collections.abc import Container
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from typing import Annotated, Any, NamedTuple

from pydantic import AfterValidator, BeforeValidator, Field, PlainSerializer, WithJsonSchema

from kpisync.fields import Options
from kpisync.mapping.catalog_options import Weekday
from kpisync.mapping.keys import nearest


class DaySpan(NamedTuple):
    """Both days belong to it."""

    first: date
    last: date

    def __str__(self) -> str:
        return f"{self.first}" if self.first == self.last else f"{self.first}..{self.last}"


def _day_span(value: Any) -> DaySpan:
    if isinstance(value, DaySpan):
        return value
    parts = re.fullmatch(r"([0-9-]{10})(?:\s*\.\.\s*([0-9-]{10}))?", str(value).strip())
    try:
        found = parts and DaySpan(date.fromisoformat(parts[1]), date.fromisoformat(parts[2] or parts[1]))
    except ValueError:
        found = None
    if not found:
        raise ValueError("not a day such as 2026-12-24, or days such as 2026-12-24..2027-01-02")
    if found.first > found.last:
        raise ValueError(f"{found.first} lies after {found.last}")
    return found


def _region(name: str) -> str:
    """A region whose public holidays are known; raises ValueError."""
    try:
        from holidays import list_supported_countries
    except ImportError:
        raise ValueError("public holidays come with an extra: pip install 'kpisync[holidays]'") from None
    known = list_supported_countries()
    country, dash, part = name.partition("-")
    if country not in known:
        raise ValueError(f"not a country whose holidays are known, such as DE{nearest(country, known)}")
    if dash and part not in known[country]:
        parts = [f"{country}-{each}" for each in known[country]]
        raise ValueError(f"not a part of {country} whose holidays are known{nearest(name, parts)}")
    return name


Days = Annotated[
    DaySpan,
    BeforeValidator(_day_span),
    PlainSerializer(str, return_type=str, when_used="json"),
    WithJsonSchema({"type": "string", "examples": ["2026-12-24", "2026-12-24..2027-01-02"]}),
]
Region = Annotated[str, AfterValidator(_region)]


class WorkdaysOptions(Options):
    """The days on which a plant works."""

    days: list[Weekday] = Field(min_length=1, description="weekdays, such as [monday, tuesday, friday]")
    holidays: Region | None = Field(
        None,
        description="a country or a part of it, such as DE or DE-BY: its public holidays are no workdays (needs "
        "kpisync[holidays])",
    )
    closed: list[Days] = Field(
        default_factory=list, description="days without work: 2026-12-24, or 2026-12-24..2027-01-02"
    )
    open: list[Days] = Field(default_factory=list, description="days with work, whatever else is said of them")


@dataclass(frozen=True)
class Workdays:
    """Days, of which `day in workdays` tells whether the plant works."""

    options: WorkdaysOptions

    def __contains__(self, day: date) -> bool:
        if _in_one_of(self.options.open, day):
            return True
        off = _in_one_of(self.options.closed, day) or day in self._holidays
        return day.weekday() in self._weekdays and not off

    @cached_property
    def _weekdays(self) -> frozenset[int]:
        week = list(Weekday)
        return frozenset(week.index(day) for day in self.options.days)

    @cached_property
    def _holidays(self) -> Container[date]:
        if self.options.holidays is None:
            return ()
        from holidays import country_holidays

        country, _, part = self.options.holidays.partition("-")
        return country_holidays(country, subdiv=part or None)


def _in_one_of(spans: list[DaySpan], day: date) -> bool:
    return any(span.first <= day <= span.last for span in spans)
