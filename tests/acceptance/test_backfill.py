"""Backfill: a range in chunks of whole periods, oldest first, that goes on where it stopped."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from datetime import date, timedelta
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kpisync.chunks import cut, parse_span
from kpisync.errors import ConfigError
from kpisync.mapping.options import LookbackSpan
from kpisync.mapping.periods import period_end, period_start
from kpisync.model import Interval, Rhythm
from kpisync.sandbox.settings import Fault
from kpisync.state.lock import job_lock
from tests.acceptance.conftest import CONFIG
from tests.acceptance.test_signals import started

if TYPE_CHECKING:
    from tests.acceptance.conftest import Project

QUERY = "SELECT line AS Linie, day AS Datum, scrap AS Ausschuss FROM production WHERE day >= :from AND day < :until"
CSV = 'source: {type: csv, path: scrap.csv, delimiter: ";", decimal: ","}'
CONCURRENCY = 4  # the default
QUARTER = ("--from", "2026-01-01", "--to", "2026-03-31", "--chunk", "1m")


def from_erp(project: Project, *rows: tuple[str, str, float], more: str = "") -> None:
    """A database in place of the file, which binds dates, so that a chunk reads no rows but its own."""
    with closing(sqlite3.connect(project.folder / "erp.db")) as erp, erp:
        erp.execute("DROP TABLE IF EXISTS production")
        erp.execute("CREATE TABLE production (line TEXT, day TEXT, scrap REAL)")
        erp.executemany("INSERT INTO production VALUES (?, ?, ?)", rows)
    source = f'source: {{type: sql, url: "sqlite:///{project.folder}/erp.db", query: "{QUERY}"}}'
    text = CONFIG.replace(CSV, source).replace(', format: "%d.%m.%Y"', "")
    project.config(text + more)


def backfill(project: Project, *arguments: str) -> tuple[int, list[dict[str, Any]]]:
    outcome = project.call("backfill", "scrap-daily", "--json", *(arguments or QUARTER))
    return outcome.code, outcome.json["runs"]


def column(runs: list[dict[str, Any]], name: str) -> list[Any]:
    return [run[name] for run in runs]


# ---------------------------------------------------------------- chunks


def test_each_chunk_is_a_run_of_whole_months_oldest_first(project: Project) -> None:
    project.source("L1;15.01.2026;1", "L1;15.03.2026;3", "L1;28.02.2026;2", "L1;01.04.2026;4")
    code, runs = backfill(project)
    assert code == 0
    assert list(zip(column(runs, "from"), column(runs, "to"), strict=True)) == [
        ("2026-01-01", "2026-01-31"),
        ("2026-02-01", "2026-02-28"),
        ("2026-03-01", "2026-03-31"),
    ]
    assert column(runs, "confirmed") == [1, 1, 1]
    assert sorted(day for day, _ in project.records()) == ["2026-01-15", "2026-02-28", "2026-03-15"]


@pytest.mark.parametrize(
    ("span", "intervals", "first", "last", "chunks"),
    [
        ("31d", {Interval.DAY}, "2026-01-10", "2026-01-10", ["2026-01-10 2026-01-10"]),
        ("31d", {Interval.DAY}, "2026-01-10", "2026-02-10", ["2026-01-10 2026-02-09", "2026-02-10 2026-02-10"]),
        ("10d", {Interval.WEEK}, "2026-11-18", "2026-11-29", ["2026-11-16 2026-11-22", "2026-11-23 2026-11-29"]),
        ("1d", {Interval.MONTH}, "2026-01-31", "2026-02-01", ["2026-01-01 2026-01-31", "2026-02-01 2026-02-28"]),
        ("1w", {*Interval} - {Interval.YEAR}, "2026-02-01", "2026-03-01", ["2026-01-01 2026-03-31"]),
        ("2m", {Interval.DAY}, "2026-01-15", "2026-03-02", ["2026-01-15 2026-02-28", "2026-03-01 2026-03-02"]),
        ("3m", {Interval.YEAR}, "9999-06-01", "9999-12-31", ["9999-01-01 9999-12-31"]),
        ("5w", {Interval.WEEK}, "9999-12-30", "9999-12-31", ["9999-12-27 9999-12-31"]),
    ],
)  # fmt: skip
def test_chunks_are_cut_between_periods_of_the_coarsest_interval(
    span: str, intervals: set[Interval], first: str, last: str, chunks: list[str]
) -> None:
    found = cut(date.fromisoformat(first), date.fromisoformat(last), parse_span(span), set(map(Rhythm, intervals)))
    assert [f"{begin} {end}" for begin, end in found] == chunks


@given(
    first=st.dates(),
    days=st.integers(0, 2000),
    number=st.integers(1, 500),
    unit=st.sampled_from("dwm"),
    intervals=st.sets(st.sampled_from(Interval), min_size=1),
)
def test_chunks_leave_nothing_out_and_cut_no_period_of_the_coarsest_interval(
    first: date, days: int, number: int, unit: str, intervals: set[Interval]
) -> None:
    last = first + min(timedelta(days), date.max - first)
    found = cut(first, last, LookbackSpan(number, unit), set(map(Rhythm, intervals)))
    assert found[0][0] <= first
    assert found[-1][1] >= last
    assert all(later[0] - earlier[1] == timedelta(1) for earlier, later in pairwise(found))
    coarsest = max(intervals, key=list(Interval).index)
    for begin, end in found:
        assert period_start(begin, coarsest) == begin
        assert period_end(period_start(end, coarsest), coarsest) == end


@pytest.mark.parametrize("span", ["", "0d", "all", "31", "-1d", "1y", "1.5m", "d"])
def test_a_chunk_that_is_no_length_is_wrong_usage(span: str) -> None:
    with pytest.raises(ConfigError, match="not a length such as 31d, 5w or 3m"):
        parse_span(span)


# ---------------------------------------------------------------- going on


def test_a_second_call_makes_no_request(project: Project) -> None:
    project.source("L1;15.01.2026;1", "L1;15.02.2026;2")
    backfill(project)
    code, runs = backfill(project)
    assert (code, column(runs, "unchanged"), column(runs, "requests")) == (0, [1, 1, 0], [{}, {}, {}])


def test_a_chunk_that_could_not_be_carried_out_is_the_last_and_the_next_call_goes_on_with_it(project: Project) -> None:
    project.source("L1;15.01.2026;1", "L1;15.02.2026;2", "L1;15.03.2026;3")
    project.board.faults = [Fault(kind="status", status=401, method="PUT", after=1, times=None)]
    code, runs = backfill(project)
    assert (code, column(runs, "status")) == (4, ["ok", "failed"])
    project.board.faults = []
    code, runs = backfill(project)
    assert (code, column(runs, "created")) == (0, [0, 1, 1])
    assert [run["requests"].get("PUT", 0) for run in runs] == [0, 1, 1]


def test_a_correction_in_the_source_is_not_missed_by_a_call_that_goes_on(project: Project) -> None:
    from_erp(project, ("L1", "2026-01-15", 1), ("L1", "2026-02-15", 2))
    backfill(project)
    from_erp(project, ("L1", "2026-01-15", 1.5), ("L1", "2026-02-15", 2))
    _, runs = backfill(project)
    assert column(runs, "updated") == [1, 0, 0]
    assert project.records()["2026-01-15", "line-1"]["actual"] == "1.5"


def test_a_reject_in_one_chunk_keeps_no_other_from_running(project: Project) -> None:
    project.source("L9;15.01.2026;1", "L1;15.02.2026;2")
    code, runs = backfill(project)
    assert (code, column(runs, "status")) == (1, ["partial", "ok", "ok"])


def test_one_process_backfills_a_job(project: Project) -> None:
    project.source("L1;15.01.2026;1")
    with job_lock(f"sqlite:///{project.folder}/state/kpisync.db", "scrap-daily", kind="backfill"):
        code, runs = backfill(project)
    assert (code, column(runs, "status"), project.board.requests) == (5, ["skipped"], {})
    assert "runs a backfill of job scrap-daily" in runs[0]["error"]


def test_a_killed_backfill_goes_on_at_the_record_where_it_was(project: Project) -> None:
    days = [f"L1;{day:02}.{month:02}.2026;{day}" for month in (1, 2, 3) for day in range(1, 29)]
    project.source(*days)
    with started(project, "backfill", "scrap-daily", *QUARTER) as process:
        process.kill()
        process.wait()
    assert 0 < project.board.requests["PUT"] < len(days)
    code, runs = backfill(project)
    assert (code, column(runs, "status")) == (0, ["ok", "ok", "ok"])
    assert len(project.records()) == len(days)
    twice = project.board.requests["PUT"] - len(days)
    assert twice <= CONCURRENCY, "only what was under way when it was killed may be sent once more"
    assert backfill(project)[1][0]["requests"] == {}


# ---------------------------------------------------------------- guard


def test_a_chunk_that_the_guard_holds_is_the_last_until_it_is_allowed(project: Project) -> None:
    days = [f"L1;{day:02}.0{{}}.2026;{{}}" for day in range(1, 13)]
    project.source(*(day.format(month, 1) for month in (1, 2, 3) for day in days))
    backfill(project)
    project.source(*(day.format(month, 1 + (month > 1)) for month in (1, 2, 3) for day in days))
    code, runs = backfill(project)
    assert (code, column(runs, "status"), runs[1]["requests"]) == (3, ["ok", "held"], {})
    code, runs = backfill(project, *QUARTER, "--yes-over-guard")
    assert (code, column(runs, "updated")) == (0, [0, 12, 12])


def test_a_chunk_without_rows_is_no_reason_to_hold(project: Project) -> None:
    from_erp(project, ("L1", "2026-02-15", 2))
    code, runs = backfill(project)
    assert (code, column(runs, "rows")) == (0, [0, 1, 0])


def test_a_backfill_without_any_row_is_held_at_its_end(project: Project) -> None:
    from_erp(project)
    code, runs = backfill(project)
    assert (code, column(runs, "status")) == (3, ["ok", "ok", "held"])
    assert "0 rows" in runs[-1]["held"]


def test_an_empty_chunk_withdraws_nothing_unless_it_is_allowed(project: Project) -> None:
    from_erp(project, ("L1", "2026-01-15", 1), ("L1", "2026-02-15", 2), more="    absent: withdraw\n")
    backfill(project, "--from", "2026-01-01", "--to", "2026-02-28", "--chunk", "1m")
    from_erp(project, ("L1", "2026-02-15", 2), more="    absent: withdraw\n")
    code, runs = backfill(project)
    assert (code, column(runs, "status")) == (3, ["held"])
    assert len(project.records()) == 2


# ---------------------------------------------------------------- how it is asked for, and shown


@pytest.mark.parametrize(
    "arguments",
    [
        ("scrap-daily", "--from", "2026-01-01"),
        ("scrap-daily", "--to", "2026-01-01"),
        ("--from", "2026-01-01", "--to", "2026-01-31"),
        ("scrap-daily", "--from", "2026-02-01", "--to", "2026-01-31"),
        ("scrap-daily", "--from", "2026-01-01", "--to", "2026-01-31", "--chunk", "1y"),
        ("scrap", "--from", "2026-01-01", "--to", "2026-01-31"),
    ],
)
def test_what_cannot_be_meant_is_wrong_usage(project: Project, arguments: tuple[str, ...]) -> None:
    project.source("L1;15.01.2026;1")
    assert project.call("backfill", *arguments).code == 2
    assert project.board.requests == {}


def test_a_broken_job_is_told_with_its_place(project: Project) -> None:
    project.config(CONFIG.replace("column: Ausschuss", "colum: Ausschuss"))
    code, runs = backfill(project)
    assert code == 2
    assert "kpisync.yaml" in runs[0]["error"]


def test_a_kpi_and_a_team_narrow_what_is_looked_at(project: Project) -> None:
    project.source("L1;15.01.2026;1", "L2;15.01.2026;2")
    backfill(project, *QUARTER, "--team", "line-2", "--kpi", "scrap")
    assert set(project.records()) == {("2026-01-15", "line-2")}


def test_the_history_and_the_status_show_the_chunks_as_runs_of_kind_backfill(project: Project) -> None:
    project.source("L1;15.01.2026;1", "L1;15.03.2026;3")
    backfill(project)
    listed = project.call("history", "--json").json["runs"]
    assert [(run["kind"], run["from"], run["created"]) for run in listed] == [
        ("backfill", "2026-03-01", 1),
        ("backfill", "2026-02-01", 0),
        ("backfill", "2026-01-01", 1),
    ]
    last = project.call("status", "--json").json["jobs"][0]["last_run"]
    assert (last["kind"], last["to"], last["exit_code"]) == ("backfill", "2026-03-31", 0)


def test_people_read_a_line_for_each_chunk_with_its_dates(project: Project) -> None:
    project.source("L1;15.01.2026;1")
    shown = project.call("backfill", "scrap-daily", *QUARTER).out
    assert "scrap-daily 2026-01-01 to 2026-01-31 ok run" in shown
    assert "scrap-daily 2026-03-01 to 2026-03-31 ok run" in shown
