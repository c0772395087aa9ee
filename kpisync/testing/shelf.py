"""A platform in memory that keeps values apart and adds what is posted, as unreliable as you like."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from decimal import Decimal
from itertools import count

from kpisync.errors import DestinationError, Interrupted
from kpisync.model import Action, Change, RecordKey, Reply, ReplyKind, ValueKey
from kpisync.testing.destination import REPLIES, SILENT, STORED, Fault, MemoryBoard

_UNKNOWN = Reply(ReplyKind.UNKNOWN, None, "no answer")


@dataclass(frozen=True, slots=True)
class Snapshot:
    id: str
    number: Decimal
    by_hand: bool = False


@dataclass
class MemoryShelf(MemoryBoard):
    """Implements `ports.Destination` and `ports.KeepsApart`: a number is posted, never changed, and deleted by its id.

    Posting twice makes two. What stands under a key is the last one.
    """

    shelf: dict[ValueKey, list[Snapshot]] = field(default_factory=dict)
    taken: list[Snapshot] = field(default_factory=list)  # deleted by a request
    tells_ids: bool = True  # whether the answer to a post has the id
    _ids: count[int] = field(default_factory=lambda: count(1))

    # ------------------------------------------------------------ another hand

    def edit(self, key: RecordKey, value: str, number: Decimal | None) -> None:
        """As a person does: take away what stands there, and perhaps enter another number."""
        with self.lock:
            own = [] if number is None else [Snapshot(f"s{next(self._ids)}", number, by_hand=True)]
            self._put(ValueKey(key, value), own)

    # ------------------------------------------------------------ what a platform with ids has besides

    def remote_id(self, key: ValueKey) -> str | None:
        with self.lock:
            found = self.shelf.get(key, [])
            return found[0].id if len(found) == 1 else None

    def may_replace(self, key: ValueKey, remote: str | None) -> bool:
        return remote is not None

    def copies(self, key: ValueKey) -> int:
        with self.lock:
            return len(self.shelf.get(key, []))

    # ------------------------------------------------------------ the port

    def write(self, change: Change) -> Reply:
        [value] = change.values
        key = ValueKey(change.key, value.value)
        if value.old is not None:
            if value.remote is None:
                return Reply(ReplyKind.REFUSED, words="it is not known to be ours")
            fault = self._request("DELETE", lambda: self._delete(key, value.remote))
            if fault is not None:
                return REPLIES[fault]
        if change.action is Action.WITHDRAW or value.new is None:
            return Reply(ReplyKind.ACCEPTED, 204)
        new = Snapshot(f"s{next(self._ids)}", value.new)
        try:
            fault = self._request("PUT", lambda: self._post(key, new))
        except DestinationError:
            if value.old is None:
                raise
            return Reply(ReplyKind.REFUSED, 401, "the login is refused", values={})
        except Interrupted:
            if value.old is None:
                raise
            return Reply(ReplyKind.FAILED, words="stopped between the deletion and the post")
        if fault is None:
            return Reply(ReplyKind.ACCEPTED, 201, remote=new.id if self.tells_ids else None)
        return _posting(fault, deleted=value.old is not None)

    # ------------------------------------------------------------ inside

    def _request(self, method: str, act: Callable[[], None]) -> Fault | None:
        fault = self._begin(method)
        try:
            with self.lock:
                if fault in STORED:
                    act()
            if fault is Fault.LATE:
                self.clock.at(self.timeout + self.late, act)
            self.clock.sleep(self.timeout if fault in SILENT else self.takes)
            return fault
        finally:
            self._end()

    def _delete(self, key: ValueKey, id: str | None) -> None:
        with self.lock:
            found = self.shelf.get(key, [])
            self.taken.extend(one for one in found if one.id == id)
            self._put(key, [one for one in found if one.id != id])

    def _post(self, key: ValueKey, new: Snapshot) -> None:
        with self.lock:
            self.sent.append((key.record, {key.value: new.number}))
            self._put(key, [*self.shelf.get(key, []), new])

    def _put(self, key: ValueKey, found: list[Snapshot]) -> None:
        """What stands is shown by `records`, as other platforms have it."""
        record = self.records.setdefault(key.record, {})
        if found:
            self.shelf[key] = found
            record[key.value] = found[-1].number
        else:
            self.shelf.pop(key, None)
            record.pop(key.value, None)
        if not record:
            del self.records[key.record]


def _posting(fault: Fault, deleted: bool) -> Reply:
    """Posting twice does: only what was surely not stored may be repeated; what was deleted before is gone."""
    reply = REPLIES[fault]
    if reply.kind is ReplyKind.FAILED:
        return _UNKNOWN
    if deleted and reply.kind in (ReplyKind.BUSY, ReplyKind.NOT_SENT):
        return replace(reply, kind=ReplyKind.FAILED)
    if deleted and reply.kind is ReplyKind.REFUSED:
        return replace(reply, values={})
    return reply
