"""What a user says about a text file that is read line by line, and its lines with their numbers."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from kpisync.support.text import check_encoding, open_text
from kpisync.tables.account import Account
from kpisync.tables.lines import NumberedLines
from kpisync.tables.options import ReaderOptions


class TextOptions(ReaderOptions):
    encoding: Annotated[str, AfterValidator(check_encoding)] | None = Field(
        None, description="strict; without it the byte order mark decides, else strict UTF-8, else it is an error"
    )
    last_line: Literal["reject", "accept"] = Field(
        "reject", description="a last line without a line break: reject (the file may be cut) or accept"
    )


Lines = tuple[Sequence[int], Sequence[str]]  # the numbers of some lines, from 1, and the lines with their breaks


@dataclass(slots=True)
class OpenLines:
    """The lines of an open file that `skip_lines_matching` leaves, and the codec that they are written in."""

    codec: str
    _lines: Iterator[str]
    _kept: NumberedLines | None
    _next: int = 1

    def take(self, count: int) -> Lines:
        """The next lines; none at the end."""
        if self._kept is not None:
            some = [(self._kept.current, line) for line in islice(self._kept, count)]
            return [number for number, _ in some], [line for _, line in some]
        texts = list(islice(self._lines, count))
        first, self._next = self._next, self._next + len(texts)
        return range(first, self._next), texts

    def rest(self, count: int) -> Iterator[Lines]:
        """All that follow, so many at a time."""
        while (some := self.take(count))[1]:
            yield some


@contextmanager
def open_lines(path: str, options: TextOptions, account: Account) -> Iterator[OpenLines]:
    """Open a file whose lines must all be taken; after the last one its hash is known."""
    with open_text(path, account.origin, options.encoding, accept_cut=options.last_line == "accept") as text:
        account.note(f"encoding {text.encoding}")
        patterns = options.skip_lines_matching
        yield OpenLines(
            text.encoding, text.lines, NumberedLines(text.lines, 1, patterns, account) if patterns else None
        )
        account.intake.origins[account.origin] = text.observed.finish()
