"""Alerts: who is told what, once, by threads of their own; nothing that a run or a page does ever waits for them."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from contextlib import AbstractContextManager, suppress
from dataclasses import replace
from datetime import UTC, tzinfo
from functools import partial
from threading import Condition

import structlog

from kpisync.config.schema import AlertEvent, AlertOptions
from kpisync.daemon.aside import in_thread
from kpisync.daemon.channels import Channel
from kpisync.daemon.sending import ABSENT, Send, addresses, installed, send_by_apprise
from kpisync.daemon.telling import Message, News, belief, compare, message, picture
from kpisync.errors import StateError
from kpisync.ports import Clock
from kpisync.state.alerts import AlertKey, OpenAlert, is_teller, keep_alerts, open_alerts
from kpisync.state.store import Store
from kpisync.watch.model import Overview, Topic, Trouble

log = structlog.get_logger()

_BROKE_OFF = "sending ended with an error that apprise did not expect"


def _utc() -> tzinfo:
    return UTC


class Alerts:
    """Told of every picture by `look`, which may wait for the state store, and so belongs in a thread of its own.

    `options` None: the section has problems, and nothing is done until it has none. While the store cannot be used,
    what was told is remembered here, and kept there as soon as it can be. Of several daemons over one store one tells;
    `who` is this one, the same after a restart. Threads may share it.
    """

    def __init__(
        self,
        options: Callable[[], AlertOptions | None],
        store: Callable[[], AbstractContextManager[Store]],
        clock: Clock,
        redact: Callable[[str], str],
        who: str,
        *,
        zone: Callable[[], tzinfo] = _utc,
        send: Send = send_by_apprise,
        is_installed: Callable[[], bool] = installed,
    ) -> None:
        self._options, self._store, self._clock, self._redact, self._who = options, store, clock, redact, who
        self._zone, self._send, self._is_installed = zone, send, is_installed
        self._turn = Condition()
        self._channels: dict[str, Channel] = {}
        self._rows: dict[AlertKey, OpenAlert] = {}
        self._unsaved: set[AlertKey] = set()  # open, and told, only as far as this process remembers
        self._absent: Trouble | None = None
        self._tells = True

    def look(self, overview: Overview) -> None:
        """Begin to tell what is new in it; returns before anybody is told. Raises nothing that has to do with that."""
        options = self._options()
        if options is None:
            return
        with self._turn:
            self._rows = rows = self._read()
            self._arrange(options, rows)
            if self._channels and not self._is_teller():
                self._channels = {}  # what is owed, whoever takes over reads in the store
            if not self._channels:
                return
            news = compare(rows, picture(overview, options.rejects_above), options.on)
            self._keep(news.rows)
            self._begin(news)

    def troubles(self) -> tuple[Trouble, ...]:
        """Why somebody is not told, for as long as that lasts; never waits."""
        found = [channel.trouble for channel in tuple(self._channels.values()) if channel.trouble]
        return (self._absent, *found) if self._absent else tuple(found)

    def wait(self, seconds: float) -> bool:
        """Until nothing is being sent, but not longer; whether that is so. For the end of the process."""
        if not self._turn.acquire(timeout=seconds):
            return False  # a look waits for the store
        try:
            return self._turn.wait_for(lambda: not any(each.busy for each in self._channels.values()), seconds)
        finally:
            self._turn.release()

    # ------------------------------------------------------------ what is told

    def _arrange(self, options: AlertOptions, rows: Mapping[AlertKey, OpenAlert]) -> None:
        wanted = addresses(options)
        if wanted and not self._is_installed():
            self._absent = self._absent or Trouble(Topic.ALERTS, ABSENT, self._clock.now())
            wanted = {}
        else:
            self._absent = None
        owed = {subject for subject, event in rows if event == AlertEvent.RECOVERED}
        self._channels = {url: self._channels.get(url) or Channel(name, url, set(owed)) for url, name in wanted.items()}

    def _is_teller(self) -> bool:
        """While the store cannot be used, it is as it was before."""
        with suppress(StateError), self._store() as store:
            self._tells = is_teller(store, self._who, self._clock.now())
        return self._tells

    def _begin(self, news: News) -> None:
        now = self._clock.monotonic()
        for channel in self._channels.values():
            channel.look(news.rows, news.recovered)
            if channel.is_due(now) and not channel.busy:
                channel.busy = True
                in_thread("kpisync alert", partial(self._deliver, channel))

    def _deliver(self, channel: Channel) -> None:
        """Until there is nothing more to tell now."""
        while (told := self._next(channel)) is not None:
            failure: str | None = _BROKE_OFF
            try:
                failure = self._send(channel.url, told.subject, told.body)
            finally:
                self._settle(channel, told, failure)

    def _next(self, channel: Channel) -> Message | None:
        with self._turn:
            keys = {key for key in channel.pending if key in self._rows}
            if not channel.is_due(self._clock.monotonic()) or not (keys or channel.missed):
                channel.busy = False
                self._turn.notify_all()
                return None
            told = message(self._rows, keys, self._zone(), channel.missed)
            return replace(told, subject=self._redact(told.subject), body=self._redact(told.body))

    def _settle(self, channel: Channel, told: Message, failure: str | None) -> None:
        with self._turn:
            now = self._clock.monotonic()
            if failure is None:
                channel.arrived(told, now)
                self._keep(self._told(told.keys))
                log.info("alert sent", to=channel.name, about=told.subject)
            else:
                channel.failed(self._redact(failure), now, self._clock.now())
                log.warning("alert not sent", to=channel.name, about=told.subject, why=failure)
            if failure is _BROKE_OFF:  # this thread ends
                channel.busy = False
                self._turn.notify_all()

    def _told(self, keys: Collection[AlertKey]) -> dict[AlertKey, OpenAlert]:
        """The rows after somebody was told: whoever heard of a trouble will want to hear of its end."""
        rows, now = dict(self._rows), self._clock.now()
        for subject, event in sorted(keys):
            row, end = rows.get((subject, event)), (subject, AlertEvent.RECOVERED.value)
            if event == AlertEvent.RECOVERED:
                rows.pop(end, None)
            elif row is not None:
                rows[subject, event] = replace(row, told=row.told or now)
                rows[end] = OpenAlert(now, belief((subject, event), row, self._zone()), now)
            else:
                rows.setdefault(end, OpenAlert(now, "", now))  # over since the message left
        return rows

    # ------------------------------------------------------------ what is remembered

    def _read(self) -> dict[AlertKey, OpenAlert]:
        """The store's word counts, but for what it could not be told."""
        try:
            with self._store() as store:
                rows = open_alerts(store)
        except StateError:
            return dict(self._rows)
        for key in self._unsaved:
            if key in self._rows:
                rows[key] = self._rows[key]
            else:
                rows.pop(key, None)
        return rows

    def _keep(self, rows: dict[AlertKey, OpenAlert]) -> None:
        changed = {key for key in rows.keys() | self._rows.keys() if rows.get(key) != self._rows.get(key)}
        self._rows = rows
        self._unsaved |= changed
        if not self._unsaved:
            return
        try:
            with self._store() as store:
                keep_alerts(store, rows)
        except StateError:
            return  # the page, the log and the other alerts tell of the store
        self._unsaved.clear()
