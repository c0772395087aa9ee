"""The rules of `ports.State`, one by one, and what a store adds to them."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from test_state_builders import DAY, EVER, SETTLES, START, begin, intent, key, opened, outcome, sent

from kpisync.errors import StateError
from kpisync.model import Doubt, Known, Rejection, Stands, Status
from kpisync.ports import State
from kpisync.state.runs import changes, life, rejects
from kpisync.state.store import Store
from kpisync.state.tables import ChangeStatus


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with opened(tmp_path / "kpisync.db") as store:
        yield store


def known(store: Store) -> dict[object, Known]:
    return dict(store.known("board", *EVER))


def test_a_store_is_a_state(store: Store) -> None:
    state: State = store
    assert state.known("board", *EVER) == {}


# ---------------------------------------------------------------- known


def test_a_confirmed_number_is_known(store: Store) -> None:
    sent(store)
    assert known(store) == {key(): Known(Decimal(190), Status.CONFIRMED, "scrap-daily")}


def test_the_range_includes_both_ends(store: Store) -> None:
    days = [DAY + timedelta(offset) for offset in range(4)]
    for day in days:
        sent(store, key(day))
    assert list(store.known("board", days[1], days[2])) == [key(days[1]), key(days[2])]


def test_other_destinations_are_not_known_here(store: Store) -> None:
    sent(store, key(destination="okr"))
    assert known(store) == {}


def test_no_team_and_no_sub_tile_stay_none(store: Store) -> None:
    of = key(team=None, sub_tile=None)
    sent(store, of)
    assert of in known(store)


def test_keys_that_differ_in_one_part_are_different_values(store: Store) -> None:
    keys = [key(), key(team="line-2"), key(value="target"), key(sub_tile="early"), key(DAY + timedelta(1))]
    for number, of in enumerate(keys):
        sent(store, of, str(number))
    assert {of: known.number for of, known in known(store).items()} == dict(
        zip(keys, map(Decimal, range(5)), strict=True)
    )


def test_a_key_that_was_never_sent_is_not_known(store: Store) -> None:
    sent(store)
    found = store.known("board", *EVER)
    assert key(DAY + timedelta(1)) not in found
    assert found.get(key(team="line-2")) is None
    assert len(found) == 1


def test_what_is_known_is_a_picture_that_does_not_change(store: Store) -> None:
    before = store.known("board", *EVER)
    sent(store)
    assert not before


def test_a_number_keeps_every_digit(store: Store) -> None:
    sent(store, number="12345678901234567.1234567891")
    assert known(store)[key()].number == Decimal("12345678901234567.1234567891")


# ---------------------------------------------------------------- intend


def test_an_intent_is_in_doubt_until_it_is_settled(store: Store) -> None:
    run = begin(store)
    store.intend(run, [intent(old="177")], SETTLES)
    assert store.in_doubt("board") == [Doubt(intent(old="177"), "scrap-daily", run, SETTLES)]
    assert known(store) == {}


def test_doubts_come_oldest_first(store: Store) -> None:
    run = begin(store)
    teams = ["line-3", "line-1", "line-2"]
    for team in teams:
        store.intend(run, [intent(key(team=team))], SETTLES)
    assert [doubt.intent.key.record.team for doubt in store.in_doubt("board")] == teams


def test_doubts_are_those_of_the_destination(store: Store) -> None:
    store.intend(begin(store), [intent(key(destination="okr"))], SETTLES)
    assert store.in_doubt("board") == []


def test_doubts_of_all_jobs_are_named(store: Store) -> None:
    store.intend(begin(store, "first"), [intent()], SETTLES)
    store.intend(begin(store, "second"), [intent(key(team="line-2"))], SETTLES)
    assert [doubt.job for doubt in store.in_doubt("board")] == ["first", "second"]


def test_a_newer_intent_supersedes_an_open_one_of_its_key(store: Store) -> None:
    first, second = begin(store), begin(store)
    store.intend(first, [intent(new="1"), intent(key(team="line-2"))], SETTLES)
    store.intend(second, [intent(new="2")], SETTLES)
    assert [(doubt.intent.new, doubt.run) for doubt in store.in_doubt("board")] == [
        (Decimal(190), first),
        (Decimal(2), second),
    ]
    superseded = changes(store, first)[0]
    assert (superseded.status, superseded.settled_by) == (ChangeStatus.SUPERSEDED, second)


def test_among_many_open_intents_only_those_of_its_key_are_superseded(store: Store) -> None:
    run, teams = begin(store), [f"line-{number}" for number in range(20)]
    store.intend(run, [intent(key(team=team)) for team in teams], SETTLES)
    store.intend(begin(store), [intent(key(team="line-7"), new="2")], SETTLES)
    assert [doubt.intent.key.record.team for doubt in store.in_doubt("board")] == [
        *(team for team in teams if team != "line-7"),
        "line-7",
    ]


def test_of_two_intents_of_one_key_in_one_call_the_second_stays_open(store: Store) -> None:
    run = begin(store)
    store.intend(run, [intent(new="1"), intent(new="2")], SETTLES)
    assert [doubt.intent.new for doubt in store.in_doubt("board")] == [Decimal(2)]
    assert [change.status for change in changes(store, run)] == [ChangeStatus.SUPERSEDED, ChangeStatus.IN_DOUBT]


def test_a_withdrawal_is_an_intent_without_a_new_number(store: Store) -> None:
    store.intend(begin(store), [intent(new=None, old="190")], SETTLES)
    assert store.in_doubt("board")[0].intent == intent(new=None, old="190")


def test_intents_of_an_unknown_run_are_refused_whole(store: Store) -> None:
    with pytest.raises(StateError, match="does not know the run"):
        store.intend("01ARYZ6S41TSV4RRFFQ69G5FAV", [intent()], SETTLES)
    assert store.in_doubt("board") == []


# ---------------------------------------------------------------- settle


@pytest.mark.parametrize("status", [Status.CONFIRMED, Status.SENT])
def test_a_stored_value_closes_its_intent_and_is_known(store: Store, status: Status) -> None:
    run = begin(store)
    store.intend(run, [intent()], SETTLES)
    store.settle(run, [outcome(status=status)])
    assert store.in_doubt("board") == []
    assert known(store) == {key(): Known(Decimal(190), status, "scrap-daily")}


def test_a_refused_value_leaves_what_was_known(store: Store) -> None:
    sent(store, number="177")
    run = begin(store)
    store.intend(run, [intent()], SETTLES)
    store.settle(run, [outcome(status=Status.REFUSED, number=None)])
    assert store.in_doubt("board") == []
    assert known(store)[key()].number == Decimal(177)


def test_a_withdrawn_value_is_forgotten_but_not_its_history(store: Store) -> None:
    sent(store)
    run = begin(store)
    store.intend(run, [intent(new=None, old="190")], SETTLES)
    store.settle(run, [outcome(status=Status.WITHDRAWN, number=None)])
    assert known(store) == {}
    assert [change.status for change in life(store, key()).changes] == [ChangeStatus.CONFIRMED, ChangeStatus.WITHDRAWN]


def test_an_outcome_in_doubt_keeps_the_intent_open_and_its_answer(store: Store) -> None:
    run = begin(store)
    store.intend(run, [intent()], SETTLES)
    store.settle(run, [outcome(status=Status.IN_DOUBT, number=None, answer="no answer in 30 s")])
    assert len(store.in_doubt("board")) == 1
    assert changes(store, run)[0].answer == "no answer in 30 s"
    assert changes(store, run)[0].settled_at is None


def test_an_answer_is_kept_when_a_later_outcome_has_none(store: Store) -> None:
    run = begin(store)
    store.intend(run, [intent()], SETTLES)
    store.settle(run, [outcome(status=Status.IN_DOUBT, number=None, answer="no answer in 30 s")])
    store.settle(run, [outcome()])
    assert changes(store, run)[0].answer == "no answer in 30 s"


def test_an_answer_is_cut(store: Store) -> None:
    run = begin(store)
    store.intend(run, [intent()], SETTLES)
    store.settle(run, [outcome(answer="x" * 9000)])
    assert len(changes(store, run)[0].answer) == 500


def test_what_a_read_back_showed_is_kept(store: Store) -> None:
    run = begin(store)
    store.intend(run, [intent()], SETTLES)
    store.settle(run, [outcome(status=Status.REFUSED, number="177")])
    assert changes(store, run)[0].found == Decimal(177)


@pytest.mark.parametrize("number", ["190", "177"])
def test_what_a_confirmation_showed_is_kept_whether_it_was_intended_or_not(store: Store, number: str) -> None:
    run = begin(store)
    store.intend(run, [intent(new="190")], SETTLES)
    store.settle(run, [outcome(number=number)])
    assert changes(store, run)[0].found == Decimal(number)


def test_a_doubt_settles_when_its_last_outcome_says(store: Store) -> None:
    run, later = begin(store), SETTLES + timedelta(hours=1)
    store.intend(run, [intent()], SETTLES)
    store.settle(run, [replace(outcome(status=Status.IN_DOUBT, number=None), settles=later)])
    store.settle(run, [outcome(status=Status.IN_DOUBT, number=None)])
    assert store.in_doubt("board")[0].settles == later


def test_what_was_only_sent_was_not_found(store: Store) -> None:
    run = begin(store)
    store.intend(run, [intent()], SETTLES)
    store.settle(run, [outcome(status=Status.SENT)])
    assert changes(store, run)[0].found is None


def test_a_later_run_settles_what_an_earlier_one_left_open(store: Store) -> None:
    first, second = begin(store, "first"), begin(store, "second")
    store.intend(first, [intent()], SETTLES)
    store.settle(second, [outcome()])
    assert store.in_doubt("board") == []
    assert known(store)[key()].job == "first"  # it sent the number
    assert changes(store, first)[0].settled_by == second


def test_a_sent_value_that_is_confirmed_later_keeps_its_source(store: Store) -> None:
    run = begin(store)
    store.intend(run, [intent(source="exports/a.csv:14")], SETTLES)
    store.settle(run, [outcome(status=Status.SENT)])
    store.settle(run, [outcome()])
    standing = life(store, key()).standing
    assert standing is not None
    assert (standing.status, standing.source) == (Status.CONFIRMED, "exports/a.csv:14")


def test_two_outcomes_of_one_key_in_one_call_follow_each_other(store: Store) -> None:
    run = begin(store)
    store.intend(run, [intent()], SETTLES)
    store.settle(run, [outcome(), outcome(status=Status.IN_DOUBT, number=None)])
    assert store.in_doubt("board") == []


def test_a_confirmed_outcome_without_a_number_is_a_mistake(store: Store) -> None:
    with pytest.raises(ValueError, match="has a number"):
        store.settle(begin(store), [outcome(number=None)])


def test_nothing_to_record_is_no_mistake(store: Store) -> None:
    run = begin(store)
    store.intend(run, [], SETTLES)
    store.settle(run, [])
    store.adopt(run, {})
    store.reject(run, [])
    assert life(store, key()).changes == ()


# ---------------------------------------------------------------- adopt


def test_an_adopted_number_is_known_and_confirmed(store: Store) -> None:
    run = begin(store)
    store.adopt(run, {key(): Stands(Decimal("1.50"), "exports/a.csv:14")})
    assert known(store) == {key(): Known(Decimal("1.5"), Status.CONFIRMED, "scrap-daily")}
    adopted = life(store, key()).changes[0]
    assert (adopted.status, adopted.old, adopted.new) == (ChangeStatus.ADOPTED, None, Decimal("1.5"))


def test_adopting_closes_an_open_intent_as_confirmed(store: Store) -> None:
    first, second = begin(store), begin(store)
    store.intend(first, [intent()], SETTLES)
    store.adopt(second, {key(): Stands(Decimal(190), "exports/a.csv:14")})
    assert store.in_doubt("board") == []
    (change,) = life(store, key()).changes
    assert (change.status, change.found, change.settled_by) == (ChangeStatus.CONFIRMED, Decimal(190), second)


def test_adopting_one_of_many_values_in_doubt_closes_its_intent_alone(store: Store) -> None:
    run, teams = begin(store), [f"line-{number}" for number in range(20)]
    store.intend(run, [intent(key(team=team)) for team in teams], SETTLES)
    store.adopt(
        run, {key(team="line-7"): Stands(Decimal(190), "a.csv:1"), key(team="line-99"): Stands(Decimal(1), "a.csv:2")}
    )
    assert len(store.in_doubt("board")) == 19
    assert [change.status for change in life(store, key(team="line-7")).changes] == [ChangeStatus.CONFIRMED]
    assert [change.status for change in life(store, key(team="line-99")).changes] == [ChangeStatus.ADOPTED]


def test_adopting_what_is_known_is_no_news(store: Store) -> None:
    sent(store)
    store.adopt(begin(store), {key(): Stands(Decimal("190.0"), "exports/b.csv:2")})
    assert len(life(store, key()).changes) == 1


def test_adopting_another_number_keeps_the_one_that_was_known(store: Store) -> None:
    sent(store)
    store.adopt(begin(store, "other"), {key(): Stands(Decimal(200), "exports/b.csv:2")})
    adopted = life(store, key()).changes[-1]
    assert (adopted.old, adopted.new) == (Decimal(190), Decimal(200))
    assert known(store)[key()] == Known(Decimal(200), Status.CONFIRMED, "other")


# ---------------------------------------------------------------- reject


def test_rejects_are_kept_in_order(store: Store) -> None:
    run = begin(store)
    rejected = [Rejection("a.csv:2", "unknown-team", "L9 is not in lookup lines"), Rejection(None, "min-rows", "none")]
    store.reject(run, rejected)
    assert rejects(store, run) == rejected


def test_a_reject_with_odd_text_is_kept(store: Store) -> None:
    run = begin(store)
    store.reject(run, [Rejection("a\ud800.csv:2", "bad", "a\0b" + "x" * 5000)])
    (rejected,) = rejects(store, run)
    assert rejected.source == "a\\ud800.csv:2"
    assert len(rejected.reason) == 1000


# ---------------------------------------------------------------- as a store


def test_what_was_recorded_is_there_after_opening_again(tmp_path: Path) -> None:
    file = tmp_path / "kpisync.db"
    with opened(file) as store:
        sent(store)
        store.intend(begin(store), [intent(key(team="line-2"))], SETTLES)
    with opened(file) as store:
        assert known(store)[key()].number == Decimal(190)
        assert [doubt.intent.key for doubt in store.in_doubt("board")] == [key(team="line-2")]


def test_a_store_in_memory_does_the_same() -> None:
    with opened() as store:
        sent(store)
        assert known(store)[key()].number == Decimal(190)


def test_two_stores_on_one_file_number_series_alike(tmp_path: Path) -> None:
    file = tmp_path / "kpisync.db"
    with opened(file) as one, opened(file) as other:
        sent(one, key(team="line-1"), "1")
        sent(other, key(team="line-2"), "2")
        sent(one, key(team="line-2"), "3")
        assert {of.record.team: found.number for of, found in other.known("board", *EVER).items()} == {
            "line-1": 1,
            "line-2": 3,
        }


@pytest.mark.parametrize("name", ["kpisync.db", None])
def test_threads_share_a_store(tmp_path: Path, name: str | None) -> None:
    with opened(name and tmp_path / name) as store, ThreadPoolExecutor(4) as threads:
        teams = [f"line-{number}" for number in range(24)]
        list(threads.map(lambda team: sent(store, key(team=team)), teams))
        assert {of.record.team for of in store.known("board", *EVER)} == set(teams)
        assert store.in_doubt("board") == []


def test_a_failed_transaction_leaves_nothing(store: Store) -> None:
    run = begin(store)
    with pytest.raises(ValueError, match="not a number"):
        store.intend(run, [intent(), intent(key(team="line-2"), new="NaN")], SETTLES)
    assert store.in_doubt("board") == []


@pytest.mark.parametrize("happened", ["removed", "replaced"])
def test_a_store_whose_file_is_gone_or_replaced_records_nothing_more(tmp_path: Path, happened: str) -> None:
    file = tmp_path / "kpisync.db"
    with opened(file) as store:
        run = begin(store)
        shutil.copy(file, tmp_path / "copy.db")
        file.unlink()
        if happened == "replaced":
            (tmp_path / "copy.db").rename(file)
        with pytest.raises(StateError, match="removed or replaced"):
            store.intend(run, [intent()], SETTLES)


def test_a_damaged_number_is_reported_and_not_used(tmp_path: Path) -> None:
    file = tmp_path / "kpisync.db"
    with opened(file) as store:
        sent(store)
        connection = sqlite3.connect(file)
        with connection:
            connection.execute("UPDATE value SET number = '19o'")
        connection.close()
        with pytest.raises(StateError, match="'19o' where a number should be"):
            store.known("board", *EVER)


def test_a_value_takes_at_most_100_bytes(tmp_path: Path) -> None:
    """Sent in the order of days, as in daily life, so that pages are split in the middle."""
    file, uuid = tmp_path / "kpisync.db", "c3ba32c2-a13a-0000-0000-{:012d}"
    with opened(file) as store:
        run = begin(store)
        for offset in range(200):
            day = date(2026, 1, 1) + timedelta(offset)
            values = {key(day, team=uuid.format(team), value=uuid.format(7)): team for team in range(100)}
            source = "exports/2026/scrap_11.csv:{}"
            store.adopt(run, {of: Stands(Decimal(team * 37) / 10, source.format(team)) for of, team in values.items()})
    connection = sqlite3.connect(file)
    free, size = (
        "SELECT freelist_count FROM pragma_freelist_count",
        connection.execute("PRAGMA page_size").fetchone()[0],
    )
    before = connection.execute(free).fetchone()[0]
    assert connection.execute("SELECT count(*) FROM value").fetchone() == (20_000,)
    connection.execute("DROP TABLE value")
    pages = connection.execute(free).fetchone()[0] - before
    connection.close()
    assert 10 < pages * size / 20_000 <= 100


def test_a_first_load_takes_at_most_100_bytes_a_value(tmp_path: Path) -> None:
    """One change and one value each, with all indexes, in the batches of a run."""
    with opened(tmp_path / "kpisync.db") as store:
        run = begin(store)
        for offset in range(100):
            keys = [key(DAY + timedelta(offset), team=f"line-{team}") for team in range(200)]
            sources = [f"exports/2026/scrap_11.csv:{offset * 200 + team}" for team in range(200)]
            numbers = [str(Decimal(team * 37) / 10) for team in range(200)]
            intents = [intent(of, new, source=cell) for of, new, cell in zip(keys, numbers, sources, strict=True)]
            store.intend(run, intents, SETTLES)
            store.settle(run, [outcome(of, number=new, answer="200") for of, new in zip(keys, numbers, strict=True)])
    assert 50 < (tmp_path / "kpisync.db").stat().st_size / 20_000 <= 100


def test_the_start_of_a_run_is_the_time_of_its_id(store: Store) -> None:
    assert begin(store) < store.begin_run("scrap-daily", "run", START + timedelta(milliseconds=1))
