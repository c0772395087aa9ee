"""Each change of state is told once, whatever fails meanwhile; nobody waits for it."""

from __future__ import annotations

from contextlib import AbstractContextManager
from pathlib import Path
from threading import Event
from typing import Any

import pytest
from alert_builders import failed, job, overview, trouble
from test_state_builders import opened

from kpisync.config.schema import AlertOptions
from kpisync.daemon.alerts import Alerts
from kpisync.errors import StateError
from kpisync.state.alerts import open_alerts
from kpisync.state.store import Store
from kpisync.testing.clock import FakeClock
from kpisync.watch.model import Topic, Word

DEADLINE = 20.0
MINUTE = 60.0
WELL, FAILED, HELD = job(), failed(), job(word=Word.HELD)


class Post:
    """Takes what is sent; addresses in `dead` are refused."""

    def __init__(self) -> None:
        self.sent: list[tuple[str, str]] = []
        self.bodies: list[str] = []
        self.dead: set[str] = set()
        self.tries = 0

    def __call__(self, url: str, subject: str, body: str) -> str | None:
        self.tries += 1
        if url in self.dead:
            return "connection refused"
        self.sent.append((url, subject.removeprefix("kpisync: ")))
        self.bodies.append(body)
        return None

    @property
    def subjects(self) -> list[str]:
        return [subject for _, subject in self.sent]


class Desk:
    """Alerts with a real store, whose day is made of looks."""

    def __init__(self, file: Path, who: str = "here", clock: FakeClock | None = None) -> None:
        self.file, self.clock, self.post, self.who = file, clock or FakeClock(), Post(), who
        self.options: AlertOptions | None = AlertOptions.model_validate({"urls": ["json://a"]})
        self.store_is_lost = False
        self.restart()

    def configure(self, **options: Any) -> None:
        self.options = AlertOptions.model_validate({"urls": ["json://a"], **options})

    def restart(self) -> None:
        self.alerts = Alerts(
            lambda: self.options,
            self.store,
            self.clock,
            lambda text: text.replace("hunter2", "***"),
            self.who,
            send=self.post,
            is_installed=lambda: True,
        )

    def store(self) -> AbstractContextManager[Store]:
        if self.store_is_lost:
            raise StateError("the disk is full")
        return opened(self.file)

    def see(self, *jobs: Any, after: float = MINUTE, **more: Any) -> None:
        """A look some time later, and all that comes of it."""
        self.clock.sleep(after)
        self.alerts.look(overview(*jobs, now=self.clock.now(), **more))
        assert self.alerts.wait(DEADLINE)

    def kept(self) -> dict[tuple[str, str], bool]:
        with opened(self.file) as store:
            return {key: row.told is not None for key, row in open_alerts(store).items()}


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path / "kpisync.db")


def test_a_trouble_is_told_once_and_its_end_once(desk: Desk) -> None:
    for each in (WELL, FAILED, FAILED, FAILED, WELL, WELL):
        desk.see(each)
    assert desk.post.subjects == ["scrap-daily failed", "scrap-daily is well again"]
    assert desk.kept() == {}


def test_a_trouble_that_comes_back_is_told_again(desk: Desk) -> None:
    for each in (FAILED, WELL, FAILED):
        desk.see(each, after=10 * MINUTE)
    assert desk.post.subjects == ["scrap-daily failed", "scrap-daily is well again", "scrap-daily failed"]


def test_a_job_that_is_failed_and_then_held_is_told_twice_and_recovers_once(desk: Desk) -> None:
    for each in (FAILED, HELD, HELD, WELL):
        desk.see(each, after=10 * MINUTE)
    assert desk.post.subjects == [
        "scrap-daily failed",
        "scrap-daily is held by its guard",
        "scrap-daily is well again",
    ]


def test_a_recovery_is_told_though_what_came_between_is_not_wanted(desk: Desk) -> None:
    desk.configure(on=["failed", "recovered"])
    for each in (FAILED, HELD, WELL):
        desk.see(each, after=10 * MINUTE)
    assert desk.post.subjects == ["scrap-daily failed", "scrap-daily is well again"]


