"""The completeness grids: KPI and team by period, with what stands there."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest
from config_doubles import HEAD, MAP, job
from watch_builders import (
    BY_COLUMN,
    FRIDAY,
    LINE,
    TARGET,
    Plant,
    a_job,
    at,
    days_ago,
    key,
    rejected,
    text,
    weekdays,
)

from kpisync.watch.model import Mark

ENERGY, USED = "d1b1c7a2-a13a-0000-0000-000000000001", "d1b1c7a2-a13a-0000-0000-000000000002"


@pytest.fixture
def plant(tmp_path: Path) -> Iterator[Plant]:
    found = Plant(tmp_path, text(a_job()))
    yield found
    found.close()


def test_a_grid_has_a_row_for_each_kpi_and_team_and_a_field_for_each_day(plant: Plant) -> None:
    plant.ran("scrap-daily", *(key(day) for day in weekdays(30)), at=at(6, 15))
    (grid,) = plant.watch.board(periods=7)
    assert [label for _, label in grid.periods] == [str(days_ago(count)) for count in range(6, -1, -1)]
    (row,) = grid.rows
    assert (row.kpi, row.team, row.sub_tile, row.jobs) == ("scrap", "line-1", None, ("scrap-daily",))
    marks = [field.mark.value for field in row.fields]
    assert marks == ["not_due", "not_due", "confirmed", "confirmed", "confirmed", "confirmed", "not_due"]


def test_a_field_names_its_values_as_explain_takes_them(plant: Plant) -> None:
    plant.ran("scrap-daily", key(days_ago(1)), key(days_ago(1), TARGET), at=at(6, 15))
    field = plant.watch.board()[0].rows[0].fields[-2]
    assert field.values == (
        ("board/scrap/line-1/actual/2026-11-19", Decimal(190), Mark.CONFIRMED),
        ("board/scrap/line-1/target/2026-11-19", Decimal(190), Mark.CONFIRMED),
    )
    assert plant.watch.value(field.values[0][0]).life["known"]["number"] == 190


def test_each_field_tells_the_worst_of_its_values(plant: Plant) -> None:
    known = weekdays(30)
    missing, refused, doubtful, sent = known[:4]
    for value in ({"value": TARGET}, {}):
        plant.ran("scrap-daily", *(key(day, **value) for day in known if day not in known[:4]), at=at(6, 15))
    plant.ran("scrap-daily", key(refused), key(doubtful), at=at(6, 15))
    plant.ran("scrap-daily", key(sent), key(sent, TARGET), at=at(6, 15), as_sent=True)
    plant.doubts(key(doubtful, TARGET))
    plant.rejects(rejected(key(refused, TARGET)))
    plant.clock.sleep(2)
    marks = plant.marks()
    assert [marks[day] for day in known[:5]] == ["missing", "rejected", "in_doubt", "sent", "confirmed"]
    assert missing == days_ago(1)


def test_a_grid_can_be_of_earlier_days(plant: Plant) -> None:
    plant.ran("scrap-daily", *(key(day) for day in weekdays(60) if day != days_ago(30)), at=at(6, 15))
    marks = plant.marks(until=days_ago(29), periods=3)
    assert marks == {days_ago(31): "confirmed", days_ago(30): "missing", days_ago(29): "confirmed"}


def test_a_grid_of_one_day_is_judged_by_days_that_it_does_not_show(plant: Plant) -> None:
    plant.ran("scrap-daily", *(key(day) for day in weekdays(60) if day != days_ago(28)), at=at(6, 15))
    assert plant.marks(until=days_ago(28), periods=1) == {days_ago(28): "missing"}
    shown = plant.watch.board(until=days_ago(28), periods=1, job="scrap-daily")
    assert shown == plant.watch.board(until=days_ago(28), periods=1)


def test_a_long_grid_judges_each_day_by_the_weeks_before_it(plant: Plant) -> None:
    plant.ran("scrap-daily", *(key(day) for day in weekdays(100) if day != days_ago(58)), at=at(6, 15))
    marks = plant.marks(periods=62)
    assert [day for day, mark in marks.items() if mark == "missing"] == [days_ago(58)]


def test_what_the_overview_says_and_the_grid_shows_is_the_same(plant: Plant) -> None:
    plant.ran("scrap-daily", *(key(day) for day in weekdays(20) if day != days_ago(1)), at=at(6, 15))
    plant.ran("scrap-daily", *(key(day, team="line-2") for day in weekdays(3)[1:]), at=at(6, 15))
    plant.clock.sleep(2)
    (answer,) = plant.watch.overview().answers
    (grid,) = plant.watch.board()
    shown = [row.fields[-2].mark for row in grid.rows]
    assert (answer.day, answer.missing) == (grid.periods[-2][0], 2)
    assert shown == [Mark.MISSING, Mark.MISSING]


def test_weeks_and_months_have_grids_of_their_own(tmp_path: Path) -> None:
    kpi = f"      energy: {{id: {ENERGY}, interval: week, values: {{used: {USED}}}}}\n"
    map = BY_COLUMN.replace("values: [", "values: [{kpi: energy, value: used, column: E}, ")
    plant = Plant(tmp_path, text(a_job(map=map), head=HEAD.replace("lookups:", f"{kpi}lookups:")))
    plant.ran("scrap-daily", key(date(2026, 11, 2), USED, kpi=ENERGY), key(days_ago(1)), at=at(6, 15))
    days, weeks = plant.watch.board()
    assert (days.interval.value, weeks.interval.value) == ("day", "week")
    assert weeks.periods[-3:] == (
        (date(2026, 11, 2), "2026-W45"),
        (date(2026, 11, 9), "2026-W46"),
        (date(2026, 11, 16), "2026-W47"),
    )
    assert [field.mark.value for field in weeks.rows[0].fields[-3:]] == ["confirmed", "missing", "not_due"]
    plant.close()


def test_a_board_can_be_of_one_destination(tmp_path: Path) -> None:
    plant = Plant(tmp_path, text(a_job(map=MAP), job("memo", map=MAP.replace("line-1", LINE), destination="memo")))
    plant.ran("scrap-daily", key(days_ago(1)), at=at(6, 15))
    assert [grid.destination for grid in plant.watch.board()] == ["board"]
    assert [grid.destination for grid in plant.watch.board("board")] == ["board"]
    assert plant.watch.board("memo") == ()
    assert plant.watch.board("nowhere") == ()
    plant.close()


def test_a_board_of_one_job_shows_its_fields_as_the_whole_one_does(tmp_path: Path) -> None:
    plant = Plant(tmp_path, text(a_job(), a_job("targets"), a_job("other")))
    days = weekdays(20)
    plant.ran("scrap-daily", *(key(day) for day in days[1:]), at=at(6, 15))
    plant.ran("targets", *(key(day, TARGET) for day in days), at=at(6, 15))
    plant.ran("other", *(key(day, team="line-2") for day in days), at=at(6, 15))
    plant.rejects(rejected(key(days[2])))
    plant.clock.sleep(2)
    (whole,), (of_job,) = plant.watch.board(), plant.watch.board(job="scrap-daily")
    assert {row.team: set(row.jobs) for row in whole.rows} == {
        "line-1": {"scrap-daily", "targets"},
        "line-2": {"other"},
    }
    assert of_job.rows == tuple(row for row in whole.rows if "scrap-daily" in row.jobs)
    assert plant.watch.board(job="nobody") == ()
    plant.close()


@pytest.mark.parametrize("until", [date.min, date.max])
def test_a_board_may_be_asked_for_where_the_calendar_ends(tmp_path: Path, until: date) -> None:
    plant = Plant(tmp_path, text(a_job(map=MAP)))
    plant.ran("scrap-daily", key(days_ago(1)), at=at(6, 15))
    (grid,) = plant.watch.board(until=until)
    assert grid.periods[-1][0] == until
    assert {field.mark for row in grid.rows for field in row.fields} == {Mark.NOT_DUE}
    plant.close()


def test_values_of_a_job_that_is_gone_are_on_no_board(plant: Plant) -> None:
    plant.ran("gone", key(days_ago(1)), at=at(6, 15))
    assert plant.watch.board() == ()


def test_the_number_of_today_is_shown_though_it_is_not_due(plant: Plant) -> None:
    plant.ran("scrap-daily", key(FRIDAY), at=at(6, 15))
    assert plant.marks()[FRIDAY] == "confirmed"
