"""The `source:` section that an export asks for, as lines of YAML with the evidence above each."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence

from kpisync.catalogs.scalars import quoted, scalar, value
from kpisync.starter.export import Column, Export
from kpisync.starter.numbers import ERRORS, NumberColumn
from kpisync.starter.reading import Reading, flow, matching
from kpisync.tables.cells import is_blank, is_blank_row

Separators = tuple[str, str | None]  # decimal, thousands
_MOST_SHOWN = 3
_DATED = re.compile(r"[0-9]{4}[-_.]?[0-9]{2}[-_.]?[0-9]{2}|[0-9]{6,}")


def source_lines(export: Export, path: str, date: Column | None) -> Iterator[str]:
    """Without indentation; a line of evidence begins with `#`."""
    yield from _file(export.reading, path)
    yield from _header(export)
    yield from _numbers(export)
    yield from _rows(export, date)


def _file(reading: Reading, path: str) -> Iterator[str]:
    folder, slash, name = path.rpartition("/")
    yield f"type: {reading.type}"
    if _DATED.search(name):
        pattern = f"{folder}{slash}{_DATED.sub('*', name)}"
        yield f"# DECIDE: the name seems to hold a date; {pattern} would read every such file"
    yield f"path: {value(path)}"
    if not reading.whole:
        yield "# the file is large: what follows was found in its beginning"
    yield from reading.options


def _header(export: Export) -> Iterator[str]:
    header = export.reading.header
    yield from (f"# {note}" for note in (header.below, *header.notes) if note)
    declared = header.declared
    if export.repeats:
        yield f"# {export.repeats} {export.reading.word}s repeat the header"
        declared["repeats"] = "drop"
    if declared:
        yield f"header: {flow(declared)}"
    if export.trailing:
        yield "# rows have one blank cell more than the header"
        yield "field_count: lenient"


# ---------------------------------------------------------------- numbers


def _numbers(export: Export) -> Iterator[str]:
    columns = [(column, column.numbers) for column in export.columns if column.numbers and column.is_measure]
    written = [(column, numbers) for column, numbers in columns if numbers.is_text]
    shared = _shared([numbers for _, numbers in written])
    if written:
        yield from _shared_format(written, shared)
    yield from _odd(columns)
    own = [(column, numbers) for column, numbers in columns if _separators(numbers, shared) != shared or numbers.nulls]
    if own:
        yield "columns:"
        for column, numbers in own:
            if _separators(numbers, shared) != shared:
                yield from (f"  {note}" for note in _notes([(column, numbers)]))
            yield f"  {_own_format(column, numbers, shared)}"


def _shared_format(columns: Sequence[tuple[Column, NumberColumn]], shared: Separators) -> Iterator[str]:
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


def _odd(columns: Sequence[tuple[Column, NumberColumn]]) -> Iterator[str]:
    for column, numbers in columns:
        if errors := [f"{text} ({column.cells[text]})" for text in numbers.nulls if text.lower() in ERRORS]:
            yield f"# DECIDE: {column.address} has errors, {_few(errors)}: no value, as null says, or to be rejected?"
        if numbers.odd:
            yield f"# {column.address} has cells that are no numbers and are rejected: {_few(numbers.odd)}"


def _few(places: Sequence[str]) -> str:
    return ", ".join(places[:_MOST_SHOWN]) + (" …" if len(places) > _MOST_SHOWN else "")


def _notes(columns: Sequence[tuple[Column, NumberColumn]]) -> Iterator[str]:
    for column, numbers in columns:
        if numbers.undecided:
            yield f"# DECIDE: numbers of {column.address}: {numbers.note}. Such cells are rejected until you say so"
        elif numbers.decimal or numbers.thousands:
            yield f"# numbers of {column.address}: {numbers.note}"


def _shared(numbers: Sequence[NumberColumn]) -> Separators:
    """What most columns that show something have in common, the first one if they are even."""
    decided = [each for each in numbers if not each.undecided and (each.decimal or each.thousands)]
    found = Counter((each.decimal or ".", each.thousands) for each in decided or numbers)
    return found.most_common(1)[0][0] if found else (".", None)


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
    source = f"from: {flow(name)}, " if "#" in name or name.startswith("@") else ""
    return f"{scalar(name)}: {{{source}{', '.join(parts)}}}"


# ---------------------------------------------------------------- rows


def _rows(export: Export, date: Column | None) -> Iterator[str]:
    yield from (f"# {note}" for note in export.notes)
    yield from _fill_down(export)
    ending, word = export.totals, export.reading.word
    if ending and ending.column is not None:
        name = export.columns[ending.column].address
        yield f"# {word} {ending.lines[0]} is a total: {name} says {quoted(ending.label)}"
        matches = matching(f"^{re.escape(ending.label)}$")
        yield f"drop_rows: [{{column: {flow(name)}, matches: {matches}}}]"
    elif ending:
        first = export.columns[0].address
        lines = ", ".join(map(str, ending.lines))
        yield f"# DECIDE: only in the last rows ({word} {lines}) is {first} blank: totals or notes, by the look of them"
        yield f"require: [{flow(first)}]"
    elif date and (blank := _blank_dates(export, date)):
        yield f"# {blank} rows have no {date.address} and will be rejected; they are left out by"
        yield f"# require: [{flow(date.address)}]"


def _fill_down(export: Export) -> Iterator[str]:
    found = export.continued
    if found is None:
        return
    block = [column for column in export.columns[: found.width] if column.cells]
    fill = [column for column in block if not column.is_measure]
    some, example = f"{found.count} of {found.total} rows", f"such as {export.reading.word} {found.line}"
    if not fill:
        return
    names = [column.address for column in fill]
    if found.width < 2:
        yield f"# DECIDE: in {some} {block[0].address} is blank, {example}. If they belong to the row above:"
        yield f"# fill_down: {flow(names)}"
        return
    yield f"# {some} have the first {found.width} columns blank, {example}: they continue the row above"
    if numbers := [column.address for column in block if column.is_measure]:
        yield f"# not filled down, so that a sum counts them once: {', '.join(numbers)}"
    yield from ["fill_down:", *(f"  - {flow(name)}" for name in names)]


def _blank_dates(export: Export, date: Column) -> int:
    filled = export.continued is not None and date.index < export.continued.width > 1
    blank = [cells for _, cells in export.rows if is_blank(cells[date.index])]
    if filled and export.continued:
        return sum(not is_blank_row(cells[: export.continued.width]) for cells in blank)
    return len(blank)
