"""The first page: all jobs with their health, whether the boards are complete, and how new the numbers are."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime

from sqlalchemy import Connection

from kpisync.errors import StateError
from kpisync.model import Interval, Rhythm
from kpisync.ports import Clock
from kpisync.state import recent, standing
from kpisync.state.numbering import Series
from kpisync.state.recent import JobRow
from kpisync.state.store import Store
from kpisync.watch.answers import Answers, Asked, due_of
from kpisync.watch.configured import Configured
from kpisync.watch.duties import Duties, Work
from kpisync.watch.model import Live, Overview, Topic
from kpisync.watch.opened import Opened
from kpisync.watch.past import Open, Past, SeriesIndex, Span, read_open, read_past, slower
from kpisync.watch.refreshed import Refreshed, Spawn
from kpisync.watch.roll import Roll, expect
from kpisync.watch.words import Brief, Facts, at_work_since, brief, health, said_of

_DEAR = 100.0  # what took a second to read is read again after so many
_STALE = 60.0  # seconds
_DAYS, _OTHERS = 14, 3  # periods, among which the newest that is due is looked for


@dataclass(frozen=True)
class Read:
    """What was read of jobs and of what is open. `good` are the last whole runs of jobs without a schedule."""

    rows: Mapping[str, JobRow]
    at_work: Mapping[str, datetime]
    good: Mapping[str, JobRow]
    rejected: recent.Open
    in_doubt: recent.Open
    open_now: Open


@dataclass(frozen=True)
class _Kept:
    """What is dear to read, until when it is good (monotonic), and whether that is why it was not read just now."""

    past: Mapping[int, Past]
    index: Mapping[int, Series]
    span: Span
    until: float
    is_new: bool


@dataclass(frozen=True)
class Look:
    """An overview and what it was made of. What ended before a day is due of a job: `ended_before` is that day."""

    overview: Overview
    roll: Roll
    ended_before: Mapping[str, date | None]


@dataclass
class Looks:
    """Makes overviews. What took long to read is kept for longer.

    What decides whether something is missing is read each time all the same.
    """

    opened: Opened
    clock: Clock
    spawn: Spawn | None = None
    _of: tuple[Store, Configured] | None = None
    _index: SeriesIndex = field(default_factory=SeriesIndex)
    _kept: _Kept | None = None
    _roll: tuple[Mapping[int, Past], int, Open, Roll] | None = None
    _briefs: dict[int, Brief] = field(default_factory=dict)
    _duties: Duties = field(default_factory=Duties)

    def __post_init__(self) -> None:
        self._made: Refreshed[Configured, Look | StateError] = Refreshed(self.clock, self.spawn)

    def look(self, configured: Configured, live: Callable[[], Live], *, now: bool = False) -> Look:
        """See `Refreshed`; `live` is asked only if one is made. Raises StateError."""
        found = self._made.get(configured, lambda: self._look(configured, live()), now=now)
        if isinstance(found, StateError):
            raise StateError(found.what, where=found.where, hint=found.hint)
        return found

    def _look(self, configured: Configured, live: Live) -> Look | StateError:
        try:
            lost = next((each for each in live.troubles if each.topic is Topic.STATE and each.stops), None)
            if lost and not self.opened.is_there():
                return StateError(lost.said)  # an empty one would say that nothing ever ran
            with self.opened.reading() as store:
                return self._made_of(store, configured, live)
        except StateError as error:
            return error

    def _made_of(self, store: Store, configured: Configured, live: Live) -> Look:
        self._begin(store, configured)
        today = live.now.astimezone(configured.zone).date()
        with store.reading() as connection:
            read = self._read(connection, configured, live, Span(today, _DAYS, _OTHERS))
            kept = self._kept = self._past(connection, configured, Span(today, _DAYS, _OTHERS))
        roll = self._expected(kept, read.open_now, configured)
        ended_before = self._ended_before(read, configured, live.now)
        answers = Answers(roll, today, due_of(roll, ended_before))
        if not kept.is_new:
            with store.reading() as connection:
                anew = _look_up(connection, answers.asked(), slower(configured, kept.index))
            answers = replace(answers, anew=anew)
        facts = Facts(
            read.rows,
            read.at_work,
            self._briefs,
            _by_job(read.rejected),
            _by_job(read.in_doubt),
            answers.missing(),
            said_of(live.troubles),
        )
        names = dict.fromkeys([*configured.loaded.job_names, *read.rows])
        overview = Overview(
            now=live.now,
            jobs=tuple(health(name, configured, facts, live) for name in names),
            answers=answers.complete(),
            freshness=answers.freshness(configured),
            troubles=live.troubles,
            started=live.started,
            beat=live.beat,
        )
        return Look(overview, roll, ended_before)

    def _begin(self, store: Store, configured: Configured) -> None:
        """Forget what was of another store, or of another configuration."""
        if self._of is None or self._of[0] is not store:
            self._index, self._briefs = SeriesIndex(), {}
        if self._of is None or self._of[0] is not store or self._of[1] is not configured:
            self._kept = self._roll = None
        self._of = store, configured

    def _read(self, connection: Connection, configured: Configured, live: Live, span: Span) -> Read:
        rows = {row.name: row for row in recent.job_rows(connection)}
        jobs = configured.loaded.jobs
        since = {name: at_work_since(name, rows.get(name), jobs.get(name), live) for name in {*rows, *live.running}}
        at_work = {name: at for name, at in since.items() if at is not None}
        rows |= recent.ended_runs(connection, [name for name in at_work if name in rows and rows[name].ended is None])
        by_hand = [name for name, job in configured.enabled.items() if job.schedule is None and name in rows]
        good = recent.good_runs(connection, by_hand)
        self._read_reports(connection, {row.run for row in (*rows.values(), *good.values()) if row.ended})
        rejected, in_doubt = recent.open_counts(connection)
        return Read(rows, at_work, good, rejected, in_doubt, read_open(connection, span))

    def _read_reports(self, connection: Connection, runs: Collection[int]) -> None:
        """Each is read once; those of runs that are shown no more are forgotten."""
        self._briefs = {run: self._briefs[run] for run in runs if run in self._briefs}
        new = recent.reports(connection, [run for run in runs if run not in self._briefs])
        self._briefs |= {run: brief(report) for run, report in new.items()}

    def _past(self, connection: Connection, configured: Configured, span: Span) -> _Kept:
        index, now = self._index.read(connection), self.clock.monotonic()
        if self._kept is not None and self._kept.span == span and now < self._kept.until:
            return _Kept(self._kept.past, index, span, self._kept.until, is_new=False)
        past = read_past(connection, configured, index, span)
        took = self.clock.monotonic() - now
        return _Kept(past, index, span, now + took + min(_STALE, _DEAR * took), is_new=True)

    def _expected(self, kept: _Kept, open_now: Open, configured: Configured) -> Roll:
        known = len(kept.index)
        if self._roll is None or self._roll[0] is not kept.past or self._roll[1:3] != (known, open_now):
            self._roll = kept.past, known, open_now, expect(kept.index, kept.past, open_now, configured)
        return self._roll[3]

    def _ended_before(self, read: Read, configured: Configured, now: datetime) -> dict[str, date | None]:
        """By job; nothing is due of one that never ran."""
        found: dict[str, date | None] = {}
        for name, job in configured.enabled.items():
            good = read.good.get(name)
            if name in read.rows:
                began = good.started if good and self._briefs[good.run].is_whole else None
                work = Work(read.at_work.get(name), began)
                found[name] = self._duties.ended_before(job, configured.days(name), now, work)
        return found


def _by_job(counts: recent.Open) -> Counter[str]:
    found: Counter[str] = Counter()
    for (job, _), count in counts.items():
        found[job] += count
    return found


def _look_up(
    connection: Connection, asked: Asked, slow: Mapping[Rhythm, list[int]]
) -> dict[tuple[Rhythm, date], frozenset[int]]:
    """The series that have a number at each of these periods."""
    found: dict[tuple[Rhythm, date], frozenset[int]] = {}
    for rhythm, period in asked:
        if rhythm.interval is Interval.DAY:
            found[rhythm, period] = frozenset(standing.standing_on(connection, period))
        else:
            numbers = standing.numbers_at(connection, [period], slow.get(rhythm, ()))
            found[rhythm, period] = frozenset(number.series for number in numbers)
    return found
