"""Jobs whose maps may state the same value meet; a map that leaves KPI or value to its rows may state any."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from kpisync.claims import Target, meeting

Targets = frozenset[Target] | None
some_targets = st.frozensets(st.tuples(st.sampled_from("abcd"), st.sampled_from(["actual", "target"])), min_size=1)
some_jobs = st.dictionaries(st.integers(1, 20).map("job-{}".format), st.none() | some_targets)


def may_meet(one: Targets, other: Targets) -> bool:
    return one is None or other is None or bool(one & other)


@given(some_jobs)
def test_a_job_meets_if_there_is_another_one_that_may_state_what_it_states(jobs: dict[str, Targets]) -> None:
    expected = {one for one in jobs if any(may_meet(jobs[one], jobs[other]) for other in jobs if other != one)}
    assert set(meeting(jobs)) == expected
