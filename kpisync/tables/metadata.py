"""A line above the header that says something of all rows: its cells become columns of every row."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from kpisync.errors import SourceError
from kpisync.model import Row
from kpisync.tables.account import Account
from kpisync.tables.cells import as_name, shown
from kpisync.tables.options import MetadataOptions


def take_metadata(rows: Iterator[Row], options: MetadataOptions, account: Account) -> tuple[object, ...]:
    """Take rows up to the metadata line, each accounted for; its cells in the order of the new columns.

    The line may have any number of cells beside those. Raises SourceError where there is no such line, or it is
    too short.
    """
    for row in rows:
        if row.line == options.row:
            account.skip(row.line, "metadata")
            return _chosen(row, options, account)
        if row.line > options.row:
            break
        account.skip(row.line, "before the metadata")
    raise SourceError(
        f"line {options.row} should be the metadata, but no row begins there",
        where=account.origin,
        hint="Correct metadata.row",
    )


def _chosen(row: Row, options: MetadataOptions, account: Account) -> tuple[object, ...]:
    for name, position in options.columns.items():
        if position > len(row.cells):
            raise SourceError(
                f"the metadata line has {len(row.cells)} cells, but {shown(name)} should be cell {position}",
                where=account.at(row.line),
                hint="Correct metadata.row, metadata.columns or the delimiter",
            )
    chosen = tuple(row.cells[position - 1] for position in options.columns.values())
    said = ", ".join(f"{name} {shown(cell)}" for name, cell in zip(options.columns, chosen, strict=True))
    account.note(f"metadata in line {row.line}: {said}")
    return chosen


def with_metadata(
    columns: Sequence[str], rows: Iterator[Row], options: MetadataOptions, chosen: tuple[object, ...], where: str
) -> tuple[tuple[str, ...], Iterator[Row]]:
    """The columns and rows with those of the metadata behind them. Raises SourceError for a name that is taken."""
    added = tuple(map(as_name, options.columns))
    for name in added:
        if name in columns:
            raise SourceError(
                f"column {columns.index(name) + 1} and the metadata would both be called {shown(name)}",
                where=where,
                hint="Choose another name under metadata.columns",
            )
    return (*columns, *added), (Row(line, [*cells, *chosen]) for line, cells in rows)
