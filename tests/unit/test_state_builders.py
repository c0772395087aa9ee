"""Builders for the tests of the state store, so that a test names only what matters to it."""

from __future__ import annotations

import subprocess
import sys
import textwrap
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path

from kpisync.model import Intent, RecordKey, Settled, Status, ValueKey
from kpisync.state.open import open_store
from kpisync.state.store import Store

START = datetime(2026, 11, 20, 6, 15, tzinfo=UTC)
SETTLES = START + timedelta(seconds=120)
DAY = date(2026, 11, 20)
EVER = (date.min, date.max)


class SteppingClock:
    """Each look is a second later."""

    def __init__(self) -> None:
        self._now = START

    def now(self) -> datetime:
        self._now += timedelta(seconds=1)
        return self._now

    def monotonic(self) -> float:
        return self._now.timestamp()

    def sleep(self, seconds: float) -> None:
        self._now += timedelta(seconds=seconds)


def url_of(file: Path) -> str:
    return f"sqlite:///{file}"


@contextmanager
def opened(file: Path | None = None) -> Iterator[Store]:
    with open_store("sqlite://" if file is None else url_of(file), SteppingClock()) as store:
        yield store


def key(
    period: date = DAY,
    *,
    team: str | None = "line-1",
    value: str = "actual",
    destination: str = "board",
    sub_tile: str | None = None,
) -> ValueKey:
    return ValueKey(RecordKey(destination, "scrap", team, sub_tile, period), value)


def intent(
    of: ValueKey | None = None, new: str | None = "190", old: str | None = None, source: str = "exports/a.csv:14"
) -> Intent:
    return Intent(of or key(), old and Decimal(old), new and Decimal(new), source)


def outcome(
    of: ValueKey | None = None, status: Status = Status.CONFIRMED, number: str | None = "190", answer: str = ""
) -> Settled:
    return Settled(of or key(), status, number and Decimal(number), answer)


def begin(store: Store, job: str = "scrap-daily", kind: str = "run") -> str:
    return store.begin_run(job, kind, START)


def sent(store: Store, of: ValueKey | None = None, number: str = "190", job: str = "scrap-daily") -> str:
    """A run that sent and confirmed one number."""
    run = begin(store, job)
    store.intend(run, [intent(of, number)], SETTLES)
    store.settle(run, [outcome(of, number=number)])
    return run


def python(code: str, *arguments: object) -> subprocess.Popen[str]:
    """Another process with `sys.argv[1:]`; talk to it through its pipes, and use it in a `with`."""
    command = [sys.executable, "-c", textwrap.dedent(code), *map(str, arguments)]
    return subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=Path(__file__).parent, text=True
    )
