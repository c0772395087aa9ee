"""The sources of kpisync keep the rules that every source keeps."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from kpisync.ports import Source, Surroundings
from kpisync.sources import csv, sql
from kpisync.testing import SourceConformance

Rows = Sequence[Sequence[str]]


class TestCsv(SourceConformance):
    spec = csv.SPEC

    @pytest.fixture(autouse=True)
    def _exports(self, tmp_path: Path) -> None:
        self.file = tmp_path / "scrap.csv"

    def source_of(self, rows: Rows) -> Source:
        return self._source(*self._lines(rows))

    def source_with_other_lines(self, rows: Rows) -> tuple[Source, int]:
        header, *lines = self._lines(rows)
        return self._source("", header, "", *lines, ";;", "a;cell;too;many"), 4

    def broken_sources(self) -> Mapping[str, Source]:
        lines = self._lines([("line-1", "2026-11-20", str(n)) for n in range(1000)])
        cases = {"cut off": [*lines, "x"], "a quote too many": [*lines, '"x'], "no header": [], "HTML": ["<html>"]}
        sources = {what: self._source(*content, name=what) for what, content in cases.items()}
        (self.file.parent / "cut off").write_text("\n".join(lines), encoding="utf-8")
        missing = csv.SPEC.build(csv.SPEC.options.model_validate({"path": "nowhere/*.csv"}), Surroundings())
        return {**sources, "missing": missing}

    def look(self) -> object:
        return sorted((path.name, path.read_bytes(), path.stat().st_mtime_ns) for path in self.file.parent.iterdir())

    def _lines(self, rows: Rows) -> list[str]:
        return [";".join(cells) for cells in (self.columns, *rows)]

    def _source(self, *lines: str, name: str = "scrap.csv") -> Source:
        path = self.file.with_name(name)
        path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
        return csv.SPEC.build(csv.SPEC.options.model_validate({"path": str(path), "delimiter": ";"}), Surroundings())


class TestSql(SourceConformance):
    """A file of SQLite."""

    spec = sql.SPEC

    @pytest.fixture(autouse=True)
    def _database(self, tmp_path: Path) -> None:
        self.file = tmp_path / "erp.db"

    def source_of(self, rows: Rows) -> Source:
        with closing(sqlite3.connect(self.file)) as connection, connection:
            connection.execute("DROP TABLE IF EXISTS production")
            connection.execute("CREATE TABLE production (line TEXT, day TEXT, scrap TEXT)")
            connection.executemany("INSERT INTO production VALUES (?, ?, ?)", rows)
        return self._source("SELECT line, day, scrap FROM production ORDER BY rowid")

    def source_with_range(self) -> Source:
        return self._source("SELECT line FROM production WHERE day >= :from")

    def broken_sources(self) -> Mapping[str, Source]:
        self.source_of([("line-1", "2026-11-20", str(n)) for n in range(3000)])
        overflow = "SELECT CASE WHEN rowid > 2500 THEN abs(-9223372036854775807 - 1) END AS scrap FROM production"
        return {
            "no such column": self._source("SELECT scarp FROM production"),
            "fails midway": self._source(overflow),
            "no such file": self._source("SELECT 1", url="sqlite:///nowhere/erp.db"),
        }

    def look(self) -> object:
        return sorted((path.name, path.read_bytes()) for path in self.file.parent.iterdir())

    def _source(self, query: str, **options: Any) -> Source:
        given = {"url": f"sqlite:///{self.file}", "query": query, **options}
        return sql.SPEC.build(sql.SPEC.options.model_validate(given), Surroundings())
