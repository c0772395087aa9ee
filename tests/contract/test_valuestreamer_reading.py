"""Reading from the sandbox: with as few requests as can be, and never as empty what is not."""

from __future__ import annotations

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import date, timedelta
from typing import Literal
from urllib.parse import parse_qs, urlsplit

import pytest
from sandbox_caller import BUDGET, EARLY, ENERGY, LINE_1, LINE_2
from valuestreamer_board import Board, answers, board, key, numbers

from kpisync.errors import DestinationError
from kpisync.model import RecordKey, ReplyKind
from kpisync.sandbox.settings import Fault, SandboxSettings

LINE_3 = "6f1c0a52-2f43-4c1f-9f0e-1d8f0f6b7a11"
TeamFilter = Literal["optional", "required", "empty"]


def lists(there: Board) -> Counter[str | None]:
    """How often each team was asked for; None: all teams."""
    queries = [parse_qs(urlsplit(path).query) for path in there.paths]
    return Counter(query["team-id"][0] if "team-id" in query else None for query in queries)


def months(count: int, *teams: str) -> list[RecordKey]:
    """One record a month, so that each month is a window."""
    days = [date(2026, 1, 1) + timedelta(days=40 * n) for n in range(count)]
    return [key(str(day), team) for day in days for team in teams or (LINE_1, LINE_2)]


# ---------------------------------------------------------------- what is there


def test_records_are_read_whole_and_those_that_are_not_there_are_absent() -> None:
    with board() as there:
        there.hold(key(), actual="12.50", target=3)
        assert there.read(key(), key(team=LINE_2), key("2026-11-19")) == {key(): numbers(actual="12.50", target=3)}


def test_digits_come_back_as_they_stand() -> None:
    with board() as there:
        there.hold(key(), actual="0.10", target="123456789012345678901234567890")
        assert [str(n) for n in there.read(key())[key()].values()] == ["0.10", "123456789012345678901234567890"]


@pytest.mark.parametrize(("kpi", "day"), [(ENERGY, "2026-11-16"), (BUDGET, "2026-11-01")])
def test_weekly_and_monthly_records_are_read(kpi: str, day: str) -> None:
    with board() as there:
        there.sandbox.put_by_hand(date.fromisoformat(day), LINE_1, kpi, None, numbers(actual=1))
        assert there.read(key(day, kpi=kpi)) == {key(day, kpi=kpi): numbers(actual=1)}


def test_records_beside_those_asked_for_are_left_out() -> None:
    with board() as there:
        for day in ("2026-11-18", "2026-11-19", "2026-11-20"):
            there.hold(key(day), actual=1)
        assert set(there.read(key("2026-11-18"), key("2026-11-20"))) == {key("2026-11-18"), key("2026-11-20")}


def test_requests_are_counted() -> None:
    with board() as there:
        there.read(key(), key(team=LINE_2))
        assert there.requests == there.sandbox.requests == {"GET": 2}


def test_no_window_is_too_large_for_the_platform() -> None:
    days = [date(2026, 1, 1) + timedelta(n) for n in range(100)]
    with board() as there:
        for day in days:
            there.hold(key(str(day)), actual=1)
        assert len(there.read(*(key(str(day)) for day in days))) == 100
        assert there.sandbox.answers == {("GET", 200): 4}


# ---------------------------------------------------------------- lists of all teams


@pytest.mark.parametrize("team_filter", ["optional", "required", "empty"])
def test_whatever_a_list_without_a_team_shows_everything_is_read(team_filter: TeamFilter) -> None:
    with board(SandboxSettings(team_filter=team_filter)) as there:
        wanted = months(4)
        for number, each in enumerate(wanted):
            there.hold(each, actual=number)
        assert there.read(*wanted) == {each: numbers(actual=n) for n, each in enumerate(wanted)}


@pytest.mark.parametrize(
    ("team_filter", "expected"),
    [
        ("optional", {LINE_1: 1, LINE_2: 1, None: 1 + 3}),
        ("required", {LINE_1: 4, LINE_2: 4, None: 1}),
        ("empty", {LINE_1: 4, LINE_2: 4, None: 1}),
    ],
)
def test_what_a_list_without_a_team_shows_is_found_out_once(
    team_filter: TeamFilter, expected: dict[str | None, int]
) -> None:
    with board(SandboxSettings(team_filter=team_filter)) as there:
        for each in months(4):
            there.hold(each, actual=1)
        there.read(*months(4))
        assert lists(there) == expected


