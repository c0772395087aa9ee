"""Which jobs are due: each due time of each job is met once, what was missed is made good, what failed is tried again.

Truth is in the state store, which knows the due times that were met, by whatever process. What is kept here is only
when to look, and how often a due time was tried already.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta, tzinfo
from threading import Lock

import structlog

from kpisync.config.loaded import JobConfig, Schedule
from kpisync.config.schema import CatchUp
from kpisync.mapping.days import Days
from kpisync.ports import Clock
from kpisync.schedule import due_times, last_due, next_due
from kpisync.state.dues import last_met, meet
from kpisync.state.store import Store

log = structlog.get_logger()

_PAUSES = (1, 5, 15, 30, 60)  # minutes from a run that left its due time open to the next one; the last for ever
_FARTHEST = timedelta(days=31)  # for which days a run makes good what was missed


@dataclass(frozen=True)
class Due:
    """A due time to meet. `first` is the first day to look at, where it is earlier than the job's own."""

    job: str
    at: datetime
    first: date | None = None


@dataclass
class _Entry:
    """A scheduled job. `latest` and `coming` are its due times before and after the last look."""

    config: JobConfig
    schedule: Schedule
    since: datetime  # when it was seen first
    anew: bool  # its due times count from then on, whatever the store knows of it
    fresh: bool = True  # the store has not been asked for it yet
    latest: datetime | None = None
    coming: datetime | None = None
    is_open: bool = False
    tried: int = 0  # runs that left `latest` open
    again: float | None = None  # when it is tried again, monotonic
    left: bool = False  # a run for it ended since the last look
    skipped: bool = False  # because a job that it comes after had not ended well
    waits: bool = False  # for a job that it comes after

    def forget_trials(self) -> None:
        self.tried, self.again, self.left, self.skipped = 0, None, False, False


