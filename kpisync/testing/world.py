"""A small plant: jobs, a source, a platform and people, with an oracle that knows what must be true of them."""

# ruff: noqa: S101 - an oracle asserts

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal

from kpisync.errors import DestinationError, Interrupted, StateError
from kpisync.mapping.apply import Mapper
from kpisync.mapping.date_options import DateOptions
from kpisync.mapping.options import MapOptions
from kpisync.mapping.value_options import CellRef, ValueOptions
from kpisync.model import Catalog, CatalogKpi, Intake, RecordKey, Row, Scope, Table, ValueKey
from kpisync.ports import Destination, DestinationOptions, KeepsApart, State
from kpisync.sync.job import Job, Tools, run
from kpisync.sync.options import Absent, GuardOptions
from kpisync.sync.report import Report
from kpisync.testing.clock import NOON, FakeClock
from kpisync.testing.destination import MemoryBoard, PartialSets
from kpisync.testing.disturbance import Disturbance, Killed, Watch
from kpisync.testing.shelf import MemoryShelf
from kpisync.testing.state import MemoryState, WatchedState

TODAY = NOON.date()
CATALOG = Catalog(
    teams={"line-1": "team-1"},
    kpis={"scrap": CatalogKpi("scrap", "kpi-1", values={"actual": "v-actual", "target": "v-target", "note": "v-note"})},
)
OWNERS = {"actual": "actuals", "target": "targets", "note": None}  # value kind -> the job that states it


def record(days_ago: int = 1) -> RecordKey:
    return RecordKey("board", "kpi-1", "team-1", None, TODAY - timedelta(days_ago))


def value(kind: str = "actual", days_ago: int = 1) -> ValueKey:
    return ValueKey(record(days_ago), f"v-{kind}")


@dataclass
class ListSource:
    """Implements `ports.Source` over what a test states: number by value key."""

    stated: dict[ValueKey, Decimal]
    origin: str = "plant.csv"
    needs_range: bool = False

    def hashes(self) -> dict[str, str]:
        return {self.origin: repr(sorted(self.stated.items()))}

    def read(self, scope: Scope, intake: Intake) -> Iterator[Table]:
        yield Table(self.origin, ("day", "value", "number"), self._rows(intake))

    def _rows(self, intake: Intake) -> Iterator[Row]:
        for line, (key, number) in enumerate(sorted(self.stated.items()), start=2):
            intake.read += 1
            yield Row(line, (key.record.period, key.value.removeprefix("v-"), number))
        intake.origins.update(self.hashes())


def build_job(
    name: str,
    source: ListSource,
    board: Destination,
    options: DestinationOptions | None = None,
    absent: Absent = Absent.KEEP,
    others: frozenset[str] = frozenset(),
    guard: GuardOptions | None = None,
    fingerprint: str = "",
) -> Job:
    """A job over a table of day, value kind and number of the one KPI and team of CATALOG."""
    numbers = ValueOptions(kpi="scrap", value=CellRef(column="value"), column="number")
    mapping = MapOptions(date=DateOptions(column="day"), team="line-1", values=[numbers])
    mapper = Mapper(mapping, "board", CATALOG, {}, Scope(TODAY))
    options = options or DestinationOptions(concurrency=1)
    apart = board if isinstance(board, KeepsApart) else None
    return Job(name, source, mapper, board, options, guard or GuardOptions(), absent, others, fingerprint, apart)


