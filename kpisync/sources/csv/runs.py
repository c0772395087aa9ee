"""Plain CSV files as they are written: rows told apart by one cell before they are parsed.

Plain is a file in which every line is a record and every delimiter divides cells: it has no quotes. Lines that do
not have as many cells as the header are told apart by nothing.
"""

from __future__ import annotations

import codecs
import csv
import io
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from itertools import chain, islice

from kpisync.model import Run
from kpisync.support.files import ObservedFile, open_observed
from kpisync.tables.account import Account
from kpisync.tables.grid import Block
from kpisync.tables.options import ReaderOptions

_C1 = bytes(range(0x80, 0xA0))  # control characters in ISO 8859, which no reading lets pass
_LONGEST_LINE = 4096
_CHUNKS = 16  # of a file, looked at together
_CELLS = 10_000  # remembered
# Those in which a byte below 128 is never a part of another letter.
_PLAIN_CODECS = frozenset(
    ["ascii", "utf-8", "cp437", "cp850", "cp852", "cp1250", "cp1251", "cp1252", "iso8859-1", "iso8859-15"]
)


@dataclass(frozen=True, slots=True)
class Layout:
    """What is known of a file once its header is found: all that is needed to find a cell in a line."""

    codec: str
    delimiter: str
    columns: tuple[str, ...]
    index: int  # of the cell by which rows are told apart
    header: int  # its line, from 1

    def pattern(self) -> re.Pattern[bytes]:
        """A run of lines with the same cell there, or else any one line."""
        other = rb"[^%b\r\n]*+" % re.escape(self.delimiter.encode())
        between = re.escape(self.delimiter.encode())
        before = (other + between) * self.index
        after = (between + other) * (len(self.columns) - self.index - 1)
        line = before + rb"%b" + after + rb"\r?\n"
        return re.compile(line % (rb"(" + other + rb")") + rb"(?:" + line % rb"\1" + rb")*+|[^\n]*+\n?")

    def cells(self) -> Callable[[bytes], str | None]:
        """A cell as it is written → as it is read; None for a blank one, and where no cell was found."""
        return lru_cache(maxsize=_CELLS)(lambda cell: cell.decode(self.codec, "replace") if cell.strip() else None)

    def __bytes__(self) -> bytes:
        return repr((self.delimiter, self.columns, self.index)).encode("utf-8", "surrogatepass")


def has_plain_rules(options: ReaderOptions) -> bool:
    """Whether each row below a header is judged by itself, by nothing above the header, and none is left out."""
    left_out = (options.start_after, options.skip_lines_matching, options.require, options.drop_rows, options.stop_at)
    header, more = options.header, (options.metadata, options.fill_down, options.unpivot)
    return not any((*left_out, *more, header.names)) and header.repeats == "keep"


def is_plain(path: str, origin: str, codec: str, quote: str | None) -> bool:
    """Whether the bytes of a file can be told apart as its text would be."""
    name = codecs.lookup(codec).name
    if name not in _PLAIN_CODECS:
        return False
    odd = ("\0" + (quote or "")).encode(name, "ignore") + (_C1 if name.startswith("iso8859") else b"")
    cut = False  # the chunk before ended within a line break
    with open_observed(path, origin) as file:
        while chunk := file.read():
            breaks = chunk.count(b"\r") - chunk.count(b"\r\n") - chunk.endswith(b"\r")
            if (cut and not chunk.startswith(b"\n")) or breaks or len(chunk.translate(None, odd)) != len(chunk):
                return False
            if len(chunk) > _LONGEST_LINE and b"\n" not in chunk:
                return False
            cut = chunk.endswith(b"\r")
    return not cut


def runs(path: str, layout: Layout, account: Account) -> Iterator[Run]:
    """All lines below the header, those of one cell together where they stand near; then the file's hash is known."""
    find, known, meaning = layout.pattern(), layout.cells(), bytes(layout)
    with open_observed(path, account.origin) as file:
        for text in _below_header(file, layout):
            near: dict[bytes, list[bytes]] = {}
            for match in find.finditer(text):
                near.setdefault(match[1] or b"", []).append(match[0])
            for written, lines in near.items():
                cell = known(written)
                together = b"".join(lines if cell is not None else [line for line in lines if line.strip()])
                if together:
                    yield Run(cell, meaning, together)
        account.intake.origins[account.origin] = file.finish()


def blocks_without(path: str, layout: Layout, passed: Callable[[object], bool], account: Account) -> Iterator[Block]:
    """The records below the header, but for those passed over, which are counted. May raise UnicodeDecodeError."""
    find, known, line = layout.pattern(), layout.cells(), layout.header + 1

    @lru_cache(maxsize=_CELLS)
    def is_passed(written: bytes | None) -> bool:
        cell = known(written or b"")
        return cell is not None and passed(cell)

    with open_observed(path, account.origin) as file:
        for match in chain.from_iterable(find.finditer(text) for text in _below_header(file, layout)):
            text = match[0]
            lines = text.count(b"\n") or bool(text)
            if is_passed(match[1]):
                account.intake.read += lines
            elif text:
                written = io.StringIO(text.decode(layout.codec), newline="")
                records = list(csv.reader(written, delimiter=layout.delimiter, quoting=csv.QUOTE_NONE))
                yield Block(range(line, line + lines), records)
            line += lines
        account.intake.origins[account.origin] = file.finish()


def _below_header(file: ObservedFile, layout: Layout) -> Iterator[bytes]:
    """Whole lines, many at a time; the last one may lack its line break."""
    rest, above = b"", layout.header
    while chunk := b"".join(islice(iter(file.read, b""), _CHUNKS)):
        text = rest + chunk
        while above and (end := text.find(b"\n")) >= 0:
            text, above = text[end + 1 :], above - 1
        end = 0 if above else text.rfind(b"\n") + 1
        if end:
            yield text[:end]
        rest = text[end:]
    if rest and not above:
        yield rest
