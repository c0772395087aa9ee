"""Errands start in order, wait for what may still land, and know what is left of them."""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal

from kpisync.model import Action, Change, Intent, ValueChange
from kpisync.ports import ReadBefore
from kpisync.sync.diff import RecordWork, Wanted
from kpisync.sync.errands import Queue, left_in_doubt, left_of
from kpisync.testing.clock import NOON
from kpisync.testing.destination import MemoryBoard
from kpisync.testing.world import record, value

A, B = Decimal(3), Decimal(5)


def work(days_ago: int = 1, settles: datetime | None = None, number: Decimal | None = B) -> RecordWork:
    wanted = Wanted(value(days_ago=days_ago), number, "a.csv:2", frozenset({A}))
    return RecordWork(record(days_ago), [wanted], settles=settles)


def queue(read_before: ReadBefore = ReadBefore.ALWAYS, complete: bool = False, waits: bool = True) -> Queue:
    return Queue(MemoryBoard(window=1), read_before, lambda work: complete, waits)


def order(queue: Queue, now: datetime = NOON) -> list[int]:
    """The days ago of what may start now, as it starts."""
    found = []
    while errand := queue.take(now):
        found.append((NOON.date() - errand.window.first).days)
    return found


def test_the_oldest_period_starts_first() -> None:
    line = queue()
    line.add([work(1), work(3), work(2)])
    assert order(line) == [3, 2, 1]


def test_what_may_still_land_is_waited_for() -> None:
    line = queue()
    line.add([work(2, NOON + timedelta(seconds=60)), work(1)])
    assert order(line) == [1]
    assert line.due() == NOON + timedelta(seconds=60)
    assert order(line, NOON + timedelta(seconds=60)) == [2]
    assert line.due() is None


def test_a_plan_waits_for_nothing() -> None:
    line = queue(waits=False)
    line.add([work(1, NOON + timedelta(seconds=60))])
    assert order(line) == [1]


def test_an_errand_that_could_not_be_read_goes_behind_the_others() -> None:
    line = queue()
    line.add([work(1), work(2)])
    first = line.take(NOON)
    assert first is not None
    line.again(first)
    assert order(line) == [1, 2]


def of_team(team: str, days_ago: int = 1) -> RecordWork:
    return RecordWork(record(days_ago)._replace(team=team))


def test_little_to_read_is_one_team() -> None:
    line = Queue(MemoryBoard(), ReadBefore.ALWAYS, lambda work: False)
    line.add([of_team("a", 2), of_team("a"), of_team("b"), of_team("c")])
    (errand,) = line.errands
    little = errand.to_read(little=True)
    assert {key.team for key in little.keys} == {"a"}
    assert (little.kpi, little.first, little.last) == (errand.window.kpi, errand.window.first, errand.window.last)
    errand.read.update(little.keys)
    assert sorted(str(key.team) for key in errand.to_read(little=False).keys) == ["b", "c"]


def test_always_reads_and_never_does_not() -> None:
    always, never = queue(ReadBefore.ALWAYS), queue(ReadBefore.NEVER)
    always.add([work()])
    never.add([work()])
    assert [always.errands[0].reads, never.errands[0].reads] == [True, False]


def test_partial_reads_only_what_the_source_does_not_supply_whole() -> None:
    lacking, whole = queue(ReadBefore.PARTIAL), queue(ReadBefore.PARTIAL, complete=True)
    lacking.add([work()])
    whole.add([work()])
    assert [lacking.errands[0].reads, whole.errands[0].reads] == [True, False]


def test_never_reads_what_cannot_be_judged_otherwise() -> None:
    line = queue(ReadBefore.NEVER)
    line.add([work(1, NOON), work(2, number=None), work(3)])
    assert {(NOON.date() - errand.window.first).days: errand.reads for errand in line.errands} == {
        1: True,
        2: True,
        3: False,
    }


# ---------------------------------------------------------------- what is left


def change(*values: ValueChange) -> Change:
    return Change(Action.UPDATE, record(), values or (ValueChange("v-actual", A, B, "a.csv:2"),))


def test_what_was_not_sent_is_wanted_as_before_without_its_answered_doubt() -> None:
    doubtful = work()
    doubtful.wanted = [
        Wanted(value(), B, "a.csv:2", frozenset({A}), doubt=Intent(value(), A, B, "old.csv:2")),
        Wanted(value("target"), B, "a.csv:3", frozenset()),
    ]
    left = left_of(doubtful, change())
    assert [(wanted.key, wanted.doubt) for wanted in left.wanted] == [(value(), None)]
    assert left.settles is None


def test_a_restored_value_is_wanted_from_then_on() -> None:
    left = left_of(work(), change(ValueChange("v-target", None, A, "a.csv:3")))
    assert left.wanted == [Wanted(value("target"), A, "a.csv:3", frozenset({A}))]


def test_what_is_in_doubt_expects_both_numbers_and_remembers_the_attempt() -> None:
    left = left_in_doubt(work(), change(), NOON)
    (wanted,) = left.wanted
    assert wanted.expected == {A, B}
    assert wanted.tried is Action.UPDATE
    assert wanted.doubt == Intent(value(), A, B, "a.csv:2")
    assert left.settles == NOON
