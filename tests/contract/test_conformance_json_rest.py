"""The sources of JSON keep the rules that every source keeps."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from kpisync.ports import Source, Surroundings
from kpisync.sources import json as json_source
from kpisync.sources import rest
from kpisync.testing import SourceConformance
from kpisync.testing.clock import FakeClock
from kpisync.testing.conformance_spec import skip
from tests.unit.rest_server import Asked, RestServer, says

Rows = Sequence[Sequence[str]]


class JsonFiles(SourceConformance):
    spec = json_source.SPEC
    name = "scrap.json"

    @pytest.fixture(autouse=True)
    def _exports(self, tmp_path: Path) -> None:
        self.folder = tmp_path

    def look(self) -> object:
        return sorted((path.name, path.read_bytes(), path.stat().st_mtime_ns) for path in self.folder.iterdir())

    def _objects(self, rows: Rows) -> list[str]:
        return [json.dumps(dict(zip(self.columns, row, strict=True))) for row in rows]

    def _source(self, text: str, name: str | None = None) -> Source:
        path = self.folder / (name or self.name)
        path.write_text(text, encoding="utf-8")
        options = {"path": str(path), "lines": self.name.endswith("l")}
        return self.spec.build(self.spec.options.model_validate(options), Surroundings())

    def _missing(self) -> Source:
        return self.spec.build(self.spec.options.model_validate({"path": "nowhere/*.json"}), Surroundings())


class TestJsonLines(JsonFiles):
    name = "scrap.jsonl"

    def source_of(self, rows: Rows) -> Source:
        return self._source("".join(f"{line}\n" for line in self._objects(rows)))

    def source_with_other_lines(self, rows: Rows) -> tuple[Source, int]:
        lines = ["", *self._objects(rows), "{broken", "5", "{}", '{"another": 1}']
        return self._source("".join(f"{line}\n" for line in lines)), 5

    def broken_sources(self) -> Mapping[str, Source]:
        lines = self._objects([("line-1", "2026-11-20", str(n)) for n in range(1000)])
        cases = {"cut off": "\n".join(lines)[:-3], "a document": "[\n{}\n]\n", "nothing": "", "HTML": "<html>\n"}
        return {what: self._source(text, what) for what, text in cases.items()} | {"missing": self._missing()}


class TestJsonDocument(JsonFiles):
    def source_of(self, rows: Rows) -> Source:
        return self._source(f"[{','.join(self._objects(rows))}]")

    def source_with_other_lines(self, rows: Rows) -> tuple[Source, int]:
        objects = [*self._objects(rows), "5", "{}", '{"another": 1}', "null"]
        return self._source(f"[{','.join(objects)}]"), 4

    def broken_sources(self) -> Mapping[str, Source]:
        cases = {"cut off": '[{"a": 1}', "no list": '{"a": 1}', "two": "[] []", "nothing": "", "HTML": "<html>"}
        return {what: self._source(text, what) for what, text in cases.items()} | {"missing": self._missing()}

    def test_rows_are_read_lazily(self) -> None:
        skip("a document is read as a whole; JSON Lines are not")


class TestRest(SourceConformance):
    """A server that gives pages of a hundred rows."""

    spec = rest.SPEC

    @pytest.fixture(autouse=True)
    def _server(self) -> Iterator[None]:
        self.rows: list[Any] = []
        self.methods: set[str] = set()
        with RestServer(self._answer) as self.server:
            yield

    def _answer(self, asked: Asked) -> bytes:
        self.methods.add(asked.method)
        if asked.path == "/html":
            return says(b"<html>Login</html>")
        if asked.path == "/nothing":
            return says({}, 404)
        start = int(asked.query["offset"])
        if asked.path == "/breaks-off" and start:
            return says({}, 400)
        return says({"total": len(self.rows), "rows": self.rows[start : start + 100]})

    def source_of(self, rows: Rows) -> Source:
        self.rows = [dict(zip(self.columns, row, strict=True)) for row in rows]
        return self._source("/api")

    def source_with_other_lines(self, rows: Rows) -> tuple[Source, int]:
        self.source_of(rows)
        self.rows += [5, {}, {"another": 1}]
        return self._source("/api"), 3

    def source_with_range(self) -> Source:
        return self._source("/api", query={"since": "{from}"})

    def broken_sources(self) -> Mapping[str, Source]:
        self.source_of([("line-1", "2026-11-20", str(n)) for n in range(1000)])
        return {
            "a web page": self._source("/html"),
            "nothing there": self._source("/nothing"),
            "breaks off": self._source("/breaks-off"),
            "fewer rows than promised": self._source("/api", total="`2000`"),
        }

    def look(self) -> object:
        return list(self.rows), self.methods <= {"GET"}

    def _source(self, path: str, **options: Any) -> Source:
        given = {
            "url": f"{self.server.url}{path}",
            "rows": "rows",
            "total": "total",
            "pages": {"offset": {"limit": 100}},
            **options,
        }
        return self.spec.build(self.spec.options.model_validate(given), Surroundings(clock=FakeClock()))
