"""The lines of a ledger as rows: what the destination keeps, or what people write into such a file."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from dataclasses import dataclass

from pydantic import Field

from kpisync.errors import SourceError
from kpisync.fields import FilePath, Options
from kpisync.model import Intake, Row, Scope, Table
from kpisync.ports import AdapterSpec, Source, Surroundings
from kpisync.support.files import origin_of
from kpisync.support.text import open_text


class LedgerOptions(Options):
    """A file as the destination of the same name keeps it."""

    path: FilePath = Field(description="the CSV file, in UTF-8, with column names in its first line")


@dataclass(frozen=True)
class LedgerSource:
    """The port `Source` over one file."""

    options: LedgerOptions
    needs_range: bool = False

    def read(self, scope: Scope, intake: Intake) -> Iterator[Table]:
        origin = origin_of(self.options.path)
        lines = self._lines(origin, intake)
        columns = tuple(str(name) for name in next(lines).cells)
        yield Table(origin, columns, _rows(lines, len(columns), origin, intake))

    def _lines(self, origin: str, intake: Intake) -> Iterator[Row]:
        """Every line; the file is open from the first one taken until the last, and then its hash is known."""
        with open_text(self.options.path, origin, "utf-8") as text:
            line, cells = 1, csv.reader(text.lines, strict=True)
            try:
                for each in cells:
                    yield Row(line, each)
                    line = cells.line_num + 1
            except csv.Error as error:
                what, where = f"this is no line of a ledger: {error}", f"{origin}:{line}"
                raise SourceError(what, where=where, hint="Correct the line") from None
            intake.origins[origin] = text.observed.finish()


def _rows(lines: Iterator[Row], width: int, origin: str, intake: Intake) -> Iterator[Row]:
    """The lines that are rows; the others are entered in the intake."""
    for row in lines:
        if not row.cells:
            intake.skip("blank line", f"{origin}:{row.line}")
        elif len(row.cells) != width:
            reason = f"{len(row.cells)} cells, where the first line names {width}"
            intake.reject(f"{origin}:{row.line}", "field-count", reason)
        else:
            intake.read += 1
            yield row


def build(options: LedgerOptions, around: Surroundings) -> Source:
    return LedgerSource(options)


SPEC: AdapterSpec[Source] = AdapterSpec("The lines of a ledger", LedgerOptions, build)
