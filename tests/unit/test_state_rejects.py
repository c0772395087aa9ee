"""Which rejects are open: those that no later run over the same dates was without."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal

import pytest
from test_state_builders import DAY, START, begin, key, opened

from kpisync.model import Rejection, Scope
from kpisync.state.rejects import Looked, OpenReject
from kpisync.state.runs import open_rejects, rejects
from kpisync.state.store import Store

ROW = Rejection("a.csv:2", "unknown-team", "L9 is not in lookup lines")
REFUSED = Rejection("a.csv:3", "refused", "the platform refuses it (status 400): no", key(), Decimal("12.5"))
ALL = Looked(None, None, Scope(DAY), whole=True)
JANUARY = (date(2026, 1, 1), date(2026, 1, 31))


@pytest.fixture
def store() -> Iterator[Store]:
    with opened() as store:
        yield store


def ran(store: Store, *rejections: Rejection, looked: Looked | None = ALL, job: str = "scrap-daily") -> str:
    run = begin(store, job)
    store.reject(run, rejections, looked)
    return run


def over(first: date | None, last: date | None, lookback: int | None = None) -> Looked:
    begins = DAY - timedelta(lookback) if lookback is not None and first is last is None else first
    return Looked(first, last, Scope(DAY, begins, last), whole=True)


def still_open(store: Store) -> list[Rejection]:
    return [found.rejection for found in open_rejects(store)]


def test_a_reject_is_kept_with_the_value_that_was_refused(store: Store) -> None:
    run = ran(store, ROW, REFUSED)
    assert rejects(store, run) == [ROW, REFUSED]
    assert open_rejects(store) == [
        OpenReject("scrap-daily", run, START, 1, None, None, each) for each in (ROW, REFUSED)
    ]


def test_a_reject_that_is_still_there_is_one_with_its_first_time_and_its_newest_run(store: Store) -> None:
    ran(store, ROW)
    later = store.begin_run("scrap-daily", "run", START + timedelta(days=1))
    store.reject(later, [ROW], ALL)
    (found,) = open_rejects(store)
    assert (found.since, found.runs, found.run) == (START, 2, later)


def test_a_reject_that_a_whole_run_no_longer_has_is_closed(store: Store) -> None:
    ran(store, ROW, REFUSED)
    ran(store, REFUSED)
    assert still_open(store) == [REFUSED]


def test_a_reject_that_comes_back_after_it_was_closed_is_a_new_one(store: Store) -> None:
    for rejections in ([ROW], [], [ROW]):
        ran(store, *rejections)
    (found,) = open_rejects(store)
    assert found.runs == 1


def test_a_run_closes_rejects_of_its_own_job_only(store: Store) -> None:
    ran(store, ROW, job="a")
    ran(store, ROW, job="b")
    ran(store, job="a")
    assert [found.job for found in open_rejects(store)] == ["b"]


def test_a_run_that_looked_at_a_part_closes_nothing_and_opens_what_it_found(store: Store) -> None:
    ran(store, ROW)
    ran(store, REFUSED, looked=replace(ALL, whole=False))
    assert still_open(store) == [ROW, REFUSED]


def test_a_run_that_was_broken_off_changes_nothing_of_what_is_open(store: Store) -> None:
    ran(store, ROW)
    run = ran(store, REFUSED, looked=None)
    assert still_open(store) == [ROW]
    assert rejects(store, run) == [REFUSED]


def test_a_refused_value_is_the_same_reject_whatever_the_platform_says_and_wherever_it_stands(store: Store) -> None:
    ran(store, REFUSED)
    ran(store, replace(REFUSED, source="b.csv:9", reason="request 4711: no"))
    (found,) = open_rejects(store)
    assert (found.runs, found.rejection.source) == (2, "b.csv:9")


def test_two_things_wrong_with_one_row_are_two_rejects(store: Store) -> None:
    both = [Rejection("a.csv:2", "bad-number", f"column {name}: x is no number") for name in ("Gut", "Ausschuss")]
    ran(store, *both)
    assert still_open(store) == both


@pytest.mark.parametrize(
    ("found_over", "later", "closed"),
    [
        (over(None, None), over(None, None, lookback=35), True),
        (over(None, None, lookback=35), over(None, None, lookback=35), True),
        (over(None, None), over(*JANUARY), False),
        (over(*JANUARY), over(None, None), True),
        (over(*JANUARY), over(None, None, lookback=35), False),
        (over(*JANUARY), over(*JANUARY), True),
        (over(*JANUARY), over(date(2026, 1, 1), None), True),
        (over(*JANUARY), over(date(2026, 1, 2), None), False),
        (over(*JANUARY), over(None, date(2026, 1, 31)), True),
        (over(*JANUARY), over(None, date(2026, 1, 30)), False),
        (over(None, date(2026, 1, 31)), over(*JANUARY), False),
        (over(date(2026, 1, 1), None), over(*JANUARY), False),
    ],
)  # fmt: skip
def test_a_reject_is_closed_by_a_run_whose_dates_hold_its_own(
    store: Store, found_over: Looked, later: Looked, closed: bool
) -> None:
    ran(store, ROW, looked=found_over)
    ran(store, looked=later)
    assert still_open(store) == ([] if closed else [ROW])


def test_what_is_open_survives_that_many_are_closed(store: Store) -> None:
    many = [replace(ROW, source=f"a.csv:{line}") for line in range(1, 1502)]
    ran(store, *many)
    ran(store, many[-1])
    assert still_open(store) == [many[-1]]
