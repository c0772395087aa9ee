"""Whatever happens in whatever order, the store answers like a plain dict that follows the contract."""

from __future__ import annotations

import tempfile
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as some
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule
from test_state_builders import DAY, EVER, SETTLES, begin, key, opened

from kpisync.model import Doubt, Intent, Known, Settled, Stands, Status, ValueKey
from kpisync.state.runs import life

KEYS = [
    key(DAY + timedelta(offset), team=team, destination=destination)
    for destination in ("board", "okr")
    for team in ("line-1", None)
    for offset in (0, 1)
]
JOBS = ("first", "second")

a_key = some.sampled_from(KEYS)
a_job = some.sampled_from(JOBS)
a_number = some.sampled_from([Decimal(text) for text in ("0", "-0", "1", "1.0", "2.50", "-3", "1E+3")])
a_source = some.sampled_from(["exports/a.csv:14", "exports/b.csv:2, exports/b.csv:3", "by hand"])
a_remote = some.none() | some.sampled_from(["s1", "s2"])
an_intent = some.builds(Intent, a_key, some.none() | a_number, some.none() | a_number, a_source)
an_outcome = some.builds(
    Settled,
    a_key,
    some.sampled_from(list(Status)),
    a_number,
    some.sampled_from(["", "no answer", "stored"]),
    remote=a_remote,
)


class StoreAndModel(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        self.file = Path(self.folder.name) / "kpisync.db"
        self.known: dict[ValueKey, Known] = {}
        self.open: dict[ValueKey, Doubt] = {}
        self.history: dict[ValueKey, int] = {}

    @initialize()
    def start(self) -> None:
        self.opening = opened(self.file)
        self.store = self.opening.__enter__()
        self.runs = {job: begin(self.store, job) for job in JOBS}

    @rule(job=a_job, intents=some.lists(an_intent, max_size=4))
    def intend(self, job: str, intents: list[Intent]) -> None:
        self.store.intend(self.runs[job], intents, SETTLES)
        for intent in intents:
            self.open.pop(intent.key, None)  # the newest stands last
            self.open[intent.key] = Doubt(intent, job, self.runs[job], SETTLES)
            self.history[intent.key] = self.history.get(intent.key, 0) + 1

    @rule(job=a_job, outcomes=some.lists(an_outcome, max_size=4))
    def settle(self, job: str, outcomes: list[Settled]) -> None:
        self.store.settle(self.runs[job], outcomes)
        for outcome in outcomes:
            if outcome.status is Status.IN_DOUBT:
                continue
            intended = self.open.pop(outcome.key, None)
            if outcome.status in (Status.CONFIRMED, Status.SENT):
                assert outcome.number is not None
                owner = intended.job if intended else job
                self.known[outcome.key] = Known(outcome.number, outcome.status, owner, outcome.remote)
            elif outcome.status is Status.WITHDRAWN:
                self.known.pop(outcome.key, None)

    @rule(job=a_job, values=some.dictionaries(a_key, some.builds(Stands, a_number, a_source, a_remote), max_size=3))
    def adopt(self, job: str, values: dict[ValueKey, Stands]) -> None:
        self.store.adopt(self.runs[job], values)
        for of, (number, _, remote) in values.items():
            was = self.known.get(of)
            if self.open.pop(of, None) is None and (was is None or was.number != number):
                self.history[of] = self.history.get(of, 0) + 1
            self.known[of] = Known(number, Status.CONFIRMED, job, remote)

    @rule()
    def close_and_open_again(self) -> None:
        self.opening.__exit__(None, None, None)
        self.opening = opened(self.file)
        self.store = self.opening.__enter__()

    @invariant()
    def knows_the_same(self) -> None:
        for destination in ("board", "okr"):
            expected = {of: known for of, known in self.known.items() if of.record.destination == destination}
            assert dict(self.store.known(destination, *EVER)) == expected

    @invariant()
    def doubts_the_same(self) -> None:
        for destination in ("board", "okr"):
            expected = [doubt for of, doubt in self.open.items() if of.record.destination == destination]
            assert self.store.in_doubt(destination) == expected

    @rule(of=a_key)
    def has_forgotten_nothing(self, of: ValueKey) -> None:
        told = life(self.store, of)
        assert len(told.changes) == self.history.get(of, 0)
        assert (told.standing is None) == (of not in self.known)

    def teardown(self) -> None:
        self.opening.__exit__(None, None, None)
        self.folder.cleanup()


TestStoreAndModel = pytest.mark.slow(StoreAndModel.TestCase)
TestStoreAndModel.settings = settings(
    max_examples=200, stateful_step_count=12, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
