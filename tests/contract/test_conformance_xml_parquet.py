"""XML, Parquet, and a transform over another source keep the rules that every source keeps."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape

import duckdb
import pytest

from kpisync.ports import Source, Surroundings
from kpisync.sources import csv, parquet, xml
from kpisync.testing import SourceConformance
from kpisync.transform.source import transformed

Rows = Sequence[Sequence[str]]


class OfFiles(SourceConformance):
    """What the three have in common: one file in a folder of its own."""

    name = ""

    @pytest.fixture(autouse=True)
    def _exports(self, tmp_path: Path) -> None:
        self.file = tmp_path / self.name

    def look(self) -> object:
        return sorted((path.name, path.read_bytes(), path.stat().st_mtime_ns) for path in self.file.parent.iterdir())

    def _source(self, path: Path | None = None, **options: Any) -> Source:
        given = {"path": str(path or self.file), **options}
        return self.spec.build(self.spec.options.model_validate(given), Surroundings())


class TestXml(OfFiles):
    spec = xml.SPEC
    name = "scrap.xml"

    def source_of(self, rows: Rows) -> Source:
        return self._file_of(rows)

    def source_with_other_lines(self, rows: Rows) -> tuple[Source, int]:
        return self._file_of(rows, "<row><line/></row>\n<row><line>a</line><line>b</line></row>\n"), 2

    def broken_sources(self) -> Mapping[str, Source]:
        rows = [("line-1", "2026-11-20", str(n)) for n in range(20_000)]
        self._file_of(rows)
        whole = self.file.read_text()
        cases = {
            "cut off": whole[:-8],
            "not well-formed midway": whole[:1_500_000] + "<&>" + whole[1_500_000:],
            "HTML": "<html>",
            "a DOCTYPE": "<!DOCTYPE a []><a/>",
            "no such rows": "<a><b><c/></b></a>",
        }
        for what, content in cases.items():
            self.file.with_name(what).write_text(content)
        sources = {what: self._rows(self.file.with_name(what)) for what in cases}
        sources["no such rows"] = self._rows(self.file.with_name("no such rows"), rows="x/row")
        return {**sources, "missing": self._rows(self.file.with_name("nowhere.xml"))}

    def _file_of(self, rows: Rows, more: str = "") -> Source:
        body = "".join(
            "<row>" + "".join(f"<{name}>{escape(cell)}</{name}>" for name, cell in zip(self.columns, row, strict=True))
            + "</row>\n"
            for row in rows
        )  # fmt: skip
        self.file.write_text(f"<rows>\n{body}{more}</rows>\n")
        return self._rows(self.file)

    def _rows(self, path: Path, rows: str = "row") -> Source:
        return self._source(path, rows=rows, fields={name: name for name in self.columns})


class TestParquet(OfFiles):
    spec = parquet.SPEC
    name = "scrap.parquet"

    def source_of(self, rows: Rows) -> Source:
        self._write(rows)
        return self._source()

    def source_with_other_lines(self, rows: Rows) -> tuple[Source, int]:
        self._write([*rows, (None, None, None)])
        return self._source(), 1

    def broken_sources(self) -> Mapping[str, Source]:
        self._write([("line-1", "2026-11-20", str(n)) for n in range(3000)])
        whole = self.file.read_bytes()
        cases = {
            "cut off": whole[:-2],
            "empty": b"",
            "HTML": b"<html>",
            "damaged": whole[:-40] + b"\xff" * 36 + b"PAR1",
        }
        for what, content in cases.items():
            self.file.with_name(what).write_bytes(content)
        return {what: self._source(self.file.with_name(what)) for what in (*cases, "missing")}

    def _write(self, rows: Sequence[Sequence[str | None]]) -> None:
        with duckdb.connect() as connection:
            connection.execute(f"CREATE TABLE t ({', '.join(f'{name} VARCHAR' for name in self.columns)})")
            columns = [list(column) for column in zip(*rows, strict=True)]
            connection.execute("INSERT INTO t SELECT unnest(?), unnest(?), unnest(?)", columns)
            connection.execute(f"COPY t TO '{self.file}' (FORMAT parquet)")


class TestTransform(OfFiles):
    """Over a CSV file; its options are those of that source."""

    spec = csv.SPEC
    name = "scrap.csv"

    def source_of(self, rows: Rows) -> Source:
        return self._over(self.file, rows)

    def source_with_other_lines(self, rows: Rows) -> tuple[Source, int]:
        lines = [*rows, ("", "", "")]
        return self._over(self.file, lines), 1

    def broken_sources(self) -> Mapping[str, Source]:
        row = [("line-1", "2026-11-20", "5")]
        return {
            "no such column": self._over(self.file.with_name("a"), row, "SELECT nope FROM source"),
            "a sum of text": self._over(self.file.with_name("b"), row, "SELECT sum(line) FROM source"),
            "fails midway": self._over(
                self.file.with_name("c"),
                [("line-1", "2026-11-20", str(n)) for n in range(3000)],
                "SELECT CASE WHEN scrap > 2500 THEN CAST(line AS INTEGER) END AS n FROM source",
            ),
            "a rejected row": self._over(self.file.with_name("d"), [*row, ("a", "b", "c", "d")]),
            "missing": self._transform(self.file.with_name("nowhere")),
        }

    def _over(self, path: Path, rows: Rows, query: str = "SELECT line, day, scrap FROM source") -> Source:
        path.write_text("".join(f"{';'.join(cells)}\n" for cells in (self.columns, *rows)))
        return self._transform(path, query)

    def _transform(self, path: Path, query: str = "SELECT * FROM source") -> Source:
        return transformed(self._source(path, delimiter=";"), query)
