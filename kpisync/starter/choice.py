"""Which columns a job could use: the date, the team, the numbers; a person decides."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass

from kpisync.starter.export import Column, Export

_PLACES = re.compile(
    r"line|linie|team|plant|werk|standort|site|station|machine|maschine|anlage|lager|bereich|shift|schicht|abteilung"
    r"|department|cell|arbeitsplatz|work.?cent",
    re.I,
)
_MOST_TEAMS = 30


@dataclass(frozen=True)
class Choice:
    """The proposal, and the others of each kind."""

    date: Column | None
    team: Column | None
    number: Column | None
    dates: tuple[Column, ...]
    teams: tuple[Column, ...]
    numbers: tuple[Column, ...]
    shared: int  # rows that have their date and team in common with another row


def choose(export: Export) -> Choice:
    dates = export.of_kind("date")
    teams = [column for column in export.of_kind("text") if 1 < len(column.cells) <= _MOST_TEAMS]
    teams.sort(key=lambda column: (not _PLACES.search(column.address), len(column.cells)))
    numbers = [column for column in export.columns if column.is_measure]
    date = max(dates, key=_days, default=None)
    team, number = next(iter(teams), None), next(iter(numbers), None)
    return Choice(date, team, number, tuple(dates), tuple(teams), tuple(numbers), _shared(export, date, team))


def _days(column: Column) -> int:
    """How many different days a column has: a date that is always the same is that of the export."""
    return len({column.dates.day(cell) for cell in column.cells}) if column.dates else 0


def _shared(export: Export, date: Column | None, team: Column | None) -> int:
    places: Counter[tuple[str, ...]] = Counter()
    last: tuple[str, ...] = ()
    for _, cells in export.rows:
        place = tuple(cells[column.index].strip() for column in (date, team) if column)
        last = place if any(place) else last  # a continuation
        places[last] += all(last)
    return sum(count for count in places.values() if count > 1)
