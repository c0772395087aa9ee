"""The rules of `ports.KeepsApart`, beside those of every destination: inherit these where yours is one."""

# ruff: noqa: S101 - a suite asserts

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from decimal import Decimal
from typing import Any, NamedTuple

from kpisync.errors import Exit, Interrupted
from kpisync.model import Action, Change, RecordKey, Reply, ReplyKind, ValueChange, ValueKey, Values
from kpisync.ports import KeepsApart
from kpisync.testing.conformance_destination import DestinationConformance
from kpisync.testing.conformance_spec import skip


class Seen(NamedTuple):
    """What a read shows of the first value of a record."""

    number: Decimal | None
    copies: int
    id: str | None


class KeepsApartConformance(DestinationConformance):
    """Changes come as the engine gives them: value by value, each with the id of the number of ours that stands."""

    _keeps_apart = True

    # ------------------------------------------------------------ writes

    def test_an_update_leaves_one_number(self) -> None:
        self._write(self._update({self.ids[0]: Decimal(177)}, Decimal(190)))
        self._check_one(Decimal(190))

    def test_an_update_that_was_stopped_midway_is_finished_when_it_is_repeated(self) -> None:
        change = self._update({self.ids[0]: Decimal(177)}, Decimal(190))
        reply = self._write(change, wait_turn=_stopped_before_the_second())
        if reply.kind is not ReplyKind.ACCEPTED:
            unclear = (ReplyKind.FAILED, ReplyKind.UNKNOWN)
            assert reply.kind in unclear, f"it was begun and not finished, but the reply is {reply.kind}"
            reply = self._write(change)
        assert reply.kind is ReplyKind.ACCEPTED, f"an update that was repeated was answered by {reply}"
        self._check_one(Decimal(190))

    def test_a_withdrawal_takes_away_one_value_alone(self) -> None:
        first, second = values = self._two_values()
        self.put_by_hand(self.key(0), {second: values[second]})
        self._write(self._withdraw())
        left = self.holds(self.key(0))
        assert left == {second: values[second]}, f"{first} was withdrawn, and what is left is {left}"

    def test_what_another_hand_entered_is_replaced_only_where_it_may_be(self) -> None:
        id, old, new = self.ids[0], Decimal(5), Decimal(7)
        self.put_by_hand(self.key(0), {id: old})
        with self._open() as destination:
            assert isinstance(destination, KeepsApart)
            may = destination.may_replace(ValueKey(self.key(0), id), None)
        change = Change(Action.UPDATE, self.key(0), (ValueChange(id, old, new, "test"),), {id: old})
        reply = self._write(change)
        kind = ReplyKind.ACCEPTED if may else ReplyKind.REFUSED
        assert reply.kind is kind, f"may it be replaced: {may}; but the reply is {reply}"
        self._check_holds({id: new if may else old})

    # ------------------------------------------------------------ what a read shows

    def test_the_id_is_that_of_what_was_written(self) -> None:
        told, seen = self._write(self._create()).remote, self._seen()
        assert told or seen.id, "neither the reply nor a read tells an id, so nothing could ever be corrected"
        assert None in (told, seen.id) or told == seen.id, f"the reply says {told}, and a read {seen.id}"

    def test_one_number_counts_as_one(self) -> None:
        self._write(self._create())
        assert self._seen().copies == 1, f"one number was written, and a read shows {self._seen().copies}"

    def test_several_numbers_have_no_one_id(self) -> None:
        self._write(self._create())
        self.put_by_hand(self.key(0), {self.ids[0]: Decimal(8)})
        seen = self._seen()
        assert seen.copies == 1 or seen.id is None, f"{seen.copies} numbers stand there, and {seen.id} is said to be it"

    def test_what_is_not_there_has_neither_id_nor_number(self) -> None:
        assert self._seen() == Seen(None, 0, None), f"there is nothing, but a read shows {self._seen()}"

    # ------------------------------------------------------------ what is different from other destinations

    def _check_one_request(self, change: Change) -> None:
        skip("where values are kept apart, a change may take several requests")

    def _write(self, change: Change, **around: Any) -> Reply:
        """The last answer."""
        with self._open(**around) as destination:
            for value in change.values:
                reply = destination.write(replace(change, values=(value,)))
        return reply

    def _put_ours(self, key: RecordKey, values: Values) -> Mapping[str, str | None]:
        found: dict[str, str | None] = {}
        with self._open() as destination:
            assert isinstance(destination, KeepsApart)
            for id, number in values.items():
                change = Change(Action.CREATE, key, (ValueChange(id, None, number, "test"),))
                found[id] = destination.write(change).remote
            for window in destination.windows([key]):
                destination.read(window)
            return {id: remote or destination.remote_id(ValueKey(key, id)) for id, remote in found.items()}

    def _seen(self) -> Seen:
        key = ValueKey(self.key(0), self.ids[0])
        with self._open() as destination:
            assert isinstance(destination, KeepsApart)
            [window] = destination.windows([key.record])
            number = destination.read(window).get(key.record, {}).get(key.value)
            return Seen(number, destination.copies(key), destination.remote_id(key))

    def _check_one(self, number: Decimal) -> None:
        seen = self._seen()
        assert seen[:2] == (number, 1), f"{number} should stand there alone; a read shows {seen}"


def _stopped_before_the_second() -> Callable[[], None]:
    """The turns of requests: the first one is granted, then the process is told to stop."""
    turns = iter([None])

    def wait_turn() -> None:
        try:
            next(turns)
        except StopIteration:
            raise Interrupted(Exit.SIGTERM) from None

    return wait_turn
