"""The suite for destinations that keep values apart is worth something: each of its own rules catches a breach."""

from __future__ import annotations

from dataclasses import replace

import pytest
from conformance_rules import check, rules_of
from memory_adapter import MemoryAdapter
from memory_shelf import ShelfAdapter, ShelfConformance

from kpisync.errors import DestinationError, Interrupted
from kpisync.model import Action, Change, Reply, ReplyKind, ValueKey
from kpisync.ports import Unreadable
from kpisync.testing import DestinationConformance


class PostsBeside(ShelfAdapter):
    def write(self, change: Change) -> Reply:
        added = tuple(replace(value, old=None) for value in change.values)
        return super().write(replace(change, values=added))


class ForgetsTheGap(ShelfAdapter):
    def write(self, change: Change) -> Reply:
        reply = super().write(change)
        return replace(reply, kind=ReplyKind.NOT_SENT) if reply.kind is ReplyKind.FAILED else reply


class RaisesMidway(ShelfAdapter):
    def write(self, change: Change) -> Reply:
        reply = super().write(change)
        if reply.kind is ReplyKind.FAILED:
            raise DestinationError(reply.words)
        return reply


class WithdrawsTheRecord(ShelfAdapter):
    def write(self, change: Change) -> Reply:
        reply = super().write(change)
        if change.action is Action.WITHDRAW:
            self.board.records.pop(change.key, None)
        return reply


class SaysThatAllIsOurs(ShelfAdapter):
    def may_replace(self, key: ValueKey, remote: str | None) -> bool:
        return True


class ReplacesWhatIsNotOurs(ShelfAdapter):
    def write(self, change: Change) -> Reply:
        id = self.board.remote_id(ValueKey(change.key, change.values[0].value))
        return super().write(replace(change, values=(replace(change.values[0], remote=id),)))


class TellsAnotherId(ShelfAdapter):
    def remote_id(self, key: ValueKey) -> str | None:
        return "another" if super().remote_id(key) else None


class TellsNoIds(ShelfAdapter):
    def write(self, change: Change) -> Reply:
        return replace(super().write(change), remote=None)

    def remote_id(self, key: ValueKey) -> str | None:
        return None


class CountsTwice(ShelfAdapter):
    def copies(self, key: ValueKey) -> int:
        return 2 * super().copies(key)


class CountsWhatIsNotThere(ShelfAdapter):
    def copies(self, key: ValueKey) -> int:
        return max(super().copies(key), 1)


BITES: list[tuple[str, type[MemoryAdapter]]] = [
    ("test_an_update_leaves_one_number", PostsBeside),
    ("test_an_update_that_was_stopped_midway_is_finished_when_it_is_repeated", ForgetsTheGap),
    ("test_an_update_that_was_stopped_midway_is_finished_when_it_is_repeated", RaisesMidway),
    ("test_an_update_that_was_stopped_midway_is_finished_when_it_is_repeated", PostsBeside),
    ("test_a_withdrawal_takes_away_one_value_alone", WithdrawsTheRecord),
    ("test_what_another_hand_entered_is_replaced_only_where_it_may_be", SaysThatAllIsOurs),
    ("test_what_another_hand_entered_is_replaced_only_where_it_may_be", ReplacesWhatIsNotOurs),
    ("test_the_id_is_that_of_what_was_written", TellsAnotherId),
    ("test_the_id_is_that_of_what_was_written", TellsNoIds),
    ("test_one_number_counts_as_one", CountsTwice),
    ("test_several_numbers_have_no_one_id", CountsTwice),
    ("test_what_is_not_there_has_neither_id_nor_number", CountsWhatIsNotThere),
    ("test_one_that_keeps_values_apart_is_held_to_the_rules_for_that", MemoryAdapter),
]


@pytest.mark.parametrize(("rule", "adapter"), BITES)
def test_an_adapter_that_breaks_a_rule_is_caught(rule: str, adapter: type[MemoryAdapter]) -> None:
    suite = ShelfConformance()
    suite.adapter = adapter
    with pytest.raises((AssertionError, DestinationError, Interrupted, Unreadable)):
        check(suite, rule)


def test_every_rule_of_its_own_is_shown_to_bite() -> None:
    own = rules_of(ShelfConformance) - rules_of(DestinationConformance)
    assert own <= {rule for rule, _ in BITES}


class TestMemoryShelf(ShelfConformance):
    """The double behind the tests of delivery behaves as such a platform does."""
