"""The oracle of the plant is worth something: it finds each of these deliberately broken builds."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import pytest

from kpisync.errors import DestinationError, Interrupted
from kpisync.mapping.apply import Mapper
from kpisync.model import Change, Doubt, Intake, Intent, KpiValue, Partition, Reply, ReplyKind, Stands
from kpisync.ports import DestinationOptions, ReadBefore, State
from kpisync.sync.answers import Answers
from kpisync.sync.books import Books
from kpisync.sync.outbox import Sending
from kpisync.sync.partitions import Changed
from kpisync.testing.destination import PartialSets
from kpisync.testing.state import MemoryState
from kpisync.testing.walk import walk
from kpisync.testing.world import World

LIVES = 10_000  # at most; most builds fail within the first hundred


def a_life_goes_wrong(build: Callable[[], World], lives: int = LIVES) -> bool:
    """Whether the oracle objects to one of so many random lives."""
    for seed in range(lives):
        try:
            walk(build(), random.Random(seed))
        except AssertionError:
            return True
    return False


@pytest.mark.parametrize("partial", PartialSets)
def test_a_sound_build_comes_through(partial: PartialSets) -> None:
    assert not a_life_goes_wrong(lambda: World(partial), lives=200)
    assert not a_life_goes_wrong(lambda: World(partial, skips=True), lives=200)


def test_sending_before_the_intent_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    held_back: list[tuple[Books, Collection[Change], datetime]] = []
    record, take_in = Books.intend, Answers.write

    def later(books: Books, changes: Collection[Change], settles: datetime) -> None:
        held_back.append((books, changes, settles))

    def now(answers: Answers, sending: Sending, reply: Reply) -> None:
        while held_back:
            record(*held_back.pop())
        take_in(answers, sending, reply)

    def build() -> World:
        held_back.clear()
        return World()

    monkeypatch.setattr(Books, "intend", later)
    monkeypatch.setattr(Answers, "write", now)
    assert a_life_goes_wrong(build)


def test_no_settle_time_before_a_late_commit_is_found() -> None:
    hasty = DestinationOptions(concurrency=1, settle=timedelta(0))
    assert a_life_goes_wrong(lambda: World(options=hasty))


@pytest.mark.parametrize("partial", [PartialSets.MERGE_TARGET_ZERO, PartialSets.REPLACE_ALL])
def test_writing_without_reading_is_found(partial: PartialSets) -> None:
    blind = DestinationOptions(concurrency=1, read_before=ReadBefore.NEVER)
    assert a_life_goes_wrong(lambda: World(partial, options=blind))


@dataclass
class HopefulState(MemoryState):
    """Takes a number as known when it is about to be sent."""

    def intend(self, run: str, intents: Collection[Intent], settles: datetime) -> None:
        self.adopt(run, {intent.key: Stands(intent.new, intent.source) for intent in intents if intent.new is not None})


def test_a_number_known_before_its_success_is_found() -> None:
    assert a_life_goes_wrong(lambda: World(state=HopefulState()))


@dataclass
class ForgetfulState(MemoryState):
    """Does not tell what is in doubt."""

    def in_doubt(self, destination: str) -> list[Doubt]:
        return []


def test_forgotten_doubts_are_found() -> None:
    assert a_life_goes_wrong(lambda: World(state=ForgetfulState()))


def test_digests_kept_without_a_look_at_what_is_confirmed_are_found(monkeypatch: pytest.MonkeyPatch) -> None:
    def keep_all(
        state: State, job: str, mapper: Mapper, changes: Changed, values: Sequence[KpiValue], *_: Intake
    ) -> None:
        counts = Counter(value.key.record.period for value in values)
        state.keep_partitions(job, {period: Partition(d, counts[period]) for period, d in changes.digests.items()})

    monkeypatch.setattr("kpisync.sync.job.keep", keep_all)
    assert a_life_goes_wrong(lambda: World(skips=True))


@pytest.mark.parametrize("kind", [ReplyKind.UNKNOWN, ReplyKind.FAILED])
def test_an_unclear_answer_taken_as_not_stored_is_found(monkeypatch: pytest.MonkeyPatch, kind: ReplyKind) -> None:
    take_in = Answers.write

    def careless(answers: Answers, sending: Sending, reply: Reply | DestinationError | Interrupted) -> None:
        unclear = isinstance(reply, Reply) and reply.kind is kind
        take_in(answers, sending, Reply(ReplyKind.BUSY) if unclear else reply)

    monkeypatch.setattr(Answers, "write", careless)
    assert a_life_goes_wrong(World)
