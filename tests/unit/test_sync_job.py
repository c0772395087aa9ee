"""A run from source to report: what is read, what is held, and what a plan leaves alone."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

import pytest

from kpisync.errors import SourceError
from kpisync.model import Intake, Known, RunStatus, Scope, Status, Table
from kpisync.sync.job import Tools, run
from kpisync.sync.options import Absent, GuardOptions
from kpisync.sync.report import Report
from kpisync.testing.clock import FakeClock
from kpisync.testing.destination import MemoryBoard
from kpisync.testing.state import MemoryState
from kpisync.testing.world import ListSource, build_job, value

A, B = Decimal(3), Decimal(5)


class Bench:
    """One job with what it works on; `carry_out` runs it."""

    def __init__(self, *, absent: Absent = Absent.KEEP, guard: GuardOptions | None = None) -> None:
        self.source = ListSource({})
        self.board = MemoryBoard(FakeClock())
        self.state = MemoryState()
        self.job = build_job("me", self.source, self.board, absent=absent, guard=guard)
        self.told: list[str] = []

    def know(self, count: int) -> None:
        """A stands at the platform and is known, for so many days."""
        for day in range(1, count + 1):
            self.state.values[value(days_ago=day)] = Known(A, Status.CONFIRMED, "me")
            self.board.edit(value(days_ago=day).record, "v-actual", A)

    def carry_out(self, **how: bool) -> Report:
        report = Report("me", None if how.get("dry") else "me")
        tools = Tools(self.state, self.board.clock, progress=lambda stage, done, total: self.told.append(stage))
        run(self.job, tools, report, **how)
        return report


def test_rows_and_values_are_counted() -> None:
    bench = Bench()
    bench.source.stated = {value(): B, value("target"): A}
    report = bench.carry_out()
    assert (report.rows, report.values, report.created, report.status) == (2, 2, 2, RunStatus.OK)
    assert bench.told[0] == "reading"


def test_a_row_that_cannot_be_mapped_is_rejected_and_the_others_go_on() -> None:
    bench = Bench()
    bench.source.stated = {value(): B, value("mood"): A}
    report = bench.carry_out()
    assert [rejection.code for rejection in report.rejections] == ["unknown-value"]
    assert (report.created, report.status) == (1, RunStatus.PARTIAL)


def test_a_guard_holds_the_run_before_its_first_request() -> None:
    bench = Bench()
    report = bench.carry_out()
    assert report.status is RunStatus.HELD
    assert "guard.min_rows" in str(report.held)
    assert not bench.board.requests


def test_a_held_run_goes_on_when_it_is_allowed_by_hand() -> None:
    bench = Bench()
    bench.know(10)
    bench.source.stated = {value(days_ago=day): B for day in range(1, 11)}
    assert bench.carry_out().status is RunStatus.HELD
    assert not bench.board.requests
    assert bench.carry_out(over_guard=True).updated == 10


def test_a_plan_shows_the_changes_even_of_a_run_that_would_be_held() -> None:
    bench = Bench()
    bench.know(10)
    bench.source.stated = {value(days_ago=day): B for day in range(1, 11)}
    report = bench.carry_out(dry=True)
    assert (len(report.changes), report.status) == (10, RunStatus.HELD)
    assert bench.board.requests == {"GET": 1}


def test_the_guard_counts_withdrawals() -> None:
    bench = Bench(absent=Absent.WITHDRAW)
    bench.know(10)
    bench.source.stated = {value(days_ago=day): A for day in range(1, 5)}
    assert "6 of 10 known values would change" in str(bench.carry_out().held)


def test_nothing_is_withdrawn_after_a_reading_with_rejects() -> None:
    bench = Bench(absent=Absent.WITHDRAW)
    bench.know(2)
    bench.source.stated = {value(): A, value("mood"): A}
    assert (bench.carry_out().withdrawn, bench.board.requests.total()) == (0, 0)


def test_what_is_absent_is_withdrawn_after_a_clean_reading() -> None:
    bench = Bench(absent=Absent.WITHDRAW)
    bench.know(2)
    bench.source.stated = {value(): A}
    assert bench.carry_out().withdrawn == 1


def test_a_source_that_breaks_off_sends_nothing() -> None:
    class Torn(ListSource):
        def read(self, scope: Scope, intake: Intake) -> Iterator[Table]:
            yield from super().read(scope, intake)
            raise SourceError("the connection was lost")

    bench = Bench()
    torn = Torn({value(): B})
    bench.job = build_job("me", torn, bench.board)
    with pytest.raises(SourceError):
        bench.carry_out()
    assert not bench.board.requests
    assert not bench.state.doubts
