"""A source over files that had to be unpacked or fetched keeps the rules that every source keeps."""

from __future__ import annotations

import zipfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from kpisync.ports import Source, Surroundings
from kpisync.sources import csv
from kpisync.testing import SourceConformance
from tests.integration.sftp_server import PASSWORD, SftpServer

Rows = Sequence[Sequence[str]]


class _Exports(SourceConformance):
    """Files in a folder that `place` names; `pack` puts lines into one."""

    spec = csv.SPEC
    name = "scrap.csv"

    @pytest.fixture(autouse=True)
    def _exports(self, tmp_path: Path) -> None:
        self.folder = tmp_path / "exports"
        self.folder.mkdir()

    def place(self, name: str) -> dict[str, Any]:
        raise NotImplementedError

    def pack(self, path: Path, text: str) -> None:
        path.write_text(text, encoding="utf-8")

    def source_of(self, rows: Rows) -> Source:
        return self._source(*self._lines(rows))

    def source_with_other_lines(self, rows: Rows) -> tuple[Source, int]:
        header, *lines = self._lines(rows)
        return self._source("", header, "", *lines, ";;", "a;cell;too;many"), 4

    def look(self) -> object:
        return sorted((path.name, path.read_bytes(), path.stat().st_mtime_ns) for path in self.folder.iterdir())

    def broken_sources(self) -> Mapping[str, Source]:
        lines = self._lines([("line-1", "2026-11-20", str(n)) for n in range(1000)])
        damaged = self._source(*lines, name="damaged")
        whole = (self.folder / "damaged").read_bytes()
        (self.folder / "damaged").write_bytes(whole[: len(whole) // 2])
        quote = self._source(*lines, '"x', name="a quote too many")
        return {"missing": self.build("nowhere"), "damaged": damaged, "a quote too many": quote}

    def build(self, name: str) -> Source:
        options = csv.SPEC.options.model_validate({"delimiter": ";", **self.place(name)})
        return csv.SPEC.build(options, Surroundings())

    def _lines(self, rows: Rows) -> list[str]:
        return [";".join(cells) for cells in (self.columns, *rows)]

    def _source(self, *lines: str, name: str | None = None) -> Source:
        self.pack(self.folder / (name or self.name), "".join(f"{line}\n" for line in lines))
        return self.build(name or self.name)


class TestZip(_Exports):
    def place(self, name: str) -> dict[str, Any]:
        return {"path": str(self.folder / name), "archive": {"member": "*.csv"}}

    def pack(self, path: Path, text: str) -> None:
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("scrap.csv", text)


class TestSftp(_Exports):
    @pytest.fixture(autouse=True)
    def _server(self, _exports: None) -> Iterator[None]:
        with SftpServer(self.folder) as self.server:
            yield

    def place(self, name: str) -> dict[str, Any]:
        login = {"password": PASSWORD, "host_key": self.server.host_key}
        return {"path": self.server.url(f"/{name}"), "login": login}
