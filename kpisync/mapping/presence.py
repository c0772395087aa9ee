"""Which rows there were, as far as it matters where some values are filled in for want of a row."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from kpisync.mapping.keys import Misfit
from kpisync.model import ValueKey


@dataclass
class Presence:
    """`first` and `last` day of all rows, and what was rejected: that may be the row that seems to be missing."""

    first: date | None = None
    last: date | None = None
    spoilt: set[date] = field(default_factory=set)  # days with a row that was rejected, and may be of anything
    keys: set[ValueKey] = field(default_factory=set)  # values with a row that was rejected, or whose cell is empty
    told: int = 0  # rejections that are among these

    def noting(self, read: Callable[[Any], date | Misfit]) -> Callable[[Any], date | Misfit]:
        """As `read`, which tells the day of a row."""

        def day(cell: Any) -> date | Misfit:
            found = read(cell)
            if not isinstance(found, Misfit):
                self.first = found if self.first is None else min(self.first, found)
                self.last = found if self.last is None else max(self.last, found)
            return found

        return day

    def rejected(self, what: date | ValueKey) -> None:
        """A row that may be of anything on a day, or of one value."""
        if isinstance(what, date):
            self.spoilt.add(what)
        else:
            self.keys.add(what)
        self.told += 1
