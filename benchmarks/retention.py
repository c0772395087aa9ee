"""What forgetting costs: a store of many values and runs, of which most are old, with a run beside it that writes.

The store is filled by statements of its own, for to live through the years would take days. What counts is how long
one transaction keeps others from writing, and how long a run beside it waits.
"""

from __future__ import annotations

import json
import sqlite3
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import closing, contextmanager
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from statistics import median
from threading import Event, Thread
from unittest.mock import patch

from kpisync.ports import SystemClock
from kpisync.state import broom
from kpisync.state.open import open_store
from kpisync.state.retention import forget, would_forget
from kpisync.state.store import Store
from kpisync.state.ulid import new_ulid

TODAY = datetime(2026, 11, 20, tzinfo=UTC)
JOBS, SERIES, CHANGES_A_VALUE = 1_000, 2_000, 2
REPORT = json.dumps({"confirmed": 1, "rejected": 0, "requests": {"GET": 3, "PUT": 4}, "note": "x" * 300})


def fill(file: Path, values: int, runs: int) -> None:
    """Runs over two years; each value was changed twice, and one run in ten still stands behind values."""
    open_store(f"sqlite:///{file}", SystemClock()).close()
    first = TODAY - timedelta(days=730)
    step = timedelta(days=730) / runs
    began = [first + step * number for number in range(runs)]
    day = date(2026, 11, 20).toordinal()
    with closing(sqlite3.connect(file)) as db, db:
        db.execute("PRAGMA synchronous = OFF")
        db.executemany("INSERT INTO job (id, name) VALUES (?, ?)", [(n + 1, f"job-{n}") for n in range(JOBS)])
        db.executemany(
            "INSERT INTO run (id, ulid, job, kind, started, ended, status, exit_code, report, config_hash,"
            " changes_after, changes_upto) VALUES (?, ?, ?, 'run', ?, ?, 'ok', 0, ?, '', 0, ?)",
            (
                (n + 1, new_ulid(at), n % JOBS + 1, ms(at), ms(at), REPORT, values * CHANGES_A_VALUE)
                for n, at in enumerate(began)
            ),
        )
        db.executemany("INSERT INTO origin VALUES (?, ?, ?)", ((n + 1, f"f{n % JOBS}", f"h{n}") for n in range(runs)))
        db.executemany("INSERT INTO run_origin VALUES (?, ?)", ((n + 1, n + 1) for n in range(runs)))
        db.executemany(
            "INSERT INTO series VALUES (?, 'board', ?, 'team', '', 'actual')", ((n + 1, f"k{n}") for n in range(SERIES))
        )
        places = [(day - n // SERIES, n % SERIES + 1) for n in range(values)]
        owner = [max(1, runs - 10 * (n * runs // values // 10)) for n in range(values)]
        db.executemany(
            "INSERT INTO value (period, series, number, status, run, origin, place) VALUES (?, ?, '2', 0, ?, 1, '7')",
            ((*at, by) for at, by in zip(places, owner, strict=True)),
        )
        for number, of in (("1", lambda by: max(1, by - 1)), ("2", lambda by: by)):
            db.executemany(
                "INSERT INTO change (run, period, series, new, origin, place, status, intended_at)"
                f" VALUES (?, ?, ?, '{number}', 1, '7', 1, 0)",
                ((of(by), *at) for at, by in zip(places, owner, strict=True)),
            )
        db.execute("INSERT INTO binding VALUES ('board', 'board', 1)")
        db.execute("UPDATE job SET last_run = (SELECT max(run.id) FROM run WHERE run.job = job.id)")


def ms(instant: datetime) -> int:
    return int(instant.timestamp() * 1000)


@contextmanager
def a_run_beside_it(store: Store, waits: list[float]):  # type: ignore[no-untyped-def]
    """Writes as often as it can, and notes how long each write took."""
    ended = Event()

    def write() -> None:
        while not ended.wait(0.02):
            begun = time.perf_counter()
            store.keep_rate("board", time.time())
            waits.append(time.perf_counter() - begun)

    thread = Thread(target=write)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


def timed(transactions: list[float], writing: Callable[..., object]) -> Callable[..., object]:
    """`writing`, which notes how long each transaction held the store."""

    @contextmanager
    def noted(*arguments: object):  # type: ignore[no-untyped-def]
        with writing(*arguments) as connection:  # type: ignore[attr-defined]
            begun = time.perf_counter()
            yield connection
        transactions.append(time.perf_counter() - begun)

    return noted


def main(values: int = 1_000_000, runs: int = 150_000) -> None:
    clock, before = SystemClock(), TODAY - timedelta(days=400)
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "kpisync.db"
        fill(file, values, runs)
        url = f"sqlite:///{file}"
        print(f"{values:,} values, {runs:,} runs, {file.stat().st_size / 1e6:.0f} MB", flush=True)
        begun = time.perf_counter()
        print(f"what would go: {would_forget(url, before)}, counted in {time.perf_counter() - begun:.1f} s", flush=True)
        waits: list[float] = []
        with open_store(url, clock) as store, a_run_beside_it(store, waits):
            time.sleep(2)
        show("a write of a run, alone", waits)
        waits, held = [], list[float]()
        begun, processor = time.perf_counter(), time.process_time()
        noted = patch.object(broom, "writing", timed(held, broom.writing))
        with open_store(url, clock) as store, a_run_beside_it(store, waits), noted:
            done = forget(url, before, clock)
        took, worked = time.perf_counter() - begun, time.process_time() - processor
        print(f"forgotten: {done} in {took:.1f} s, of it {worked:.1f} s of work")
        show("a transaction that deletes", held)
        show("a write of a run meanwhile", waits)
        processor = time.process_time()
        forget(url, before, clock)
        print(f"again, with nothing left to forget: {time.process_time() - processor:.1f} s of work")


def show(what: str, seconds: list[float]) -> None:
    ordered = sorted(seconds)
    middle, late, last = median(ordered), ordered[int(len(ordered) * 0.95)], ordered[-1]
    print(f"{what}: {len(ordered):,} times, median {middle:.3f} s, 95 % {late:.3f} s, longest {last:.3f} s")


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
