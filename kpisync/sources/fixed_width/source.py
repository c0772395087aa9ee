"""Lines of fixed width: cells by their positions, names from the job."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, WithJsonSchema, model_validator

from kpisync.model import Table
from kpisync.places.files import Files
from kpisync.places.options import FileOptions
from kpisync.ports import AdapterSpec, Source, Surroundings
from kpisync.sources.every_file import EveryFile
from kpisync.sources.fixed_width.layout import Layout, in_order, span_of
from kpisync.sources.text_options import OpenLines, TextOptions, open_lines
from kpisync.tables.account import Account
from kpisync.tables.cells import as_name
from kpisync.tables.grid import BLOCK_ROWS, Block
from kpisync.tables.options import HeaderOptions
from kpisync.tables.reader import read_table


def _positions(text: str) -> str:
    span_of(text)
    return text


Positions = Annotated[
    str, AfterValidator(_positions), WithJsonSchema({"type": "string", "examples": ["1-8", "9", "17-"]})
]


class FixedWidthOptions(TextOptions, FileOptions):
    fields: dict[str, Positions] = Field(
        min_length=1,
        description="the columns, by name: their positions from 1, both inclusive, such as 1-8, 9, or 17- to the end "
        "of the line; what stands elsewhere must be blank",
    )
    positions: Literal["characters", "bytes"] = Field(
        "characters", description="what positions count: characters, or bytes of the file's encoding"
    )

    @model_validator(mode="after")
    def _names_and_positions_differ(self) -> Self:
        if "header" in self.model_fields_set:
            raise ValueError("fields name the columns; leave a header line out by skip_lines_matching or start_after")
        names = [as_name(name) for name in self.fields]
        if "" in names or len(set(names)) < len(names):
            raise ValueError("a name of fields is empty or occurs twice")
        in_order({name: span_of(text) for name, text in self.fields.items()})
        return self


def _table(options: FixedWidthOptions, path: str, account: Account) -> Table:
    named = options.model_copy(update={"header": HeaderOptions(names=list(options.fields))})
    return read_table(_blocks(path, options, account), named, account)


def _blocks(path: str, options: FixedWidthOptions, account: Account) -> Iterator[Block]:
    layout = Layout.of({name: span_of(text) for name, text in options.fields.items()})
    with open_lines(path, options, account) as lines:
        codec = lines.codec if options.positions == "bytes" else None
        cutter = layout.cutter(codec, lenient=options.field_count == "lenient")
        if options.start_after is not None:
            yield from _up_to(options.start_after, lines)
        for numbers, texts in lines.rest(BLOCK_ROWS):
            yield Block(numbers, cutter.all_cells(texts) or [cutter.cells(text.rstrip("\r\n")) for text in texts])


def _up_to(marker: str, lines: OpenLines) -> Iterator[Block]:
    """The lines up to the marker, each as one cell; it is the reader that leaves them out."""
    for numbers, texts in lines.rest(1):
        yield Block(numbers, [texts])
        if as_name(texts[0]) == as_name(marker):
            return


def build(options: FixedWidthOptions, surroundings: Surroundings) -> Source:
    return EveryFile(Files(options, surroundings), partial(_table, options))


SPEC: AdapterSpec[Source] = AdapterSpec("text files with columns of fixed width", FixedWidthOptions, build)
