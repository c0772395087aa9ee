"""The rules for rows, each a stage from rows to rows; a table is made of those stages that its options ask for."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from operator import itemgetter

from kpisync.model import Intake, Row
from kpisync.tables.account import Account
from kpisync.tables.cells import as_name, cell_text, is_blank, is_blank_row
from kpisync.tables.grid import Block

_first_cell = itemgetter(0)


def without_repeats(rows: Iterator[Row], header: tuple[str, ...], account: Account) -> Iterator[Row]:
    """Leave out rows that say what the header says: page breaks."""
    for row in rows:
        if len(row.cells) == len(header) and tuple(map(as_name, row.cells)) == header:
            account.skip(row.line, "repeated header")
        else:
            yield row


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
    blocks: Iterable[Block], width: int, account: Account, *, lenient: bool, tally: bool, mark: bool
) -> Iterator[Iterable[Row]]:
    """Leave out blank rows, and reject those with more or fewer cells than the header has.

    `tally` counts the rest as read, for a table without later rules. `mark` leaves an empty row where one was
    rejected, for a rule that must know of the gap.
    """
    for block in blocks:
        if _is_plain(block.cells, width):
            if tally:
                account.intake.read += len(block.lines)
            yield block.rows()
        else:
            rows = [row for raw in block.rows() if (row := _checked(raw, width, account, lenient, mark)) is not None]
            if tally:
                account.intake.read += len(rows)
            yield rows


def _is_plain(rows: Sequence[Sequence[object]], width: int) -> bool:
    """True if surely no row is blank or of another width; the interpreter's loop over rows is avoided."""
    if list(map(len, rows)).count(width) < len(rows):
        return False
    firsts = list(map(_first_cell, rows))
    try:
        return all(firsts) and not any(map(str.isspace, firsts))
    except TypeError:  # a typed cell
        return False


def _checked(row: Row, width: int, account: Account, lenient: bool, mark: bool) -> Row | None:
    cells = row.cells
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
    account.reject(
        row.line,
        "field-count",
        f"the row has {len(cells)} cells and the header {width}: "
        "a delimiter or a quote may be missing or too many; correct the export",
    )
    return Row(row.line, ()) if mark else None


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
