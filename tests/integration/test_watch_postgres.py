"""What the pages show of a store on a database server: the same as of one in a file."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest
from config_doubles import HEAD
from server_database import Database
from watch_builders import TARGET, WEEKDAYS, Plant, a_job, at, days_ago, key, rejected, text, weekdays

from kpisync.watch.model import Complete, Mark, Word

ENERGY, USED = "d1b1c7a2-a13a-0000-0000-000000000001", "d1b1c7a2-a13a-0000-0000-000000000002"
WEEKLY = f"      energy: {{id: {ENERGY}, interval: week, values: {{used: {USED}}}}}\n"


@pytest.fixture
def plant(tmp_path: Path, postgres: Database) -> Iterator[Plant]:
    head = HEAD.replace("version: 1\n", f"version: 1\nstate: {postgres.plain}\n")
    found = Plant(tmp_path, text(a_job(more=WEEKDAYS), head=head.replace("lookups:", f"{WEEKLY}lookups:")))
    yield found
    found.close()


def test_a_server_without_a_schema_is_an_empty_store_until_it_has_one(plant: Plant) -> None:
    assert plant.watch.runs() == []
    plant.ran()
    plant.clock.sleep(60)
    assert len(plant.watch.runs()) == 1


def test_the_first_page_and_the_grids_are_those_of_a_file(plant: Plant) -> None:
    days = weekdays(60)
    plant.ran("scrap-daily", *(key(day) for day in days[1:]), at=at(6, 15))
    plant.ran("scrap-daily", key(date(2026, 11, 2), USED, kpi=ENERGY), at=at(6, 15))
    plant.doubts(key(days[1], TARGET))
    plant.rejects(rejected(key(days[2])), rejected(None))
    found = plant.health()
    assert (found.word, found.missing, found.rejected, found.in_doubt) == (Word.IN_DOUBT, 2, 2, 1)
    assert plant.watch.overview().answers == (Complete("board", days[0], 2, 0, 0, 2),)
    daily, weekly = plant.watch.board(periods=62)
    marks = {period: field.mark for (period, _), field in zip(daily.periods, daily.rows[0].fields, strict=True)}
    assert [marks[day].value for day in days[:4]] == ["missing", "in_doubt", "rejected", "confirmed"]
    assert [field.mark for field in weekly.rows[0].fields[-3:]] == [Mark.CONFIRMED, Mark.MISSING, Mark.NOT_DUE]
    assert plant.watch.board(job="scrap-daily", periods=62) == (daily, weekly)


def test_the_other_pages_are_those_of_a_file(plant: Plant) -> None:
    first = plant.ran("scrap-daily", key(days_ago(1)), at=at(6, 15))
    second = plant.ran("scrap-daily", key(days_ago(1)), at=at(7), number="200")
    assert [run["run"] for run in plant.watch.runs(before=second)] == [first]
    assert (plant.watch.run(second).changes_total, plant.watch.run(second).rejects_total) == (1, 0)
    (point,) = plant.watch.value("board/scrap/line-1/actual/2026-11-19").series
    assert (point.number, point.run) == (Decimal(200), second)
    assert [each.name for each in plant.watch.destinations()] == ["board", "memo"]
    assert plant.watch.readiness().ready