def test_a_restart_tells_nobody_twice(desk: Desk) -> None:
    desk.see(FAILED)
    desk.restart()
    desk.see(FAILED)
    assert desk.post.subjects == ["scrap-daily failed"]


@pytest.fixture
def other(desk: Desk) -> Desk:
    """Another daemon over the same store, whose looks come between those of the first."""
    return Desk(desk.file, "there", desk.clock)


def test_of_two_daemons_over_one_store_one_tells(desk: Desk, other: Desk) -> None:
    for each in (WELL, FAILED, FAILED, WELL, WELL):
        desk.see(each, after=MINUTE / 2)
        other.see(each, after=MINUTE / 2)
    assert desk.post.subjects == ["scrap-daily failed", "scrap-daily is well again"]
    assert other.post.sent == []


def test_what_two_daemons_see_otherwise_is_not_told_again_and_again(desk: Desk, other: Desk) -> None:
    for _ in range(5):
        desk.see(FAILED, after=MINUTE / 2)
        other.see(WELL, after=MINUTE / 2)
    assert desk.post.subjects == ["scrap-daily failed"]
    assert other.post.sent == []


def test_when_the_one_that_tells_is_gone_the_other_one_goes_on_and_repeats_nothing(desk: Desk, other: Desk) -> None:
    desk.see(FAILED, after=MINUTE / 2)
    other.see(FAILED, after=MINUTE / 2)
    for each in (FAILED, FAILED, FAILED, HELD, WELL):
        other.see(each)
    assert desk.post.subjects == ["scrap-daily failed"]
    assert other.post.subjects == ["scrap-daily is held by its guard", "scrap-daily is well again"]
    desk.see(FAILED)
    assert desk.post.subjects == ["scrap-daily failed"], "it is not its turn any more"


def test_a_daemon_that_can_tell_nobody_leaves_it_to_the_other(desk: Desk, other: Desk) -> None:
    desk.configure(urls=[])
    desk.see(FAILED, after=MINUTE / 2)
    other.see(FAILED, after=MINUTE / 2)
    assert other.post.subjects == ["scrap-daily failed"]


def test_a_recovery_during_a_downtime_is_told(desk: Desk) -> None:
    desk.see(FAILED)
    desk.restart()
    desk.see(WELL)
    assert desk.post.subjects == ["scrap-daily failed", "scrap-daily is well again"]
    assert "Before: scrap-daily failed, since" in desk.post.bodies[-1]


def test_what_was_not_told_before_a_restart_is_told_after_it(desk: Desk) -> None:
    desk.post.dead = {"json://a"}
    desk.see(FAILED)
    assert desk.kept() == {("scrap-daily", "failed"): False}
    desk.post.dead = set()
    desk.restart()
    desk.see(FAILED)
    assert desk.post.subjects == ["scrap-daily failed"]


def test_a_thousand_jobs_that_fail_at_once_are_one_message(desk: Desk) -> None:
    desk.see(*(failed(f"job-{number}") for number in range(1000)))
    desk.see(*(failed(f"job-{number}") for number in range(1000)))
    assert desk.post.subjects == ["1,000 failed"]


def test_jobs_that_fail_one_after_the_other_are_few_messages(desk: Desk) -> None:
    for count in range(1, 601):
        desk.see(*(failed(f"job-{number}") for number in range(count)), after=1)
    assert len(desk.post.sent) <= 5
    desk.see(*(failed(f"job-{number}") for number in range(600)), after=15 * MINUTE)
    assert len(desk.post.sent) <= 6
    assert all(desk.kept().values())


def test_after_a_calm_hour_news_is_told_at_once(desk: Desk) -> None:
    for each in (FAILED, WELL, FAILED, WELL):
        desk.see(each, after=MINUTE)
    desk.see(WELL, after=60 * MINUTE)
    before = len(desk.post.sent)
    desk.see(FAILED, after=60 * MINUTE)
    assert len(desk.post.sent) == before + 1


# ---------------------------------------------------------------- what fails


