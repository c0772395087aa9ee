"""Which columns a job could use: the date, the team, the numbers; a person decides."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass

from kpisync.starter.export import Column, Export
from kpisync.starter.texts import text_of

_NAMES = (
    r"line|linie|team|plant|werk|standort|site|station|machine|maschine|anlage|lager|bereich|shift|schicht|abteilung"
    r"|department|cell|arbeitsplatz|work.?cent"
)
_PLACES = re.compile(_NAMES, re.I)
_PLACE_CODES = re.compile(rf"({_NAMES})[ ._-]*(nr|no|number|nummer|id|code|key)?\.?", re.I)
_MOST_TEAMS = 30
_SIDES = (("S", "H"), ("D", "C"), ("+", "-"))  # debit and credit, in German and English: the second one is negative


@dataclass(frozen=True)
class Choice:
    """The proposal, and the others of each kind."""

    date: Column | None
    team: Column | None
    number: Column | None
    dates: tuple[Column, ...]
    teams: tuple[Column, ...]
    numbers: tuple[Column, ...]
    sign: Column | None  # that seems to tell the signs of numbers
    sides: tuple[str, str] | None  # the cells of it: positive and negative
    shared: int  # rows that have their date and team in common with another row


def choose(export: Export) -> Choice:
    dates = export.of_kind("date")
    codes = [column for column in export.of_kind("number") if _is_code(column)]
    sign = next((column for column in export.of_kind("text") if set(column.cells) in map(set, _SIDES)), None)
    sides = next((sides for sides in _SIDES if sign and set(sides) == set(sign.cells)), None)
    texts = [column for column in export.of_kind("text") if column is not sign]
    teams = [column for column in (*texts, *codes) if 1 < len(column.cells) <= _MOST_TEAMS]
    teams.sort(key=lambda column: (not _PLACES.search(column.address), len(column.cells)))
    numbers = [column for column in export.columns if column.is_measure and column not in codes]
    numbers.sort(key=lambda column: len(column.cells) == 1 < column.filled)  # what is always the same comes last
    date = max(dates, key=_days, default=None)
    team, number = next(iter(teams), None), next(iter(numbers), None)
    return Choice(
        date, team, number, tuple(dates), tuple(teams), tuple(numbers), sign, sides, _shared(export, date, team)
    )


def _is_code(column: Column) -> bool:
    """Whether its numbers are those of places, by their name: plant 1000 is no measure."""
    whole = column.numbers is not None and column.numbers.is_whole
    return whole and len(column.cells) > 1 and _PLACE_CODES.fullmatch(column.address) is not None


def _days(column: Column) -> int:
    """How many different days a column has: a date that is always the same is that of the export."""
    dates = column.dates
    return len({cell if dates.year else dates.day(cell) for cell in column.cells}) if dates else 0


def _shared(export: Export, date: Column | None, team: Column | None) -> int:
    places: Counter[tuple[str, ...]] = Counter()
    last: tuple[str, ...] = ()
    for _, cells in export.rows:
        place = tuple(text_of(cells[column.index]) for column in (date, team) if column)
        last = place if any(place) else last  # a continuation
        places[last] += all(last)
    return sum(count for count in places.values() if count > 1)
