"""When a job was last to be done with what had ended by then: by its schedule, or by its last whole run."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

from kpisync.config.loaded import JobConfig, Schedule
from kpisync.mapping.days import Days
from kpisync.schedule import last_due, next_due

GRACE = timedelta(minutes=30)  # for a run to end, after its due time
_MOMENT = timedelta(milliseconds=1)
_MOST_REMEMBERED = 10_000  # schedules


@dataclass(frozen=True, slots=True)
class Work:
    """What a job did. `at_work`: since when a run of it goes on; `good`: when its last whole run began."""

    at_work: datetime | None = None
    good: datetime | None = None


@dataclass
class Duties:
    """Remembers of each schedule its last due time for as long as that is the last one. Not for several threads."""

    _last: dict[Schedule, tuple[datetime, datetime | None]] = field(default_factory=dict)

    def ended_before(self, job: JobConfig, days: Days, now: datetime, work: Work) -> date | None:
        """The day of the plant at that time: what ended before it is due. None: nothing is yet."""
        at = work.good if job.schedule is None else self._due(job.schedule, now - GRACE, work.at_work)
        return None if at is None else days.today(min(at, now))

    def _due(self, schedule: Schedule, until: datetime, at_work: datetime | None) -> datetime | None:
        """The last due time whose run is over."""
        at = self._last_due(schedule, until)
        if at is None or at_work is None or at_work < at:
            return at
        return last_due(schedule, at - _MOMENT)

    def _last_due(self, schedule: Schedule, until: datetime) -> datetime | None:
        known = self._last.get(schedule)
        if known and known[0] <= until and (known[1] is None or until < known[1]):
            return known[0]
        at = last_due(schedule, until)
        if at is not None:
            if len(self._last) >= _MOST_REMEMBERED:
                self._last.clear()
            self._last[schedule] = at, next_due(schedule, at)
        return at
