"""The pages about runs, values and rejects, and how platforms are reached."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from config_doubles import HEAD
from watch_builders import FRIDAY, Plant, a_job, at, days_ago, key, rejected, text

from kpisync.errors import ConfigError
from kpisync.model import FiscalCalendar, Intent, Interval, Rhythm, RunStatus
from kpisync.sync.gate import GateState
from kpisync.watch.model import Mark
from kpisync.watch.pages import around


@pytest.fixture
def plant(tmp_path: Path) -> Iterator[Plant]:
    found = Plant(tmp_path, text(a_job()))
    yield found
    found.close()


# ---------------------------------------------------------------- runs


def test_runs_are_listed_newest_first_and_by_job(plant: Plant) -> None:
    first, second = plant.ran(at=at(6, 15)), plant.ran("another", at=at(7))
    assert [run["run"] for run in plant.watch.runs()] == [second, first]
    assert [run["run"] for run in plant.watch.runs("scrap-daily")] == [first]
    assert plant.watch.runs("nobody") == []


def test_a_list_of_runs_goes_on_before_its_last_one(plant: Plant) -> None:
    made = [plant.ran(at=at(6, minute)) for minute in range(5)]
    page = plant.watch.runs(limit=2)
    assert [run["run"] for run in page] == [made[4], made[3]]
    assert [run["run"] for run in plant.watch.runs(limit=2, before=made[3])] == [made[2], made[1]]
    assert plant.watch.runs(before=made[0]) == []
    assert plant.watch.runs(before="no such run") == []


def test_a_run_shows_its_first_changes_and_how_many_there_are(plant: Plant) -> None:
    days = [date(2024, 1, 1) + timedelta(count) for count in range(501)]
    run = plant.ran("scrap-daily", *(key(day) for day in days))
    page = plant.watch.run(run)
    assert (len(page.changes), page.changes_total) == (500, 501)
    assert page.changes[0]["path"] == "board/scrap/line-1/actual/2024-01-01"
    assert (page.run["job"], page.run["status"], page.rejects_total) == ("scrap-daily", "ok", 0)


def test_a_run_shows_its_first_rejects_and_how_many_there_are(plant: Plant) -> None:
    run = plant.rejects(*(rejected(None, f"line {number}") for number in range(201)))
    page = plant.watch.run(run)
    assert (len(page.rejects), page.rejects_total) == (200, 201)
    assert page.rejects[0] == {"source": "exports/a.csv:14", "code": "above-max", "reason": "line 0"}


def test_changes_of_runs_beside_it_are_not_those_of_a_run(plant: Plant) -> None:
    one, other = plant.begin("scrap-daily"), plant.begin("another")
    for run, day in ((one, 1), (other, 2), (one, 3)):
        plant.store.intend(run, [Intent(key(days_ago(day)), None, Decimal(1), "a.csv:1")], plant.clock.now())
    for run in (one, other):
        plant.store.finish_run(run, plant.clock.now(), RunStatus.OK, 0, {})
    page = plant.watch.run(one)
    assert [change["path"][-10:] for change in page.changes] == ["2026-11-19", "2026-11-17"]
    assert page.changes_total == 2


def test_a_run_is_found_by_its_beginning_and_an_unknown_one_is_a_mistake(plant: Plant) -> None:
    run = plant.ran()
    assert plant.watch.run(run[:20].lower()).run["run"] == run
    with pytest.raises(ConfigError, match="there is no run 'nonsense'"):
        plant.watch.run("nonsense")


def test_lists_in_a_report_are_cut_and_its_rejects_left_to_the_page(plant: Plant) -> None:
    run = plant.ran(notes=[str(number) for number in range(300)], rejects=[{"reason": "x"}])
    shown = plant.watch.run(run).run
    assert len(shown["notes"]) == 200
    assert "rejects" not in shown
    assert "rejects" not in plant.watch.runs()[0]


# ---------------------------------------------------------------- values


def test_a_value_is_shown_with_its_life_and_its_series(plant: Plant) -> None:
    plant.ran("scrap-daily", key(days_ago(2)), key(days_ago(1)), at=at(6, 15), as_sent=True)
    plant.ran("scrap-daily", key(days_ago(1)), at=at(7), number="200")
    plant.doubts(key(days_ago(2)))
    page = plant.watch.value("board/scrap/line-1/actual/2026-11-19")
    assert page.path == "board/scrap/line-1/actual/2026-11-19"
    assert page.life["known"]["number"] == 200
    assert [change["new"] for change in page.life["changes"]] == [190, 200]
    assert page.life["transformation"] == [{"kpi": "scrap", "value": "actual", "column": "A"}]
    doubtful, known = page.series
    assert (doubtful.period, doubtful.mark, doubtful.number) == (days_ago(2), Mark.IN_DOUBT, Decimal(190))
    assert (known.label, known.mark, known.number) == ("2026-11-19", Mark.CONFIRMED, Decimal(200))
    assert (known.path, known.source, known.job) == (page.path, "exports/a.csv:14", "scrap-daily")


def test_a_value_of_which_nothing_is_known_has_an_empty_series(plant: Plant) -> None:
    page = plant.watch.value("board/scrap/line-1/actual/2026-11-19")
    assert (page.life["known"], page.life["changes"], page.series) == (None, [], ())


def test_a_week_is_named_as_explain_names_it(tmp_path: Path) -> None:
    energy, used = "d1b1c7a2-a13a-0000-0000-000000000001", "d1b1c7a2-a13a-0000-0000-000000000002"
    kpi = f"      energy: {{id: {energy}, interval: week, values: {{used: {used}}}}}\n"
    plant = Plant(tmp_path, text(a_job(), head=HEAD.replace("lookups:", f"{kpi}lookups:")))
    plant.ran("scrap-daily", key(date(2026, 11, 9), used, kpi=energy))
    (point,) = plant.watch.value("board/energy/line-1/used/2026-W47").series
    assert (point.label, point.path) == ("2026-W46", "board/energy/line-1/used/2026-W46")
    plant.close()


@pytest.mark.parametrize("path", ["", "board", "nowhere/scrap/line-1/actual/2026-11-19", "board/scrap/line-1/actual/x"])
def test_a_path_that_names_no_value_is_a_mistake(plant: Plant, path: str) -> None:
    with pytest.raises(ConfigError, match="names no value"):
        plant.watch.value(path)


def test_a_series_is_mostly_of_the_past_and_goes_little_beyond_today() -> None:
    day = Rhythm(Interval.DAY)
    recent = around(days_ago(1), day, FRIDAY)
    assert (len(recent), recent[-1]) == (400, FRIDAY + timedelta(30))
    long_ago = around(date(2020, 1, 1), day, FRIDAY)
    assert (long_ago[0], long_ago[-1]) == (date(2020, 1, 1) - timedelta(199), date(2020, 1, 1) + timedelta(200))


def test_a_series_ends_where_the_calendar_does() -> None:
    years = around(date(1, 1, 1), Rhythm(Interval.YEAR, FiscalCalendar(4)), FRIDAY)
    assert years[0] == date(1, 1, 1)
    assert around(date.max, Rhythm(Interval.DAY), FRIDAY)[-1] == date.max


# ---------------------------------------------------------------- rejects


def test_rejects_are_listed_with_what_was_to_be_sent(plant: Plant) -> None:
    run = plant.rejects(rejected(key(days_ago(1))), rejected(None, "not a date"))
    first, second = plant.watch.rejects()
    assert (first.job, first.run, first.code, first.runs, first.retried) == ("scrap-daily", run, "above-max", 1, True)
    assert (first.path, first.number) == ("board/scrap/line-1/actual/2026-11-19", Decimal(7))
    assert (second.path, second.number, second.reason) == (None, None, "not a date")
    assert len(plant.watch.rejects("scrap-daily")) == 2
    assert plant.watch.rejects("another") == ()


def test_rejects_of_a_job_that_cannot_run_again_stay_listed(tmp_path: Path) -> None:
    plant = Plant(tmp_path, text(a_job(), a_job("broken", "schedule: nonsense")))
    for job in ("broken", "gone", "scrap-daily"):
        plant.rejects(rejected(None), job=job)
    assert {each.job: each.retried for each in plant.watch.rejects()} == {
        "broken": False,
        "gone": False,
        "scrap-daily": True,
    }
    plant.close()


# ---------------------------------------------------------------- destinations


def test_destinations_are_shown_with_what_is_open_there(plant: Plant) -> None:
    plant.doubts(key(days_ago(1)))
    plant.rejects(rejected(key(days_ago(1))), rejected(None), rejected(None, "other"), job="scrap-daily")
    board, memo = plant.watch.destinations()
    assert (board.name, board.type, board.address) == ("board", "valuestreamer", "https://x")
    assert (board.jobs, board.in_doubt, board.rejected) == (1, 1, 3)
    assert (memo.name, memo.jobs, memo.in_doubt, memo.rejected, memo.gate) == ("memo", 0, 0, 0, None)


def test_a_rate_is_the_one_that_the_gate_knows_or_the_one_that_was_kept(plant: Plant) -> None:
    plant.store.require("board", "https://x")
    plant.ran("scrap-daily", key(days_ago(1)))
    plant.store.keep_rate("board", 4.5)
    assert plant.watch.destinations()[0].rate_found == 4.5
    gate = GateState(1, in_trouble=False, paused=0.0, shut=60.0, why="refused hunter22", rate=9.0)
    plant.live_now = replace(plant.live_now, gates={"board": gate})
    board = plant.watch.destinations()[0]
    assert board.rate_found == 9.0
    assert board.gate == replace(gate, why="refused ***")


# ---------------------------------------------------------------- secrets


def test_secrets_are_struck_out_of_every_text(plant: Plant) -> None:
    run = plant.ran(status=RunStatus.FAILED, error="hunter22 was refused", notes=["as hunter22"])
    plant.rejects(rejected(key(days_ago(1)), "hunter22 is no number"), job="scrap-daily")
    shown = [
        plant.watch.run(run),
        plant.watch.runs(),
        plant.watch.rejects(),
        plant.health(),
        plant.watch.overview(),
        plant.watch.value("board/scrap/line-1/actual/2026-11-19"),
    ]
    assert "hunter22" not in repr(shown)
    assert "*** was refused" in repr(shown)
    assert "*** is no number" in repr(shown)