@dataclass
class Planner:
    """May be used from several threads. Nothing is asked of the store but in `plan`."""

    clock: Clock
    _entries: dict[str, _Entry] = field(default_factory=dict)
    _jobs: Mapping[str, JobConfig] = field(default_factory=dict)
    _plant: tzinfo | None = None
    _begun: bool = False
    _changed: bool = False
    _lock: Lock = field(default_factory=Lock)

    def adopt(self, jobs: Mapping[str, JobConfig], plant: tzinfo) -> None:
        """Go on with these jobs. Of a job that is new, or has another schedule, only later due times count then.

        The first time, a job that the store knows keeps those that it missed, unless `catch_up` is none.
        """
        with self._lock:
            kept = self._entries
            self._jobs, self._plant, self._entries = jobs, plant, {}
            for name, config in jobs.items():
                if config.schedule is None or not config.enabled:
                    continue
                entry = kept.get(name)
                if entry is None or not _same_times(entry.schedule, config.schedule):
                    entry = _Entry(config, config.schedule, self.clock.now(), anew=self._begun)
                entry.config, entry.schedule = config, config.schedule
                if entry.again is not None:
                    entry.again = self.clock.monotonic()  # somebody may have put it right
                self._entries[name] = entry
            self._begun = self._changed = True

    def reconsider(self) -> None:
        """The clock was set, or the store is another one: what was known of due times is worth nothing."""
        with self._lock:
            for entry in self._entries.values():
                entry.latest = entry.coming = None
            self._changed = True

    def ended(self, job: str, *, due: bool, well: bool, skipped: bool) -> None:
        """A run of a job ended, whether it was begun because it was `due` or not."""
        with self._lock:
            entry = self._entries.get(job)
            if entry and due:
                entry.left, entry.skipped = True, skipped
            if well:
                for name, other in self._entries.items():
                    if other.skipped and other.again is not None and job in self._before(name):
                        other.again = self.clock.monotonic()

    def look_again(self) -> None:
        """A job is in the runner's hands no more."""
        with self._lock:
            self._changed = True

    def is_time(self) -> bool:
        """Whether `plan` may have something to tell."""
        now, monotonic = self.clock.now(), self.clock.monotonic()
        with self._lock:
            return self._changed or any(
                (each.coming is not None and each.coming <= now) or (each.again is not None and each.again <= monotonic)
                for each in self._entries.values()
            )

    def plan(self, store: Store, busy: Collection[str], moving: Collection[str]) -> list[Due]:
        """What is to be run now. `busy` are the jobs in the runner's hands, `moving` those of them that will end.

        What is told stays open until the store says that it was met: it is told again after a run has ended.
        """
        with self._lock:
            self._changed = False  # what changes from here on is for another time
            entries = list(self._entries.values())
        now, monotonic = self.clock.now(), self.clock.monotonic()
        met = last_met(store, now)
        firsts = dict(self._first_seen(entries, met))
        if firsts:
            meet(store, firsts.items(), now)
            met.update(firsts)
        for entry in entries:
            with self._lock:  # not for all of them at once: ticks and pages want it too
                self._look(entry, met.get(entry.config.name), now, monotonic)
        with self._lock:
            ready = [each for each in self._entries.values() if each.is_open and each.again is None]
            coming = {*moving, *(each.config.name for each in ready)}
            for entry in ready:
                entry.waits = self._waits(entry.config.name, coming)
            found = [each for each in ready if not each.waits and each.config.name not in busy]
            return [self._due(each, met.get(each.config.name), now) for each in found]

    def newest(self, due: Due) -> datetime:
        """The due time that a run which begins now meets: that one, or one that came while it was queued."""
        with self._lock:
            entry = self._entries.get(due.job)
            return max(due.at, entry.latest) if entry and entry.is_open and entry.latest else due.at

    @property
    def scheduled(self) -> frozenset[str]:
        with self._lock:
            return frozenset(self._entries)

    @property
    def coming(self) -> dict[str, datetime]:
        """When each job is due next, or tried again."""
        now, monotonic = self.clock.now(), self.clock.monotonic()
        with self._lock:
            return {
                name: at if each.again is None else min(at, now + timedelta(seconds=max(0.0, each.again - monotonic)))
                for name, each in self._entries.items()
                if (at := each.coming) is not None
            }

    @property
    def waiting(self) -> list[str]:
        """The jobs that are due, and wait for one that they come after."""
        with self._lock:
            return [name for name, each in self._entries.items() if each.is_open and each.waits]

    # ------------------------------------------------------------ inside

    def _first_seen(self, entries: list[_Entry], met: Mapping[str, datetime]) -> Iterator[tuple[str, datetime]]:
        """The due times that came before their jobs were seen, so that nothing was missed."""
        for entry in entries:
            if entry.fresh:
                known, at = met.get(entry.config.name), last_due(entry.schedule, entry.since)
                counts = known is not None and not entry.anew and entry.schedule.catch_up is not CatchUp.NONE
                if at and not counts and (known is None or known < at):
                    yield entry.config.name, at

    def _look(self, entry: _Entry, met: datetime | None, now: datetime, monotonic: float) -> None:
        """Under the lock, as are those below."""
        entry.fresh = False
        before = entry.latest
        if before is None or before > now:
            entry.latest = last_due(entry.schedule, now)
        elif entry.coming is None or entry.coming <= now:
            entry.latest = max(due_times(entry.schedule, before, now), default=before)
        if entry.coming is None or entry.coming <= now or entry.latest != before:
            entry.coming = next_due(entry.schedule, now)
        entry.waits = False
        entry.is_open = entry.latest is not None and (met is None or met < entry.latest)
        if not entry.is_open or (before and entry.latest and entry.latest > before):
            entry.forget_trials()
        elif entry.left:
            entry.left = False
            pause = _PAUSES[min(entry.tried, len(_PAUSES) - 1)]
            entry.tried += 1
            entry.again = monotonic + pause * 60
            log.warning("to be tried again", job=entry.config.name, minutes=pause, trial=entry.tried + 1)
        elif entry.again is not None and entry.again <= monotonic:
            entry.again = None

    def _due(self, entry: _Entry, met: datetime | None, now: datetime) -> Due:
        assert entry.latest is not None  # noqa: S101 - it is open
        return Due(entry.config.name, entry.latest, self._first(entry, met, now))

    def _first(self, entry: _Entry, met: datetime | None, now: datetime) -> date | None:
        """The first day to look at, so that a run covers what the missed ones would have; None: the usual one does."""
        config, latest = entry.config, entry.latest
        if config.lookback is None or latest is None or met is None or entry.schedule.catch_up is CatchUp.NONE:
            return None
        missed = next_due(entry.schedule, met)
        if missed is None or missed >= latest:
            return None
        assert self._plant is not None  # noqa: S101 - it came with the jobs
        days = Days(config.map.date, self._plant)
        today, day = days.today(now), days.today(missed)
        if day < today - _FARTHEST:
            day = today - _FARTHEST
            if not entry.tried:
                self._say_what_lies_before(config, missed, config.lookback.first(day))
        first = config.lookback.first(day)
        return first if first < config.lookback.first(today) else None

    def _say_what_lies_before(self, config: JobConfig, missed: datetime, first: date) -> None:
        log.warning(
            "what was missed lies too far back for one run",
            job=config.name,
            missed_since=missed.isoformat(timespec="minutes"),
            looked_at_from=first.isoformat(),
            next=f"kpisync backfill {config.name} --from DAY --to {first - timedelta(days=1)}",
        )

    def _waits(self, name: str, coming: Collection[str]) -> bool:
        """Whether a job comes after one of these; in a ring, which last good versions may form, none waits."""
        return any(other in coming and name not in self._before(other) for other in self._before(name))

    def _before(self, name: str) -> set[str]:
        """The jobs that one comes after, directly or by others; itself among them if last good versions form a ring."""
        found: set[str] = set()
        ahead = [name]
        while ahead:
            job = self._jobs.get(ahead.pop())
            for other in job.after if job else ():
                if other not in found:
                    found.add(other)
                    ahead.append(other)
        return found


def _same_times(one: Schedule, other: Schedule) -> bool:
    return (one.cron, one.timezone.key) == (other.cron, other.timezone.key)
