"""A source whose rows are the result of SQL over the rows of another one, carried out by DuckDB in memory."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import timedelta
from itertools import chain, islice
from threading import Timer
from typing import TYPE_CHECKING

from kpisync.errors import SourceError
from kpisync.model import Intake, Row, Scope, Table
from kpisync.ports import Rereadable, Source
from kpisync.support.duck import Column, columns_of, library, opened, quoted, rows_of, said
from kpisync.tables.cells import shown
from kpisync.tables.columns import find_column
from kpisync.transform.columns import SqlColumn, sql_names
from kpisync.transform.query import bare, depends_on_source_alone, makes_decimals, names

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

_EXTRA, _MEMORY = "duckdb", "1GB"
_TIMEOUT = timedelta(minutes=5)
_AT_ONCE = 2000  # rows
_SHOWN = 3


def transformed(
    source: Source, query: str, numbers: Sequence[str] = (), timeout: timedelta = _TIMEOUT
) -> TransformedSource:
    """The source that a job with a transform has; `numbers` are columns of the result that must be numbers.

    It is rereadable if the one below it is and the query depends on nothing else.
    """
    if isinstance(source, Rereadable) and depends_on_source_alone(query):
        return RereadableTransformed(source, query, tuple(numbers), timeout)
    return TransformedSource(source, query, tuple(numbers), timeout)


@dataclass(frozen=True)
class TransformedSource:
    """One table: the rows of the query, numbered from 1. Numbers that the source has are exact in SQL.

    A row that the source rejects may belong to any row of the result, so then there is none: SourceError.
    """

    source: Source
    query: str
    numbers: tuple[str, ...]
    timeout: timedelta

    @property
    def needs_range(self) -> bool:
        return self.source.needs_range

    def read(self, scope: Scope, intake: Intake) -> Iterator[Table]:
        known, rejected = set(intake.origins), len(intake.rejections)
        with ExitStack() as stack:
            connection = stack.enter_context(opened(_EXTRA, "transform", memory=_MEMORY))
            loaded = _load(connection, self.source.read(scope, intake), between_rows=makes_decimals(self.query))
            origin = _origin([name for name in intake.origins if name not in known])
            _refuse_rejected(intake, rejected, origin)
            if loaded is None:
                intake.origins[origin] = _hash(self.query)
                return
            attempt = _Attempt(connection, bare(self.query), loaded, origin, self.timeout)
            columns = attempt.columns()
            self._check_numbers(columns, attempt)
            rows = self._rows(attempt, columns, intake, stack.pop_all())
            yield Table(origin, tuple(column.name for column in columns), rows)

    def _rows(self, attempt: _Attempt, columns: Sequence[Column], intake: Intake, stack: ExitStack) -> Iterator[Row]:
        with stack:
            yield from attempt.rows(columns)
        intake.origins[attempt.origin] = _hash(self.query)

    def _check_numbers(self, found: Sequence[Column], attempt: _Attempt) -> None:
        """SQL compares text letter by letter, so the largest of 9 and 10 would be 9 if a text could be a number."""
        for name in self.numbers:
            column = found[find_column([column.name for column in found], name, attempt.origin)]
            if not column.is_number and column.type != '"NULL"':
                raise attempt.text_for_number(f"column {name} of the result is {column.type}, not a number", name)


class RereadableTransformed(TransformedSource):
    """The result is the same as long as the files of the source are."""

    def hashes(self) -> Mapping[str, str]:
        assert isinstance(self.source, Rereadable)  # noqa: S101 - see transformed()
        below = self.source.hashes()
        return {**below, _origin(list(below)): _hash(self.query)}


def _origin(names: Sequence[str]) -> str:
    more = f" and {len(names) - 1} more" if len(names) > 1 else ""
    return f"{names[0] if names else 'source'}{more}: transform"


def _hash(query: str) -> str:
    """Of the query, and of what carries it out."""
    version = library(_EXTRA, "transform").__version__
    return f"sha256:{hashlib.sha256(f'{version} {query}'.encode()).hexdigest()}"


def _refuse_rejected(intake: Intake, before: int, origin: str) -> None:
    rejections = intake.rejections[before:]
    if not rejections:
        return
    listed = "; ".join(f"{each.source}: {each.reason}" for each in rejections[:_SHOWN])
    count = f"{len(rejections)} rows were" if len(rejections) > 1 else "a row was"
    raise SourceError(
        f"{count} rejected, and may belong to any row of the result: {listed}"
        + (f"; and {len(rejections) - _SHOWN} more" if len(rejections) > _SHOWN else ""),
        where=origin,
        hint="Correct the export, or leave such rows out by a rule of the source (require, drop_rows)",
    )


# ---------------------------------------------------------------- the table `source`


@dataclass(frozen=True)
class Loaded:
    """A column of the table `source`, and the origin of the first cell in it that is no number."""

    column: SqlColumn
    text_in: str

    @property
    def why(self) -> str:
        line, reason = self.column.no_number or (0, "")
        return f"column {self.column.name} is text, because of {self.text_in}:{line}: {reason}"


def _load(connection: DuckDBPyConnection, tables: Iterator[Table], *, between_rows: bool) -> list[Loaded] | None:
    """Make the table `source` of the rows of all tables, in their order; None if there are no tables.

    Raises SourceError where their columns differ.
    """
    from duckdb import Error

    first = next(tables, None)
    if first is None:
        return None
    columns = [
        SqlColumn(name, first.column_numbers.get(column, first.numbers))
        for name, column in zip(sql_names(first.columns), first.columns, strict=True)
    ]
    text_in = [""] * len(columns)
    try:
        parts = ", ".join(f"t{i} VARCHAR, n{i} VARCHAR" for i in range(len(columns)))
        connection.execute(f"CREATE TABLE loaded ({parts})")
        insert = f"INSERT INTO loaded SELECT {', '.join(['unnest(?::VARCHAR[])'] * 2 * len(columns))}"
        for table in chain([first], tables):
            for given in _given(table, _order(first, table), columns):
                connection.execute(insert, given)
            for index, column in enumerate(columns):
                text_in[index] = text_in[index] or (table.origin if column.no_number else "")
        _type(connection, columns, first.origin, between_rows)
    except Error as error:
        hint = "The rows must fit into the memory; leave out those that are not needed, by a query or by drop_rows"
        raise SourceError(said(error), where=first.origin, hint=hint) from None
    return [Loaded(column, origin) for column, origin in zip(columns, text_in, strict=True)]


def _given(table: Table, order: Sequence[int], columns: Sequence[SqlColumn]) -> Iterator[list[list[str | None]]]:
    """The cells of some rows, column by column: as texts, as numbers."""
    while rows := list(islice(table.rows, _AT_ONCE)):
        lines = [row.line for row in rows]
        given: list[list[str | None]] = []
        for index, column in zip(order, columns, strict=True):
            given += column.given([row.cells[index] for row in rows], lines)
        yield given


def _order(first: Table, table: Table) -> Sequence[int]:
    """Where in a table the columns of the first one stand."""
    if table.columns == first.columns:
        return range(len(first.columns))
    if sorted(table.columns) == sorted(set(first.columns)):
        return [table.columns.index(column) for column in first.columns]
    missing = sorted(set(first.columns) - set(table.columns))
    extra = sorted(set(table.columns) - set(first.columns))
    differ = f"lacks {', '.join(missing)}" if missing else f"has {', '.join(extra)} more" if extra else "repeats others"
    raise SourceError(
        f"the file has other columns than {first.origin}: it {differ}",
        where=table.origin,
        hint="A transform sees all files as one table; give files of another layout a job of their own",
    )


def _type(connection: DuckDBPyConnection, columns: Sequence[SqlColumn], where: str, between_rows: bool) -> None:
    types = [column.type(where, between_rows=between_rows) for column in columns]
    declared = ", ".join(f"{quoted(column.name)} {type}" for column, type in zip(columns, types, strict=True))
    casts = ", ".join(
        "NULL" if type == '"NULL"' else f"CAST({'n' if column.is_number else 't'}{i} AS {type})"
        for i, (column, type) in enumerate(zip(columns, types, strict=True))
    )
    connection.execute(f"CREATE TABLE source ({declared})")
    connection.execute(f"INSERT INTO source SELECT {casts} FROM loaded")  # noqa: S608
    connection.execute("DROP TABLE loaded")


# ---------------------------------------------------------------- the query


@dataclass(frozen=True)
class _Attempt:
    """The query over a table `source` that is filled."""

    connection: DuckDBPyConnection
    query: str
    loaded: Sequence[Loaded]
    origin: str
    timeout: timedelta

    def columns(self) -> list[Column]:
        from duckdb import Error

        try:
            return columns_of(self.connection, self.query)
        except Error as error:
            raise self._failed(error) from None

    def rows(self, columns: Sequence[Column]) -> Iterator[Row]:
        """Stopped when it takes too long to begin with, or as a whole."""
        from duckdb import Error, InterruptException

        timer = Timer(self.timeout.total_seconds(), self.connection.interrupt)
        timer.daemon = True
        timer.start()
        try:
            for line, cells in enumerate(rows_of(self.connection, self.query, columns), 1):
                yield Row(line, cells)
        except InterruptException:
            seconds = f"{self.timeout.total_seconds():g}s"
            what, hint = f"the query took longer than {seconds}", "Look for a join without a condition"
            raise SourceError(what, where=self.origin, hint=hint) from None
        except Error as error:
            raise self._failed(error) from None
        finally:
            timer.cancel()

    def text_for_number(self, what: str, name: str = "") -> SourceError:
        """What failed where a text stands in the place of a number, and which cells made texts of which columns."""
        text = [
            each
            for each in self.loaded
            if each.column.no_number is not None and "VARCHAR" in each.column.kinds
            if each.column.name == name or names(self.query, each.column.name)
        ]
        suspects = (
            [each for each in text if each.column.name == name]
            or [each for each in text if "number" in each.column.kinds]
            or text
        )
        why = "".join(f"; {each.why}" for each in suspects[:_SHOWN])
        hint = "Correct the export or its number format, declare such cells under null, or cast in the query"
        return SourceError(what + why, where=self.origin, hint=hint)

    def _failed(self, error: Exception) -> SourceError:
        from duckdb import ConversionException, OutOfMemoryException

        if isinstance(error, OutOfMemoryException):
            hint = "Select less: it is all held in memory"
            return SourceError(f"the query needs more memory than {_MEMORY}", where=self.origin, hint=hint)
        what = f"the query fails: {said(error)}"
        if "VARCHAR" in str(error) or isinstance(error, ConversionException):
            return self.text_for_number(what)
        listed = ", ".join(shown(each.column.name) for each in self.loaded)
        hint = f"Correct the query; the columns of source are {listed}"
        return SourceError(what, where=self.origin, hint=hint)
