"""How the lines of delimited text are cut into cells."""

from __future__ import annotations

import csv
import io
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from kpisync.tables.cells import is_blank_row

_DELIMITERS = (";", "\t", ",", "|")
_SPOKEN = {"\t": "tab"}
_RULER = re.compile(r"[-+=| ]*[-=]{3}[-+=| ]*")
RULER_PATTERN = "^[-+=| ]*[-=]{3}[-+=| ]*$"
_SAMPLE = 5_000  # lines
_NEAR = 0.02
_NEARLY_ALL = 0.9

Line = tuple[int, list[str]]  # the number of its first line, and its cells


@dataclass(frozen=True)
class Layout:
    """Lines as cells. `delimiter` is None where the file itself says it; `records` begin below a `sep=` line."""

    delimiter: str | None
    quote: str | None
    rulers: int
    records: list[Line]
    notes: tuple[str, ...]


def lay_out(text: str) -> Layout:
    lines = list(io.StringIO(text, newline=""))
    said = lines[0].rstrip("\r\n") if lines else ""
    if len(said) == len("sep=;") and said.lower().startswith("sep="):
        records, quote, notes = _parsed(lines, 1, said[-1])
        return Layout(None, quote, 0, records, (f'delimiter: the file says "{said}" in its first line', *notes))
    rulers = sum(map(is_ruler, lines))
    delimiter, note = _delimiter([line for line in lines[:_SAMPLE] if not is_ruler(line)])
    records, quote, notes = _parsed(lines, 0, delimiter)
    return Layout(delimiter, quote, rulers, records, (note, *notes))


def cuts_surely(lines: Sequence[str], fields: int) -> bool:
    """Whether a delimiter cuts nearly all lines alike; a comma, which may be a decimal one, into so many cells."""
    best = max(_cuts([line for line in lines[:_SAMPLE] if not is_ruler(line)]), default=None)
    return best is not None and best.share > _NEARLY_ALL and (best.delimiter != "," or best.width >= fields)


class _Cut(NamedTuple):
    share: float
    width: int  # cells
    delimiter: str
    note: str


def _cuts(lines: Sequence[str]) -> list[_Cut]:
    """What each delimiter cuts most lines into."""
    found = []
    for delimiter in _DELIMITERS:
        widths = Counter(len(cells) for cells in _rows(lines, delimiter, '"') if not is_blank_row(cells))
        total = sum(widths.values())
        cut = [(count, width) for width, count in widths.items() if width > 1]
        if cut:
            count, width = max(cut)
            found.append(_Cut(round(count / total, 3), width, delimiter, f"{width} cells in {count} of {total} lines"))
    return found


def _delimiter(lines: Sequence[str]) -> tuple[str, str]:
    """The one that cuts most lines into the same number of cells; of equal ones that with the most cells."""
    found = sorted(_cuts(lines), reverse=True)
    if not found:
        return ",", "DECIDE: delimiter: no usual one cuts the lines into cells"
    best = found[0]
    if better := next(
        (each for each in found[1:] if each.width > best.width and best.share - each.share < _NEAR), None
    ):
        best = better
    others = [each for each in found if each is not best]
    note = f"delimiter: {_shown(best.delimiter)} gives {best.note}"
    note += "".join(f"; {_shown(each.delimiter)} gives {each.note}" for each in others[:1])
    if any(each.width == best.width and best.share - each.share < _NEAR for each in others):
        return best.delimiter, f"DECIDE: {note}"
    return best.delimiter, note


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


def _parsed(lines: list[str], skip: int, delimiter: str) -> tuple[list[Line], str | None, list[str]]:
    """The records, the quote character, and what is to be said of it."""
    for quote in ('"', None):
        kept = [(number, line) for number, line in enumerate(lines[skip:], skip + 1) if not is_ruler(line)]
        records: list[Line] = []
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


def is_ruler(line: str) -> bool:
    return _RULER.fullmatch(line.strip()) is not None