@pytest.mark.parametrize("team_filter", ["optional", "required", "empty"])
def test_several_windows_at_once_ask_once_what_a_list_without_a_team_shows(team_filter: TeamFilter) -> None:
    with board(SandboxSettings(team_filter=team_filter), {"concurrency": 8}) as there:
        wanted = months(24)
        for each in wanted:
            there.hold(each, actual=1)
        windows = there.destination.windows(wanted)
        with ThreadPoolExecutor(8) as pool:
            found = dict(pair for part in pool.map(there.destination.read, windows) for pair in part.items())
        assert found == dict.fromkeys(wanted, numbers(actual=1))
        assert there.requests == there.sandbox.requests
        asked = lists(there)
        assert asked.total() <= 2 * len(windows) + 1
        if team_filter != "optional":
            assert asked[None] == 1


def test_nothing_is_asked_without_a_team_while_only_one_team_has_records() -> None:
    with board() as there:
        for each in months(3, LINE_1):
            there.hold(each, actual=1)
        there.read(*months(3))
        assert lists(there) == {LINE_1: 3, LINE_2: 3}


def test_a_list_that_leaves_out_a_team_is_not_trusted() -> None:
    with board() as there:
        for each in months(3):
            there.hold(each, actual=1)
        part = answers(body="[]").model_copy(update={"path": r"^(?!.*team-id).*kpi-data\?", "times": 1})
        there.sandbox.faults = (part,)
        assert len(there.read(*months(3))) == 6
        assert lists(there)[None] == 1


def test_a_list_of_all_teams_that_fails_later_is_read_by_team_again() -> None:
    with board() as there:
        for each in months(4):
            there.hold(each, actual=1)
        page = Fault(
            kind="status", status=200, body='{"data": [], "hasMore": true}', path="^(?!.*team-id)", after=1, times=None
        )
        there.sandbox.faults = (page,)
        assert len(there.read(*months(4))) == 8
        assert lists(there) == {LINE_1: 4, LINE_2: 4, None: 2}


@pytest.mark.parametrize("status", [429, 503, 500])
def test_a_failed_look_at_all_teams_fails_no_read(status: int) -> None:
    with board() as there:
        for each in months(2):
            there.hold(each, actual=1)
        there.sandbox.faults = (Fault(kind="status", status=status, path="^(?!.*team-id)", times=None),)
        assert len(there.read(*months(2))) == 4


# ---------------------------------------------------------------- sub-tiles


def test_a_sub_tile_and_its_parent_are_two_records() -> None:
    with board() as there:
        there.hold(key(), actual=1)
        there.hold(key(sub_tile=EARLY), actual=2)
        assert there.read(key(), key(sub_tile=EARLY)) == {
            key(): numbers(actual=1),
            key(sub_tile=EARLY): numbers(actual=2),
        }
        assert there.requests == {"GET": 1}


def test_a_sub_tile_that_no_list_shows_is_asked_for_by_itself() -> None:
    with board() as there:
        there.hold(key(sub_tile=EARLY), actual=2)
        there.sandbox.faults = (Fault(kind="status", status=200, body="[]", path=r"kpi-data\?", times=None),)
        assert there.read(key(), key(sub_tile=EARLY)) == {key(sub_tile=EARLY): numbers(actual=2)}
        assert there.paths[-1].endswith(f"/2026-11-20/{LINE_1}/{key().kpi}/{EARLY}")


def test_once_a_list_has_shown_a_sub_tile_an_absent_one_is_absent() -> None:
    with board() as there:
        there.hold(key("2026-11-19", sub_tile=EARLY), actual=2)
        assert there.read(key(sub_tile=EARLY), key("2026-11-19", sub_tile=EARLY)) == {
            key("2026-11-19", sub_tile=EARLY): numbers(actual=2)
        }
        assert there.requests == {"GET": 1}


