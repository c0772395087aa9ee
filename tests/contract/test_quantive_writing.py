"""Writes of actual values to Quantive: nothing is posted twice, and only what is ours is deleted."""

from __future__ import annotations

from decimal import Decimal

import pytest
from quantive_account import BUDGET, DAILY, ENERGY, UNITS, Account, account, fault, future_week, key

from kpisync.errors import DestinationError, Exit, Interrupted
from kpisync.model import ReplyKind, ValueKey
from kpisync.sandbox.settings import SandboxSettings

ACTUAL, TARGET = "actual", "target"


def created(okr: Account, number: int = 5) -> str:
    """A snapshot of ours, by its id."""
    id = okr.create(number).remote
    assert id is not None
    return id


# ---------------------------------------------------------------- actual values


def test_a_new_value_is_one_post_with_group_and_time_zone() -> None:
    with account() as okr:
        reply = okr.create("12.50")
        assert reply.kind is ReplyKind.ACCEPTED
        assert reply.remote == okr.id_of()
        assert okr.holds() == {ACTUAL: Decimal("12.50")}
        posted = next(entry for entry in okr.sandbox.journal if entry.method == "POST")
        assert posted.body.replace(" ", "") == '{"group":"2026-W46","timeZone":"UTC+1","value":12.50}'


@pytest.mark.parametrize("answer", ["id-200", "empty-201", "id-201"])
def test_any_answer_of_success_is_one_and_its_body_is_optional(answer: str) -> None:
    with account(settings=SandboxSettings(snapshot_reply=answer)) as okr:  # type: ignore[arg-type]
        reply = okr.create(5)
        assert reply.kind is ReplyKind.ACCEPTED
        assert (reply.remote is None) == (answer == "empty-201")


def test_a_changed_value_is_deleted_and_posted() -> None:
    with account() as okr:
        reply = okr.update(5, 7, created(okr))
        assert reply.kind is ReplyKind.ACCEPTED
        assert okr.methods == ["POST", "DELETE", "POST"]
        assert okr.holds() == {ACTUAL: Decimal(7)}
        assert okr.id_of() == reply.remote


def test_an_id_of_a_read_that_cannot_be_deleted_is_not_taken_for_gone() -> None:
    with account() as okr:
        created(okr)
        shown = okr.id_of()
        okr.sandbox.faults = [fault("status", "DELETE", status=404)]
        reply = okr.update(5, 7, shown)
        assert reply.kind is ReplyKind.REFUSED
        assert "its deletion says that there is none" in reply.words
        assert okr.holds() == {ACTUAL: Decimal(5)}


def test_a_deletion_that_failed_and_was_carried_out_is_gone_when_it_is_repeated() -> None:
    with account() as okr:
        created(okr)
        shown = okr.id_of()
        okr.sandbox.faults = [fault("drop-after", "DELETE")]
        assert okr.update(5, 7, shown).kind is ReplyKind.UNKNOWN
        assert okr.update(5, 7, shown).kind is ReplyKind.ACCEPTED
        assert okr.holds() == {ACTUAL: Decimal(7)}


def test_where_a_second_snapshot_replaces_the_first_a_changed_value_is_one_post() -> None:
    with account(settings=SandboxSettings(snapshots="upsert"), snapshot_write="upsert") as okr:
        assert okr.update(5, 7, created(okr)).kind is ReplyKind.ACCEPTED
        assert okr.methods == ["POST", "POST"]
        assert okr.holds() == {ACTUAL: Decimal(7)}


def test_what_is_gone_already_is_as_good_as_deleted() -> None:
    with account() as okr:
        gone = created(okr)
        assert okr.withdraw(5, gone).kind is ReplyKind.ACCEPTED
        assert okr.withdraw(5, gone).kind is ReplyKind.ACCEPTED
        assert okr.update(5, 7, gone).kind is ReplyKind.ACCEPTED
        assert okr.holds() == {ACTUAL: Decimal(7)}


def test_a_value_whose_id_is_not_ours_is_neither_deleted_nor_doubled() -> None:
    with account() as okr:
        okr.by_hand(5)
        for reply in (okr.update(5, 7, None), okr.withdraw(5, None)):
            assert reply.kind is ReplyKind.REFUSED
            assert "ours" in reply.words
        assert okr.methods == []
        assert okr.holds() == {ACTUAL: Decimal(5)}


