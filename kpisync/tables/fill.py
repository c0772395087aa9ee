"""Rows that continue the row above: cells that stand only on the first of several rows are filled down."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from kpisync.model import Row
from kpisync.tables.account import Account
from kpisync.tables.cells import is_blank, shown

_NO_HEAD = "there is none"
_LOST_HEAD = "that one was rejected"


def filled(
    rows: Iterator[Row], blocks: Sequence[Sequence[int]], columns: Sequence[str], account: Account
) -> Iterator[Row]:
    """Fill the blocks of columns, the outer block first; a row without cells stands for one that was rejected.

    A row continues a block only if all columns of the block are blank, and those of every outer block. Any other row
    starts the block anew, blank cells and all: a draft without a number does not belong to the order above.
    """
    heads: list[list[object] | None] = [None] * len(blocks)
    orphaned = _NO_HEAD
    for row in rows:
        if not row.cells:
            heads, orphaned = [None] * len(blocks), _LOST_HEAD
        elif (cells := _filled(row.cells, blocks, heads)) is None:
            blank = ", ".join(shown(columns[index]) for index in blocks[0])
            account.reject(
                row.line,
                "fill-down",
                f"the row is blank under {blank}, so by fill_down it continues the row above it, but {orphaned}; "
                "correct the export, or the columns of fill_down",
            )
        else:
            yield Row(row.line, cells)


def _filled(
    cells: Sequence[object], blocks: Sequence[Sequence[int]], heads: list[list[object] | None]
) -> Sequence[object] | None:
    """The row's cells; None if it continues nothing. `heads` are the cells that the next row would continue."""
    result: list[object] | None = None
    for depth, block in enumerate(blocks):
        if not all(is_blank(cells[index]) for index in block):
            for inner in range(depth, len(blocks)):
                heads[inner] = [cells[index] for index in blocks[inner]]
            break
        head = heads[depth]
        if head is None:
            return None
        result = list(cells) if result is None else result
        for index, cell in zip(block, head, strict=True):
            result[index] = cell
    return cells if result is None else result
