"""Blocks of records → a table: the header first, then only those stages that the options ask for."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from itertools import chain

from kpisync.errors import SourceError
from kpisync.model import NumberFormat, Row, Table
from kpisync.tables.account import Account
from kpisync.tables.columns import find_column
from kpisync.tables.fill import filled
from kpisync.tables.grid import Block, Feed, in_blocks, rows_of
from kpisync.tables.header import Header, find_header, rename
from kpisync.tables.metadata import take_metadata, with_metadata
from kpisync.tables.options import ReaderOptions, UnpivotRule, column_formats, number_format
from kpisync.tables.stages import checked, counted, dropped, required, stopped, unpivoted, without_repeats


def read_table(blocks: Iterator[Block], options: ReaderOptions, account: Account) -> Table:
    """Find the header and name the columns; the rows follow lazily, in their order.

    Every record is read, skipped by a named rule, rejected, or the header. Raises SourceError where the header or a
    column that the options name is missing. `blocks` is used up by the rows of the table alone.
    """
    feed, metadata = Feed(blocks), options.metadata
    chosen = take_metadata(feed, metadata, account) if metadata else ()
    header = find_header(feed, options, account)
    where = header.where(account)
    columns = rename(header.names, options.columns, where)
    account.note("columns without a header line" if header.line is None else f"header in line {header.line}")
    rows = _ruled_rows(feed.rest(), header, columns, options, account)
    formats = column_formats(options)
    if options.unpivot:
        columns, rows, formats = _unpivot(columns, rows, formats, options.unpivot, where)
    if metadata:
        columns, rows = with_metadata(columns, rows, metadata, chosen, where)
    return Table(account.origin, columns, rows, number_format(options), formats)


def _ruled_rows(
    blocks: Iterator[Block], header: Header, columns: Sequence[str], options: ReaderOptions, account: Account
) -> Iterator[Row]:
    find = partial(find_column, columns, where=header.where(account))
    fill = [[find(name) for name in block] for block in options.fill_blocks]
    drops = [(find(rule.column), rule) for rule in options.drop_rows]
    require = [(find(name), name) for name in options.require]
    later = bool(fill or drops or require)
    good = checked(
        _without_pages_and_footer(blocks, header, columns, options, account),
        columns,
        account,
        lenient=options.field_count == "lenient",
        tally=not later,
        mark=bool(fill),
    )
    rows: Iterator[Row] = chain.from_iterable(good)
    if fill:
        rows = filled(rows, fill, columns, account)
    for index, rule in drops:
        rows = dropped(rows, index, rule.column, rule.matches, account)
    if require:
        rows = required(rows, require, account)
    return counted(rows, account.intake) if later else rows


def _without_pages_and_footer(
    blocks: Iterator[Block], header: Header, columns: Sequence[str], options: ReaderOptions, account: Account
) -> Iterator[Block]:
    """What is left out by its place in the file, before a row is looked at as data."""
    if options.header.repeats == "drop":
        blocks = without_repeats(blocks, header.names, account)
    stop = options.stop_at
    if stop is None:
        return blocks
    index = find_column(columns, stop.column, header.where(account))
    return in_blocks(stopped(rows_of(blocks), index, stop.blank, stop.matches, account))


def _unpivot(
    columns: Sequence[str], rows: Iterator[Row], formats: dict[str, NumberFormat], rule: UnpivotRule, where: str
) -> tuple[tuple[str, ...], Iterator[Row], dict[str, NumberFormat]]:
    keep = [find_column(columns, name, where) for name in rule.keep]
    turned = [(index, name) for index, name in enumerate(columns) if name and index not in keep]
    if not turned:
        raise SourceError("unpivot keeps every column", where=where, hint="Name fewer columns under unpivot.keep")
    names = (*rule.keep, rule.names_to, rule.values_to)
    found = {formats.get(name) for _, name in turned}
    if len(found) > 1:
        raise SourceError(
            "the columns that unpivot turns into rows have different number formats",
            where=where,
            hint="Declare decimal, thousands, sign and null for the whole source",
        )
    own = {
        name: formats[columns[index]] for index, name in zip(keep, rule.keep, strict=True) if columns[index] in formats
    }
    shared = found.pop()
    return names, unpivoted(rows, keep, turned), own | ({rule.values_to: shared} if shared else {})
