"""Forgetting takes what is old and needed by nobody, and nothing that can be asked for is different afterwards."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from random import Random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from retention_builders import (
    Plant,
    came_from,
    counts,
    dangling,
    histories,
    kept_views,
    unreferred_old_runs,
)
from test_state_builders import begin, intent, key, outcome, url_of

from kpisync.errors import StateError
from kpisync.model import Rejection, RunStatus, Scope, Stands, Status
from kpisync.state import runs
from kpisync.state.backup import backup, restore
from kpisync.state.open import open_store
from kpisync.state.rejects import Looked
from kpisync.state.retention import Forgotten, forget, would_forget
from kpisync.state.store import Store
from kpisync.testing.clock import NOON, FakeClock

LATER = NOON + timedelta(days=1000)
NOTHING = Forgotten()


@pytest.fixture
def url(tmp_path: Path) -> str:
    return url_of(tmp_path / "kpisync.db")


@pytest.fixture
def store(url: str) -> Iterator[Store]:
    with open_store(url, FakeClock()) as store:
        yield store


def swept(url: str) -> Forgotten:
    return forget(url, LATER, FakeClock())


def sent(store: Store, number: str, job: str = "scrap", status: Status = Status.CONFIRMED, team: str = "line-1") -> str:
    """A run that sent one number, with the hash of its file."""
    run = begin(store, job)
    store.intend(run, [intent(key(team=team), number)], NOON)
    store.settle(run, [outcome(key(team=team), status, None if status is Status.WITHDRAWN else number)])
    return end(store, run)


def sent_many(store: Store, number: str, count: int = 400) -> str:
    run, keys = begin(store, "scrap"), [key(team=f"line-{team}") for team in range(count)]
    store.intend(run, [intent(each, number) for each in keys], NOON)
    store.settle(run, [outcome(each, number=number) for each in keys])
    return end(store, run)


def end(store: Store, run: str, confirmed: int = 1) -> str:
    store.finish_run(run, NOON, RunStatus.OK, 0, {"confirmed": confirmed}, {"exports/a.csv": f"sha256:{run}"})
    return run


def run_ids(store: Store) -> list[str]:
    return [each.id for each in reversed(runs.runs(store, 1000))]


# ---------------------------------------------------------------- whatever happened


@pytest.mark.slow
@settings(max_examples=10, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(seed=st.integers(0, 1 << 30), days=st.integers(0, 60))
def test_whatever_happened_all_that_is_kept_is_as_before(
    tmp_path_factory: pytest.TempPathFactory, seed: int, days: int
) -> None:
    plant = Plant(Random(seed)).live(60).move(tmp_path_factory.mktemp("plant") / "kpisync.db")
    store, before, now = plant.store, plant.ago(days), plant.clock.now()
    views, origins = kept_views(store, before, plant.began, now), came_from(store)
    past = histories(store)
    expected, had = would_forget(plant.url, before), counts(store)

    done = forget(plant.url, before, FakeClock())

    assert done == expected
    assert kept_views(store, before, plant.began, now) == views
    assert came_from(store) == origins
    for each, kept in histories(store).items():
        before_it = iter(past[each])
        assert all(attempt in before_it for attempt in kept), "what is left is in its order"
    assert dangling(store) == []
    assert unreferred_old_runs(store, before) == set()
    left = counts(store)
    assert {table: had[table] - left[table] for table in ("run", "change", "reject", "due", "origin", "value")} == {
        "run": done.runs,
        "change": done.changes,
        "reject": done.rejects,
        "due": done.dues,
        "origin": done.origins,
        "value": 0,
    }
    assert forget(plant.url, before, FakeClock()) == NOTHING
    plant.live(1)  # and life goes on
    store.close()


@pytest.mark.slow
@settings(max_examples=5, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(seed=st.integers(0, 1 << 30), stop_after=st.integers(0, 6))
def test_after_an_interruption_the_next_call_ends_in_the_same_state(
    tmp_path_factory: pytest.TempPathFactory, seed: int, stop_after: int
) -> None:
    plant = Plant(Random(seed)).live(40).move(tmp_path_factory.mktemp("plant") / "kpisync.db")
    before, answers = plant.ago(3), list[bool]()

    def stopped() -> bool:
        answers.append(len(answers) >= stop_after)
        return answers[-1]

    whole = would_forget(plant.url, before)
    first = forget(plant.url, before, FakeClock(), stopped)
    assert dangling(plant.store) == []
    second = forget(plant.url, before, FakeClock())
    assert first.whole == (not any(answers)), "it ends early only if it was told to"
    for name in ("runs", "changes", "rejects", "dues", "origins"):
        assert getattr(first, name) + getattr(second, name) <= getattr(whole, name)
    assert second.whole
    assert would_forget(plant.url, before) == NOTHING
    plant.store.close()


# ---------------------------------------------------------------- one by one


def test_a_store_that_is_not_there_has_nothing_to_forget(url: str, tmp_path: Path) -> None:
    assert swept(url) == NOTHING
    assert list(tmp_path.iterdir()) == []


def test_what_was_overwritten_goes_with_its_run_and_the_hash_of_its_file(store: Store, url: str) -> None:
    old, new = sent(store, "1"), sent(store, "2")
    assert swept(url) == Forgotten(runs=1, changes=1, origins=1)
    assert run_ids(store) == [new]
    life = runs.life(store, key())
    assert [(change.run, change.new, change.digest) for change in life.changes] == [(new, Decimal(2), f"sha256:{new}")]
    assert old not in run_ids(store)


def test_what_is_newer_stays(store: Store, url: str) -> None:
    sent(store, "1")
    sent(store, "2")
    assert forget(url, NOON - timedelta(days=1), FakeClock()) == NOTHING


def test_a_number_that_stands_keeps_its_run_its_cell_and_its_hash_for_ever(store: Store, url: str) -> None:
    first = sent(store, "1")
    for _ in range(3):
        end(store, begin(store, "scrap"), confirmed=0)
    swept(url)
    life = runs.life(store, key())
    assert life.standing is not None
    assert (life.standing.job, life.standing.run, life.standing.source) == ("scrap", first, "exports/a.csv:14")
    assert life.changes[0].digest == f"sha256:{first}"


def test_a_number_that_was_sent_and_confirmed_by_another_run_keeps_its_intent(store: Store, url: str) -> None:
    sender = sent(store, "1", status=Status.SENT)
    confirmer = begin(store, "scrap")
    store.settle(confirmer, [outcome(number="1")])
    end(store, confirmer)
    end(store, begin(store, "scrap"), confirmed=0)
    swept(url)
    life = runs.life(store, key())
    assert life.standing is not None
    assert life.standing.run == confirmer
    assert [change.run for change in life.changes] == [sender]


def test_a_number_that_was_adopted_as_known_keeps_the_change_that_brought_it(store: Store, url: str) -> None:
    sender = sent(store, "1")
    adopter = begin(store, "scrap", "adopt")
    store.adopt(adopter, {key(): Stands(Decimal(1), "exports/a.csv:14")})
    end(store, adopter)
    end(store, begin(store, "scrap"), confirmed=0)
    swept(url)
    life = runs.life(store, key())
    assert life.standing is not None
    assert (life.standing.run, [change.run for change in life.changes]) == (adopter, [sender])


def test_a_number_that_was_there_before_does_not_keep_its_first_change(store: Store, url: str) -> None:
    for number in ("1", "2", "1", "2"):
        sent(store, number)
    newest = sent(store, "1")
    swept(url)
    assert [change.run for change in runs.life(store, key()).changes] == [newest]


def test_what_was_withdrawn_leaves_nothing(store: Store, url: str) -> None:
    sent(store, "1")
    sent(store, "0", status=Status.WITHDRAWN)
    newest = sent(store, "3", team="line-2")
    swept(url)
    assert runs.life(store, key()).changes == ()
    assert run_ids(store) == [newest]


def test_what_is_in_doubt_stays_with_its_run(store: Store, url: str) -> None:
    doubtful = begin(store, "scrap")
    store.intend(doubtful, [intent(key(team="line-9"))], NOON)
    end(store, doubtful, confirmed=0)
    newest = sent(store, "1")
    swept(url)
    assert [doubt.run for doubt in runs.open_doubts(store)] == [doubtful]
    assert run_ids(store) == [doubtful, newest]


def test_what_was_undone_is_explained_for_as_long_as_it_is(store: Store, url: str) -> None:
    sent(store, "1")
    undo = begin(store, "scrap", "undo")
    store.intend(undo, [intent(new=None, old="1")], NOON)
    store.settle(undo, [outcome(status=Status.WITHDRAWN, number=None)])
    store.keep_undone({key(): Decimal(1)})
    end(store, undo)
    sent(store, "5", team="line-2")
    swept(url)
    assert [change.run for change in runs.life(store, key()).changes][-1] == undo
    assert store.undone("board") == {key(): Decimal(1)}


def test_open_rejects_stay_and_closed_ones_go(store: Store, url: str) -> None:
    looked = Looked(None, None, Scope(NOON.date()), whole=True)
    closed, opened = begin(store, "scrap"), begin(store, "output")
    store.reject(closed, [Rejection("a.csv:2", "unknown-team", "L9")], looked)
    store.reject(opened, [Rejection("b.csv:2", "unknown-team", "L9")], looked)
    newer = begin(store, "scrap")
    store.reject(newer, [], looked)
    begin(store, "output")
    assert swept(url).rejects == 1
    assert [each.run for each in runs.open_rejects(store)] == [opened]
    assert closed not in run_ids(store)


def test_each_jobs_newest_run_of_each_kind_stays_whole(store: Store, url: str) -> None:
    run = sent(store, "1")
    store.reject(run, [Rejection("a.csv:2", "unknown-team", "L9")])
    backfill = begin(store, "scrap", "backfill")
    store.intend(backfill, [intent(new="2")], NOON)
    store.settle(backfill, [outcome(number="2")])
    swept(url)
    assert run_ids(store) == [run, backfill]
    assert len(runs.changes(store, run)) == 1
    assert len(runs.rejects(store, run)) == 1


def test_the_run_that_confirmed_last_stays(store: Store, url: str) -> None:
    confirmer = sent(store, "1")
    sent(store, "2", job="other")  # which owns the value now
    for _ in range(2):
        store.finish_run(begin(store, "scrap"), NOON + timedelta(hours=1), RunStatus.OK, 0, {"confirmed": 0})
    swept(url)
    assert confirmer in run_ids(store)


def test_a_replaced_store_is_left_alone(store: Store, url: str, tmp_path: Path) -> None:
    sent(store, "1")
    sent(store, "2")
    backup(url, tmp_path / "saved.db")

    def replaced() -> bool:
        restore(tmp_path / "saved.db", url)
        return False

    with pytest.raises(StateError, match="removed or replaced while old history was being deleted"):
        forget(url, LATER, FakeClock(), replaced)
    with open_store(url, FakeClock()) as new:
        assert len(run_ids(new)) == 2


def test_a_store_of_an_older_schema_is_not_touched(store: Store, url: str, tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "kpisync.db")) as connection, connection:
        connection.execute("UPDATE alembic_version SET version_num = '0001'")
    with pytest.raises(StateError, match="kpisync state upgrade"):
        swept(url)


def test_freed_pages_are_used_again(url: str, tmp_path: Path) -> None:
    """Years of the same work do not make the file grow, if what is old is forgotten."""

    def year() -> None:
        with open_store(url, FakeClock()) as store:
            for number in range(5):
                sent_many(store, str(number))

    for _ in range(2):
        year()
        swept(url)
    first = (tmp_path / "kpisync.db").stat().st_size
    for _ in range(4):
        year()
        swept(url)
    assert (tmp_path / "kpisync.db").stat().st_size < first * 1.1


def test_a_run_gets_its_turn_between_two_transactions(store: Store, url: str) -> None:
    """Each pause is one in which a run can write at once."""
    for number in range(2):
        sent_many(store, str(number), 1200)
    clock, pauses = FakeClock(), list[str]()
    sleep: Callable[[float], None] = clock.sleep

    class Pausing(FakeClock):
        def sleep(self, seconds: float) -> None:
            pauses.append(sent(store, f"9{len(pauses)}"))
            sleep(seconds)

    done = forget(url, NOON, Pausing())
    assert done.changes == 1200
    assert len(pauses) > 2
    assert set(pauses) <= set(run_ids(store))
    assert dangling(store) == []
