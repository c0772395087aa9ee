"""A run knows which platform its requests went to, and which were its source's."""

from __future__ import annotations

import json
from pathlib import Path

from socket_server import Server, answer, sends

from kpisync.app import App
from kpisync.config.load import load
from kpisync.jobs import JobResult, Request
from kpisync.model import Catalog, CatalogKpi, Interval
from kpisync.sandbox.server import Sandbox
from kpisync.sandbox.settings import Fault, SandboxSettings
from kpisync.testing.clock import FakeClock
from kpisync.watch.tally import Tally

TEAM = "8dca904d-9134-3bb0-95b7-3f72ae3dfacf"
KPI = "c3ba32c2-a13a-0000-0000-000000000000"
ACTUAL = "79cf2f74-0e9c-45b5-bc4d-f437079dde7c"
CATALOG = Catalog({"line-1": TEAM}, {"scrap": CatalogKpi("scrap", KPI, Interval.DAY, {"actual": ACTUAL})})
CONFIG = f"""\
version: 1
timezone: Europe/Berlin
destinations:
  board: {{type: valuestreamer, url: "${{env:BOARD_URL}}", username: sandbox, password: "${{env:PASSWORD}}"}}
catalog:
  board:
    teams: {{line-1: {TEAM}}}
    kpis: {{scrap: {{id: {KPI}, interval: day, values: {{actual: {ACTUAL}}}}}}}
jobs:
  scrap:
    source: {{type: rest, url: "${{env:SOURCE_URL}}/scrap"}}
    map:
      date: {{column: day}}
      team: line-1
      values: [{{kpi: scrap, value: actual, column: number}}]
    destination: board
"""
ROWS = [{"day": "2026-11-19", "number": 3}, {"day": "2026-11-20", "number": 4}]


def run(folder: Path, *faults: Fault) -> JobResult:
    """One run from a REST source to a sandbox."""
    (folder / "kpisync.yaml").write_text(CONFIG, encoding="utf-8")
    body = answer(body=json.dumps(ROWS).encode(), headers="Content-Type: application/json\r\n")
    with Server(sends(body)) as source, Sandbox(SandboxSettings(faults=faults), catalogs=CATALOG) as board:
        environ = {
            "BOARD_URL": board.platform_url("valuestreamer"),
            "PASSWORD": "sandbox",
            "SOURCE_URL": source.url,
        }
        (result,) = App(load(folder / "kpisync.yaml", environ), FakeClock()).run(Request())
    assert result.report.error is None
    return result


def test_requests_to_a_platform_and_those_of_a_source_are_told_apart(tmp_path: Path) -> None:
    report = run(tmp_path).report
    assert report.traffic.requests == {"board": {"GET": 2, "PUT": 2}, "": {"GET": 1}}
    assert report.traffic.answers == {"board": {"200": 2, "201": 2}, "": {"200": 1}}
    assert (report.requests, report.answers) == ({"GET": 3, "PUT": 2}, {"200": 3, "201": 2})


def test_every_request_has_an_answer_or_none(tmp_path: Path) -> None:
    report = run(tmp_path, Fault(kind="status", status=503, times=1)).report
    assert report.answers["503"] == 1
    assert report.requests.total() == report.answers.total()


def test_a_tally_of_it_holds_the_platforms_part(tmp_path: Path) -> None:
    result, tally = run(tmp_path), Tally()
    tally.ended(result.report, result.status, result.exit_code, "run", 1.0)
    assert tally.counts().requests == {("board", "GET"): 2, ("board", "PUT"): 2}
