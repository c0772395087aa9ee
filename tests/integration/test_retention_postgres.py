"""Forgetting on PostgreSQL keeps the rules that it keeps in a file, and leaves no index behind that it needed."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from random import Random
from typing import Any

import pytest
import test_retention
from retention_builders import Plant, came_from, counts, kept_views, unreferred_old_runs
from server_database import Database
from test_retention import LATER, sent

from kpisync.state.open import open_store
from kpisync.state.retention import Forgotten, forget, would_forget
from kpisync.state.store import Store
from kpisync.testing.clock import FakeClock

INDEXES = "SELECT count(*) FROM pg_indexes WHERE starts_with(indexname, 'ix_forget')"


def of_a_store() -> dict[str, Any]:
    """The tests of forgetting that take any store and its address."""
    tests = {name: test for name, test in vars(test_retention).items() if name.startswith("test_")}
    return {name: test for name, test in tests.items() if list(inspect.signature(test).parameters) == ["store", "url"]}


globals().update(of_a_store())


@pytest.fixture
def url(postgres: Database) -> str:
    return postgres.plain


@pytest.fixture
def store(url: str) -> Iterator[Store]:
    with open_store(url, FakeClock()) as store:
        yield store


def test_the_tests_of_forgetting_are_here() -> None:
    assert len(of_a_store()) > 8


@pytest.mark.parametrize("seed", range(3))
def test_whatever_happened_all_that_is_kept_is_as_before_on_a_server(url: str, seed: int) -> None:
    plant = Plant(Random(seed), url).live(40)
    store, before, now = plant.store, plant.ago(3), plant.clock.now()
    views, origins, had = kept_views(store, before, plant.began, now), came_from(store), counts(store)
    expected = would_forget(url, before)
    assert forget(url, before, FakeClock()) == expected
    assert expected.runs
    assert expected.changes
    assert kept_views(store, before, plant.began, now) == views
    assert came_from(store) == origins
    assert unreferred_old_runs(store, before) == set()
    assert had["run"] - counts(store)["run"] == expected.runs
    assert forget(url, before, FakeClock()) == Forgotten()
    store.close()


def test_what_it_needs_for_the_time_is_gone_afterwards(store: Store, url: str, postgres: Database) -> None:
    postgres.run("CREATE INDEX ix_forget_value_run ON value (run)")  # as a process leaves it that is killed
    sent(store, "1")
    sent(store, "2")
    assert forget(url, LATER, FakeClock()).runs == 1
    assert postgres.look(INDEXES) == [(0,)]
