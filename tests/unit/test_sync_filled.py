"""Values that hang on other rows than their own, or on there being none, through whole runs: nothing lost or undone."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from test_sync_partitions import FileSource

from kpisync.mapping.apply import Mapper
from kpisync.mapping.options import MapOptions
from kpisync.mapping.workdays import Workdays, WorkdaysOptions
from kpisync.model import Catalog, CatalogKpi, Interval, Scope
from kpisync.ports import DestinationOptions
from kpisync.sync.job import Job, Tools, run
from kpisync.sync.options import Absent, GuardOptions
from kpisync.sync.report import Report
from kpisync.testing.clock import NOON, FakeClock
from kpisync.testing.destination import MemoryBoard
from kpisync.testing.state import MemoryState

TODAY = NOON.date()
CATALOG = Catalog(
    {"one": "team-1", "two": "team-2"}, {"daily": CatalogKpi("daily", "kpi-d", Interval.DAY, {"actual": "v-a"})}
)
EVERY_DAY = Workdays(
    WorkdaysOptions.model_validate(
        {"days": ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]}
    )
)
COUNT = {"kpi": "daily", "value": "actual", "aggregate": "count", "fill_missing": {"with": 0, "workdays": "plant"}}
UNTIL_YESTERDAY = {**COUNT, "fill_missing": {**COUNT["fill_missing"], "until": "yesterday"}}  # type: ignore[dict-item]
READINGS = {"kpi": "daily", "value": "actual", "column": "number", "cumulative": {"since": "year", "gaps": "to_last"}}

Rows = list[tuple[str, str, str]]


def ago(days: int) -> str:
    return (TODAY - timedelta(days=days)).isoformat()


@dataclass
class Plant:
    """A platform and a state store, to which one file is sent time and again."""

    value: dict[str, Any]
    absent: Absent = Absent.WITHDRAW
    state: MemoryState = field(default_factory=MemoryState)
    clock: FakeClock = field(default_factory=FakeClock)

    def __post_init__(self) -> None:
        self.board = MemoryBoard(self.clock)

    def run(self, rows: Rows, today: date = TODAY, first: date | None = None, *, dry: bool = False) -> Report:
        made = MapOptions.model_validate(
            {"date": {"column": "day"}, "team": {"column": "code", "lookup": "codes"}, "values": [self.value]}
        )
        lookups = {"codes": {"A": "one", "B": "two"}}
        mapper = Mapper(made, "board", CATALOG, lookups, Scope(today, first), workdays={"plant": EVERY_DAY})
        job = Job(
            "job",
            FileSource(rows),
            mapper,
            self.board,
            DestinationOptions(concurrency=1),
            GuardOptions(),
            self.absent,
            frozenset(),
            "a fingerprint, so that what did not change would be passed over",
        )
        report = Report("job", "job")
        self.board.requests.clear()
        run(job, Tools(self.state, self.clock), report, dry=dry, over_guard=True)
        return report

    @property
    def stands(self) -> dict[tuple[str, int], Decimal]:
        """Team and days ago → number."""
        return {
            ((key.team or "")[-1:], (TODAY - key.period).days): values["v-a"]
            for key, values in self.board.records.items()
        }


def test_a_second_run_over_the_same_file_finds_nothing_to_do() -> None:
    plant, rows = Plant(COUNT), [("A", ago(4), ""), ("A", ago(1), "")]
    assert plant.run(rows).created == 8
    again = plant.run(rows)
    assert (again.values, again.unchanged, plant.board.requests) == (8, 8, {})
    assert plant.stands == {(team, day): Decimal(team == "1" and day in (1, 4)) for team in "12" for day in range(1, 5)}


def test_a_plan_says_why_a_zero_is_there() -> None:
    found = Plant(COUNT).run([("A", ago(3), ""), ("A", ago(1), "")], dry=True)
    sources = {value.source for change in found.changes for value in change.values if value.new == 0}
    assert sources == {"no row on a workday of plant"}


def test_the_next_day_is_filled_though_the_file_is_the_same() -> None:
    plant, rows = Plant(UNTIL_YESTERDAY), [("A", ago(3), ""), ("B", ago(3), "")]
    assert plant.run(rows, TODAY - timedelta(days=2)).created == 2
    assert plant.run(rows, TODAY - timedelta(days=1)).created == 2
    assert plant.run(rows, TODAY).created == 2


def test_an_event_that_is_entered_late_takes_the_place_of_the_zero() -> None:
    plant, rows = Plant(COUNT), [("A", ago(3), ""), ("A", ago(1), "")]
    plant.run(rows)
    late = plant.run([*rows, ("A", ago(2), "")])
    assert (late.updated, plant.stands["1", 2]) == (1, 1)


def test_an_event_that_is_taken_back_leaves_a_zero_and_is_not_withdrawn() -> None:
    plant, rows = Plant(COUNT), [("A", ago(3), ""), ("A", ago(2), ""), ("A", ago(1), "")]
    plant.run(rows)
    back = plant.run([rows[0], rows[2]])
    assert (back.updated, back.withdrawn, plant.stands["1", 2]) == (1, 0, 0)


def test_a_rejected_row_neither_withdraws_nor_fills() -> None:
    plant, rows = Plant(COUNT), [("A", ago(3), ""), ("A", ago(1), "")]
    plant.run([("A", ago(3), ""), ("A", ago(2), ""), ("A", ago(1), "")])
    before = plant.stands
    spoilt = plant.run([*rows, ("A", "never", "")])
    assert (len(spoilt.rejections), spoilt.updated, spoilt.withdrawn) == (1, 0, 0)
    assert plant.stands == before


def test_a_corrected_reading_changes_the_next_value_too() -> None:
    plant = Plant(READINGS)
    plant.run([("A", ago(3), "10"), ("A", ago(2), "15"), ("A", ago(1), "30")])
    assert plant.stands == {("1", 3): 10, ("1", 2): 5, ("1", 1): 15}
    corrected = plant.run([("A", ago(3), "10"), ("A", ago(2), "20"), ("A", ago(1), "30")])
    assert (corrected.updated, plant.stands) == (2, {("1", 3): 10, ("1", 2): 10, ("1", 1): 10})


def test_a_lookback_looks_at_what_its_first_reading_is_lessened_by() -> None:
    plant, rows = Plant(READINGS), [("A", ago(3), "10"), ("A", ago(2), "15"), ("A", ago(1), "30")]
    plant.run(rows, first=TODAY - timedelta(days=1))
    assert plant.stands == {("1", 1): 15}


EVENTS = st.lists(
    st.tuples(st.sampled_from(["A", "B", "A", "?"]), st.integers(0, 6), st.sampled_from("1257")), max_size=6
)


@settings(max_examples=150, deadline=None)
@pytest.mark.parametrize("value", [COUNT, UNTIL_YESTERDAY, READINGS], ids=["last row", "yesterday", "readings"])
@given(files=st.lists(st.tuples(EVENTS, st.integers(0, 2)), min_size=1, max_size=4))
def test_whatever_was_sent_before_the_platform_ends_as_if_the_last_file_were_the_first(
    value: dict[str, Any], files: list[tuple[list[tuple[str, int, str]], int]]
) -> None:
    """Where nothing was rejected, so that absent values are withdrawn."""
    worn, fresh = Plant(value), Plant(value)
    days = sorted((back for _, back in files), reverse=True)
    last: Rows = []
    for (events, _), day in zip(files, days, strict=True):
        last = [(code, ago(at), number) for code, at, number in events]
        worn.run(last, TODAY - timedelta(days=day))
    last = [row for row in dict.fromkeys(last) if row[0] != "?"]
    if value is READINGS:
        last = list({row[:2]: row for row in last}.values())
    for plant in (worn, fresh):
        assert not plant.run(last).rejections
    assert worn.stands == fresh.stands
