"""Jobs are of one group if they may write the same records, directly or by way of others."""

from __future__ import annotations

from itertools import combinations

from hypothesis import given
from hypothesis import strategies as st

from kpisync.config.groups import Kpis, groups_at

PLACE = "https://board.example/api"
some_kpis = st.frozensets(st.sampled_from("abcdefghijkl"), min_size=1, max_size=3)
some_jobs = st.dictionaries(st.integers(1, 30).map("job-{}".format), some_kpis, min_size=1)


def bound(jobs: dict[str, frozenset[str]], one: str) -> set[str]:
    """The jobs that are reached from one by steps from job to job that share a KPI."""
    found = {one}
    while more := {job for job in jobs.keys() - found if any(jobs[job] & jobs[known] for known in found)}:
        found |= more
    return found


@given(some_jobs)
def test_two_jobs_have_one_group_exactly_if_kpis_that_they_share_lead_from_one_to_the_other(
    jobs: dict[str, frozenset[str]],
) -> None:
    groups = groups_at(PLACE, dict(jobs))
    assert groups.keys() == jobs.keys()
    for one, other in combinations(jobs, 2):
        assert (groups[one] == groups[other]) == (other in bound(jobs, one))


@given(some_jobs)
def test_a_group_is_told_by_its_place_and_the_first_of_its_kpis(jobs: dict[str, frozenset[str]]) -> None:
    for job, group in groups_at(PLACE, dict(jobs)).items():
        assert group == f"{PLACE} {min(set().union(*(jobs[each] for each in bound(jobs, job))))}"


@given(some_jobs)
def test_a_job_that_may_write_any_kpi_binds_all_together(jobs: dict[str, frozenset[str]]) -> None:
    any_kpi: dict[str, Kpis] = {"any": None}
    groups = groups_at(PLACE, any_kpi | jobs)
    assert groups == dict.fromkeys({"any", *jobs}, PLACE)
