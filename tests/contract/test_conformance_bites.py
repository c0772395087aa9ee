"""The suite for destinations is worth something: each of its rules catches an adapter that breaks it."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Collection, Mapping
from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from conformance_rules import check, rules_of
from memory_adapter import MemoryAdapter, MemoryConformance
from memory_shelf import ShelfAdapter
from pydantic import BaseModel, Field
from pydantic.errors import PydanticInvalidForJsonSchema

from kpisync.errors import DestinationError, Interrupted
from kpisync.model import Action, Change, RecordKey, Reply, ReplyKind, Values
from kpisync.ports import AdapterSpec, DestinationOptions, Unreadable, Window

Read = Mapping[RecordKey, Values]


class LosesKeys(MemoryAdapter):
    def windows(self, keys: Collection[RecordKey]) -> list[Window]:
        return super().windows(keys)[1:]


class MixesKpis(MemoryAdapter):
    def windows(self, keys: Collection[RecordKey]) -> list[Window]:
        found = super().windows(keys)
        return [replace(found[0], keys=frozenset(keys))] if found else []


class MakesEmptyWindows(MemoryAdapter):
    def windows(self, keys: Collection[RecordKey]) -> list[Window]:
        return [*super().windows(keys), Window("kpi-0", date.min, date.min, frozenset())]


class ReadsAtMostTen(MemoryAdapter):
    def read(self, window: Window) -> Read:
        first = sorted(window.keys, key=lambda key: key.period)[:10]
        return super().read(replace(window, keys=frozenset(first)))


class ReadsOneValue(MemoryAdapter):
    def read(self, window: Window) -> Read:
        return {key: dict([min(values.items())]) for key, values in super().read(window).items()}


class ReadsFloats(MemoryAdapter):
    def read(self, window: Window) -> Read:
        return {
            key: {id: Decimal(float(number)) for id, number in values.items()}
            for key, values in super().read(window).items()
        }


class ReadsAbsentAsEmpty(MemoryAdapter):
    def read(self, window: Window) -> Read:
        return {key: {} for key in window.keys} | dict(super().read(window))


class MixesRecordsUp(MemoryAdapter):
    def read(self, window: Window) -> Read:
        everything = super().read(replace(window, keys=frozenset(self.board.records)))
        return {key: values for key in window.keys for other, values in everything.items() if key[2:] != other[2:]}


class TakesAFailedReadForEmpty(MemoryAdapter):
    def read(self, window: Window) -> Read:
        try:
            return super().read(window)
        except Unreadable:
            return {}


class TakesARefusedLoginForUnreadable(MemoryAdapter):
    def read(self, window: Window) -> Read:
        try:
            return super().read(window)
        except DestinationError:
            raise Unreadable(Reply(ReplyKind.REFUSED, 401)) from None


class AcceptsAndForgets(MemoryAdapter):
    def write(self, change: Change) -> Reply:
        return Reply(ReplyKind.ACCEPTED, 200)


class WritesFloats(MemoryAdapter):
    def write(self, change: Change) -> Reply:
        values = tuple(replace(value, new=Decimal(float(value.new or 0))) for value in change.values)
        return super().write(replace(change, values=values))


class OnlyCreates(MemoryAdapter):
    def write(self, change: Change) -> Reply:
        return super().write(change) if change.action is Action.CREATE else Reply(ReplyKind.ACCEPTED, 200)


class SendsWhatChangedAlone(MemoryAdapter):
    def write(self, change: Change) -> Reply:
        self.board.records.pop(change.key, None)
        return super().write(replace(change, before=None))


class KeepsOneRecord(MemoryAdapter):
    def write(self, change: Change) -> Reply:
        self.board.records.clear()
        return super().write(change)


class EmptiesWhatIsWithdrawn(MemoryAdapter):
    def write(self, change: Change) -> Reply:
        reply = super().write(change)
        if change.action is Action.WITHDRAW:
            self.board.records[change.key] = {}
        return reply


class RefusesWhatIsGone(MemoryAdapter):
    def write(self, change: Change) -> Reply:
        gone = change.action is Action.WITHDRAW and change.key not in self.board.records
        return Reply(ReplyKind.REFUSED, 404) if gone else super().write(change)


class AsksFirst(MemoryAdapter):
    def write(self, change: Change) -> Reply:
        self.around.wait_turn()
        self.around.requests["GET"] += 1
        return super().write(change)


class RaisesRefusals(MemoryAdapter):
    def write(self, change: Change) -> Reply:
        reply = super().write(change)
        if reply.kind is ReplyKind.REFUSED:
            raise DestinationError(reply.words)
        return reply


class TakesALostAnswerForNotSent(MemoryAdapter):
    def write(self, change: Change) -> Reply:
        reply = super().write(change)
        return replace(reply, kind=ReplyKind.NOT_SENT) if reply.kind is ReplyKind.UNKNOWN else reply


class TakesARefusedLoginForARefusal(MemoryAdapter):
    def write(self, change: Change) -> Reply:
        try:
            return super().write(change)
        except DestinationError:
            return Reply(ReplyKind.REFUSED, 401)


class ShowsWhatWasSent(MemoryAdapter):
    def write(self, change: Change) -> Reply:
        return replace(super().write(change), values={"actual": Decimal(-1)})


class CountsNothing(MemoryAdapter):
    def write(self, change: Change) -> Reply:
        reply = super().write(change)
        self.around.requests.clear()
        return reply


class WaitsOnceForAll(MemoryAdapter):
    def read(self, window: Window) -> Read:
        self.board.requests = self.around.requests
        return self.board.read(window)


class SendsBeforeItsTurn(MemoryAdapter):
    def write(self, change: Change) -> Reply:
        try:
            return super().write(change)
        except Interrupted:
            self.board.write(change)
            raise


class QuotesSecrets(MemoryAdapter):
    def write(self, change: Change) -> Reply:
        return replace(super().write(change), words=self.words)


class LosesUpdates(MemoryAdapter):
    """Reads all, changes one, writes all; two threads at once, and one of them is lost."""

    together = threading.Barrier(2)

    def write(self, change: Change) -> Reply:
        before = dict(self.board.records)
        try:
            self.together.wait(0.2)
        except threading.BrokenBarrierError:
            self.together.reset()
        reply = super().write(change)
        self.board.records = {**before, change.key: change.new}
        return reply


class LeavesSocketsOpen(MemoryAdapter):
    def write(self, change: Change) -> Reply:
        self.left_open = socket.socket()
        return super().write(change)


BITES: dict[str, type[MemoryAdapter]] = {
    "test_every_key_is_in_exactly_one_window": LosesKeys,
    "test_a_window_is_of_one_kpi_and_spans_its_periods": MixesKpis,
    "test_no_keys_are_no_windows": MakesEmptyWindows,
    "test_each_window_is_small_enough_for_the_platform": ReadsAtMostTen,
    "test_a_record_is_read_whole": ReadsOneValue,
    "test_numbers_are_read_digit_by_digit": ReadsFloats,
    "test_a_record_that_is_not_there_is_absent": ReadsAbsentAsEmpty,
    "test_records_do_not_run_into_one_another": MixesRecordsUp,
    "test_a_read_that_failed_is_unreadable": TakesAFailedReadForEmpty,
    "test_a_read_that_is_locked_out_ends_the_run": TakesARefusedLoginForUnreadable,
    "test_what_is_accepted_is_stored": AcceptsAndForgets,
    "test_numbers_are_written_digit_by_digit": WritesFloats,
    "test_a_changed_value_takes_the_place_of_the_old_one": OnlyCreates,
    "test_values_that_a_change_does_not_name_survive": SendsWhatChangedAlone,
    "test_other_records_survive": KeepsOneRecord,
    "test_a_withdrawn_record_is_gone": EmptiesWhatIsWithdrawn,
    "test_a_record_that_is_gone_already_can_be_withdrawn": RefusesWhatIsGone,
    "test_a_change_is_one_request": AsksFirst,
    "test_a_withdrawal_is_one_request": AsksFirst,
    "test_a_refused_change_is_an_answer_and_stores_nothing": RaisesRefusals,
    "test_a_lost_answer_is_not_taken_for_one": TakesALostAnswerForNotSent,
    "test_a_write_that_is_locked_out_ends_the_run_and_stores_nothing": TakesARefusedLoginForARefusal,
    "test_a_reply_that_shows_the_record_shows_what_it_holds": ShowsWhatWasSent,
    "test_requests_are_counted_by_method": CountsNothing,
    "test_each_request_waits_for_its_turn": WaitsOnceForAll,
    "test_nothing_is_sent_before_its_turn": SendsBeforeItsTurn,
    "test_secrets_are_struck_out_of_the_words_of_the_platform": QuotesSecrets,
    "test_it_may_be_called_from_several_threads_at_once": LosesUpdates,
    "test_one_that_keeps_values_apart_is_held_to_the_rules_for_that": ShelfAdapter,
    "test_closing_gives_up_connections": LeavesSocketsOpen,
}


class Freely(BaseModel):
    """Not from kpisync."""


class WithType(DestinationOptions):
    type: str = Field(description="taken already")


class Silent(DestinationOptions):
    path: str


class WithoutSchema(DestinationOptions):
    path: Callable[[], str] = Field(description="of no schema")


def described(summary: str, options: type[Any]) -> AdapterSpec[Any]:
    return AdapterSpec(summary, options, lambda options, around: None)


SPECS = {
    "test_the_summary_is_one_line": described("A board\nand more", DestinationOptions),
    "test_the_options_are_derived_from_those_of_kpisync": described("A board", Freely),
    "test_type_is_not_one_of_the_options": described("A board", WithType),
    "test_every_option_is_described": described("A board", Silent),
    "test_the_options_have_a_json_schema": described("A board", WithoutSchema),
}
CAUGHT = (AssertionError, DestinationError, Unreadable, PydanticInvalidForJsonSchema)


@pytest.mark.parametrize(("rule", "adapter"), BITES.items())
def test_an_adapter_that_breaks_a_rule_is_caught(rule: str, adapter: type[MemoryAdapter]) -> None:
    suite = MemoryConformance()
    suite.adapter = adapter
    with pytest.raises(CAUGHT):
        check(suite, rule)


@pytest.mark.parametrize(("rule", "spec"), SPECS.items())
def test_a_spec_that_breaks_a_rule_is_caught(rule: str, spec: AdapterSpec[Any]) -> None:
    suite = type("Broken", (MemoryConformance,), {"spec": spec})()
    with pytest.raises(CAUGHT):
        check(suite, rule)


def test_every_rule_is_shown_to_bite() -> None:
    assert rules_of(MemoryConformance) == BITES.keys() | SPECS.keys()
