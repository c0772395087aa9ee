"""All that an export shows of itself, column by column."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from kpisync.starter.dates import DateColumn, date_column
from kpisync.starter.layout import Header, Layout, Record, find_header, lay_out
from kpisync.starter.numbers import NumberColumn, number_column
from kpisync.starter.reading import Text
from kpisync.starter.rows import Continuation, Totals, continuation, totals
from kpisync.tables.cells import as_name, is_blank, is_blank_row

_SHOWN = 3


@dataclass(frozen=True)
class Column:
    """`address` is what a job calls it; `cells` its different texts, each with the first line that has it."""

    index: int
    address: str
    cells: Mapping[str, int]
    filled: int
    dates: DateColumn | None = None
    numbers: NumberColumn | None = None

    @property
    def kind(self) -> str:
        if not self.cells:
            return "empty"
        return "date" if self.dates else "number" if self.numbers else "text"

    @property
    def is_key(self) -> bool:
        """Whether every filled cell is a different whole number: a number by which rows are called."""
        numbers = self.numbers
        whole = numbers is not None and not (numbers.decimal or numbers.thousands or numbers.undecided)
        return whole and len(self.cells) == self.filled > 1

    @property
    def is_measure(self) -> bool:
        return self.numbers is not None and not self.is_key


@dataclass(frozen=True)
class Export:
    """An export, looked at; `rows` are those of the header's width, without totals."""

    text: Text
    layout: Layout
    header: Header
    columns: tuple[Column, ...]
    rows: Sequence[Record]
    continued: Continuation | None
    totals: Totals | None
    repeats: int
    trailing: bool  # rows have one blank cell more than the header
    notes: tuple[str, ...] = field(default=())

    def of_kind(self, kind: str) -> list[Column]:
        return [column for column in self.columns if column.kind == kind]


def look(text: Text) -> Export:
    """Look at all cells."""
    layout = lay_out(text.text)
    header = find_header(layout.records)
    names = header.names
    below = layout.records if header.at is None else layout.records[header.at + 1 :]
    filled = [record for record in below if not is_blank_row(record[1])]
    repeated = [record for record in filled if tuple(map(as_name, record[1])) == names]
    own = [record for record in filled if tuple(map(as_name, record[1])) != names]
    trailing = _has_trailing(own, len(names))
    rows = [(line, cells[: len(names)]) for line, cells in own if len(cells) == len(names) + trailing]
    ending = totals(rows) if len(rows) > 1 else None
    if ending:
        rows = [record for record in rows if record[0] not in ending.lines]
    columns = tuple(_column(index, name, names, rows) for index, name in enumerate(names))
    return Export(
        text,
        layout,
        header,
        columns,
        rows,
        continuation(rows) if rows else None,
        ending,
        len(repeated),
        trailing,
        tuple(_of_other_width(own, len(names) + trailing)),
    )


def _has_trailing(rows: Sequence[Record], width: int) -> bool:
    widths = Counter(len(cells) for _, cells in rows)
    longer = [cells for _, cells in rows if len(cells) == width + 1]
    return widths[width + 1] > widths[width] and all(is_blank(cells[-1]) for cells in longer)


def _of_other_width(rows: Sequence[Record], width: int) -> list[str]:
    other = [(line, len(cells)) for line, cells in rows if len(cells) != width]
    if not other:
        return []
    shown = ", ".join(f"line {line} has {count}" for line, count in other[:_SHOWN]) + (" …" if other[_SHOWN:] else "")
    some = "1 row has" if len(other) == 1 else f"{len(other)} rows have"
    return [f"{some} another number of cells than the header ({shown}; {width} expected), and will be rejected"]


def _column(index: int, name: str, names: Sequence[str], rows: Sequence[Record]) -> Column:
    cells: dict[str, int] = {}
    filled = 0
    for line, row in rows:
        text = row[index].strip()
        if text:
            filled += 1
            cells.setdefault(text, line)
    dates = date_column(cells) if cells else None
    numbers = number_column(cells) if cells and not dates else None
    return Column(index, _address(index, name, names), cells, filled, dates, numbers)


def _address(index: int, name: str, names: Sequence[str]) -> str:
    if not name:
        return f"@{index + 1}"
    same = [at for at, each in enumerate(names) if each == name]
    return name if len(same) == 1 else f"{name}#{same.index(index) + 1}"