def test_a_dead_address_is_a_trouble_until_it_takes_a_message(desk: Desk) -> None:
    desk.post.dead = {"json://a"}
    desk.see(FAILED)
    (found,) = desk.alerts.troubles()
    assert (found.topic, found.stops) == (Topic.ALERTS, False)
    assert found.said == "address 1 of alerts.urls (json): connection refused; it is tried again"
    began = found.since
    desk.see(FAILED, after=5 * MINUTE)
    assert desk.alerts.troubles()[0].since == began
    desk.post.dead = set()
    desk.see(FAILED, after=30 * MINUTE)
    assert desk.alerts.troubles() == ()
    assert desk.post.subjects == ["scrap-daily failed"]


def test_a_dead_address_is_tried_less_and_less(desk: Desk) -> None:
    desk.post.dead = {"json://a"}
    for _ in range(120):
        desk.see(FAILED, after=MINUTE)
    assert 8 <= desk.post.tries <= 14


def test_what_came_and_went_while_nobody_could_be_told_is_counted(desk: Desk) -> None:
    desk.post.dead = {"json://a"}
    desk.see(FAILED)
    desk.post.dead = set()
    desk.see(WELL, after=30 * MINUTE)
    assert desk.post.subjects == ["alerts arrive again"]
    assert desk.post.bodies[-1].startswith("1 alert could not be told in time, and are over")
    assert desk.alerts.troubles() == ()


def test_a_dead_address_beside_a_good_one_takes_nothing_from_it(desk: Desk) -> None:
    desk.configure(urls=["json://dead", "json://good"])
    desk.post.dead = {"json://dead"}
    desk.see(FAILED)
    assert desk.post.sent == [("json://good", "scrap-daily failed")]
    desk.post.dead = set()
    desk.see(FAILED, after=30 * MINUTE)
    assert desk.post.sent[1:] == [("json://dead", "scrap-daily failed")]


def test_an_address_that_heard_of_no_trouble_hears_of_no_end(desk: Desk) -> None:
    desk.configure(urls=["json://dead", "json://good"])
    desk.post.dead = {"json://dead"}
    desk.see(FAILED)
    desk.post.dead = set()
    desk.see(WELL, after=30 * MINUTE)
    assert desk.post.sent[0] == ("json://good", "scrap-daily failed")
    assert sorted(desk.post.sent[1:]) == [
        ("json://dead", "alerts arrive again"),
        ("json://good", "scrap-daily is well again"),
    ]


def test_an_address_that_hangs_keeps_nobody_waiting(desk: Desk) -> None:
    hanging, let_go, other_told = Event(), Event(), Event()

    def send(url: str, subject: str, body: str) -> str | None:
        if url == "json://slow":
            hanging.set()
            assert let_go.wait(DEADLINE)
        elif "other failed" in body:
            other_told.set()
        return desk.post(url, subject, body)

    desk.configure(urls=["json://slow", "json://good"])
    alerts = Alerts(lambda: desk.options, desk.store, desk.clock, str, "here", send=send, is_installed=lambda: True)
    alerts.look(overview(FAILED))
    assert hanging.wait(DEADLINE)
    for _ in range(100):
        desk.clock.sleep(20 * MINUTE)
        alerts.look(overview(FAILED, failed("other")))  # returns, though the first message is still on its way
        if other_told.wait(DEADLINE / 100):
            break
    assert other_told.is_set()
    assert [url for url, _ in desk.post.sent if url == "json://slow"] == []
    let_go.set()
    assert alerts.wait(DEADLINE)


def test_a_recovery_while_the_message_is_on_its_way_is_told_after_it(desk: Desk) -> None:
    def send(url: str, subject: str, body: str) -> str | None:
        if "failed" in subject:
            desk.alerts.look(overview(WELL))
        return desk.post(url, subject, body)

    desk.alerts = Alerts(
        lambda: desk.options, desk.store, desk.clock, str, "here", send=send, is_installed=lambda: True
    )
    desk.see(FAILED)
    desk.see(WELL, after=2 * MINUTE)
    assert desk.post.subjects == ["scrap-daily failed", "scrap-daily is well again"]


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_an_error_that_nobody_expected_is_a_trouble_and_not_the_end(desk: Desk) -> None:
    def send(url: str, subject: str, body: str) -> str | None:
        desk.post(url, subject, body)
        if desk.post.tries == 1:
            raise ZeroDivisionError
        return None

    desk.alerts = Alerts(
        lambda: desk.options, desk.store, desk.clock, str, "here", send=send, is_installed=lambda: True
    )
    desk.see(FAILED)
    assert "an error that apprise did not expect" in desk.alerts.troubles()[0].said
    desk.see(FAILED, after=5 * MINUTE)
    assert desk.alerts.troubles() == ()
    assert desk.post.tries == 2


