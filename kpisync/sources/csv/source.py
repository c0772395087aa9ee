"""CSV files: delimited text, read as declared, streaming."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import chain, islice
from typing import Annotated, Any, Literal, Self, TypedDict

from pydantic import BeforeValidator, Field, WithJsonSchema, model_validator

from kpisync.errors import SourceError
from kpisync.model import Intake, Run, Scope, Table
from kpisync.places.files import Files
from kpisync.places.options import FileOptions
from kpisync.ports import AdapterSpec, Source, Surroundings
from kpisync.sources.csv.quotes import BrokenRow, misquoted
from kpisync.sources.csv.runs import Layout, blocks_without, has_plain_rules, is_plain, runs
from kpisync.sources.text_options import TextOptions
from kpisync.support.text import TextFile, open_text
from kpisync.tables.account import Account
from kpisync.tables.columns import find_column
from kpisync.tables.grid import BLOCK_ROWS, Block, Feed, Record, in_blocks
from kpisync.tables.header import find_header, rename
from kpisync.tables.lines import NumberedLines, is_left_out
from kpisync.tables.reader import read_table
from kpisync.tables.runs import runs_of

_NAMED = {"tab": "\t", "\\t": "\t", "comma": ",", "semicolon": ";", "pipe": "|"}


def _delimiter(value: Any) -> Any:
    char = _NAMED.get(value, value) if isinstance(value, str) else value
    if not isinstance(char, str) or len(char) != 1 or char.isalnum() or char in '"\r\n':
        raise ValueError("not one character, or one of tab, comma, semicolon, pipe")
    return char


def _quote(value: Any) -> Any:
    if value is None or value == "none":
        return None
    if not isinstance(value, str) or len(value) != 1 or value.isalnum() or value in "\r\n ":
        raise ValueError("not one character, or none")
    return value


Delimiter = Annotated[str, BeforeValidator(_delimiter), WithJsonSchema({"type": "string", "examples": [";", "tab"]})]
Quote = Annotated[str | None, BeforeValidator(_quote), WithJsonSchema({"type": "string", "examples": ['"', "none"]})]


class CsvOptions(TextOptions, FileOptions):
    delimiter: Delimiter = Field(",", description="one character, or tab, comma, semicolon, pipe")
    quote: Quote = Field('"', description="the quote character, or none; doubled inside a quoted cell")

    @model_validator(mode="after")
    def _characters_differ(self) -> Self:
        if self.delimiter == self.quote:
            raise ValueError(f"delimiter and quote are both {self.quote!r}")
        return self


@dataclass(frozen=True, slots=True)
class CsvSource:
    """Every file, each its own table, opened when its turn comes."""

    options: CsvOptions
    files: Files

    @property
    def needs_range(self) -> bool:
        return False

    def read(self, scope: Scope, intake: Intake) -> Iterator[Table]:
        for path, origin in self.files:
            account = Account(origin, intake)
            yield read_table(_blocks(path, self.options, account), self.options, account)

    def hashes(self) -> Mapping[str, str]:
        return self.files.hashes()

    def survey(self, column: str, intake: Intake) -> Iterator[Run]:
        for path, origin in self.files:
            account = Account(origin, intake)
            layout = _layout(path, self.options, column, account)
            if layout is None:
                yield from runs_of([read_table(_blocks(path, self.options, account), self.options, account)], column)
            else:
                yield from runs(path, layout, account)

    def read_without(self, column: str, passed: Callable[[object], bool], intake: Intake) -> Iterator[Table]:
        for path, origin in self.files:
            account = Account(origin, intake)
            layout = _layout(path, self.options, column, account)
            blocks = (
                _blocks(path, self.options, account)
                if layout is None
                else _blocks_without(path, self.options, layout, passed, account)
            )
            yield read_table(blocks, self.options, account)


class Dialect(TypedDict):
    delimiter: str
    quotechar: str | None
    quoting: Literal[0, 3]
    strict: bool


def _blocks(path: str, options: CsvOptions, account: Account) -> Iterator[Block]:
    """The records of a file; it is open from the first one taken until the last, and then its hash is known."""
    with _opened(path, options, account) as text:
        account.note(f"encoding {text.encoding}")
        first, lines, delimiter = _after_sep_line(text, options, account)
        dialect = _dialect(options, delimiter)
        if options.skip_lines_matching:
            kept = NumberedLines(lines, first, options.skip_lines_matching, account)
            yield from in_blocks(_kept_records(kept, dialect))
        else:
            yield from _all_records(lines, first, dialect)
        account.intake.origins[account.origin] = text.observed.finish()


def _blocks_without(
    path: str, options: CsvOptions, layout: Layout, passed: Callable[[object], bool], account: Account
) -> Iterator[Block]:
    yield Block((layout.header,), (layout.columns,))
    try:
        yield from blocks_without(path, layout, passed, account)
    except (UnicodeDecodeError, csv.Error):
        for _ in _blocks(path, options, account):  # says what is wrong, and in which line
            pass
        raise


def _layout(path: str, options: CsvOptions, column: str, account: Account) -> Layout | None:
    """How to find a column's cell in the lines of a plain file, None for another file.

    All down to the header is accounted for; raises SourceError as reading it would.
    """
    if not has_plain_rules(options):
        return None
    with _opened(path, options, account) as text:
        if not is_plain(path, account.origin, text.encoding, options.quote):
            return None
        account.note(f"encoding {text.encoding}")
        first, lines, delimiter = _after_sep_line(text, options, account)
        header = find_header(Feed(_all_records(lines, first, _dialect(options, delimiter))), options, account)
    if header.line is None or not delimiter.isascii():
        return None
    index = find_column(rename(header.names, options.columns, header.where(account)), column, account.origin)
    return Layout(text.encoding, delimiter, header.names, index, header.line)


@contextmanager
def _opened(path: str, options: CsvOptions, account: Account) -> Iterator[TextFile]:
    """Open a file for its rows; one that cannot be parsed is read a second time, to say what is wrong with it."""
    with open_text(path, account.origin, options.encoding, accept_cut=options.last_line == "accept") as text:
        try:
            yield text
        except BrokenRow as broken:
            with open_text(path, account.origin, options.encoding, accept_cut=True) as again:
                lines = islice(again.lines, broken.start - 1, broken.end)
                row = "".join(line for line in lines if not is_left_out(line, options.skip_lines_matching))
            raise misquoted(broken, row, account.at(broken.start)) from None


def _dialect(options: CsvOptions, delimiter: str) -> Dialect:
    return Dialect(
        delimiter=delimiter,
        quotechar=options.quote,
        quoting=csv.QUOTE_MINIMAL if options.quote else csv.QUOTE_NONE,
        strict=True,
    )


def _after_sep_line(text: TextFile, options: CsvOptions, account: Account) -> tuple[int, Iterable[str], str]:
    """The number of the first line that counts, the lines from there, and the delimiter (Excel writes `sep=;`)."""
    line = text.lines.readline()
    said = line.rstrip("\r\n")
    if len(said) != len("sep=;") or not said.lower().startswith("sep="):
        return 1, chain([line], text.lines), options.delimiter
    if "delimiter" in options.model_fields_set and said[-1] != options.delimiter:
        raise SourceError(
            f"the file says its delimiter is {said[-1]!r}, the job says {options.delimiter!r}",
            where=account.at(1),
            hint="Leave delimiter out, or correct it",
        )
    account.skip(1, "sep line")
    return 2, text.lines, said[-1]


def _all_records(lines: Iterable[str], line: int, dialect: Dialect) -> Iterator[Block]:
    reader = csv.reader(lines, **dialect)
    before = line - 1
    while True:
        cells: list[list[str]] = []
        try:
            cells.extend(islice(reader, BLOCK_ROWS))  # keeps what came before an error
        except csv.Error as error:
            raise _broken(error, dialect, _starts(cells, line)[-1], before + reader.line_num) from None
        if not cells:
            return
        following = before + reader.line_num + 1
        one_line_each = following - line == len(cells)
        yield Block(range(line, following) if one_line_each else _starts(cells, line)[:-1], cells)
        line = following


def _starts(rows: list[list[str]], line: int) -> list[int]:
    """The first line of each record, and of the one that follows: a quoted cell may span lines."""
    starts = [line]
    for cells in rows:
        line += 1 + sum(_line_breaks(cell) for cell in cells)
        starts.append(line)
    return starts


def _line_breaks(cell: str) -> int:
    return cell.count("\n") + cell.count("\r") - cell.count("\r\n")


def _kept_records(kept: NumberedLines, dialect: Dialect) -> Iterator[Record]:
    try:
        for cells in csv.reader(kept, **dialect):
            yield kept.take_start(), cells
    except csv.Error as error:
        raise _broken(error, dialect, kept.take_start(), kept.current) from None


def _broken(error: csv.Error, dialect: Dialect, start: int, end: int) -> BrokenRow:
    return BrokenRow(start, end, dialect["delimiter"], dialect["quotechar"], str(error))


def build(options: CsvOptions, surroundings: Surroundings) -> Source:
    return CsvSource(options, Files(options, surroundings))


SPEC: AdapterSpec[Source] = AdapterSpec("CSV files and other delimited text", CsvOptions, build)
