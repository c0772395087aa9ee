"""What the looking commands ask of the state store."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal

import pytest
from test_state_builders import DAY, SETTLES, START, begin, intent, key, opened, outcome, sent

from kpisync.errors import ConfigError, Exit
from kpisync.model import Rejection, RunStatus, Stands, Status
from kpisync.state import runs
from kpisync.state.runs import ChangeRow, Standing
from kpisync.state.store import Store
from kpisync.state.tables import ChangeStatus

LATER = START + timedelta(seconds=9)
REJECTED = Rejection("a.csv:2", "unknown-team", "L9 is not in lookup lines")


@pytest.fixture
def store() -> Iterator[Store]:
    with opened() as store:
        yield store


def finish(store: Store, run: str, status: RunStatus = RunStatus.OK, origins: dict[str, str] | None = None) -> str:
    store.finish_run(run, LATER, status, Exit.OK, {"confirmed": 1, "rejected": 0}, origins)
    return run


def test_a_run_that_goes_on_or_was_killed_has_no_end(store: Store) -> None:
    found = runs.run(store, begin(store))
    assert (found.started, found.ended, found.status, found.exit_code) == (START, None, None, None)
    assert found.report == {}


def test_a_finished_run_has_its_report(store: Store) -> None:
    run = store.begin_run("scrap-daily", "backfill", START, "sha256:c0ffee")
    found = runs.run(store, finish(store, run, RunStatus.PARTIAL, {"exports/a.csv": "sha256:1", "q": "SELECT 1"}))
    assert found == runs.RunRow(
        id=run,
        job="scrap-daily",
        kind="backfill",
        started=START,
        ended=LATER,
        status=RunStatus.PARTIAL,
        exit_code=0,
        report={"confirmed": 1, "rejected": 0},
        config_hash="sha256:c0ffee",
        origins={"exports/a.csv": "sha256:1", "q": "SELECT 1"},
    )


def test_a_file_that_did_not_change_is_one_origin_of_two_runs(store: Store) -> None:
    first, second = (finish(store, begin(store), origins={"a.csv": digest}) for digest in ("sha256:1", "sha256:2"))
    third = finish(store, begin(store), origins={"a.csv": "sha256:1"})
    digests = [runs.run(store, run).origins["a.csv"] for run in (first, second, third)]
    assert digests == ["sha256:1", "sha256:2", "sha256:1"]
    with store.reading() as connection:
        assert connection.exec_driver_sql("SELECT count(*) FROM origin").scalar() == 2


@pytest.mark.parametrize("cut", [slice(None), slice(0, 25)])
def test_a_run_is_found_by_its_id_or_how_it_begins(store: Store, cut: slice) -> None:
    run = begin(store)
    assert runs.run(store, run[cut].lower()).id == run


def test_two_runs_that_begin_alike_are_not_confused(store: Store) -> None:
    one = begin(store)
    begin(store)
    with pytest.raises(ConfigError, match="more than one run begins with"):
        runs.run(store, one[:8])


@pytest.mark.parametrize("wrong", ["", "nothing", "%", "_" * 26])
def test_an_unknown_run_is_wrong_usage(store: Store, wrong: str) -> None:
    begin(store)
    with pytest.raises(ConfigError, match=r"there is no run .*kpisync history") as caught:
        runs.changes(store, wrong)
    assert caught.value.exit_code == Exit.CONFIG


def test_runs_come_newest_first(store: Store) -> None:
    ids = [begin(store, job) for job in ("a", "b", "a")]
    assert [run.id for run in runs.runs(store, 2)] == [ids[2], ids[1]]
    assert [run.id for run in runs.runs(store, 9, "a")] == [ids[2], ids[0]]
    assert runs.runs(store, 9, "unknown") == []


def test_the_last_run_of_each_job_is_by_its_name(store: Store) -> None:
    ids = [begin(store, job) for job in ("a", "b", "a")]
    assert {job: run.id for job, run in runs.last_runs(store).items()} == {"a": ids[2], "b": ids[1]}


def test_the_last_run_can_be_asked_of_some_kinds(store: Store) -> None:
    run = begin(store, "a", "run")
    begin(store, "a", "verify")
    assert {job: found.id for job, found in runs.last_runs(store, ["run", "backfill"]).items()} == {"a": run}


def test_the_changes_of_a_run_are_its_own_in_order(store: Store) -> None:
    sent(store, number="1")
    run = begin(store)
    store.intend(run, [intent(new="2", old="1"), intent(key(team="line-2"))], SETTLES)
    store.settle(run, [outcome(number="2", answer="200 OK")])
    found = runs.changes(store, run)
    assert [(change.key.record.team, change.old, change.new, change.status) for change in found] == [
        ("line-1", Decimal(1), Decimal(2), ChangeStatus.CONFIRMED),
        ("line-2", None, Decimal(190), ChangeStatus.IN_DOUBT),
    ]


def test_runs_beside_each_other_have_their_own_changes(store: Store) -> None:
    one, other = begin(store, "one"), begin(store, "other")
    for team, run in (("a", one), ("b", other), ("c", one), ("d", other)):
        store.intend(run, [intent(key(team=team))], SETTLES)
        finish(store, run)  # and what comes after its end counts too
    store.adopt(one, {key(team="e"): Stands(Decimal(1), "a.csv:2")})
    assert [change.key.record.team for change in runs.changes(store, one)] == ["a", "c", "e"]
    assert [change.key.record.team for change in runs.changes(store, other)] == ["b", "d"]


def test_a_run_that_changed_nothing_has_no_changes(store: Store) -> None:
    run = begin(store)
    sent(store)
    assert runs.changes(store, finish(store, run)) == []


def test_the_life_of_a_value_is_told_oldest_first(store: Store) -> None:
    first, second = begin(store), begin(store, "second")
    store.intend(first, [intent(new="1", source="exports/a.csv:14")], SETTLES)
    store.settle(first, [outcome(number="1", answer="200 OK")])
    finish(store, first, origins={"exports/a.csv": "sha256:1", "exports/a": "sha256:2"})
    store.intend(second, [intent(new="2", old="1", source="query orders")], SETTLES)
    sent(store, key(DAY + timedelta(1)))
    sent(store, key(value="target"))

    told = runs.life(store, key())

    assert told.standing == Standing(Decimal(1), Status.CONFIRMED, "scrap-daily", first, "exports/a.csv:14")
    one, two = told.changes
    assert one == ChangeRow(
        key=key(),
        run=first,
        job="scrap-daily",
        old=None,
        new=Decimal(1),
        source="exports/a.csv:14",
        digest="sha256:1",
        status=ChangeStatus.CONFIRMED,
        intended_at=one.intended_at,
        settles=None,
        settled_at=one.settled_at,
        settled_by=first,
        answer="200 OK",
        found=Decimal(1),
    )
    assert one.settled_at is not None and one.intended_at < one.settled_at
    assert (two.run, two.job, two.source, two.digest, two.settled_at) == (second, "second", "query orders", None, None)


def test_of_two_origins_that_a_source_begins_with_the_longer_one_is_meant(store: Store) -> None:
    run = begin(store)
    store.intend(run, [intent(source="book.xlsx:2026:14")], SETTLES)
    finish(store, run, origins={"book.xlsx": "sha256:1", "book.xlsx:2026": "sha256:2"})
    assert [change.digest for change in runs.changes(store, run)] == ["sha256:2"]


def test_a_value_that_nobody_sent_has_no_life(store: Store) -> None:
    assert runs.life(store, key()) == runs.Life(key(), None, ())
    sent(store, key(DAY + timedelta(1)))
    assert runs.life(store, key()) == runs.Life(key(), None, ())


def test_open_doubts_are_those_of_all_destinations(store: Store) -> None:
    run = begin(store)
    store.intend(run, [intent(), intent(key(destination="okr", team=None))], SETTLES)
    assert [doubt.intent.key.record.destination for doubt in runs.open_doubts(store)] == ["board", "okr"]