def test_a_snapshot_of_another_author_that_may_not_be_deleted_stays() -> None:
    with account(settings=SandboxSettings(foreign_snapshots="protected")) as okr:
        okr.by_hand(5)
        reply = okr.update(5, 7, okr.id_of())
        assert (reply.kind, reply.status, reply.values) == (ReplyKind.REFUSED, 403, None)
        assert "not the author" in reply.words
        assert okr.holds() == {ACTUAL: Decimal(5)}


# ---------------------------------------------------------------- what may go wrong


@pytest.mark.parametrize(
    ("kind", "more"),
    [
        ("drop-before", {}),
        ("drop-after", {}),
        ("status", {"status": 500}),
        ("status", {"status": 502}),
        ("status", {"status": 503}),
        ("garbage", {"body": "<html><title>Gateway</title>", "headers": {"Content-Type": "text/html"}}),
        ("garbage", {"headers": {"Content-Encoding": "gzip"}, "body": "not packed"}),
    ],
)
def test_a_post_whose_outcome_is_not_sure_is_unknown(kind: str, more: dict[str, object]) -> None:
    with account() as okr:
        okr.sandbox.faults = [fault(kind, "POST", **more)]
        assert okr.create(5).kind is ReplyKind.UNKNOWN


def test_where_a_second_snapshot_replaces_the_first_a_failed_post_may_be_repeated() -> None:
    with account(settings=SandboxSettings(snapshots="upsert"), snapshot_write="upsert") as okr:
        okr.sandbox.faults = [fault("status", "POST", status=500)]
        assert okr.create(5).kind is ReplyKind.FAILED


def test_a_busy_platform_has_surely_stored_nothing() -> None:
    with account() as okr:
        okr.sandbox.faults = [fault("status", "POST", status=429, headers={"Retry-After": "7"})]
        reply = okr.create(5)
        assert (reply.kind, reply.retry_after) == (ReplyKind.BUSY, 7.0)


def test_a_platform_that_is_not_reached_was_sent_nothing() -> None:
    with account() as okr:
        okr.sandbox.close()
        assert okr.create(5).kind is ReplyKind.NOT_SENT
        assert okr.update(5, 7, "0" * 24).kind is ReplyKind.NOT_SENT


@pytest.mark.parametrize("status", [429, 401, 402])
def test_a_post_that_surely_failed_after_its_delete_is_to_be_carried_out_again(status: int) -> None:
    with account() as okr:
        ours = created(okr)
        okr.sandbox.faults = [fault("status", "POST", status=status)]
        assert okr.update(5, 7, ours).kind is ReplyKind.FAILED
        assert okr.holds() is None
        assert okr.update(5, 7, ours).kind is ReplyKind.ACCEPTED
        assert okr.holds() == {ACTUAL: Decimal(7)}


def test_a_post_that_was_stopped_while_it_waited_is_to_be_carried_out_again() -> None:
    turns = iter([None, None, Interrupted(Exit.SIGTERM)])

    def wait_turn() -> None:
        if (reason := next(turns, None)) is not None:
            raise reason

    with account(wait_turn=wait_turn) as okr:
        assert okr.update(5, 7, created(okr)).kind is ReplyKind.FAILED
        assert okr.methods == ["POST", "DELETE"]


def test_a_post_that_is_refused_after_its_delete_says_that_nothing_stands_there() -> None:
    with account() as okr:
        ours = created(okr)
        okr.sandbox.faults = [fault("status", "POST", status=422, body="no such value")]
        reply = okr.update(5, 7, ours)
        assert (reply.kind, reply.values, reply.words) == (ReplyKind.REFUSED, {}, "no such value")
        assert okr.holds() is None


def test_a_post_that_is_lost_after_its_delete_is_unknown() -> None:
    with account() as okr:
        ours = created(okr)
        okr.sandbox.faults = [fault("drop-after", "POST")]
        assert okr.update(5, 7, ours).kind is ReplyKind.UNKNOWN
        assert okr.holds() == {ACTUAL: Decimal(7)}


@pytest.mark.parametrize(("status", "kind"), [(500, ReplyKind.FAILED), (429, ReplyKind.BUSY), (400, ReplyKind.REFUSED)])
def test_nothing_is_posted_unless_the_old_one_is_gone(status: int, kind: ReplyKind) -> None:
    with account() as okr:
        ours = created(okr)
        okr.sandbox.faults = [fault("status", "DELETE", status=status)]
        assert okr.update(5, 7, ours).kind is kind
        assert okr.holds() == {ACTUAL: Decimal(5)}


