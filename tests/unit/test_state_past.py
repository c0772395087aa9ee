"""What earlier runs did to many values, what is in doubt, and what an undo took back."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal

import pytest
from test_state_builders import DAY, SETTLES, begin, intent, key, opened, outcome, sent

from kpisync.model import Stands, Status
from kpisync.state.past import Attempt, attempts, changed_later
from kpisync.state.runs import doubtful
from kpisync.state.store import Store
from kpisync.state.tables import ChangeStatus

OTHER = key(DAY + timedelta(1))
ELSEWHERE = key(destination="okr", team=None)


@pytest.fixture
def store() -> Iterator[Store]:
    with opened() as store:
        yield store


def test_the_attempts_at_some_values_come_oldest_first(store: Store) -> None:
    sent(store, number="1")
    sent(store, OTHER)
    store.adopt(begin(store), {key(): Stands(Decimal(2), "adopted")})
    sent(store, ELSEWHERE)
    assert attempts(store, [key(), ELSEWHERE, key(team="unknown")]) == {
        key(): [
            Attempt(None, Decimal(1), ChangeStatus.CONFIRMED, "exports/a.csv:14"),
            Attempt(Decimal(1), Decimal(2), ChangeStatus.ADOPTED, "adopted"),
        ],
        ELSEWHERE: [Attempt(None, Decimal(190), ChangeStatus.CONFIRMED, "exports/a.csv:14")],
    }


def test_no_values_have_no_attempts(store: Store) -> None:
    sent(store)
    assert attempts(store, []) == {}


def test_a_run_knows_which_of_its_values_changed_later_and_by_which_run(store: Store) -> None:
    first = begin(store)
    store.intend(first, [intent(new="1"), intent(OTHER, new="1")], SETTLES)
    store.settle(first, [outcome(number="1"), outcome(OTHER, number="1")])
    sent(store, number="2")
    last = sent(store, number="3")
    sent(store, key(team="line-2"))
    assert changed_later(store, first) == {key(): last}
    assert changed_later(store, last) == {}


@pytest.mark.parametrize("status", [Status.REFUSED, Status.IN_DOUBT])
def test_an_attempt_that_changed_nothing_is_no_later_change(store: Store, status: Status) -> None:
    first = sent(store)
    second = begin(store)
    store.intend(second, [intent(new="2")], SETTLES)
    store.settle(second, [outcome(status=status)])
    assert changed_later(store, first) == {}


def test_a_change_that_the_same_run_made_again_is_no_later_one(store: Store) -> None:
    run = begin(store)
    for _ in range(2):
        store.intend(run, [intent()], SETTLES)
        store.settle(run, [outcome()])
    assert changed_later(store, run) == {}


def test_what_is_in_doubt_is_told_with_the_platforms_words(store: Store) -> None:
    run = begin(store)
    store.intend(run, [intent(), intent(OTHER)], SETTLES)
    store.settle(run, [outcome(status=Status.IN_DOUBT, answer="no answer"), outcome(OTHER)])
    (found,) = doubtful(store)
    assert (found.key, found.run, found.new, found.answer, found.settles) == (
        key(),
        run,
        Decimal(190),
        "no answer",
        SETTLES,
    )


def test_what_was_undone_is_kept_by_destination_until_it_is_forgotten(store: Store) -> None:
    store.keep_undone({key(): Decimal("1.50"), OTHER: None, ELSEWHERE: Decimal(2)})
    store.keep_undone({key(): Decimal(3)})
    assert store.undone("board") == {key(): Decimal(3), OTHER: None}
    store.forget_undone([key(), key(team="unknown")])
    assert store.undone("board") == {OTHER: None}
    assert store.undone("okr") == {ELSEWHERE: Decimal(2)}


def test_nothing_undone_is_nothing_kept(store: Store) -> None:
    store.keep_undone({})
    store.forget_undone([])
    assert store.undone("board") == {}