@dataclass
class World:
    """Everything there is; each method is something that may happen, and checks what must then be true."""

    partial: PartialSets = PartialSets.MERGE_KEEP
    absent: Absent = Absent.KEEP
    options: DestinationOptions = field(default_factory=lambda: DestinationOptions(concurrency=1))
    apart: bool = False  # a platform that keeps values apart, and adds what is posted
    skips: bool = False  # whether what was confirmed whole is passed over by its digest
    clock: FakeClock = field(default_factory=FakeClock)
    state: State = field(default_factory=MemoryState)
    begin_run: Callable[[str], str] = lambda job: job
    run_job: Callable[..., Intake] = run
    stated: dict[str, dict[ValueKey, Decimal]] = field(default_factory=lambda: {"actuals": {}, "targets": {}})
    by_hand: dict[ValueKey, Decimal | None] = field(default_factory=dict)  # the last edit of each value
    ever: dict[ValueKey, set[Decimal]] = field(default_factory=dict)  # numbers that may stand there

    def __post_init__(self) -> None:
        kind = MemoryShelf if self.apart else MemoryBoard
        self.board = kind(self.clock, self.partial, frozenset({"v-target"}))

    # ------------------------------------------------------------ what may happen

    def source_states(self, key: ValueKey, number: Decimal | None) -> None:
        job = OWNERS[key.value.removeprefix("v-")]
        assert job, f"no job states {key.value}"
        if number is None:
            self.stated[job].pop(key, None)
        else:
            self.stated[job][key] = number
            self.ever.setdefault(key, set()).add(number)

    def hand_edits(self, key: ValueKey, number: Decimal | None) -> None:
        """Not while a request that was given up may still land: what it carries was read before the edit."""
        self.let_land()
        self.board.edit(key.record, key.value, number)
        self.by_hand[key] = number
        if number is not None:
            self.ever.setdefault(key, set()).add(number)

    def let_land(self) -> None:
        while self.clock.booked:
            self.clock.sleep(10)

    def run(self, job: str, disturbed: Disturbance | None = None) -> Report | None:
        """Run a job; None if the process died."""
        disturbed = disturbed or Disturbance()
        watch = Watch(disturbed, self.board)
        report = Report(job, self.begin_run(job))
        self.board.requests.clear()
        self.board.script = watch.script
        try:
            self._run(job, report, watch, dry=False)
        except Killed:
            return None
        except StateError:
            in_flight = self.board.requests.total() - watch.requests_at_failure
            assert in_flight < self.options.concurrency, "requests after the state store failed"
            return None
        except (DestinationError, Interrupted) as reason:
            report.error = str(reason)
        finally:
            self.board.script = lambda method, number: None
            self._check_numbers()
        self._check_account(report)
        self._check_conflicts(report)
        return report

    def plan(self, job: str) -> Report:
        """A dry run changes nothing."""
        before, start = self._picture(), self.clock.monotonic()
        self.board.requests.clear()
        report = Report(job)
        self._run(job, report, Watch(Disturbance(), self.board), dry=True)
        assert self._picture() == before, "a plan changed something"
        assert not self.board.requests.keys() - {"GET"}, "a plan wrote"
        waited = self.clock.monotonic() - start - self.board.takes * self.board.requests["GET"]
        assert waited < 0.001, "a plan waited"
        return report

    def _run(self, job: str, report: Report, watch: Watch, dry: bool) -> None:
        others = frozenset(self.stated) - {job}
        source, digests = ListSource(self.stated[job]), "plant" if self.skips else ""
        built = build_job(job, source, self.board, self.options, self.absent, others, fingerprint=digests)
        tools = Tools(WatchedState(self.state, watch.state_called), self.clock, watch.stopped)
        self.run_job(built, tools, report, dry=dry, over_guard=True)

    # ------------------------------------------------------------ what must be true

    def settle_down(self) -> None:
        """After the faults: one undisturbed run of each job makes all good, and a second finds nothing to do."""
        self.clock.sleep(1000)
        reports = {job: self.run(job) for job in self.stated}
        assert not self.state.in_doubt("board"), "still in doubt"
        held = {conflict.key for report in reports.values() if report for conflict in report.conflicts}
        self._check_stated(held)
        self._check_foreign()
        self._check_withdrawn(held)
        for job, report in reports.items():
            assert report and report.error is None, f"the undisturbed run of {job} failed"
            again = self.run(job)
            assert not self.board.requests.keys() - {"GET"}, f"{job} was sent twice"
            if again and not (again.conflicts or again.rejections):
                assert not self.board.requests, f"the second run of {job} made requests: {self.board.requests}"

    def _check_stated(self, held: set[ValueKey]) -> None:
        known = self.state.known("board", date.min, date.max)
        for stated in self.stated.values():
            for key, number in stated.items():
                stands = self.board.holds(key.record, key.value)
                if stands == number or key in held:
                    continue
                assert key in known and known[key].number == number, f"{key} is {stands}, not {number}, and not known"
                edited = key in self.by_hand and stands == self.by_hand[key]
                removed = self.by_hand.get(key, 0) is None and stands is not None and self._platform_made(key, stands)
                assert edited or removed, f"{key} is {stands}, not {number}: lost"

    def _check_foreign(self) -> None:
        for key, number in self.by_hand.items():
            if OWNERS[key.value.removeprefix("v-")] is None:
                stands = self.board.holds(key.record, key.value)
                assert stands == number, f"another hand's {key} was {number} and is {stands}"

    def _check_withdrawn(self, held: set[ValueKey]) -> None:
        """What is withdrawn is gone, unless its record holds values that must stay."""
        if self.absent is Absent.KEEP:
            return
        for key in self.state.known("board", date.min, date.max):
            if not any(key in stated for stated in self.stated.values()):
                others = self.board.records.get(key.record, {}).keys() - {key.value}
                assert others or key in held, f"{key} is alone in its record and was not withdrawn"

    def _check_shelf(self) -> None:
        """Where posting adds: never two of ours under one key, and nothing that a person entered is taken away."""
        if isinstance(self.board, MemoryShelf):
            doubled = [key for key, found in self.board.shelf.items() if sum(not one.by_hand for one in found) > 1]
            assert not doubled, f"posted twice: {doubled}"
            assert not any(one.by_hand for one in self.board.taken), "a person's number was deleted"

    def _check_numbers(self) -> None:
        self._check_shelf()
        for at, values in self.board.records.items():
            for id, number in values.items():
                key = ValueKey(at, id)
                assert number in self.ever.get(key, ()) or self._platform_made(key, number), (
                    f"{number} at {key}: whose?"
                )

    def _platform_made(self, key: ValueKey, number: Decimal) -> bool:
        if key.value != "v-target" or self.partial not in (
            PartialSets.MERGE_TARGET_ZERO,
            PartialSets.MERGE_TARGET_HISTORICAL,
        ):
            return False
        earlier = {n for other, numbers in self.ever.items() if other.value == key.value for n in numbers}
        return number == 0 or (self.partial is PartialSets.MERGE_TARGET_HISTORICAL and number in earlier)

    def _check_conflicts(self, report: Report) -> None:
        for conflict in report.conflicts:
            theirs = conflict.holds == self.by_hand.get(conflict.key)
            assert theirs or self._platform_made(conflict.key, conflict.holds), f"a false conflict: {conflict}"

    def _check_account(self, report: Report) -> None:
        """Every value of the source is in exactly one class."""
        stated = self.stated[report.job]
        sources = {f"plant.csv:{line}" for line in range(2, len(stated) + 2)}
        classes = Counter(
            conflict=sum(conflict.key in stated for conflict in report.conflicts),
            in_doubt=sum(key in stated for key in report.doubts),
            rejected=sum(rejection.source in sources for rejection in report.rejections),
            settled=report.unchanged + report.created + report.updated,
        )
        at_least, at_most = classes.total(), classes.total() + report.waiting
        exact = self.absent is Absent.KEEP  # else withdrawals may wait too
        assert at_most == report.values if exact else at_least <= report.values <= at_most, f"{classes} of {report}"

    def _picture(self) -> object:
        known = dict(self.state.known("board", date.min, date.max))
        records = {key: dict(values) for key, values in self.board.records.items()}
        return known, list(self.state.in_doubt("board")), records
