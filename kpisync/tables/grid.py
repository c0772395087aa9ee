"""Records on their way from an adapter to a table: in blocks, for what is asked once a block costs little."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import chain, islice
from typing import NamedTuple, NoReturn, cast

from kpisync.model import Row

BLOCK_ROWS = 128

Record = tuple[int, Sequence[object]]  # the number of its first line, and its cells
_make_row = partial(tuple.__new__, Row)  # what Row(line, cells) does, at a third of its price


class Block(NamedTuple):
    """Some records in their order: the number of the first line of each, and its cells. Both are equally long."""

    lines: Sequence[int]
    cells: Sequence[Sequence[object]]

    def rows(self) -> Iterator[Row]:
        return cast(Iterator[Row], map(_make_row, zip(self.lines, self.cells, strict=True)))


def in_blocks(records: Iterable[Record]) -> Iterator[Block]:
    """Records of an adapter that makes them one by one."""
    records = iter(records)
    while some := list(islice(records, BLOCK_ROWS)):
        lines, cells = zip(*some, strict=True)
        yield Block(lines, cells)


def rows_of(blocks: Iterable[Block]) -> Iterator[Row]:
    return chain.from_iterable(block.rows() for block in blocks)


@dataclass(frozen=True, slots=True)
class Refused(Sequence[object]):
    """Stands for the cells of a line from which its adapter can make none; the table rejects the row in its turn.

    So what the job leaves out by its place is not rejected, and later rules know of the gap.
    """

    code: str
    reason: str

    def __len__(self) -> int:
        return 0

    def __getitem__(self, index: int | slice) -> NoReturn:
        raise IndexError(index)


class Feed:
    """Blocks, from which single rows can be taken first: the lines above the data."""

    def __init__(self, blocks: Iterator[Block]) -> None:
        self._blocks = blocks
        self._block, self._next = Block((), ()), 0

    def __iter__(self) -> Iterator[Row]:
        return self

    def __next__(self) -> Row:
        while self._next == len(self._block.lines):
            self._block, self._next = next(self._blocks), 0
        self._next += 1
        return Row(self._block.lines[self._next - 1], self._block.cells[self._next - 1])

    def rest(self) -> Iterator[Block]:
        """All that was not taken; the feed is used up by it."""
        lines, cells = self._block.lines[self._next :], self._block.cells[self._next :]
        return chain([Block(lines, cells)] if lines else [], self._blocks)