@pytest.mark.parametrize(
    ("status", "body", "says"),
    [
        (401, "", "login"),
        (402, "upgrade", "payment"),
        (400, "empty or invalid account id", "account"),
        (302, "", "redirect"),
    ],
)
def test_what_no_other_value_would_survive_ends_the_run(status: int, body: str, says: str) -> None:
    with account() as okr:
        okr.sandbox.faults = [fault("status", "POST", status=status, body=body)]
        with pytest.raises(DestinationError, match=says) as ended:
            okr.create(5)
        assert ended.value.hint


# ---------------------------------------------------------------- refused here, before anything is sent


def test_a_period_that_has_not_begun_has_no_actual_value() -> None:
    with account() as okr:
        reply = okr.create(5, future_week())
        assert reply.kind is ReplyKind.REFUSED
        assert okr.create(5, future_week(), TARGET).kind is ReplyKind.ACCEPTED
        assert okr.methods == ["POST"]


def test_an_interval_whose_groups_nobody_knows_is_refused() -> None:
    with account() as okr:
        assert "group" in okr.create(5, key("2026-11-09", DAILY)).words
        assert okr.unreadable(key("2026-11-09", DAILY)).reply.kind is ReplyKind.REFUSED
        assert okr.methods == []


def test_an_interval_with_a_template_is_written_and_read_by_it() -> None:
    month = key("2026-10-01", BUDGET)
    with account() as okr:
        assert okr.create(5, month).kind is ReplyKind.ACCEPTED
        assert okr.read(month) == {month: {ACTUAL: Decimal(5)}}


def test_a_team_and_an_unknown_value_kind_are_refused() -> None:
    with account() as okr:
        assert "teams" in okr.create(5, key()._replace(team="line-1")).words
        assert "actual and target" in okr.create(5, value="ideal").words
        assert okr.methods == []


def test_a_kpi_that_an_insight_feeds_is_refused_and_asked_about_once() -> None:
    fed = key(kpi=ENERGY)
    with account(force_insight_kpis=False) as okr:
        for _ in range(2):
            reply = okr.create(5, fed)
            assert reply.kind is ReplyKind.REFUSED
            assert "1k42vv2z24" in reply.words
        assert okr.create(5).kind is ReplyKind.ACCEPTED
        assert okr.create(6, key("2026-11-02")).kind is ReplyKind.ACCEPTED
        assert okr.methods == ["GET", "GET", "POST", "POST"]
        assert okr.create(5, fed, TARGET).kind is ReplyKind.ACCEPTED
    with account(force_insight_kpis=True) as okr:
        assert okr.create(5, fed).kind is ReplyKind.ACCEPTED


@pytest.mark.parametrize(
    ("status", "kind"), [(500, ReplyKind.FAILED), (504, ReplyKind.FAILED), (404, ReplyKind.REFUSED)]
)
def test_a_kpi_that_cannot_be_asked_about_is_not_written(status: int, kind: ReplyKind) -> None:
    with account(force_insight_kpis=False) as okr:
        okr.sandbox.faults = [fault("status", "GET", status=status)]
        assert okr.create(5).kind is kind
        assert okr.methods == ["GET"]
        assert okr.create(5).kind is ReplyKind.ACCEPTED


# ---------------------------------------------------------------- what the engine asks


def test_what_may_be_replaced() -> None:
    actual, target = ValueKey(key(), ACTUAL), ValueKey(key(), TARGET)
    with account() as okr:
        assert okr.destination.may_replace(actual, "ours")
        assert not okr.destination.may_replace(actual, None)
        assert okr.destination.may_replace(target, None)
    with account(snapshot_write="upsert") as okr:
        assert okr.destination.may_replace(actual, None)


def test_several_numbers_are_counted_and_have_no_one_id() -> None:
    with account() as okr:
        okr.by_hand(3, key(kpi=UNITS))
        okr.by_hand(5, key(kpi=UNITS))
        value = ValueKey(key(kpi=UNITS), ACTUAL)
        assert okr.destination.copies(value) == 0
        assert okr.read(value.record) == {value.record: {ACTUAL: Decimal(8)}}
        assert (okr.destination.copies(value), okr.destination.remote_id(value)) == (2, None)
