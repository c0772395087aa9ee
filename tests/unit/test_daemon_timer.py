"""Ticks come each second, whatever the clock does; when they do not, it can be seen."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta, tzinfo
from threading import Condition

import pytest
from structlog.testing import capture_logs

from kpisync.daemon import timer
from kpisync.daemon.timer import Timer
from kpisync.ports import SystemClock
from kpisync.testing.clock import FakeClock


class Ticks:
    """Counts them; `begin` is when the clock was set to another time."""

    def __init__(self) -> None:
        self.count = 0
        self.news = Condition()
        self.fails = False

    def __call__(self) -> None:
        with self.news:
            self.count += 1
            self.news.notify_all()
        if self.fails:
            raise ZeroDivisionError("s3cret/canary")

    def wait(self, more: int) -> None:
        with self.news:
            wanted = self.count + more
            assert self.news.wait_for(lambda: self.count >= wanted, 60)


@pytest.fixture
def ticks() -> Iterator[Ticks]:
    ticks = Ticks()
    running = Timer(SystemClock(), ticks)
    running.start()
    yield ticks
    running.stop()


class Set(datetime):
    """What an administrator has set two hours back."""

    @classmethod
    def now(cls, tz: tzinfo | None = None) -> Set:
        real = datetime.now(tz) - timedelta(hours=2)
        return cls.combine(real.date(), real.timetz())


def test_ticks_go_on_when_the_clock_is_set_back(ticks: Ticks, monkeypatch: pytest.MonkeyPatch) -> None:
    ticks.wait(1)
    monkeypatch.setattr("apscheduler.schedulers.base.datetime", Set)
    monkeypatch.setattr(timer, "datetime", Set)
    ticks.wait(2)


def test_a_tick_that_fails_is_no_beat_and_the_next_one_comes() -> None:
    with capture_logs() as events:
        clock, ticks = FakeClock(), Ticks()
        broken = Timer(clock, ticks)
        assert broken.beat is None
        broken.once()
        clock.sleep(5)
        ticks.fails = True
        broken.once()
        assert broken.beat == 5
        broken.once()
        said = str(events)
        assert said.count("a bug in kpisync: ZeroDivisionError in test_daemon_timer.py") == 1
        assert "canary" not in said
        ticks.fails = False
        broken.once()
        assert broken.beat == 0
