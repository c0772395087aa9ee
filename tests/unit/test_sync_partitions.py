"""Passing over what did not change never loses a change: with and without digests everything ends the same."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal
from functools import partial
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kpisync.mapping.apply import Mapper
from kpisync.mapping.options import MapOptions
from kpisync.model import Catalog, CatalogKpi, Intake, Interval, Row, Scope, Table
from kpisync.ports import DestinationOptions, Source, Surroundings
from kpisync.sources.csv import SPEC
from kpisync.sync.job import Job, Tools, run
from kpisync.sync.options import Absent, GuardOptions
from kpisync.sync.report import Report
from kpisync.testing.clock import NOON, FakeClock
from kpisync.testing.destination import Fault, MemoryBoard, script
from kpisync.testing.state import MemoryState

TODAY = NOON.date()
DAYS = [(TODAY - timedelta(days=ago)).isoformat() for ago in range(5)]
CATALOG = Catalog(
    {"one": "team-1", "two": "team-2"},
    {
        "daily": CatalogKpi("daily", "kpi-d", Interval.DAY, {"actual": "v-a"}),
        "weekly": CatalogKpi("weekly", "kpi-w", Interval.WEEK, {"actual": "v-w"}),
    },
)
LOOKUPS = [{"A": "one", "B": "two"}, {"A": "two", "B": "one"}, {"A": "one"}]
PLAIN = {"kpi": "daily", "value": "actual", "column": "number"}
SUMMED = {"kpi": "weekly", "value": "actual", "column": "number", "aggregate": "sum"}
MAPS = [[PLAIN], [SUMMED], [{**PLAIN, "aggregate": "last"}], [{**PLAIN, "aggregate": "max"}, SUMMED]]

CELLS = st.tuples(
    st.sampled_from(["A", "B", "?"]),
    st.sampled_from([*DAYS, "never", ""]),
    st.sampled_from(["1", "2", "3", "", "x"]),
)


@dataclass
class FileSource:
    """A file of (code, day, number); its hash is its content."""

    rows: list[tuple[str, str, str]] = field(default_factory=list)
    needs_range: bool = False
    columns: tuple[str, ...] = ("code", "day", "number")

    def hashes(self) -> dict[str, str]:
        return {"file.csv": repr((self.rows, self.columns))}

    def read(self, scope: Scope, intake: Intake) -> Iterator[Table]:
        yield Table("file.csv", self.columns, self._rows(intake))

    def _rows(self, intake: Intake) -> Iterator[Row]:
        for line, row in enumerate(self.rows, start=2):
            intake.read += 1
            yield Row(line, row)
        intake.origins.update(self.hashes())


def csv_file(folder: Path, rows: list[tuple[str, str, str]]) -> Source:
    """The same as a real file, whose rows are told apart before they are parsed."""
    path = folder / "file.csv"
    path.write_text("".join(f"{','.join(row)}\n" for row in [("code", "day", "number"), *rows]), encoding="utf-8")
    return SPEC.build(SPEC.options.model_validate({"path": str(path)}), Surroundings())


@dataclass(frozen=True)
class Look:
    """How one run looks at the file."""

    team: str | None = None
    first: int | None = None  # days ago
    lookup: int = 0
    faults: tuple[int, ...] = ()  # numbers of the PUTs that fail
    over: str = "refuse"


LOOKS = st.builds(
    Look,
    team=st.sampled_from([None, None, "team-1"]),
    first=st.sampled_from([None, None, 1, 3]),
    lookup=st.sampled_from([0, 0, 0, 1, 2]),
    faults=st.lists(st.integers(1, 4), max_size=2).map(tuple),
    over=st.sampled_from(["refuse", "drop"]),
)


class Side:
    """One of two plants that live through the same; this one passes over what did not change, or does not."""

    def __init__(
        self, skips: bool, values: list[dict[str, str]], absent: Absent, build: Callable[..., Source] = FileSource
    ) -> None:
        self.skips, self.absent, self.build = skips, absent, build
        self.map = MapOptions.model_validate(
            {"date": {"column": "day", "align": True}, "team": {"column": "code", "lookup": "codes"}, "values": values}
        )
        self.clock = FakeClock()
        self.board = MemoryBoard(self.clock)
        self.state = MemoryState()

    def run(self, rows: list[tuple[str, str, str]], look: Look, gets: dict[int, Fault] | None = None) -> Report:
        first = None if look.first is None else TODAY - timedelta(days=look.first)
        teams = None if look.team is None else frozenset({look.team})
        lookups = {"codes": LOOKUPS[look.lookup]}
        mapper = Mapper(self.map, "board", CATALOG, lookups, Scope(TODAY, first), teams=teams)
        fault = Fault.REFUSE if look.over == "refuse" else Fault.DROP_BEFORE
        self.board.script = script(GET=gets or {}, PUT=dict.fromkeys(look.faults, fault))
        self.board.requests.clear()
        options = DestinationOptions(concurrency=1)
        fingerprint = f"lookup {look.lookup}" if self.skips else ""
        job = Job(
            "job", self.build(rows), mapper, self.board, options, GuardOptions(), self.absent, frozenset(), fingerprint
        )
        report = Report("job", "job")
        run(job, Tools(self.state, self.clock), report, over_guard=True)
        return report


FILES = st.lists(CELLS, max_size=8)


@pytest.mark.parametrize("real", [False, True])
@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    values=st.sampled_from(MAPS),
    absent=st.sampled_from(Absent),
    steps=st.lists(st.tuples(st.integers(0, 2), LOOKS), min_size=1, max_size=6),
    files=st.tuples(FILES, FILES, FILES),
)
def test_with_and_without_digests_the_platform_ends_the_same(
    tmp_path: Path,
    real: bool,
    values: list[dict[str, str]],
    absent: Absent,
    steps: list[tuple[int, Look]],
    files: tuple[list[tuple[str, str, str]], ...],
) -> None:
    """The file goes back and forth between three contents, so that an older one comes again."""
    build = partial(csv_file, tmp_path) if real else FileSource
    with_digests, without = Side(True, values, absent, build), Side(False, values, absent, build)
    for which, look in [*steps, (steps[0][0], Look()), (steps[0][0], Look())]:
        reports = [side.run(files[which], look) for side in (with_digests, without)]
        same = [(r.rows, r.values, r.unchanged, len(r.rejections), len(r.conflicts), r.in_doubt) for r in reports]
        assert same[0] == same[1]
        assert with_digests.board.records == without.board.records
        assert with_digests.state.values == without.state.values


def test_a_file_that_was_confirmed_whole_is_not_read_again() -> None:
    side = Side(True, [PLAIN], Absent.KEEP)
    rows = [("A", DAYS[1], "1"), ("B", DAYS[2], "2")]
    assert side.run(rows, Look()).created == 2
    again = side.run(rows, Look())
    assert again.reading == ["not read: its files are those that were confirmed whole"]
    assert (again.rows, again.values, again.unchanged, side.board.requests) == (2, 2, 2, {})


def test_only_the_periods_whose_rows_changed_are_mapped() -> None:
    side = Side(True, [PLAIN], Absent.KEEP)
    side.run([("A", DAYS[1], "1"), ("B", DAYS[2], "2")], Look())
    changed = side.run([("A", DAYS[1], "1"), ("B", DAYS[2], "3")], Look())
    assert (changed.values, changed.unchanged, changed.updated) == (2, 1, 1)
    assert side.board.holds(next(key for key in side.board.records if key.team == "team-2"), "v-a") == Decimal(3)


def test_a_period_with_a_reject_is_looked_at_again() -> None:
    side = Side(True, [PLAIN], Absent.KEEP)
    rows = [("A", DAYS[1], "1"), ("?", DAYS[1], "2"), ("B", DAYS[2], "2")]
    side.run(rows, Look())
    assert set(side.state.partitions("job")) == {date.fromisoformat(DAYS[2])}
    assert len(side.run(rows, Look()).rejections) == 1


def test_rows_that_stay_under_columns_that_changed_are_mapped_again() -> None:
    side = Side(True, [PLAIN], Absent.KEEP)
    rows = [("A", DAYS[1], "1")]
    side.run(rows, Look())
    side.build = partial(FileSource, columns=("number", "day", "code"))
    assert len(side.run(rows, Look()).rejections) == 1


def test_an_open_period_that_is_not_sent_yet_is_not_remembered() -> None:
    side = Side(True, [{**PLAIN, "aggregate": "sum"}], Absent.KEEP)
    side.run([("A", DAYS[0], "1"), ("A", DAYS[1], "1")], Look())
    assert set(side.state.partitions("job")) == {date.fromisoformat(DAYS[1])}


def test_a_withdrawal_that_could_not_be_made_is_tried_again() -> None:
    side = Side(True, [PLAIN], Absent.WITHDRAW)
    side.run([("A", DAYS[1], "1")], Look())
    side.run([], Look(faults=()), gets={1: Fault.REFUSE})
    side.run([], Look())
    assert side.board.records == {}


def there_and_back(side: Side) -> Decimal | None:
    """A number is confirmed, a run for one team changes it, and the source says the first one again."""
    first, second = [("A", DAYS[1], "1")], [("A", DAYS[1], "2")]
    side.run(first, Look())
    side.run(second, Look(team="team-1"))
    side.run(first, Look())
    return side.board.holds(next(iter(side.board.records)), "v-a")


def test_what_a_run_sends_is_no_longer_remembered_as_confirmed_whole() -> None:
    assert there_and_back(Side(True, [PLAIN], Absent.KEEP)) == 1


def test_a_store_that_never_forgets_would_lose_the_change(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(MemoryState, "forget_partitions", lambda *_: None)
    assert there_and_back(Side(True, [PLAIN], Absent.KEEP)) == 2
