"""One row of a table → its readings: each cell with a number under its key, or the reason why there is none."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from functools import partial
from typing import NamedTuple

from kpisync.mapping.bind import Cells, OfKpi, RecordFinder
from kpisync.mapping.cells import ReadAmount
from kpisync.mapping.keys import Misfit
from kpisync.mapping.parse import BadCell
from kpisync.mapping.presence import Presence
from kpisync.mapping.ratio import Amount
from kpisync.model import Intake, Row, ValueKey
from kpisync.tables.numbers import BadNumber


class Reading(NamedTuple):
    """One cell under its key, before aggregation. `number` is None where the row was rejected: its key is spoilt."""

    spec: int  # its place in `values:`
    key: ValueKey
    day: date
    number: Amount | None
    line: int


# What ValueKey(…) and Reading(…) do, at a third of the price; there is one of each for every value of every row.
_value_key = partial(tuple.__new__, ValueKey)
_reading = partial(tuple.__new__, Reading)


@dataclass(frozen=True)
class BoundValue:
    """One entry of `values:` bound to the columns of a table."""

    spec: int
    id: OfKpi
    read: ReadAmount
    column: str  # or columns, as they stand in messages
    combines: bool
    skip_open: bool
    reject_empty: bool
    fills: bool  # where there is no row


class Rejects:
    """Enters the rejects of a table; a row whose team is unknown is one reject, however many values it has."""

    def __init__(self, origin: str, intake: Intake, presence: Presence | None) -> None:
        self._origin, self._intake, self.presence = origin, intake, presence
        self._line, self._said = 0, set[Misfit]()

    def enter(self, line: int, why: Misfit, what: date | ValueKey | None = None) -> None:
        """`what` is the day or the value that the row is of, if that is known."""
        if line != self._line:
            self._line, self._said = line, set()
        if why not in self._said:
            self._said.add(why)
            self._intake.reject(f"{self._origin}:{line}", why.code, why.reason)
            if self.presence and what:
                self.presence.rejected(what)


@dataclass(frozen=True)
class Group:
    """The values of a map that stand in one record."""

    finder: RecordFinder
    values: list[BoundValue]

    def readings(self, row: Row, day: date, rejects: Rejects) -> Sequence[Reading]:
        line, cells = row
        place = self.finder.place(cells, day)
        if place is None:
            return ()
        if isinstance(place, Misfit):
            rejects.enter(line, place, day)
            return ()
        found = []
        kpi, record, period = place
        for value in self.values:
            if period.open and value.skip_open:
                continue
            id = value.id(kpi, cells)
            if isinstance(id, Misfit):
                rejects.enter(line, id, day)
                continue
            number = period.misfit or _number(value, cells)
            if number is None:
                if value.fills and rejects.presence:
                    rejects.presence.keys.add(ValueKey(record, id))
                continue
            if isinstance(number, Misfit):
                rejects.enter(line, number, ValueKey(record, id))
                if period.misfit and not value.combines:
                    continue
                number = None
            found.append(_reading((value.spec, _value_key((record, id)), day, number, line)))
        return found


def _number(value: BoundValue, cells: Cells) -> Amount | Misfit | None:
    """The number of a cell; None where an empty cell is no statement."""
    try:
        number = value.read(cells)
    except (BadNumber, BadCell) as bad:
        return Misfit("bad-number", f"column {value.column}: {bad}")
    if number is None and value.reject_empty:
        return Misfit("empty", f"column {value.column} is empty, and the job says empty: reject")
    return number
