"""DuckDB as a library: opened without a network and without files, its rows as cells that the reader knows."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from os.path import abspath
from types import ModuleType
from typing import TYPE_CHECKING, Any, NamedTuple

from kpisync.errors import SourceError

if TYPE_CHECKING:  # imported where it is used: it is an extra
    from duckdb import DuckDBPyConnection

FETCH = 1000  # rows at a time
_WHOLE = ("TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT")
NUMBERS = frozenset((*_WHOLE, *(f"U{name}" for name in _WHOLE), "BIGNUM", "FLOAT", "DOUBLE"))
_AS_THEY_ARE = (NUMBERS - {"FLOAT", "BIGNUM"}) | {
    "BOOLEAN", "VARCHAR", "BLOB", "DATE", "TIME", "TIMESTAMP", "TIMESTAMP_S", "TIMESTAMP_MS", "TIMESTAMP_NS"
}  # fmt: skip
_INSTANT = "TIMESTAMP WITH TIME ZONE"
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_KIND = re.compile(r"^(\w+ )+Error: ")
_MORE = ("Candidate bindings", "Did you mean")


class Column(NamedTuple):
    """A column of a query; `type` as DuckDB writes it."""

    name: str
    type: str

    @property
    def is_number(self) -> bool:
        return self.type in NUMBERS or (self.type.startswith("DECIMAL(") and self.type.endswith(")"))


def library(extra: str, where: str) -> ModuleType:
    """DuckDB itself; SourceError where it is not installed."""
    try:
        import duckdb
    except ImportError:
        hint = f"Install it with `pip install 'kpisync[{extra}]'`"
        raise SourceError("this needs DuckDB, which is not installed", where=where, hint=hint) from None
    return duckdb


def opened(extra: str, where: str, *, memory: str, paths: Sequence[str] = ()) -> closing[DuckDBPyConnection]:
    """A database in memory that reads these files and nothing else, and loads nothing from anywhere.

    Raises SourceError where DuckDB is not installed; `extra` is what brings it.
    """
    duckdb = library(extra, where)
    options: dict[str, str | bool | int | float | list[str]] = {
        "autoinstall_known_extensions": "false",
        "autoload_known_extensions": "false",
        "memory_limit": memory,
        "threads": "1",  # sums of floats come out the same on every run
        "temp_directory": "",
    }
    connection = duckdb.connect(config=options)
    connection.execute("SET TimeZone = 'UTC'")
    connection.execute("SET enable_progress_bar = false")  # it goes to stdout
    connection.execute("SET allowed_paths = ?", [[abspath(path) for path in paths]])  # noqa: PTH100 - keeps links
    connection.execute("SET enable_external_access = false")
    connection.execute("SET lock_configuration = true")
    return closing(connection)


def columns_of(connection: DuckDBPyConnection, query: str, parameters: Sequence[object] = ()) -> list[Column]:
    """The columns of a query, which is not carried out."""
    described = connection.execute(f"DESCRIBE {query}", list(parameters)).fetchall()
    return [Column(str(name), str(type)) for name, type, *_ in described]


def rows_of(
    connection: DuckDBPyConnection, query: str, columns: Sequence[Column], parameters: Sequence[object] = ()
) -> Iterator[Sequence[object]]:
    """The rows of a query as they are taken; each cell is text or of a type that `model.Row` knows.

    Decimals and dates are exact. A float of single precision is the shortest decimal that means it, a time with a
    zone is an instant in UTC, and what is no single value (lists, structs, intervals) is text.
    """
    names = [f"c{number}" for number in range(len(columns))]
    taken = ", ".join(map(_expression, names, columns))
    result = connection.execute(  # the query of the configuration, in a database that can reach nothing
        f"SELECT {taken} FROM (\n{query}\n) AS result({', '.join(names)})",  # noqa: S608
        list(parameters),
    )
    finishers = [(index, _FINISHERS[type]) for index, (_, type) in enumerate(columns) if type in _FINISHERS]
    while rows := result.fetchmany(FETCH):
        yield from rows if not finishers else (_finished(row, finishers) for row in rows)


def said(error: Exception) -> str:
    """DuckDB's own words in one line, without the listing of the query behind them."""
    first, *others = str(error).splitlines() or [type(error).__name__]
    return " ".join([_KIND.sub("", first), *(line for line in others[:1] if line.startswith(_MORE))]).rstrip(".")


def quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _expression(name: str, column: Column) -> str:
    if column.type in _AS_THEY_ARE or (column.is_number and column.type not in NUMBERS):
        return name
    if column.type == _INSTANT:
        return f"epoch_us({name})"  # its driver would need another library
    return f"CAST({name} AS VARCHAR)"


def _finished(row: tuple[Any, ...], finishers: Sequence[tuple[int, Callable[[Any], object]]]) -> Sequence[object]:
    cells: list[object] = list(row)
    for index, finish in finishers:
        if row[index] is not None:
            cells[index] = finish(row[index])
    return cells


def _instant(microseconds: int) -> datetime | str:
    try:
        return _EPOCH + timedelta(microseconds=microseconds)
    except OverflowError:
        return f"{microseconds} microseconds after 1970"  # which is no date anywhere


_FINISHERS: dict[str, Callable[[Any], object]] = {"FLOAT": Decimal, "BIGNUM": Decimal, _INSTANT: _instant}
