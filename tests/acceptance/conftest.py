"""A project in a folder, a sandbox in place of the board, and the command line as a user calls it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from kpisync.cli.main import main
from kpisync.model import Catalog, CatalogKpi, Interval
from kpisync.sandbox.server import Sandbox

LINE_1 = "8dca904d-9134-3bb0-95b7-3f72ae3dfacf"
LINE_2 = "6f1c0a52-2f43-4c1f-9f0e-1d8f0f6b7a10"
SCRAP = "c3ba32c2-a13a-0000-0000-000000000000"
ACTUAL = "79cf2f74-0e9c-45b5-bc4d-f437079dde7c"
TARGET = "fd2c7750-79e1-4514-89a2-e9c103db4d6b"
CATALOG = Catalog(
    {"line-1": LINE_1, "line-2": LINE_2},
    {"scrap": CatalogKpi("scrap", SCRAP, Interval.DAY, {"actual": ACTUAL, "target": TARGET})},
)

CONFIG = f"""\
version: 1
timezone: Europe/Berlin
destinations:
  board:
    type: valuestreamer
    url: ${{env:BOARD_URL}}
    username: sandbox
    password: ${{env:BOARD_PASSWORD}}
    settle: 1s
    timeout: 2s
catalog:
  board:
    teams: {{line-1: {LINE_1}, line-2: {LINE_2}}}
    kpis:
      scrap:
        id: {SCRAP}
        interval: day
        values: {{actual: {ACTUAL}, target: {TARGET}}}
lookups:
  lines: {{L1: line-1, L2: line-2}}
jobs:
  scrap-daily:
    source: {{type: csv, path: scrap.csv, delimiter: ";", decimal: ","}}
    map:
      date: {{column: Datum, format: "%d.%m.%Y"}}
      team: {{column: Linie, lookup: lines}}
      values:
        - {{kpi: scrap, value: actual, column: Ausschuss}}
    destination: board
"""


@dataclass(frozen=True)
class Outcome:
    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


@dataclass
class Project:
    """A configuration and its files in a folder, and a way to call kpisync there."""

    folder: Path
    call: Callable[..., Outcome]
    board: Sandbox

    def config(self, text: str = CONFIG) -> None:
        (self.folder / "kpisync.yaml").write_text(text, encoding="utf-8")

    def source(self, *rows: str, name: str = "scrap.csv", header: str = "Linie;Datum;Ausschuss") -> None:
        (self.folder / name).write_text("".join(f"{row}\n" for row in (header, *rows)), encoding="utf-8")

    def run(self, *arguments: str) -> Any:
        """The first run of `run --json`, with its exit code."""
        outcome = self.call("run", "--json", *arguments)
        return {**outcome.json["runs"][0], "exit": outcome.code}

    def records(self) -> dict[tuple[str, str], dict[str, str]]:
        """What the board holds: (day, team) → value name → number."""
        teams = {LINE_1: "line-1", LINE_2: "line-2"}
        kinds = {ACTUAL: "actual", TARGET: "target"}
        return {
            (key.period.isoformat(), teams[key.team or ""]): {kinds[id]: str(n) for id, n in values.items()}
            for key, values in self.board.records().items()
        }


@pytest.fixture
def board() -> Iterator[Sandbox]:
    with Sandbox(catalogs=CATALOG) as sandbox:
        yield sandbox


@pytest.fixture
def project(
    tmp_path: Path, board: Sandbox, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Project:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("BOARD_URL", board.platform_url("valuestreamer"))
    monkeypatch.setenv("BOARD_PASSWORD", "sandbox")
    monkeypatch.setenv("KPISYNC_CONFIG", str(tmp_path / "kpisync.yaml"))

    def call(*arguments: str) -> Outcome:
        monkeypatch.setattr("sys.argv", ["kpisync", *arguments])
        capsys.readouterr()
        with pytest.raises(SystemExit) as ended:
            main()
        captured = capsys.readouterr()
        return Outcome(int(ended.value.code or 0), captured.out, captured.err)

    project = Project(tmp_path, call, board)
    project.config()
    return project
