"""What a user writes under `catalog:`: the KPIs, teams and value kinds of a platform, name → id."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date, timedelta
from enum import StrEnum
from string import Formatter
from types import MappingProxyType
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    PlainSerializer,
    ValidationInfo,
    WithJsonSchema,
    field_validator,
    model_validator,
)

from kpisync.fields import Options, is_guid
from kpisync.mapping.periods import period_end, period_start
from kpisync.model import Aggregation, Catalog, CatalogKpi, FiscalCalendar, Interval


def _one_spelling(id: str) -> str:
    return id.lower() if is_guid(id) else id


Id = Annotated[str, AfterValidator(_one_spelling)]  # a UUID in capitals is the same id


def group_name(template: str, first: date) -> str:
    """The first day of a period in a template: `{year}-{month:02}` → 2026-11. Raises ValueError for no template."""
    iso = first.isocalendar()
    parts = {
        "year": first.year,
        "quarter": (first.month + 2) // 3,
        "month": first.month,
        "day": first.day,
        "iso_year": iso.year,
        "iso_week": iso.week,
    }
    for _, name, width, conversion in Formatter().parse(template):
        if name is not None and (name not in parts or conversion or not re.fullmatch("(0[1-9])?", width or "")):
            raise ValueError(f"a group is made of {', '.join(f'{{{part}}}' for part in parts)} and widths such as :02")
    return template.format(**parts)


_MANY = 400  # periods in a row that must not share a group; more than a year of days


def _offset(value: Any) -> Any:
    """`+1`, `-5`, `0`: whole hours, for the platform knows no others, and neither names nor daylight saving."""
    match = re.fullmatch(r"[+-]?([0-9]{1,2})", str(value).strip())
    if isinstance(value, bool) or not match or int(match[1]) > 14:
        raise ValueError('not an offset from UTC in whole hours such as "+1" or "-5"')
    return int(str(value))


UtcOffset = Annotated[
    int,
    BeforeValidator(_offset),
    PlainSerializer(lambda hours: f"{hours:+}", return_type=str, when_used="json"),
    WithJsonSchema({"type": "string", "examples": ["+1"]}),
]


class Month(StrEnum):
    JANUARY = "january"
    FEBRUARY = "february"
    MARCH = "march"
    APRIL = "april"
    MAY = "may"
    JUNE = "june"
    JULY = "july"
    AUGUST = "august"
    SEPTEMBER = "september"
    OCTOBER = "october"
    NOVEMBER = "november"
    DECEMBER = "december"


class Weekday(StrEnum):
    MONDAY = "monday"
    TUESDAY = "tuesday"
    WEDNESDAY = "wednesday"
    THURSDAY = "thursday"
    FRIDAY = "friday"
    SATURDAY = "saturday"
    SUNDAY = "sunday"


USUAL_VALUES: Mapping[str, str] = MappingProxyType({"actual": "actual", "target": "target"})


class CalendarOptions(Options):
    """A fiscal calendar: when its year begins, and what its months are."""

    start: Month = Field(description="the month in which the year begins, such as october")
    weeks: Literal["none", "4-4-5", "4-5-4", "5-4-4"] = Field(
        "none", description="the weeks of a quarter's months; none: they are the months of the calendar"
    )
    begins: Literal["first", "nearest", "last"] = Field(
        "first",
        description="of a year by weeks. first: on the 1st, so its first and last weeks are cut; nearest: on the "
        "weekday nearest to the 1st; last: on the last such weekday until the 1st. A 53rd week is in the last month",
    )
    week_starts: Weekday = Field(Weekday.MONDAY, description="the weekday on which weeks begin")
    named_by: Literal["ends", "starts"] = Field(
        "ends", description="the year is called by the calendar year in which it ends, or starts"
    )

    @model_validator(mode="after")
    def _of_weeks(self) -> CalendarOptions:
        if self.weeks == "none" and self.model_fields_set & {"begins", "week_starts"}:
            raise ValueError("begins and week_starts are for a calendar of weeks, such as weeks: 4-4-5")
        return self

    def calendar(self) -> FiscalCalendar:
        weeks = None if self.weeks == "none" else tuple(map(int, self.weeks.split("-")))
        start, week_starts = list(Month).index(self.start) + 1, list(Weekday).index(self.week_starts)
        return FiscalCalendar(start, weeks, self.begins, week_starts, self.named_by)  # type: ignore[arg-type]


class CatalogKpiOptions(Options):
    """A KPI of the platform."""

    id: Id = Field(min_length=1, description="the platform's id")
    interval: Interval = Field(Interval.DAY, description="the period of its records")
    calendar: str | None = Field(
        None,
        description="of `calendars`, for months, quarters and years: which days they hold. A fiscal month is sent "
        "under the 1st of the month that it is named after",
    )
    values: dict[str, Id] = Field(
        default_factory=dict, description="value kinds: name → id; where ids are no UUIDs, actual and target by default"
    )
    sub_tiles: dict[str, Id] = Field(default_factory=dict, description="sub-tiles: name → id")
    aggregation: Aggregation | None = Field(
        None, description="Quantive: what several numbers in one period count as: last, sum or average"
    )
    utc_offset: UtcOffset = Field(0, description="Quantive: where its periods begin, in whole hours from UTC")
    group: str | None = Field(
        None, description='Quantive: how it names a period that is no week, such as "{year}-{month:02}"'
    )

    @field_validator("calendar")
    @classmethod
    def _of_months(cls, calendar: str | None, info: ValidationInfo) -> str | None:
        if calendar is not None and info.data.get("interval") in (Interval.DAY, Interval.WEEK):
            raise ValueError("days and weeks are the same in every calendar; leave it out")
        return calendar

    @model_validator(mode="after")
    def _one_group_a_period(self) -> CatalogKpiOptions:
        if self.group is not None:
            names, first = set(), date(2026, 1, 1)
            for _ in range(_MANY):
                first = period_start(first, self.interval)
                names.add(group_name(self.group, first))
                first = period_end(first, self.interval) + timedelta(days=1)
            if len(names) < _MANY:
                raise ValueError(f"two periods of interval {self.interval} would have the same group")
        return self

    def kpi(self, name: str, calendars: Mapping[str, FiscalCalendar] = MappingProxyType({})) -> CatalogKpi:
        """Ids that are no UUIDs are words; then a KPI that says nothing of its values has the two usual ones."""
        values = self.values or ({} if is_guid(self.id) else dict(USUAL_VALUES))
        return CatalogKpi(
            name,
            _same_case(self.id),
            self.interval,
            _ids(values),
            _ids(self.sub_tiles),
            self.aggregation,
            self.utc_offset,
            self.group,
            None if self.calendar is None else calendars.get(self.calendar),
        )


class CatalogOptions(Options):
    """What a destination has: its teams and KPIs, name → id."""

    teams: dict[str, str] = Field(default_factory=dict, description="team name → id")
    kpis: dict[str, CatalogKpiOptions] = Field(default_factory=dict, description="KPI name → what is known of it")

    def catalog(self, calendars: Mapping[str, FiscalCalendar] = MappingProxyType({})) -> Catalog:
        """`calendars` are those of the configuration; a KPI whose calendar is not among them has everyone's."""
        return Catalog(_ids(self.teams), {name: kpi.kpi(name, calendars) for name, kpi in self.kpis.items()})


def _ids(named: dict[str, str]) -> dict[str, str]:
    return {name: _same_case(id) for name, id in named.items()}


def _same_case(id: str) -> str:
    """Ids of UUID form are one in capitals and small letters; others are as they are."""
    return id.lower() if is_guid(id) else id
