"""Lists as SAP saves them to a local file: "unconverted" with bars and rulers, or "text with tabs"."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from itertools import chain
from typing import Literal

from pydantic import Field

from kpisync.errors import SourceError
from kpisync.model import Table
from kpisync.places.files import Files
from kpisync.places.options import FileOptions
from kpisync.ports import AdapterSpec, Source, Surroundings
from kpisync.sources.every_file import EveryFile
from kpisync.sources.sap_list.lines import Reading, bar_blocks, delimiter_of, header_line, tab_blocks
from kpisync.sources.text_options import TextOptions, open_lines
from kpisync.tables.account import Account
from kpisync.tables.grid import BLOCK_ROWS, Block
from kpisync.tables.options import HeaderOptions
from kpisync.tables.reader import read_table


class ListHeaderOptions(HeaderOptions):
    """Where the column names stand; by default in the first row with bars, or in the fullest of the lines with tabs."""

    within: int = Field(50, ge=1, description="how many lines are looked at for the kind of the list and its header")
    repeats: Literal["keep", "drop"] = Field("drop", description="the header again on each page: drop or keep")


class SapListOptions(TextOptions, FileOptions):
    header: ListHeaderOptions = Field(
        ListHeaderOptions(),
        description="where the column names stand; without it in the first row with bars, or, in a list with tabs, in "
        "the line that fills the most cells",
    )
    totals: Literal["skip", "keep"] = Field(
        "skip", description="rows with nothing but * in their first filled cell, SAP's mark of totals: skip or keep"
    )
    last_line: Literal["reject", "accept"] = Field(
        "reject",
        description="a last line without a line break, or rows without the ruler that closes their list: reject (the "
        "file may be cut) or accept",
    )


def _table(options: SapListOptions, path: str, account: Account) -> Table:
    return read_table(_blocks(path, options, account), options, account)


def _blocks(path: str, options: SapListOptions, account: Account) -> Iterator[Block]:
    """The records of a file; what kind of list it is, its first lines say."""
    head = options.header
    how = Reading(
        search=not (head.find or head.row or head.names or options.start_after or options.metadata),
        skip_totals=options.totals == "skip",
        accept_cut=options.last_line == "accept",
    )
    with open_lines(path, options, account) as lines:
        first = lines.take(head.within)
        chunks = chain([first], lines.rest(BLOCK_ROWS))
        delimiter = delimiter_of(first[1])
        if delimiter is None:
            raise SourceError(
                f"this is no SAP list: none of the first {head.within} lines has bars at both ends, or a tab",
                where=account.origin,
                hint="Use type: csv or fixed-width for other text, or raise header.within if the list begins later",
            )
        if delimiter == "\t":
            account.note("list with tabs")
            yield from tab_blocks(chunks, header_line(first, account) if how.search else 0, how, account)
        else:
            account.note(f"list with {delimiter} between the cells")
            yield from bar_blocks(chunks, delimiter, how, account)


def build(options: SapListOptions, surroundings: Surroundings) -> Source:
    return EveryFile(Files(options, surroundings), partial(_table, options))


SPEC: AdapterSpec[Source] = AdapterSpec("SAP lists, unconverted or as text with tabs", SapListOptions, build)
