"""Sources whose columns have names of their own: what the reader's options say of lines means nothing to them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Self

from pydantic import model_validator

from kpisync.model import Table
from kpisync.tables.account import Account
from kpisync.tables.grid import Record, in_blocks
from kpisync.tables.options import OF_LINES, HeaderOptions, ReaderOptions
from kpisync.tables.reader import read_table


class NamedOptions(ReaderOptions):
    """The reader's options but for those of lines."""

    @model_validator(mode="after")
    def _nothing_of_lines(self) -> Self:
        if of_lines := [name for name in OF_LINES if name in self.model_fields_set]:
            raise ValueError(f"{of_lines[0]} means nothing here: the columns of this source have names of their own")
        return self


def named_table(names: Sequence[str], records: Iterable[Record], options: NamedOptions, account: Account) -> Table:
    """The table of records whose cells stand in the order of these names."""
    named = options.model_copy(update={"header": HeaderOptions(names=list(names))})
    return read_table(in_blocks(records), named, account)