# ---------------------------------------------------------------- the store


def test_a_lost_store_is_told_once_and_so_is_its_return(desk: Desk) -> None:
    desk.see(WELL)
    desk.store_is_lost = True
    lost = [trouble(Topic.STATE)]
    desk.see(WELL, troubles=lost)
    desk.see(WELL, troubles=lost)
    desk.store_is_lost = False
    desk.see(WELL, after=10 * MINUTE)
    assert desk.post.subjects == ["kpisync itself (state) needs somebody", "kpisync itself (state) is well again"]
    assert desk.kept() == {}


def test_what_was_told_without_a_store_is_kept_when_it_is_back(desk: Desk) -> None:
    desk.store_is_lost = True
    desk.see(FAILED)
    desk.store_is_lost = False
    desk.see(FAILED)
    assert desk.kept() == {("scrap-daily", "failed"): True, ("scrap-daily", "recovered"): True}
    desk.restart()
    desk.see(FAILED)
    assert desk.post.subjects == ["scrap-daily failed"]


def test_what_ended_without_a_store_does_not_come_back_with_it(desk: Desk) -> None:
    desk.see(FAILED)
    desk.store_is_lost = True
    desk.see(WELL, after=10 * MINUTE)
    desk.store_is_lost = False
    desk.see(WELL, after=10 * MINUTE)
    assert desk.post.subjects == ["scrap-daily failed", "scrap-daily is well again"]
    assert desk.kept() == {}


def test_the_store_is_written_only_when_something_changes(desk: Desk) -> None:
    desk.see(FAILED)
    stamp = desk.file.stat().st_mtime_ns
    desk.see(FAILED)
    assert desk.file.stat().st_mtime_ns == stamp


# ---------------------------------------------------------------- the configuration


def test_no_address_is_no_alert_and_leaves_nothing_behind(desk: Desk) -> None:
    desk.configure(urls=["", "  "])
    desk.see(FAILED)
    assert desk.post.tries == 0
    assert not desk.file.exists() or desk.kept() == {}


def test_an_address_that_stands_twice_is_told_once(desk: Desk) -> None:
    desk.configure(urls=["json://a", "json://a"])
    desk.see(FAILED)
    assert len(desk.post.sent) == 1


def test_a_broken_section_leaves_everything_as_it_is(desk: Desk) -> None:
    desk.see(FAILED)
    desk.options = None
    desk.see(WELL)
    desk.configure()
    desk.see(FAILED)
    assert desk.post.subjects == ["scrap-daily failed"]


def test_a_new_address_is_not_told_of_what_others_were_told(desk: Desk) -> None:
    desk.see(FAILED)
    desk.configure(urls=["json://new"])
    desk.see(FAILED)
    desk.see(WELL)
    assert desk.post.sent == [("json://a", "scrap-daily failed"), ("json://new", "scrap-daily is well again")]


def test_without_apprise_the_trouble_names_what_to_install(desk: Desk) -> None:
    alerts = Alerts(
        lambda: desk.options, desk.store, desk.clock, str, "here", send=desk.post, is_installed=lambda: False
    )
    alerts.look(overview(FAILED))
    (found,) = alerts.troubles()
    assert "pip install 'kpisync[alerts]'" in found.said
    desk.configure(urls=[])
    alerts.look(overview(FAILED))
    assert alerts.troubles() == ()


def test_secrets_are_struck_out_of_a_message(desk: Desk) -> None:
    desk.see(failed(error="login as u:hunter2 refused"))
    assert "u:***" in desk.post.bodies[0]
