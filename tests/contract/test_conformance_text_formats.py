"""SAP lists and lines of fixed width keep the rules that every source keeps."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from kpisync.ports import Source, Surroundings
from kpisync.sources import fixed_width, sap_list
from kpisync.testing import SourceConformance

Rows = Sequence[Sequence[str]]


class TextConformance(SourceConformance):
    """What the formats have in common: lines in one file."""

    __test__ = False
    given: Mapping[str, Any] = {}

    @pytest.fixture(autouse=True)
    def _exports(self, tmp_path: Path) -> None:
        self.file = tmp_path / "scrap.txt"

    def look(self) -> object:
        return sorted((path.name, path.read_bytes(), path.stat().st_mtime_ns) for path in self.file.parent.iterdir())

    def sample(self) -> list[tuple[str, str, str]]:
        return [("line-1", "2026-11-20", str(n)) for n in range(1000)]

    def missing(self) -> Source:
        options = self.spec.options.model_validate({"path": "nowhere/*.txt", **self.given})
        return self.spec.build(options, Surroundings())

    def source(self, *lines: str, name: str = "scrap.txt", end: str = "\n") -> Source:
        path = self.file.with_name(name)
        path.write_text("\n".join(lines) + end, encoding="utf-8")
        options = self.spec.options.model_validate({"path": str(path), **self.given})
        return self.spec.build(options, Surroundings())


class TestSapListWithBars(TextConformance):
    __test__ = True
    spec = sap_list.SPEC

    def source_of(self, rows: Rows) -> Source:
        return self.source(*self._lines(rows))

    def source_with_other_lines(self, rows: Rows) -> tuple[Source, int]:
        *lines, ruler = self._lines(rows)
        title, page = "20.11.2026   Dynamische Listenausgabe   1", ["", "Seite 2", *lines[:3]]
        broken = ["|line-1|2026-11-20|cut", "|too|many|cells|here|"]
        return self.source(title, *lines, *page, *broken, "|*|| 5|", ruler), 1 + 2 + 5 + 2 + 2

    def broken_sources(self) -> Mapping[str, Source]:
        lines = self._lines(self.sample())
        return {
            "cut in a line": self.source(*lines[:-1], name="cut", end=""),
            "cut between lines": self.source(*lines[:-1], name="open"),
            "a header of two lines": self.source(*lines[:2], *lines[1:], name="two"),
            "HTML": self.source("<html>", name="page"),
            "no list": self.source("a;b", "1;2", name="csv"),
            "missing": self.missing(),
        }

    def _lines(self, rows: Rows) -> list[str]:
        ruler = "-" * 40
        header, *lines = (f"|{'|'.join(f'{cell:10}' for cell in cells)}|" for cells in (self.columns, *rows))
        return [ruler, header, ruler, *lines, ruler]


class TestSapListWithTabs(TextConformance):
    __test__ = True
    spec = sap_list.SPEC

    def source_of(self, rows: Rows) -> Source:
        return self.source(*self._lines(rows))

    def source_with_other_lines(self, rows: Rows) -> tuple[Source, int]:
        header, *lines = self._lines(rows)
        others = ["", "\t\t", "*\t\t5", "Seite 2", header, "line-1\tcell\ttoo\tmany"]
        return self.source("20.11.2026\tListe\t1", "", header, *lines, *others), 2 + len(others)

    def broken_sources(self) -> Mapping[str, Source]:
        lines = self._lines(self.sample())
        return {
            "cut in a line": self.source(*lines, "x\ty", name="cut", end=""),
            "a header that is not certain": self.source("1\t2\t3\t4", *lines, name="title"),
            "no list": self.source("a;b", "1;2", name="csv"),
            "missing": self.missing(),
        }

    def _lines(self, rows: Rows) -> list[str]:
        return ["\t".join(f"{cell:>10}" for cell in cells) for cells in (self.columns, *rows)]


class TestFixedWidth(TextConformance):
    __test__ = True
    spec = fixed_width.SPEC
    given: Mapping[str, Any] = {
        "fields": {"line": "1-8", "day": "10-19", "scrap": "21-30"},
        "skip_lines_matching": ["^#"],
    }

    def source_of(self, rows: Rows) -> Source:
        return self.source("#", *self._lines(rows))

    def source_with_other_lines(self, rows: Rows) -> tuple[Source, int]:
        others = ["", "too short", f"{'x' * 31}", "line-1\t2026-11-20 5"]
        return self.source("# header", *self._lines(rows), *others), 1 + len(others)

    def broken_sources(self) -> Mapping[str, Source]:
        lines = self._lines(self.sample())
        return {
            "cut in a line": self.source(*lines, name="cut", end=""),
            "HTML": self.source("<html>", name="page"),
            "missing": self.missing(),
        }

    def _lines(self, rows: Rows) -> list[str]:
        return [f"{line:8} {day:10} {scrap:>10}" for line, day, scrap in rows]
