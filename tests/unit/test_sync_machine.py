"""Anything may happen in any order; once it is quiet, all comes right, and a further run makes no request."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule, run_state_machine_as_test

from kpisync.model import RunStatus, ValueKey
from kpisync.ports import State
from kpisync.state.open import open_store
from kpisync.sync.options import Absent
from kpisync.testing.clock import FakeClock
from kpisync.testing.destination import Fault, PartialSets
from kpisync.testing.disturbance import Disturbance
from kpisync.testing.state import MemoryState
from kpisync.testing.walk import READ_FAULTS, WRITE_FAULTS
from kpisync.testing.world import OWNERS, World, value

NUMBERS = st.none() | st.sampled_from([Decimal(7), Decimal("2.5")]) | st.integers(100, 999).map(Decimal)
DAYS = st.sampled_from([1, 2])
OURS = st.builds(value, st.sampled_from(["actual", "target"]), DAYS)
ANY = st.builds(value, st.sampled_from(sorted(OWNERS)), DAYS)
JOBS = st.sampled_from(["actuals", "targets"])


def faults(kinds: tuple[Fault, ...]) -> st.SearchStrategy[dict[int, Fault]]:
    return st.dictionaries(st.integers(1, 5), st.sampled_from(kinds), max_size=3)


FAULTS = st.builds(Disturbance, gets=faults(READ_FAULTS), puts=faults(WRITE_FAULTS), deletes=faults(WRITE_FAULTS))


class Plant(RuleBasedStateMachine):
    """Two jobs that share their records, two records, one platform, and people."""

    world: World

    def make_state(self, clock: FakeClock) -> State:
        return MemoryState()

    @initialize(
        partial=st.sampled_from(PartialSets), absent=st.sampled_from(Absent), skips=st.booleans(), apart=st.booleans()
    )
    def start(self, partial: PartialSets, absent: Absent, skips: bool, apart: bool) -> None:
        clock = FakeClock()
        partial = PartialSets.MERGE_KEEP if apart else partial
        self.world = World(partial, absent, apart=apart, skips=skips, clock=clock, state=self.make_state(clock))

    @rule(key=OURS, number=NUMBERS)
    def the_source_states(self, key: ValueKey, number: Decimal | None) -> None:
        self.world.source_states(key, number)

    @rule(key=ANY, number=NUMBERS)
    def another_hand_edits(self, key: ValueKey, number: Decimal | None) -> None:
        self.world.hand_edits(key, number)

    @rule(job=JOBS, disturbed=FAULTS)
    def a_job_runs(self, job: str, disturbed: Disturbance) -> None:
        self.world.run(job, disturbed)

    @rule(job=JOBS)
    def a_job_runs_undisturbed(self, job: str) -> None:
        report = self.world.run(job)
        assert report is not None
        assert report.status in (RunStatus.OK, RunStatus.PARTIAL)

    @rule(job=JOBS, disturbed=FAULTS, call=st.integers(1, 16))
    def a_job_dies(self, job: str, disturbed: Disturbance, call: int) -> None:
        disturbed.die_at = call
        self.world.run(job, disturbed)

    @rule(job=JOBS, disturbed=FAULTS, call=st.integers(1, 12))
    def the_state_store_fails(self, job: str, disturbed: Disturbance, call: int) -> None:
        disturbed.state_fails_at = call
        self.world.run(job, disturbed)

    @rule(job=JOBS, disturbed=FAULTS, question=st.integers(1, 10))
    def a_job_is_interrupted(self, job: str, disturbed: Disturbance, question: int) -> None:
        disturbed.stop_at = question
        self.world.run(job, disturbed)

    @rule(seconds=st.sampled_from([1, 60, 150, 1000]))
    def time_passes(self, seconds: int) -> None:
        self.world.clock.sleep(seconds)

    @rule(job=JOBS)
    def a_job_is_planned(self, job: str) -> None:
        self.world.plan(job)

    @rule()
    def it_is_quiet(self) -> None:
        self.world.settle_down()

    def teardown(self) -> None:
        if hasattr(self, "world"):
            self.world.settle_down()


class PlantOnDisk(Plant):
    """The same over the real state store."""

    def make_state(self, clock: FakeClock) -> State:
        self.store = open_store("sqlite://", clock)
        return self.store

    @initialize(
        partial=st.sampled_from(PartialSets), absent=st.sampled_from(Absent), skips=st.booleans(), apart=st.booleans()
    )
    def start(self, partial: PartialSets, absent: Absent, skips: bool, apart: bool) -> None:
        super().start(partial, absent, skips, apart)
        self.world.begin_run = lambda job: self.store.begin_run(job, "run", self.world.clock.now())

    def teardown(self) -> None:
        super().teardown()
        if hasattr(self, "store"):
            self.store.close()


def lives(most: int) -> settings:
    return settings(
        max_examples=most,
        stateful_step_count=12,
        deadline=None,
        database=None,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
    )


@pytest.mark.slow
def test_whatever_happens_all_comes_right_in_the_end() -> None:
    run_state_machine_as_test(Plant, settings=lives(2000))


@pytest.mark.slow
def test_it_comes_right_over_the_real_state_store() -> None:
    run_state_machine_as_test(PlantOnDisk, settings=lives(100))
