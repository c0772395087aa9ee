"""When a job is due: cron rules in the zone of the job, as instants in UTC.

At a change of clocks Debian's cron is followed, which cronsim does: a time of day that a day lacks is due once, as the
clock jumps over it; one that it has twice is due once. Rules that name every hour, or every minute, follow real time.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from cronsim import CronSim

from kpisync.config.loaded import Schedule

_CHANGE = timedelta(hours=26)  # more than any change of clocks moves a time of day


def due_times(schedule: Schedule, after: datetime, until: datetime) -> Iterator[datetime]:
    """Those after an instant, up to and with another one; oldest first."""
    last = after
    for at in _from(schedule, after):
        if at > until:
            return
        if at > last:
            yield at
            last = at


def next_due(schedule: Schedule, after: datetime) -> datetime | None:
    """None: never again, as the 30th of February."""
    return next((at for at in _from(schedule, after) if at > after), None)


def last_due(schedule: Schedule, until: datetime) -> datetime | None:
    """The newest up to an instant."""
    second = until.replace(microsecond=0) + timedelta(seconds=1)
    found = next(iter(CronSim(schedule.cron, second.astimezone(schedule.timezone), reverse=True)), None)
    about = found.astimezone(UTC) if found else until
    if found and until - about < _CHANGE and not _is_changed(schedule, about - _CHANGE, until):
        return about
    # Near a change of clocks it is looked for forwards from a little before, for so the other functions find it.
    return max(due_times(schedule, about - _CHANGE, until), default=None)


def _is_changed(schedule: Schedule, first: datetime, last: datetime) -> bool:
    """Whether the clocks went otherwise at one instant than at another, not long after."""
    zone = schedule.timezone
    return first.astimezone(zone).utcoffset() != last.astimezone(zone).utcoffset()


def _from(schedule: Schedule, after: datetime) -> Iterator[datetime]:
    for at in CronSim(schedule.cron, after.astimezone(schedule.timezone)):
        yield at.astimezone(UTC)
