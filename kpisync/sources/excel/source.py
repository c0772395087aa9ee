"""Excel workbooks: one sheet of each file, with typed cells; .xlsx, .xls, .xlsb and .ods, told apart by content."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Annotated, Literal, Self

from pydantic import BeforeValidator, Field, StrictInt, StrictStr, WithJsonSchema, model_validator

from kpisync.errors import SourceError
from kpisync.model import Intake, Scope, Table
from kpisync.places.files import Files
from kpisync.places.options import FileOptions
from kpisync.ports import AdapterSpec, Source, Surroundings
from kpisync.sources.excel.area import Merged, area_of, check_area, filled_merged, from_first_column, with_marks
from kpisync.sources.excel.workbook import Workbook, open_workbook
from kpisync.tables.account import Account
from kpisync.tables.grid import Block, Record, in_blocks
from kpisync.tables.options import ReaderOptions
from kpisync.tables.reader import read_table

_SHEET_SCHEMA = {
    "anyOf": [{"type": "integer", "minimum": 1}, {"type": "string"}, {"type": "null"}],
    "examples": ["Scrap", 2, "Scrap_*"],
}
Sheet = Annotated[
    Annotated[StrictInt, Field(ge=1)] | Annotated[StrictStr, Field(min_length=1)] | None, WithJsonSchema(_SHEET_SCHEMA)
]
Range = Annotated[str, BeforeValidator(check_area), WithJsonSchema({"type": "string", "examples": ["A:E", "B4:H200"]})]


class ExcelOptions(ReaderOptions, FileOptions):
    sheet: Sheet = Field(
        None, description="its name, a glob that one name matches, or its number from 1; default the first visible one"
    )
    range: Range | None = Field(
        None, description="the columns (A:E), or columns and rows (B4:H200, B4:H), outside of which nothing is read"
    )
    hidden_rows: Literal["include", "skip"] = Field("include", description="skip: leave out rows that Excel hides")
    merged: Literal["blank", "fill"] = Field(
        "blank", description="fill: every cell of a merged area has the value of its first one, not only that one"
    )

    @model_validator(mode="after")
    def _no_lines(self) -> Self:
        if self.skip_lines_matching:
            raise ValueError("skip_lines_matching is for text; leave rows of a sheet out by drop_rows")
        return self


@dataclass(frozen=True, slots=True)
class ExcelSource:
    """One sheet of every workbook, each its own table, opened when its turn comes. Lines are the rows of the sheet."""

    options: ExcelOptions
    files: Files

    @property
    def needs_range(self) -> bool:
        return False

    def read(self, scope: Scope, intake: Intake) -> Iterator[Table]:
        for path, origin in self.files:
            book = open_workbook(path, origin)
            sheet = book.choose(self.options.sheet)
            account = Account(_place(origin, sheet), intake)
            yield read_table(_blocks(book, sheet, self.options, account), self.options, account)

    def hashes(self) -> Mapping[str, str]:
        books = (open_workbook(path, origin) for path, origin in self.files)
        return {_place(book.origin, book.choose(self.options.sheet)): book.digest for book in books}


def _place(origin: str, sheet: str) -> str:
    return f"{origin}!{sheet}"


def _blocks(book: Workbook, sheet: str, options: ExcelOptions, account: Account) -> Iterator[Block]:
    yield from in_blocks(_records(book, sheet, options, account))
    account.intake.origins[account.origin] = book.digest


def _records(book: Workbook, sheet: str, options: ExcelOptions, account: Account) -> Iterable[Record]:
    """The rows of a sheet, through those stages that it and the options ask for."""
    look = book.look(sheet, account.origin, hidden_rows=options.hidden_rows == "skip")
    loaded = book.load(sheet, account.origin)
    if loaded.start is None and not look.marks:
        raise SourceError("the sheet is empty", where=account.origin, hint="Name the sheet with the table under sheet")
    records: Iterable[Record] = enumerate(loaded.iter_rows(), 1)
    if loaded.start is not None and loaded.start[1] > 0:
        records = from_first_column(records, loaded.start[1])
    if look.marks:
        records = with_marks(records, look.marks, max(look.width, loaded.total_width))
    if options.merged == "fill":
        records = filled_merged(records, _merged(loaded.merged_cell_ranges, account.origin))
    if options.hidden_rows == "skip" and look.hidden:
        records = _visible(records, look.hidden, account)
    if options.range is not None:
        records = area_of(options.range).cut(records, account)
    return records


def _merged(found: Merged | None, place: str) -> Merged:
    if found is None:
        hint = "Save the workbook as .xlsx, or use fill_down"
        raise SourceError("merged cells are known of .xlsx and .xls only", where=place, hint=hint)
    return found


def _visible(records: Iterable[Record], hidden: set[int], account: Account) -> Iterator[Record]:
    for row, cells in records:
        if row in hidden:
            account.skip(row, "hidden row")
        else:
            yield row, cells


def build(options: ExcelOptions, surroundings: Surroundings) -> Source:
    return ExcelSource(options, Files(options, surroundings))


SPEC: AdapterSpec[Source] = AdapterSpec("Excel workbooks (.xlsx, .xls, .xlsb) and .ods", ExcelOptions, build)
