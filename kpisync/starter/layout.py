"""How the lines of an export are cut into cells, and which of them is the header."""

from __future__ import annotations

import csv
import io
import math
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from kpisync.starter.dates import looks_like_date
from kpisync.starter.numbers import looks_like_number
from kpisync.tables.cells import as_name, is_blank, is_blank_row

_DELIMITERS = (";", "\t", ",", "|")
_SPOKEN = {"\t": "tab"}
_RULER = re.compile(r"[-+=| ]*[-=]{3}[-+=| ]*")
RULER_PATTERN = "^[-+=| ]*[-=]{3}[-+=| ]*$"
_SAMPLE = 5_000  # lines
_WITHIN = 50  # records among which the header is looked for
_FIND = 3  # names by which it is found again
_NEAR = 0.02

Record = tuple[int, list[str]]  # the number of its first line, and its cells


@dataclass(frozen=True)
class Layout:
    """Lines as cells. `delimiter` is None where the file itself says it; `records` begin below a `sep=` line."""

    delimiter: str | None
    quote: str | None
    rulers: int
    records: list[Record]
    notes: tuple[str, ...]


@dataclass(frozen=True)
class Header:
    """`at` is its place among the records, None if there is none.

    Where other lines stand above it, `find` are the names that tell it from them, or `row` is its line if none do.
    """

    at: int | None
    names: tuple[str, ...]
    find: tuple[str, ...]
    notes: tuple[str, ...]
    row: int | None = None


# ---------------------------------------------------------------- lines → cells


def lay_out(text: str) -> Layout:
    lines = list(io.StringIO(text, newline=""))
    said = lines[0].rstrip("\r\n") if lines else ""
    if len(said) == len("sep=;") and said.lower().startswith("sep="):
        records, quote, notes = _parsed(lines, 1, said[-1])
        return Layout(None, quote, 0, records, (f'delimiter: the file says "{said}" in its first line', *notes))
    rulers = sum(bool(_RULER.fullmatch(line.strip())) for line in lines)
    delimiter, note = _delimiter([line for line in lines[:_SAMPLE] if not _RULER.fullmatch(line.strip())])
    records, quote, notes = _parsed(lines, 0, delimiter)
    return Layout(delimiter, quote, rulers, records, (note, *notes))


def _delimiter(lines: list[str]) -> tuple[str, str]:
    """The one that cuts most lines into the same number of cells; of equal ones that with the most cells."""
    found = []
    for delimiter in _DELIMITERS:
        widths = Counter(len(cells) for cells in _rows(lines, delimiter, '"') if not is_blank_row(cells))
        total = sum(widths.values())
        cut = [(count, width) for width, count in widths.items() if width > 1]
        if cut:
            count, width = max(cut)
            found.append((round(count / total, 3), width, delimiter, f"{width} cells in {count} of {total} lines"))
    if not found:
        return ",", "DECIDE: delimiter: no usual one cuts the lines into cells"
    found.sort(reverse=True)
    best = found[0]
    if better := next((each for each in found[1:] if each[1] > best[1] and best[0] - each[0] < _NEAR), None):
        best = better
    others = [each for each in found if each is not best]
    note = f"delimiter: {_shown(best[2])} gives {best[3]}"
    note += "".join(f"; {_shown(each[2])} gives {each[3]}" for each in others[:1])
    if any(each[1] == best[1] and best[0] - each[0] < _NEAR for each in others):
        return best[2], f"DECIDE: {note}"
    return best[2], note


def _shown(delimiter: str) -> str:
    return _SPOKEN.get(delimiter, f'"{delimiter}"')


def spoken(delimiter: str) -> str:
    """A delimiter as the configuration has it."""
    return _SPOKEN.get(delimiter, delimiter)


def _rows(lines: Sequence[str], delimiter: str, quote: str | None) -> Iterator[list[str]]:
    """Rows up to the first that cannot be parsed."""
    reader = csv.reader(
        lines,
        delimiter=delimiter,
        quotechar=quote,
        quoting=csv.QUOTE_MINIMAL if quote else csv.QUOTE_NONE,
        strict=True,
    )
    try:
        yield from reader
    except csv.Error:
        return


