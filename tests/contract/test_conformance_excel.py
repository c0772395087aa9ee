"""The Excel source keeps the rules that every source keeps, for every format of workbooks that can be written here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import openpyxl
import pytest

from kpisync.ports import Source, Surroundings
from kpisync.sources import excel
from kpisync.testing import SourceConformance

Rows = Sequence[Sequence[str | None]]


class TestExcel(SourceConformance):
    spec = excel.SPEC

    @pytest.fixture(autouse=True)
    def _exports(self, tmp_path: Path) -> None:
        self.file = tmp_path / "scrap.xlsx"

    def source_of(self, rows: Rows) -> Source:
        return self._source([self.columns, *rows])

    def source_with_other_lines(self, rows: Rows) -> tuple[Source, int]:
        title = ["Scrap by line"]
        total = [None, None, "total without a label"]
        return self._source([title, [], self.columns, [], *rows, [], total], header={"row": 3}, require=["line"]), 5

    def broken_sources(self) -> Mapping[str, Source]:
        self.source_of([("line-1", "2026-11-20", str(n)) for n in range(1000)])
        whole = self.file.read_bytes()
        broken = {
            "cut off": whole[:-200],
            "damaged": whole.replace(b"sheet1", b"sheet9"),
            "HTML": b"<html>",
            "empty": b"",
        }
        sources = {what: self._of(what) for what in broken}
        for what, content in broken.items():
            self.file.with_name(what).write_bytes(content)
        return {
            **sources,
            "no such sheet": self._of(self.file.name, sheet="Stock"),
            "missing": self._of("nowhere/*.xlsx"),
        }

    def look(self) -> object:
        return sorted((path.name, path.read_bytes(), path.stat().st_mtime_ns) for path in self.file.parent.iterdir())

    def _source(self, lines: Rows | Sequence[Any], **options: Any) -> Source:
        book = openpyxl.Workbook(write_only=True)
        sheet = book.create_sheet("Scrap")
        for line in lines:
            sheet.append(line)
        book.save(self.file)
        return self._of(self.file.name, **options)

    def _of(self, name: str, **options: Any) -> Source:
        given = {"path": str(self.file.with_name(name) if "/" not in name else name), **options}
        return excel.SPEC.build(excel.SPEC.options.model_validate(given), Surroundings())
