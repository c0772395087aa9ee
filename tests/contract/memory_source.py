"""Rows in memory as a source, for tests of the rules that every source keeps."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from hashlib import sha256

from kpisync.errors import SourceError
from kpisync.fields import Options
from kpisync.model import Intake, Row, Run, Scope, Table
from kpisync.ports import AdapterSpec, Source
from kpisync.tables.runs import runs_of
from kpisync.testing import SourceConformance
from kpisync.testing.conformance_source import OPEN

Rows = Sequence[Sequence[str]]
ORIGIN = "shelf"


@dataclass
class MemorySource:
    """Implements `ports.Source`. An empty row is a blank line; `broken` says after how many rows it breaks off."""

    shelf: list[Sequence[str]]
    broken: int | None = None
    needs_range: bool = False

    def read(self, scope: Scope, intake: Intake) -> Iterator[Table]:
        if self.broken == 0:
            raise self._error()
        yield Table(ORIGIN, SourceConformance.columns, self._rows(intake))

    def _rows(self, intake: Intake) -> Iterator[Row]:
        for line, cells in enumerate(self.shelf, 1):
            if line == self.broken:
                raise self._error()
            if cells:
                intake.read += 1
                yield Row(line, list(cells))
            else:
                intake.skip("blank line", f"{ORIGIN}:{line}")
        intake.origins.update(self.hashes())

    def hashes(self) -> dict[str, str]:
        digest = sha256()
        for cells in self.shelf:
            digest.update(repr(cells).encode())
        return {ORIGIN: f"sha256:{digest.hexdigest()}"}

    def survey(self, column: str, intake: Intake) -> Iterator[Run]:
        return runs_of(self.read(OPEN, intake), column)

    def read_without(self, column: str, passed: Callable[[object], bool], intake: Intake) -> Iterator[Table]:
        return self.read(OPEN, intake)

    def _error(self) -> SourceError:
        return SourceError("the shelf is broken", where=f"{ORIGIN}:{self.broken}", hint="Mend it")


class MemorySourceConformance(SourceConformance):
    """The rules over a shelf that `adapter` reads."""

    spec = AdapterSpec("A shelf in memory", Options, lambda options, around: None)
    adapter: type[MemorySource] = MemorySource

    def setup_method(self) -> None:
        self.shelf: list[Sequence[str]] = []

    def source_of(self, rows: Rows) -> Source:
        self.shelf = list(rows)
        return self.adapter(self.shelf)

    def source_with_other_lines(self, rows: Rows) -> tuple[Source, int]:
        return self.source_of([(), *rows, ()]), 2

    def source_with_range(self) -> Source:
        return self.adapter(self.shelf, needs_range=True)

    def broken_sources(self) -> Mapping[str, Source]:
        rows: list[Sequence[str]] = [("line-1", "2026-11-20", "7")] * 3
        whole = self.adapter(rows)
        return {"missing": replace(whole, broken=0), "cut off": replace(whole, broken=3)}

    def look(self) -> object:
        return list(self.shelf)
