"""What the rows of a run said about one value, on its way from readings to a number."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from kpisync.mapping.ratio import Amount
from kpisync.model import ValueKey

_SHOWN_LINES = 5


@dataclass(slots=True)
class Gathered:
    """What the rows said so far about one key; there is one for every value of a run, so it is small.

    `line` is the first row of those that made the number, `more` are the next few.
    """

    key: ValueKey
    spec: int
    origin: str
    line: int
    day: date
    number: Amount | None  # None: a row of it was rejected, so the value is spoilt
    rows: int
    spoilt: int  # rejected ones of these rows
    more: list[int] | None

    def note_line(self, line: int, origin: str) -> None:
        if self.more is None:
            self.more = []
        if origin == self.origin and len(self.more) < _SHOWN_LINES - 1:
            self.more.append(line)

    @property
    def lines(self) -> str:
        """`14`, or `14,15 (+3 rows)` where so many rows more had a say."""
        if self.rows == 1:
            return str(self.line)
        lines = [self.line, *(self.more or ())]
        more = self.rows - len(lines)
        return ",".join(map(str, lines)) + (f" (+{more} row{'s' if more > 1 else ''})" if more else "")

    @property
    def source(self) -> str:
        """`exports/scrap_11.csv:14`."""
        return f"{self.origin}:{self.line if self.rows == 1 else self.lines}"
