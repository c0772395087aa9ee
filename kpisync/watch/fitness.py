"""Whether the daemon can do its work, and how the platforms are reached."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from threading import Lock

from kpisync.errors import StateError
from kpisync.state import recent
from kpisync.state.runs import about
from kpisync.state.store import Store
from kpisync.watch.configured import Configured
from kpisync.watch.model import DestinationHealth, Live, Topic, Trouble
from kpisync.watch.opened import Opened
from kpisync.watch.ports import Readiness

READY_BEAT, ALIVE_BEAT = 10.0, 60.0  # seconds
_STILL = "the scheduler has not looked for {beat:.0f} seconds, so nothing is started"


@dataclass
class Fitness:
    """Remembers since when each of its own troubles lasts. Threads may share it."""

    opened: Opened
    _since: dict[Topic, datetime] = field(default_factory=dict)
    _lock: Lock = field(default_factory=Lock)

    def readiness(self, configured: Configured, live: Live) -> Readiness:
        """Raises nothing."""
        known = [replace(trouble, said=configured.said(trouble.said)) for trouble in live.troubles]
        stopped = {trouble.topic for trouble in known if trouble.stops}
        own = {Topic.STATE: self._state(configured), Topic.SCHEDULER: _scheduler(live)}
        for topic, said in own.items():
            since = self._lasts(topic, said is not None, live.now)
            if said is not None and topic not in stopped:
                known.append(Trouble(topic, configured.said(said), since, stops=True))
        return Readiness(not any(trouble.stops for trouble in known), tuple(known))

    def _state(self, configured: Configured) -> str | None:
        try:
            with self.opened.reading() as store:
                about(store)
        except StateError as error:
            return str(error)
        return None

    def _lasts(self, topic: Topic, is_there: bool, now: datetime) -> datetime:
        with self._lock:
            if is_there:
                return self._since.setdefault(topic, now)
            self._since.pop(topic, None)
            return now


def _scheduler(live: Live) -> str | None:
    """Only where a daemon runs."""
    if live.started is None or (live.beat is not None and live.beat < READY_BEAT):
        return None
    if live.beat is None:
        return "the scheduler does not run yet, so nothing is started"
    return _STILL.format(beat=live.beat) + ". Restart the daemon if it does not look again by itself"


def is_alive(live: Live) -> bool:
    """A scheduler that never looked yet is about to."""
    return live.beat is None or live.beat < ALIVE_BEAT


def destinations(store: Store | None, configured: Configured, live: Live) -> tuple[DestinationHealth, ...]:
    """By name; without a store nothing is known of what is open."""
    rejected: Mapping[str, int] = {}
    in_doubt: Mapping[str, int] = {}
    rates: Mapping[str, float] = {}
    if store is not None:
        with store.reading() as connection:
            rates = recent.rates(connection)
            rejected, in_doubt = (_by_destination(each, configured) for each in recent.open_counts(connection))
    found = []
    for name, chosen in sorted(configured.loaded.destinations.items()):
        gate = live.gates.get(name)
        found.append(
            DestinationHealth(
                name=name,
                type=chosen.type,
                address=configured.said(chosen.options.identity),
                rate_limit=chosen.options.rate_limit,
                rate_found=gate.rate if gate and gate.rate is not None else rates.get(name),
                concurrency=chosen.options.concurrency,
                gate=gate and replace(gate, why=gate.why and configured.said(gate.why)),
                jobs=sum(job.destination == name for job in configured.loaded.jobs.values()),
                in_doubt=in_doubt.get(name, 0),
                rejected=rejected.get(name, 0),
            )
        )
    return tuple(found)


def _by_destination(counts: recent.Open, configured: Configured) -> dict[str, int]:
    """What got no further than its row counts for the destination of its job."""
    found: dict[str, int] = {}
    for (job, destination), count in counts.items():
        config = configured.loaded.jobs.get(job)
        name = destination or (config.destination if config else None)
        if name is not None:
            found[name] = found.get(name, 0) + count
    return found
