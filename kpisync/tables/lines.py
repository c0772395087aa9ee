"""Lines of a text before they are parsed: some are left out by a pattern, and each keeps its number."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence

from kpisync.tables.account import Account


def is_left_out(line: str, patterns: Sequence[re.Pattern[str]]) -> bool:
    """Whether a line, without its line break, matches one of them."""
    text = line.rstrip("\r\n")
    return any(pattern.search(text) for pattern in patterns)


class NumberedLines:
    """Lines that match none of the patterns, for a parser that pulls them one by one.

    After the parser has made a record, `take_start` gives the number of the record's first line.
    """

    def __init__(self, lines: Iterable[str], first: int, patterns: Sequence[re.Pattern[str]], account: Account) -> None:
        self._lines, self._first = lines, first
        self._patterns, self._account = patterns, account
        self._start: int | None = None
        self.current = first - 1

    def __iter__(self) -> Iterator[str]:
        for number, line in enumerate(self._lines, self._first):
            self.current = number
            if is_left_out(line, self._patterns):
                self._account.skip(number, "skip_lines_matching")
                continue
            if self._start is None:
                self._start = number
            yield line

    def take_start(self) -> int:
        start = self.current if self._start is None else self._start
        self._start = None
        return start
