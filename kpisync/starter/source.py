"""The `source:` section that an export asks for, as lines of YAML with the evidence above each."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence

from kpisync.catalogs.scalars import quoted, scalar, value
from kpisync.starter.export import Column, Export
from kpisync.starter.layout import RULER_PATTERN, spoken
from kpisync.starter.numbers import NumberColumn

Separators = tuple[str, str | None]  # decimal, thousands
_DATED = re.compile(r"[0-9]{4}[-_.]?[0-9]{2}[-_.]?[0-9]{2}|[0-9]{6,}")


def source_lines(export: Export, path: str, date: Column | None) -> Iterator[str]:
    """Without indentation; a line of evidence begins with `#`."""
    yield from _file(export, path)
    yield from _header(export)
    yield from _numbers(export)
    yield from _rows(export, date)


def _file(export: Export, path: str) -> Iterator[str]:
    text, layout = export.text, export.layout
    folder, slash, name = path.rpartition("/")
    if _DATED.search(name):
        pattern = f"{folder}{slash}{_DATED.sub('*', name)}"
        yield f"# DECIDE: the name seems to hold a date; {pattern} would read every such file"
    yield f"path: {value(path)}"
    if not text.whole:
        yield "# the file is large: what follows was found in its beginning"
    for note in text.notes:
        yield f"# {note}"
    if text.encoding:
        yield f"encoding: {text.encoding}"
    for note in layout.notes:
        yield f"# {note}"
    if layout.delimiter:
        yield f"delimiter: {quoted(layout.delimiter) if layout.delimiter != chr(9) else spoken(layout.delimiter)}"
    if layout.quote is None:
        yield "quote: none"
    if layout.rulers:
        yield f"# {layout.rulers} lines are rulers"
        yield f"skip_lines_matching: [{quoted(RULER_PATTERN)}]"
    if text.is_cut:
        yield "# DECIDE: the last line has no line break. Is that always so? Or was this file cut? Then leave it out"
        yield "last_line: accept"


def _header(export: Export) -> Iterator[str]:
    header = export.header
    for note in header.notes:
        yield f"# {note}"
    parts = []
    if header.at is None:
        parts.append(f"names: [{_listed(header.names)}]")
    elif header.find:
        parts.append(f"find: [{_listed(header.find)}]")
    elif header.row is not None:
        parts.append(f"row: {header.row}")
    if export.repeats:
        yield f"# {export.repeats} lines repeat the header"
        parts.append("repeats: drop")
    if parts:
        yield f"header: {{{', '.join(parts)}}}"
    if export.trailing:
        yield "# rows have one blank cell more than the header"
        yield "field_count: lenient"


def _listed(names: Sequence[str]) -> str:
    return ", ".join(_flow(name) for name in names)


def _flow(name: str) -> str:
    """A text inside brackets or braces."""
    return value(name)


# ---------------------------------------------------------------- numbers


def _numbers(export: Export) -> Iterator[str]:
    columns = [(column, column.numbers) for column in export.columns if column.numbers and column.is_measure]
    if not columns:
        return
    shared = _shared([numbers for _, numbers in columns])
    decimal, thousands = shared
    yield from _notes([(column, numbers) for column, numbers in columns if _separators(numbers, shared) == shared])
    if not any(numbers.decimal or numbers.thousands for _, numbers in columns):
        yield "# DECIDE: only whole numbers so far; which decimal separator does the export write?"
    yield f"decimal: {quoted(decimal)}"
    if thousands:
        yield f"thousands: {quoted(thousands)}"
    if any(numbers.parentheses for _, numbers in columns):
        yield "# numbers in parentheses are negative ones"
        yield "sign: [leading, trailing, parentheses]"
    own = [(column, numbers) for column, numbers in columns if _separators(numbers, shared) != shared or numbers.nulls]
    if own:
        yield "columns:"
        for column, numbers in own:
            if _separators(numbers, shared) != shared:
                yield from (f"  {note}" for note in _notes([(column, numbers)]))
            yield f"  {_own_format(column, numbers, shared)}"


def _notes(columns: list[tuple[Column, NumberColumn]]) -> Iterator[str]:
    for column, numbers in columns:
        if numbers.undecided:
            yield f"# DECIDE: numbers of {column.address}: {numbers.note}. Such cells are rejected until you say so"
        elif numbers.decimal or numbers.thousands:
            yield f"# numbers of {column.address}: {numbers.note}"


def _shared(numbers: Sequence[NumberColumn]) -> Separators:
    """What most columns that show something have in common, the first one if they are even."""
    decided = [each for each in numbers if not each.undecided and (each.decimal or each.thousands)]
    found = Counter((each.decimal or ".", each.thousands) for each in decided or numbers)
    return found.most_common(1)[0][0]


def _separators(numbers: NumberColumn, shared: Separators) -> Separators:
    """A column of whole numbers fits every format."""
    if not numbers.undecided and not numbers.decimal and not numbers.thousands:
        return shared
    return numbers.decimal or shared[0], numbers.thousands


def _own_format(column: Column, numbers: NumberColumn, shared: Separators) -> str:
    parts = []
    decimal, thousands = _separators(numbers, shared)
    if (decimal, thousands) != shared:
        parts = [f"decimal: {quoted(decimal)}", f"thousands: {quoted(thousands) if thousands else 'none'}"]
    if numbers.nulls:
        parts.append(f"null: [{', '.join(map(quoted, numbers.nulls))}]")
    name = column.address
    source = f"from: {_flow(name)}, " if "#" in name or name.startswith("@") else ""
    return f"{scalar(name)}: {{{source}{', '.join(parts)}}}"


# ---------------------------------------------------------------- rows


def _rows(export: Export, date: Column | None) -> Iterator[str]:
    yield from (f"# {note}" for note in export.notes)
    yield from _fill_down(export)
    ending = export.totals
    if ending and ending.column is not None:
        name = export.columns[ending.column].address
        yield f"# line {ending.lines[0]} is a total: {name} says {quoted(ending.label)}"
        matches = quoted(f"^{re.escape(ending.label)}$").replace("${", "$${")
        yield f"drop_rows: [{{column: {_flow(name)}, matches: {matches}}}]"
    elif ending:
        first = export.columns[0].address
        lines = ", ".join(map(str, ending.lines))
        yield f"# DECIDE: only in the last rows (line {lines}) is {first} blank: totals or notes, by the look of them"
        yield f"require: [{_flow(first)}]"
    elif date and (blank := _blank_dates(export, date)):
        yield f"# {blank} rows have no {date.address} and will be rejected; they are left out by"
        yield f"# require: [{_flow(date.address)}]"


def _fill_down(export: Export) -> Iterator[str]:
    found = export.continued
    if found is None:
        return
    block = [column for column in export.columns[: found.width] if column.cells]
    fill = [column for column in block if not column.is_measure]
    rows = f"{found.count} of {found.total} rows have the first {found.width} columns blank, such as line {found.line}"
    if not fill:
        return
    names = [column.address for column in fill]
    if found.width < 2:
        where = f"in {found.count} of {found.total} rows {block[0].address} is blank, such as line {found.line}"
        yield f"# DECIDE: {where}. If they belong to the row above:"
        yield f"# fill_down: [{_listed(names)}]"
        return
    yield f"# {rows}: they continue the row above"
    if numbers := [column.address for column in block if column.is_measure]:
        yield f"# not filled down, so that a sum counts them once: {', '.join(numbers)}"
    yield from ["fill_down:", *(f"  - {_flow(name)}" for name in names)]


def _blank_dates(export: Export, date: Column) -> int:
    filled = export.continued is not None and date.index < export.continued.width > 1
    blank = [cells for _, cells in export.rows if not cells[date.index].strip()]
    if filled and export.continued:
        return sum(any(cell.strip() for cell in cells[: export.continued.width]) for cells in blank)
    return len(blank)
