"""Parquet files: typed columns, read by DuckDB, streaming."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from functools import partial
from os.path import abspath

from kpisync.errors import SourceError
from kpisync.model import Table
from kpisync.places.files import Files
from kpisync.places.options import FileOptions
from kpisync.ports import AdapterSpec, Source, Surroundings
from kpisync.sources.every_file import EveryFile
from kpisync.sources.named import NamedOptions, named_table
from kpisync.support.duck import columns_of, opened, rows_of, said
from kpisync.support.files import ObservedFile, open_observed, recognise
from kpisync.tables.account import Account
from kpisync.tables.grid import Record

_QUERY = "SELECT * FROM read_parquet(?, hive_partitioning = false)"
_MEMORY = "512MB"
_PATTERN_SIGNS = re.compile(r"[*?\[]")
_MAGIC, _ENCRYPTED = b"PAR1", b"PARE"  # at both ends: https://parquet.apache.org/docs/file-format/


class ParquetOptions(NamedOptions, FileOptions):
    """Nothing but the reader's options and where the files are."""


def _table(options: ParquetOptions, path: str, account: Account) -> Table:
    """The line of a row is its number, from 1."""
    records = _records(path, account)
    _, names = next(records)
    return named_table([str(name) for name in names], records, options, account)


def _records(path: str, account: Account) -> Iterator[Record]:
    """The names as record 0, then the rows; the file is open from the first one taken until the last."""
    before = _identity(path)
    with open_observed(path, account.origin) as file:
        _refuse_other_kinds(file, account.origin)
        while file.read():
            pass
        yield from _rows(path, account.origin)
        digest = file.finish()
    if _identity(path) != before:
        raise SourceError(
            "another file was put in its place while it was read",
            where=account.origin,
            hint="Run again when the export has ended",
        )
    account.intake.origins[account.origin] = digest


def _identity(path: str) -> tuple[int, int] | None:
    """Which file a path leads to: DuckDB opens it by its path, once more."""
    try:
        now = os.stat(path)  # noqa: PTH116
    except OSError:
        return None
    return now.st_dev, now.st_ino


def _refuse_other_kinds(file: ObservedFile, origin: str) -> None:
    head, tail = file.look(0, 256), file.look(max(0, file.size - len(_MAGIC)), len(_MAGIC))
    if not head:
        raise SourceError("the file is empty", where=origin, hint="Check that the export ran")
    if _ENCRYPTED in (head[: len(_ENCRYPTED)], tail):
        raise SourceError("the Parquet file is encrypted", where=origin, hint="Export it without encryption")
    if not head.startswith(_MAGIC):
        kind = recognise(head, head.decode("utf-8", "replace")) or "no Parquet file"
        raise SourceError(
            f"this is {kind}; a Parquet file begins with PAR1",
            where=origin,
            hint="Check what wrote it, or the type of the source",
        )
    if tail != _MAGIC or file.size < 3 * len(_MAGIC):
        raise SourceError(
            "the file does not end as a Parquet file does, so it is cut or still being written",
            where=origin,
            hint="Run again when the export has ended",
        )


def _rows(path: str, origin: str) -> Iterator[Record]:
    line, pattern = 0, _PATTERN_SIGNS.sub(r"[\g<0>]", path)
    with opened("parquet", origin, memory=_MEMORY, paths=[path, pattern]) as connection:
        from duckdb import Error

        whole = [abspath(pattern)]  # noqa: PTH100 - resolve() would follow links
        try:
            columns = columns_of(connection, _QUERY, whole)
            yield 0, [column.name for column in columns]
            for line, cells in enumerate(rows_of(connection, _QUERY, columns, whole), 1):
                yield line, cells
        except Error as error:
            raise SourceError(
                f"the Parquet file cannot be read{f' after {line} rows' if line else ''}: {said(error)}",
                where=origin,
                hint="It may be damaged, or encrypted; export it again",
            ) from None


def build(options: ParquetOptions, surroundings: Surroundings) -> Source:
    return EveryFile(Files(options, surroundings), partial(_table, options))


SPEC: AdapterSpec[Source] = AdapterSpec("Parquet files (needs kpisync[parquet])", ParquetOptions, build)
