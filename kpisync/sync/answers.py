"""Answers: what each answer of the platform leads to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from kpisync.errors import DestinationError, Interrupted
from kpisync.model import RecordKey, Reply, ReplyKind, ValueKey, Values
from kpisync.ports import Clock, Confirm, DestinationOptions, Unreadable, Window
from kpisync.sync.confirm import judge_read_back, judge_refused, judge_reply
from kpisync.sync.desk import Desk
from kpisync.sync.errands import Errand
from kpisync.sync.outbox import Outbox, Sending
from kpisync.sync.pace import Weather

_TRIES = 3  # of one record that the platform fails on, of one read, of one read-back

Found = Mapping[RecordKey, Values] | Unreadable


@dataclass
class Answers:
    """Each method takes one answer in; raises DestinationError, once all is noted, if there is no use in going on."""

    desk: Desk
    outbox: Outbox
    options: DestinationOptions
    weather: Weather
    clock: Clock

    # ------------------------------------------------------------ to reads

    def read(self, errand: Errand, asked: Window, found: Found) -> None:
        if not isinstance(found, Unreadable):
            self.weather.good(wrote=False)
            errand.failed_reads = 0
            self._enter(errand, asked, found)
        elif self._is_final(errand, found.reply):
            self.desk.give_up(errand, found.reply)
        else:
            self.desk.put_off(errand)

    def _enter(self, errand: Errand, asked: Window, found: Mapping[RecordKey, Values]) -> None:
        errand.read_at = errand.read_at or self.clock.monotonic()
        errand.found.update(found)
        errand.read.update(asked.keys)
        if len(errand.read) < len(errand.records):
            self.desk.read_on(errand)
        else:
            self.desk.take_up(errand, errand.found)

    def read_back(self, errand: Errand, found: Found) -> None:
        if not isinstance(found, Unreadable):
            self.weather.good(wrote=False)
            errand.failed_reads = 0
            self._compare(errand, found)
        elif self._is_final(errand, found.reply):
            self.desk.unverified(errand, self.clock.now())
        self.desk.move_on(errand)

    def _compare(self, errand: Errand, found: Mapping[RecordKey, Values]) -> None:
        """The platform may show a write a little later, so a difference is looked at again."""
        errand.looks += 1
        later = []
        for change, reply in errand.answered:
            judgement = judge_read_back(change, reply, found.get(change.key), errand.reads, self._remote_id)
            if judgement.rejections and errand.looks < _TRIES:
                later.append((change, reply))
            else:
                self.desk.books.judged(change, judgement)
        errand.answered = later
        if later:
            self.weather.pause(0.3 * errand.looks)

    def _remote_id(self, key: ValueKey) -> str | None:
        return self.desk.apart.remote_id(key) if self.desk.apart else None

    def _is_final(self, errand: Errand, reply: Reply) -> bool:
        """Whether a failed read is not to be tried again."""
        errand.failed_reads += 1
        self.weather.bad(reply, wrote=False)
        self.weather.rest(errand.failed_reads)
        patient = reply.kind in (ReplyKind.BUSY, ReplyKind.NOT_SENT)
        return reply.kind is ReplyKind.REFUSED or (errand.failed_reads >= _TRIES and not patient)

    # ------------------------------------------------------------ to writes

    def write(self, sending: Sending, reply: Reply | DestinationError | Interrupted) -> None:
        if not isinstance(reply, Reply):  # the login or the address is wrong, or it was still waiting for its turn
            self.outbox.put_back(sending)
            raise reply
        self._sort(sending, reply)
        self.desk.move_on(sending.errand)
        if reply.kind is ReplyKind.ACCEPTED:
            self.weather.good(wrote=True)
            self.desk.refuse_forbidden()
        else:
            self.weather.bad(reply, wrote=True)

    def _sort(self, sending: Sending, reply: Reply) -> None:
        errand, change = sending.errand, sending.change
        if reply.kind in (ReplyKind.BUSY, ReplyKind.NOT_SENT):
            self.outbox.put_back(sending)
            return
        if reply.kind is ReplyKind.FAILED and self._may_repeat(sending):
            self.outbox.repeat(sending, reply)
            return
        errand.out -= 1
        if reply.kind is ReplyKind.UNKNOWN:
            self.desk.unknown(errand, change, reply, self.clock.now() + self.options.settle)
        elif reply.kind is ReplyKind.REFUSED and sending.failed is None:
            self._refused(sending, reply)
        elif reply.kind is not ReplyKind.ACCEPTED or self.options.confirm is Confirm.READ_BACK or sending.failed:
            errand.answered.append((change, reply))  # only a read-back can tell
        else:
            self.desk.books.judged(change, judge_reply(change, reply, self.options.confirm is Confirm.REPLY))

    def _refused(self, sending: Sending, reply: Reply) -> None:
        if reply.status == 403 and not self.weather.wrote:
            self.desk.forbidden.append((sending.change, reply))
        else:
            self.desk.books.judged(sending.change, judge_refused(sending.change, reply))

    def _may_repeat(self, sending: Sending) -> bool:
        failures = self.desk.failures
        failures[sending.change.key] += 1
        if failures[sending.change.key] >= _TRIES or not self.weather.may_repeat():
            return False
        self.weather.rest(failures[sending.change.key])
        return True
