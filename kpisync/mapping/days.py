"""From the cells of a row to the day of the plant that it counts for: zones, times, and days that start late."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from functools import cached_property, lru_cache, partial
from operator import itemgetter
from typing import Any, TypeVar
from zoneinfo import ZoneInfo

from kpisync.mapping.date_options import DateOptions, TimeOptions, YearOptions
from kpisync.mapping.formats import read_without_year
from kpisync.mapping.keys import Misfit
from kpisync.mapping.parse import EARLIEST, LATEST, BadCell, code_text, parse_clock, parse_date, parse_moment, quoted
from kpisync.model import Scope, Table
from kpisync.tables.columns import find_column

T = TypeVar("T")
Cells = Sequence[object]
ReadDay = Callable[[Any], date | Misfit]  # of a cell, or of a pair

_DAY = timedelta(days=1)
_INSTANT = timedelta(microseconds=1)
_REMEMBERED = 10_000  # cells


@dataclass(frozen=True)
class DayCells:
    """The cells of a row that tell its day: one of them, or a pair. `take` picks them, `day` reads what it picked."""

    take: Callable[[Cells], object]
    day: ReadDay


@dataclass(frozen=True)
class Days:
    """How `map.date` is read at a plant.

    The plant's clock decides: as long as it shows less than `day_starts`, it is still the day before (or, with
    `night: end_day`, from then on it is already the day after). So the days on which the clock is changed have 23 or
    25 hours. A time without an offset that the clock shows twice, or skips, is taken where both readings of it lie
    within one day.
    """

    options: DateOptions
    plant: tzinfo

    @property
    def by_one_cell(self) -> bool:
        """Whether the date cell alone tells the day."""
        return self.options.time is None and self.options.year is None

    def bound(self, table: Table) -> DayCells:
        """To the columns of a table. Raises SourceError for one that it does not have."""
        options = self.options
        index = find_column(table.columns, options.column, table.origin)
        if options.time:
            other = find_column(table.columns, options.time.column, table.origin)
            return DayCells(itemgetter(index, other), self._timed(options.time))
        if options.year:
            other = find_column(table.columns, options.year.column, table.origin)
            return DayCells(itemgetter(index, other), self._completed(options.year, options.format or ""))
        return DayCells(itemgetter(index), self.day)

    def day(self, cell: object) -> date | Misfit:
        """The day of a date cell that needs no other one."""
        try:
            found = parse_moment(self._bare(cell), self.options.format)
            return self._no_date(cell) if found is None else self._counted(found, cell)
        except BadCell as bad:
            return self._bad_date(cell, bad)

    def today(self, now: datetime) -> date:
        """The day that it is at the plant; `now` has a zone."""
        return self._by_clock(now.astimezone(self.plant))

    def to_read(self, scope: Scope) -> Scope:
        """The dates to ask a source for, so that every moment of the days of a scope is among them.

        Beside what follows from zones and `day_starts`, that is a day more on both sides, for a database compares a
        moment with a date by the zone of its session, which is not known here.
        """
        if not self.options.has_moments:
            return scope
        first, last = scope.first, scope.last
        if first and EARLIEST < first <= LATEST:
            first = min(first - _DAY, self._at_source(self._begins(first)))
        if last and EARLIEST <= last < LATEST:
            last = max(last + _DAY, self._at_source(self._begins(last + _DAY) - _INSTANT))
        return Scope(scope.today, first, last)

    # ------------------------------------------------------------ two cells

    def _timed(self, options: TimeOptions) -> ReadDay:
        """A date and the time of day beside it; without a date, a time says nothing."""
        date_of = _remembered(self._date)
        clock_of = _remembered(partial(parse_clock, format=options.format))

        def day(pair: tuple[object, object]) -> date | Misfit:
            written, clock = pair
            try:
                found = date_of(written)
            except BadCell as bad:
                return self._bad_date(written, bad)
            if found is None:
                return self._no_date(written)
            try:
                time_of_day = clock_of(clock)
                if time_of_day is None:
                    why = f"column {options.column} is empty, so the time of day is unknown, and with it the day"
                    return Misfit("no-time", why)
                return self._counted(datetime.combine(found, time_of_day), f"{code_text(written)} {code_text(clock)}")
            except BadCell as bad:
                return Misfit("bad-time", f"column {options.column}: {bad}")

        return day

    def _completed(self, options: YearOptions, format: str) -> ReadDay:
        """A date without a year, and the cell that tells it."""
        first_of = _remembered(partial(parse_date, format=options.format))

        def day(pair: tuple[object, object]) -> date | Misfit:
            written, beside = pair
            text = code_text(self._bare(written))
            if not text:
                return self._no_date(written)
            try:
                first = first_of(beside)
            except BadCell as bad:
                return Misfit("bad-date", f"column {options.column}: {bad}")
            if first is None:
                return Misfit("no-date", f"column {options.column} is empty, so the year is unknown")
            try:
                found = read_without_year(text, format, first)
            except ValueError:
                return self._bad_date(written, BadCell(f"{quoted(text)} is not a date of the format {format}"))
            if found is None:
                return self._bad_date(written, BadCell(f"{quoted(text)} does not exist in the year from {first} on"))
            return found

        return day

    # ------------------------------------------------------------ one cell

    def _date(self, cell: object) -> date | None:
        return parse_date(self._bare(cell), self.options.format)

    def _bare(self, cell: object) -> object:
        """The cell without the mark of a closing date; None for one that means no date."""
        options = self.options
        if isinstance(cell, date) or not (options.null or options.closing):
            return cell
        text = code_text(cell)
        if text in self._nulls:
            return None
        return text.removeprefix(options.closing) if options.closing else text

    @cached_property
    def _nulls(self) -> frozenset[str]:
        return frozenset(token.strip() for token in self.options.null)

    def _no_date(self, cell: object) -> Misfit:
        text = code_text(cell)
        found = f"holds {quoted(text)}, which stands for no date" if text else "is empty"
        return Misfit("no-date", f"column {self.options.column} {found}, so the period is unknown")

    def _bad_date(self, cell: object, bad: BadCell) -> Misfit:
        return Misfit("bad-date", f"column {self.options.column}: {bad}{self._closing_hint(cell)}")

    def _closing_hint(self, cell: object) -> str:
        text = code_text(cell)
        if self.options.closing or not (text[:1].isalpha() and text[1:2].isdigit()):
            return ""
        try:
            parse_moment(text[1:], self.options.format)
        except BadCell:
            return ""
        return f"; if it is a closing date, set closing: {text[0]}, or leave it out with drop_rows"

    # ------------------------------------------------------------ moments

    @cached_property
    def _source(self) -> tzinfo:
        return ZoneInfo(self.options.timezone) if self.options.timezone else self.plant

    @cached_property
    def _lead(self) -> timedelta:
        """How far the plant's day is ahead of the calendar."""
        starts = self.options.day_starts or time.min
        behind = timedelta(hours=starts.hour, minutes=starts.minute)
        return _DAY - behind if self.options.night == "end_day" else -behind

    @cached_property
    def _needs_clock(self) -> bool:
        """Whether two moments of one date may count for different days."""
        return bool(self._lead) or str(self._source) != str(self.plant)

    def _counted(self, found: date | datetime, shown: object) -> date:
        """The day that a date or moment counts for. Raises BadCell."""
        if not isinstance(found, datetime):
            if self._needs_clock:
                raise BadCell(f"{quoted(shown)} has no time of day, and map.date (day_starts, timezone) needs one")
            return found
        if not self.options.has_moments:
            if found.time() == time.min and found.tzinfo is None:
                return found.date()
            raise BadCell(
                f"{quoted(shown)} has a time of day; say under map.date which day that is: "
                'day_starts: "00:00" for the calendar day of the plant, and timezone if another clock wrote it'
            )
        if found.tzinfo is not None:
            return self._by_clock(found.astimezone(self.plant))
        return self._of_unzoned(found, shown)

    def _of_unzoned(self, found: datetime, shown: object) -> date:
        once, twice = found.replace(tzinfo=self._source), found.replace(tzinfo=self._source, fold=1)
        if once.utcoffset() == twice.utcoffset() and self._source is self.plant:
            return self._by_clock(found)
        days = {self._by_clock(each.astimezone(UTC).astimezone(self.plant)) for each in (once, twice)}
        if len(days) > 1:
            does = "shows twice" if _exists(once) else "skips"
            raise BadCell(
                f"{quoted(shown)} is a time that the clock of {self._source} {does}, so it may count for "
                f"{' or '.join(map(str, sorted(days)))}; have the source write UTC or the offset"
            )
        return days.pop()

    def _by_clock(self, shown: datetime) -> date:
        """What the plant's clock shows, whatever zone it is marked with → the day."""
        return (shown.replace(tzinfo=None) + self._lead).date()

    def _begins(self, day: date) -> datetime:
        return datetime.combine(day, time.min, self.plant) - self._lead

    def _at_source(self, moment: datetime) -> date:
        return moment.astimezone(self._source).date()


def _exists(moment: datetime) -> bool:
    """Whether the clock of its zone shows it at all."""
    return moment.astimezone(UTC).astimezone(moment.tzinfo).replace(tzinfo=None) == moment.replace(tzinfo=None)


def _remembered(read: Callable[[object], T]) -> Callable[[object], T]:
    """Texts are read once; other cells may be equal and yet differ."""
    known = lru_cache(maxsize=_REMEMBERED)(read)
    return lambda cell: known(cell) if type(cell) is str else read(cell)