@pytest.mark.parametrize(("status", "body"), [(404, ""), (204, ""), (200, "null")])
def test_a_sub_tile_that_is_not_there_is_absent(status: int, body: str) -> None:
    with board() as there:
        there.sandbox.faults = (Fault(kind="status", status=status, body=body, path=EARLY, times=None),)
        assert there.read(key(sub_tile=EARLY)) == {}


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (200, ""),
        (200, "[]"),
        (200, "{}"),
        (200, f'{{"teamId": "{LINE_2}", "values": []}}'),
        (200, '{"date": "2026-11-19", "values": []}'),
        (200, f'{{"subTileId": "{LINE_2}", "values": []}}'),
        (206, '{"values": []}'),
        (500, ""),
    ],
)
def test_an_answer_that_is_not_of_this_sub_tile_is_unreadable(status: int, body: str) -> None:
    with board() as there:
        there.sandbox.faults = (Fault(kind="status", status=status, body=body, path=EARLY, times=None),)
        assert there.unreadable(key(sub_tile=EARLY)).reply.kind is ReplyKind.FAILED


# ---------------------------------------------------------------- when it fails


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, ReplyKind.REFUSED),
        (403, ReplyKind.REFUSED),
        (404, ReplyKind.REFUSED),
        (204, ReplyKind.REFUSED),
        (206, ReplyKind.FAILED),
        (429, ReplyKind.BUSY),
        (500, ReplyKind.FAILED),
        (502, ReplyKind.UNKNOWN),
        (503, ReplyKind.BUSY),
    ],
)
def test_an_answer_that_is_no_list_is_unreadable(status: int, kind: ReplyKind) -> None:
    with board() as there:
        there.sandbox.faults = (answers("[]", status, Retry_After="7"),)
        reply = there.unreadable(key()).reply
        assert (reply.kind, reply.status) == (kind, status)
        assert reply.retry_after == (7 if status in (400, 403, 429, 500, 502, 503) else None)


@pytest.mark.parametrize("status", [401, 406, 415, 301])
def test_there_is_no_use_in_going_on_after_some(status: int) -> None:
    with board() as there:
        there.sandbox.faults = (answers("", status),)
        with pytest.raises(DestinationError, match=f"destination board: .*status {status}"):
            there.read(key())


@pytest.mark.parametrize("status", [404, 204])
def test_a_404_means_that_there_are_no_records_only_if_that_is_said(status: int) -> None:
    with board(options={"list_404": "empty"}) as there:
        there.sandbox.faults = (answers("", status),)
        assert there.read(key()) == {}
    with board() as there:
        there.sandbox.faults = (answers("", status),)
        assert "set list_404 of the destination to empty" in there.unreadable(key()).reply.words


@pytest.mark.parametrize("fault", ["drop-before", "drop-after"])
def test_a_read_without_an_answer_is_unreadable(fault: Literal["drop-before", "drop-after"]) -> None:
    with board() as there:
        there.sandbox.faults = (Fault(kind=fault),)
        assert there.unreadable(key()).reply.kind is ReplyKind.UNKNOWN


def test_a_read_in_vain_can_be_made_again() -> None:
    with board() as there:
        there.hold(key(), actual=1)
        there.sandbox.faults = (Fault(kind="garbage"),)
        assert there.unreadable(key()).reply.kind is ReplyKind.FAILED
        assert there.read(key()) == {key(): numbers(actual=1)}


def test_a_platform_that_is_not_there_is_not_sent_to() -> None:
    with board() as there:
        there.sandbox.close()
        assert there.unreadable(key()).reply.kind is ReplyKind.NOT_SENT


def test_a_login_may_have_letters_beyond_ascii_and_must_be_right() -> None:
    with board(
        SandboxSettings(username="jörg", password="käse:1"), {"username": "jörg", "password": "käse:1"}
    ) as there:
        there.hold(key(), actual=1)
        assert there.read(key()) == {key(): numbers(actual=1)}
    with board(options={"password": "wrong"}) as there, pytest.raises(DestinationError, match="refuses the login"):
        there.read(key())


def test_a_team_that_the_platform_does_not_know_is_refused() -> None:
    with board(options={"concurrency": 1}) as there:
        assert there.read(key(), key(team=LINE_2)) == {}
        reply = there.unreadable(key(team=LINE_3)).reply
        assert (reply.kind, reply.status) == (ReplyKind.REFUSED, 400)
