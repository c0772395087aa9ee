"""The rules for rows, each a stage from rows to rows; a table is made of those stages that its options ask for."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Sequence
from operator import itemgetter
from typing import Any

from kpisync.model import Intake, Row
from kpisync.tables.account import Account
from kpisync.tables.cells import as_name, cell_text, is_blank, is_blank_row, shown
from kpisync.tables.grid import Block, Refused, in_blocks

_first_cell = itemgetter(0)
_joined: Callable[[Sequence[Any]], str] = "".join


def without_repeats(blocks: Iterable[Block], header: tuple[str, ...], account: Account) -> Iterator[Block]:
    """Leave out rows that say what the header says: page breaks."""
    index = next((index for index, name in enumerate(header) if name), 0)
    for block in blocks:
        if not _may_hold(block.cells, index, header[index]):
            yield block
            continue
        kept = []
        for row in block.rows():
            if len(row.cells) == len(header) and tuple(map(as_name, row.cells)) == header:
                account.skip(row.line, "repeated header")
            else:
                kept.append(row)
        yield from in_blocks(kept)


def _may_hold(rows: Sequence[Sequence[object]], index: int, name: str) -> bool:
    """False if surely no row has that name in a column; the interpreter's loop over rows is avoided."""
    try:
        text = "\n".join(map(itemgetter(index), rows))
    except (TypeError, IndexError):  # a typed cell, or a row that is too short
        return True
    return name.partition(" ")[0] in (text if text.isascii() else unicodedata.normalize("NFC", text))


def stopped(
    rows: Iterator[Row], column: int, blank: int | None, matches: re.Pattern[str] | None, account: Account
) -> Iterator[Row]:
    """End before the footer; what follows is still read to its end, and skipped. Blank rows count as blank cells."""
    held: list[Row] = []
    for row in rows:
        cell = row.cells[column] if column < len(row.cells) else None
        if blank is not None and is_blank(cell):
            held.append(row)
        elif matches is not None and matches.search(cell_text(cell)):
            held.append(row)
            break
        else:
            yield from held
            held.clear()
            yield row
        if blank is not None and len(held) >= blank:
            break
    else:
        yield from held
        return
    for row in [*held, *rows]:
        account.skip(row.line, "stop_at")


def checked(
    blocks: Iterable[Block], columns: Sequence[str], account: Account, *, lenient: bool, tally: bool, mark: bool
) -> Iterator[Iterable[Row]]:
    """Leave out blank rows, and reject those with more or fewer cells than the header has.

    `tally` counts the rest as read, for a table without later rules. `mark` leaves an empty row where one was
    rejected, for a rule that must know of the gap.
    """
    for block in blocks:
        if _is_plain(block.cells, len(columns)):
            if tally:
                account.intake.read += len(block.lines)
            yield block.rows()
        else:
            rows = [row for raw in block.rows() if (row := _checked(raw, columns, account, lenient, mark)) is not None]
            if tally:
                account.intake.read += len(rows)
            yield rows


def _is_plain(rows: Sequence[Sequence[object]], width: int) -> bool:
    """True if surely no row is blank or of another width; the interpreter's loop over rows is avoided."""
    if list(map(len, rows)).count(width) < len(rows):
        return False
    try:
        return _none_blank(list(map(_first_cell, rows))) or _none_blank(list(map(_joined, rows)))
    except TypeError:  # a typed cell; a row whose first one is not blank is not blank
        return not any(map(is_blank, map(_first_cell, rows)))


def _none_blank(texts: Sequence[str]) -> bool:
    return all(texts) and not any(map(str.isspace, texts))


def _checked(row: Row, columns: Sequence[str], account: Account, lenient: bool, mark: bool) -> Row | None:
    cells, width = row.cells, len(columns)
    if type(cells) is Refused:  # isinstance would ask an abstract class for every row
        account.reject(row.line, cells.code, cells.reason)
        return Row(row.line, ()) if mark else None
    if is_blank_row(cells):
        account.skip(row.line, "blank")
        return None
    surplus = len(cells) - width
    if surplus == 0:
        return row
    if lenient and surplus < 0:
        return Row(row.line, [*cells, *[""] * -surplus])
    if lenient and is_blank_row(cells[width:]):
        return Row(row.line, cells[:width])
    account.reject(row.line, "field-count", _miscounted(cells, columns))
    return Row(row.line, ()) if mark else None


def _miscounted(cells: Sequence[object], columns: Sequence[str]) -> str:
    """What is wrong with a row of another width; where separators got lost, the longest cell may hold them."""
    width, otherwise = len(columns), ""
    if len(cells) < width:
        longest = max(range(len(cells)), key=lambda index: len(cell_text(cells[index])))
        found = f"none for {_column(columns, len(cells))}; the longest is {shown(cells[longest])}"
        found += f" in {_column(columns, longest)}"
    else:
        extra = next((index for index in range(width, len(cells)) if not is_blank(cells[index])), None)
        found = f"{shown(cells[extra or width])} lies beyond the last one, {_column(columns, width - 1)}"
        if extra is None:
            otherwise = ", or declare field_count: lenient if it always ends so"
    return (
        f"the row has {len(cells)} cells and the header {width}: {found}. "
        f"A delimiter or a quote may be missing or too many; correct the export{otherwise}"
    )


def _column(columns: Sequence[str], index: int) -> str:
    return f"column {index + 1} ({columns[index]})" if columns[index] else f"column {index + 1}"


def dropped(rows: Iterator[Row], column: int, name: str, matches: re.Pattern[str], account: Account) -> Iterator[Row]:
    for row in rows:
        if matches.search(cell_text(row.cells[column])):
            account.skip(row.line, f"drop_rows {name}")
        else:
            yield row


def required(rows: Iterator[Row], columns: Sequence[tuple[int, str]], account: Account) -> Iterator[Row]:
    for row in rows:
        missing = next((name for index, name in columns if is_blank(row.cells[index])), None)
        if missing is None:
            yield row
        else:
            account.skip(row.line, f"require {missing}")


def counted(rows: Iterator[Row], intake: Intake) -> Iterator[Row]:
    for row in rows:
        intake.read += 1
        yield row


def unpivoted(rows: Iterator[Row], keep: Sequence[int], turned: Sequence[tuple[int, str]]) -> Iterator[Row]:
    """One row for each turned column: the kept cells, the column's name, its cell."""
    for line, cells in rows:
        kept = [cells[index] for index in keep]
        for index, name in turned:
            yield Row(line, [*kept, name, cells[index]])