def _parsed(lines: list[str], skip: int, delimiter: str) -> tuple[list[Record], str | None, list[str]]:
    """The records, the quote character, and what is to be said of it."""
    for quote in ('"', None):
        kept = [(number, line) for number, line in enumerate(lines[skip:], skip + 1) if not _is_ruler(line)]
        records: list[Record] = []
        reader = csv.reader(
            (line for _, line in kept),
            delimiter=delimiter,
            quotechar=quote,
            quoting=csv.QUOTE_MINIMAL if quote else csv.QUOTE_NONE,
            strict=True,
        )
        begin = 0
        try:
            for cells in reader:
                records.append((kept[begin][0], cells))
                begin = reader.line_num
        except csv.Error as error:
            problem = f"the row in line {kept[begin][0]} cannot be parsed with quotes ({error})"
            continue
        if quote:
            return records, quote, []
        return records, None, [f"DECIDE: {problem}, so quote: none is proposed; if the export is damaged, correct it"]
    return [], '"', [f"DECIDE: {problem}; correct the export"]


def _is_ruler(line: str) -> bool:
    return _RULER.fullmatch(line.strip()) is not None


# ---------------------------------------------------------------- the header


def find_header(records: Sequence[Record]) -> Header:
    """The first line that names most of the columns that have data, without a number or date in it."""
    widths = Counter(len(cells) for _, cells in records if not is_blank_row(cells))
    width = max(((count, each) for each, count in widths.items()), default=(0, 0))[1]
    for at, (line, cells) in enumerate(records[:_WITHIN]):
        below = [each for _, each in records[at + 1 : at + 1 + _WITHIN] if len(each) == width]
        if abs(len(cells) - width) <= 1 and _is_header(cells, below):
            return _found(records, at, line)
    names = tuple(f"column-{number}" for number in range(1, width + 1))
    return Header(None, names, (), ("DECIDE: header: no line names the columns; give them names under header.names",))


def _is_header(cells: Sequence[str], below: Sequence[Sequence[str]]) -> bool:
    used = sum(any(not is_blank(cells[index]) for cells in below) for index in range(len(below[0]) if below else 0))
    named = [cell.strip() for cell in cells if not is_blank(cell)]
    if not named or len(named) < math.ceil(0.6 * used):
        return False
    return not any(looks_like_number(cell) or looks_like_date(cell) for cell in named)


def _found(records: Sequence[Record], at: int, line: int) -> Header:
    names = tuple(map(as_name, records[at][1]))
    above = [set(map(as_name, cells)) for _, cells in records[:at] if not is_blank_row(cells)]
    find = tuple(name for name in names if name and names.count(name) == 1)[:_FIND]
    notes = list(_naming_notes(names))
    if not above:
        return Header(at, names, (), tuple(notes))
    below = f"header: in line {line}, below {len(above)} other line{'s' * (len(above) > 1)}"
    if find and not any(set(find) <= cells for cells in above):
        return Header(at, names, find, (f"{below}; found by its names", *notes))
    return Header(at, names, (), (f"DECIDE: {below}, and no names tell it from them", *notes), line)


def _naming_notes(names: Sequence[str]) -> Iterator[str]:
    for name, count in Counter(name for name in names if name).items():
        if count > 1:
            columns = ", ".join(f"#{nth} is column {index + 1}" for nth, index in enumerate(_places(names, name), 1))
            yield f"header: {count} columns are called {name}; say {name}#1 to {name}#{count} ({columns})"
    if unnamed := sum(not name for name in names):
        yield f"header: {unnamed} column{'s have' if unnamed > 1 else ' has'} no name; @14 would be column 14"


def _places(names: Sequence[str], name: str) -> list[int]:
    return [index for index, each in enumerate(names) if each == name]
