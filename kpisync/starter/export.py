"""All that an export shows of itself, column by column; the same for every format."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from kpisync.starter.dates import DateColumn, date_column, serial_dates, typed_dates, without_year
from kpisync.starter.numbers import NumberColumn, number_column, typed_numbers
from kpisync.starter.reading import Reading, Record
from kpisync.starter.rows import Continuation, Totals, continuation, totals
from kpisync.starter.texts import DATE, MOMENT, NUMBER, TEXT, kind_of, text_of
from kpisync.tables.cells import as_name, is_blank, is_blank_row

_SHOWN = 3
_LENGTH_OF_KEYS = 4  # digits


@dataclass(frozen=True)
class Column:
    """`address` is what a job calls it; `cells` its different texts, each with the place that has it first."""

    index: int
    address: str
    cells: Mapping[str, str]
    filled: int
    kinds: frozenset[str] = frozenset()  # of its cells, as their source gives them
    dates: DateColumn | None = None
    numbers: NumberColumn | None = None

    @property
    def kind(self) -> str:
        if not self.cells:
            return "empty"
        return "date" if self.dates else "number" if self.numbers else "text" if self.kinds == {TEXT} else "other"

    @property
    def is_key(self) -> bool:
        """Whether every filled cell is a different whole number, as those are by which rows are called.

        They count up one by one, or are of one length, which is not that of small counts.
        """
        if self.numbers is None or not self.numbers.is_whole or not len(self.cells) == self.filled > 1:
            return False
        lengths = set(map(len, self.cells))
        if len(lengths) == 1 and min(lengths) >= _LENGTH_OF_KEYS:
            return True
        return all(a.isdecimal() and b.isdecimal() and int(b) - int(a) == 1 for a, b in pairwise(self.cells))

    @property
    def is_measure(self) -> bool:
        return self.numbers is not None and not self.is_key


@dataclass(frozen=True)
class Export:
    """An export, looked at; `rows` are those of the header's width, without totals."""

    reading: Reading
    columns: tuple[Column, ...]
    rows: Sequence[Record]
    continued: Continuation | None
    totals: Totals | None
    repeats: int
    trailing: bool  # rows have one blank cell more than the header
    notes: tuple[str, ...] = field(default=())

    def of_kind(self, kind: str) -> list[Column]:
        return [column for column in self.columns if column.kind == kind]


def look(reading: Reading) -> Export:
    """Look at all cells."""
    names = reading.header.names
    filled = [record for record in reading.records if not is_blank_row(record[1])]
    repeated = {line for line, cells in filled if reading.has_header and tuple(map(as_name, cells)) == names}
    own = [record for record in filled if record[0] not in repeated]
    trailing = _has_trailing(own, len(names))
    rows = [(line, cells[: len(names)]) for line, cells in own if len(cells) == len(names) + trailing]
    ending = totals(rows) if len(rows) > 1 and reading.whole else None
    if ending:
        rows = [record for record in rows if record[0] not in ending.lines]
    columns = tuple(_column(index, name, reading, rows) for index, name in enumerate(names))
    return Export(
        reading,
        columns,
        rows,
        continuation(rows) if rows else None,
        ending,
        len(repeated),
        trailing,
        tuple(_of_other_width(own, len(names) + trailing, reading.word)),
    )


def _has_trailing(rows: Sequence[Record], width: int) -> bool:
    widths = Counter(len(cells) for _, cells in rows)
    longer = [cells for _, cells in rows if len(cells) == width + 1]
    return widths[width + 1] > widths[width] and all(is_blank(cells[-1]) for cells in longer)


def _of_other_width(rows: Sequence[Record], width: int, word: str) -> list[str]:
    other = [(line, len(cells)) for line, cells in rows if len(cells) != width]
    if not other:
        return []
    shown = ", ".join(f"{word} {line} has {count}" for line, count in other[:_SHOWN]) + (" …" if other[_SHOWN:] else "")
    some = "1 row has" if len(other) == 1 else f"{len(other)} rows have"
    return [f"{some} another number of cells than the header ({shown}; {width} expected), and will be rejected"]


def _column(index: int, name: str, reading: Reading, rows: Sequence[Record]) -> Column:
    found: dict[str, dict[str, str]] = {}  # kind → text → place
    cells: dict[str, str] = {}
    filled = 0
    for line, row in rows:
        cell = row[index]
        if not is_blank(cell):
            text, place = text_of(cell), f"{reading.word} {line}"
            filled += 1
            cells.setdefault(text, place)
            found.setdefault(kind_of(cell), {}).setdefault(text, place)
    dates = _dates(name, reading, found) if cells else None
    numbers = _numbers(found) if cells and not dates else None
    return Column(index, _address(index, reading.header.names), cells, filled, frozenset(found), dates, numbers)


def _dates(name: str, reading: Reading, found: Mapping[str, Mapping[str, str]]) -> DateColumn | None:
    texts = found.get(TEXT, {})
    match set(found) - {TEXT}:
        case kinds if not kinds:
            return without_year(name, texts, reading.year) or date_column(texts)
        case kinds if kinds <= {DATE, MOMENT}:
            return typed_dates({**found.get(DATE, {}), **found.get(MOMENT, {})}, texts, MOMENT in kinds)
        case kinds if kinds == {NUMBER} and not texts:
            return serial_dates(name, found[NUMBER])
    return None


def _numbers(found: Mapping[str, Mapping[str, str]]) -> NumberColumn | None:
    texts = found.get(TEXT, {})
    if set(found) == {TEXT}:
        return number_column(texts)
    return typed_numbers(found[NUMBER], texts) if NUMBER in found and set(found) <= {NUMBER, TEXT} else None


def _address(index: int, names: Sequence[str]) -> str:
    name = names[index]
    if not name:
        return f"@{index + 1}"
    same = [at for at, each in enumerate(names) if each == name]
    return name if len(same) == 1 else f"{name}#{same.index(index) + 1}"
