"""Which of the first rows of an export names its columns."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Sequence

from kpisync.starter.dates import looks_like_date
from kpisync.starter.numbers import looks_like_number
from kpisync.starter.reading import Header, Record
from kpisync.tables.cells import as_name, is_blank, is_blank_row

_WITHIN = 50  # records among which the header is looked for
_FIND = 3  # names by which it is found again


def find_header(records: Sequence[Record], word: str = "line") -> Header:
    """The first line that names most of the columns that have data, without a number or date in it."""
    widths = Counter(len(cells) for _, cells in records if not is_blank_row(cells))
    width = max(((count, each) for each, count in widths.items()), default=(0, 0))[1]
    for at, (line, cells) in enumerate(records[:_WITHIN]):
        below = [each for _, each in records[at + 1 : at + 1 + _WITHIN] if len(each) == width]
        if abs(len(cells) - width) <= 1 and _is_header(cells, below):
            return _found(records, at, line, word)
    names = tuple(f"column-{number}" for number in range(1, width + 1))
    return Header(None, names, (), ("DECIDE: header: no line names the columns; give them names under header.names",))


def _is_header(cells: Sequence[object], below: Sequence[Sequence[object]]) -> bool:
    used = sum(any(not is_blank(cells[index]) for cells in below) for index in range(len(below[0]) if below else 0))
    named = [cell for cell in cells if not is_blank(cell)]
    if not named or len(named) < math.ceil(0.6 * used):
        return False
    return all(isinstance(cell, str) and not looks_like_number(cell) and not looks_like_date(cell) for cell in named)


def _found(records: Sequence[Record], at: int, line: int, word: str) -> Header:
    names = tuple(map(as_name, records[at][1]))
    above = [set(map(as_name, cells)) for _, cells in records[:at] if not is_blank_row(cells)]
    find = tuple(name for name in names if name and names.count(name) == 1)[:_FIND]
    notes = tuple(_naming_notes(names, [cells for _, cells in records[at + 1 :]]))
    if not above:
        return Header(at, names, (), notes)
    below = f"header: in {word} {line}, below {len(above)} other {word}{'s' * (len(above) > 1)}"
    if find and not any(set(find) <= cells for cells in above):
        return Header(at, names, find, notes, None, f"{below}; found by its names")
    return Header(at, names, (), notes, line, f"DECIDE: {below}, and no names tell it from them")


def _naming_notes(names: Sequence[str], below: Sequence[Sequence[object]]) -> Iterator[str]:
    for name, count in Counter(name for name in names if name).items():
        if count > 1:
            columns = ", ".join(f"#{nth} is column {index + 1}" for nth, index in enumerate(_places(names, name), 1))
            yield f"header: {count} columns are called {name}; say {name}#1 to {name}#{count} ({columns})"
    unnamed = [index for index, name in enumerate(names) if not name]
    if unnamed:
        filled = [index + 1 for index in unnamed if any(len(row) > index and not is_blank(row[index]) for row in below)]
        said = f"; those with cells are @{', @'.join(map(str, filled))}" if filled else " and no cells"
        yield f"header: {len(unnamed)} column{'s have' if len(unnamed) > 1 else ' has'} no name{said}"


def _places(names: Sequence[str], name: str) -> list[int]:
    return [index for index, each in enumerate(names) if each == name]
