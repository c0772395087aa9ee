"""A thousand runs of one daemon, good and bad ones, with its page looked at all the while: it does not grow."""

from __future__ import annotations

import uuid
from collections import Counter
from collections.abc import Iterator
from itertools import cycle
from pathlib import Path

import pytest
from measure import WHOLE, amount
from served import Daemon, until

from kpisync.sandbox.server import Sandbox

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="needs the /proc of Linux"),
]
JOBS = 5
WARM = amount(10, 200)  # runs after which everything was done once
RUNS = WARM + amount(20, 1000)
DAYS = 4
GROWTH = 1.05 if WHOLE else 1.10  # of the memory, from warm to the end; a cold start is still settling in a sample
POOL = 5  # connections to the state store that are kept open once so many were needed at a time
CONFIG = """\
version: 1
timezone: Europe/Berlin
destinations:
  board: {{type: valuestreamer, url: {url}, username: sandbox, password: sandbox, settle: 1s}}
catalog:
  board:
    teams: {{line-1: {team}}}
    kpis:
{kpis}
jobs:
{jobs}
"""
JOB = """\
  job-{number}:
    source: {{type: csv, path: job-{number}.csv}}
    map: {{date: {{column: day}}, team: line-1, values: [{{kpi: kpi-{number}, value: actual, column: number}}]}}
    destination: board
    guard: {{max_changed: 100%}}
"""
LOOKED_AT = ("/", "/board", "/runs", "/jobs/job-1", "/rejects", "/destinations", "/metrics", "/readyz", "/livez")


def _id(text: str) -> str:
    return str(uuid.uuid5(uuid.NAMESPACE_OID, text))


def configure(folder: Path, url: str) -> None:
    kpis = (f"      kpi-{n}: {{id: {_id(f'kpi {n}')}, values: {{actual: {_id(f'{n} actual')}}}}}" for n in range(JOBS))
    jobs = "".join(JOB.format(number=number) for number in range(JOBS))
    text = CONFIG.format(url=url, team=_id("line-1"), kpis="\n".join(kpis), jobs=jobs)
    (folder / "kpisync.yaml").write_text(text, encoding="utf-8")


def state(folder: Path, number: int, turn: int) -> str:
    """The export of a job, another one in each turn, now and then a bad one; how the run over it must end."""
    title, bad, ends = "day,number", list[str](), "ok"
    if (number + turn) % 7 == 0:
        title, ends = "day,wrong", "failed"
    if (number + turn) % 7 == 3:
        bad, ends = ["2026-01-31,many"], "partial"
    rows = [f"2026-01-{day:02},{turn * 100 + number * 10 + day}" for day in range(1, DAYS + 1)]
    (folder / f"job-{number}.csv").write_text("\n".join([title, *rows, *bad, ""]), encoding="utf-8")
    return ends


@pytest.fixture
def daemon(tmp_path: Path) -> Iterator[Daemon]:
    with Sandbox() as board:
        configure(tmp_path, board.platform_url("valuestreamer"))
        with Daemon(tmp_path) as daemon:
            yield daemon


def test_a_daemon_does_not_grow(daemon: Daemon) -> None:
    pages, ends, turn = cycle(LOOKED_AT), Counter[str](), 0
    warm: tuple[int, list[str]] = (0, [])
    while (done := ends.total()) < RUNS:
        if done == WARM:
            warm = daemon.resident, daemon.descriptors
        for number in range(JOBS):
            ends[state(daemon.folder, number, turn)] += 1
            daemon.page.press(f"/jobs/job-{number}", f"/jobs/job-{number}/run")
        turn += 1
        until(
            lambda: daemon.page.count("kpisync_runs_total") >= ends.total(),
            meanwhile=lambda: daemon.page.get(next(pages)),
        )
    until(
        lambda: len(daemon.descriptors) <= len(warm[1]) + POOL, or_else=lambda: f"{warm[1]}, then {daemon.descriptors}"
    )
    assert {name: daemon.page.count("kpisync_runs_total", outcome=name) for name in ends} == dict(ends)
    assert daemon.resident < warm[0] * GROWTH, f"from {warm[0]:,} bytes to {daemon.resident:,}"
    assert daemon.stop() == 143
