"""A job whose file may be missing: its run ends well, says so, and states nothing about any value."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

from kpisync.errors import NothingToRead
from kpisync.model import Intake, Known, RunStatus, Scope, Status, Table
from kpisync.sync.job import Tools, run
from kpisync.sync.options import Absent
from kpisync.sync.report import Report
from kpisync.testing.clock import FakeClock
from kpisync.testing.destination import MemoryBoard
from kpisync.testing.state import MemoryState
from kpisync.testing.world import ListSource, build_job, value

A, B = Decimal(3), Decimal(5)


class Absence(ListSource):
    """A source whose file is missing while `missing` is true."""

    missing = True

    def hashes(self) -> dict[str, str]:
        self._look()
        return super().hashes()

    def read(self, scope: Scope, intake: Intake) -> Iterator[Table]:
        self._look()
        yield from super().read(scope, intake)

    def _look(self) -> None:
        if self.missing:
            raise NothingToRead("no file matches", where="out/*.csv", hint="Nothing was read (on_missing: skip)")


class Bench:
    def __init__(self, fingerprint: str, absent: Absent) -> None:
        self.source, self.state, self.board = Absence({}), MemoryState(), MemoryBoard(FakeClock())
        self.job = build_job("me", self.source, self.board, absent=absent, fingerprint=fingerprint)

    def know(self, number: Decimal) -> None:
        self.state.values[value()] = Known(number, Status.CONFIRMED, "me")
        self.board.edit(value().record, "v-actual", number)

    def carry_out(self) -> Report:
        report = Report("me", "me")
        run(self.job, Tools(self.state, self.board.clock), report)
        return report


def both(absent: Absent = Absent.KEEP) -> list[Bench]:
    """A job that maps every row, and one that passes over what was confirmed."""
    return [Bench("", absent), Bench("all", absent)]


def test_the_run_ends_well_with_a_note_and_no_guard_holds_it() -> None:
    for bench in both():
        report = bench.carry_out()
        assert (report.status, report.held, report.rows) == (RunStatus.OK, None, 0)
        assert report.reading == ["out/*.csv: no file matches. Nothing was read (on_missing: skip)"]
        assert not bench.board.requests


def test_nothing_is_withdrawn_for_a_file_that_is_missing() -> None:
    for bench in both(Absent.WITHDRAW):
        bench.know(A)
        assert bench.carry_out().withdrawn == 0
        assert bench.board.holds(value().record, "v-actual") == A


def test_once_the_file_is_back_it_is_read() -> None:
    for bench in both(Absent.WITHDRAW):
        bench.know(A)
        bench.carry_out()
        bench.source.missing, bench.source.stated = False, {value(): B}
        assert bench.carry_out().updated == 1
        assert bench.board.holds(value().record, "v-actual") == B


def test_a_missing_file_is_not_taken_for_an_unchanged_one() -> None:
    bench = Bench("all", Absent.KEEP)
    bench.source.missing, bench.source.stated = False, {value(): B}
    bench.carry_out()
    bench.source.missing = True
    absent = bench.carry_out()
    assert (absent.values, absent.unchanged) == (0, 0)
    bench.source.missing = False
    assert (bench.carry_out().unchanged, bench.board.holds(value().record, "v-actual")) == (1, B)
