"""What the state store costs: time and bytes a value on SQLite, with every commit on disk (synchronous=FULL).

Beside each time stands what bare transactions of one row took on this disk meanwhile: a batch that is sent needs two,
one that is adopted needs one.
"""

from __future__ import annotations

import json
import resource
import sqlite3
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from statistics import mean, median

from kpisync.model import Intent, RecordKey, Settled, Status, ValueKey
from kpisync.state.open import open_readonly, open_store
from kpisync.state.runs import changes, life
from kpisync.state.store import Store
from kpisync.support.clock import SystemClock

FIRST_DAY = date(2020, 1, 1)
TEAMS, KPIS, KINDS = 50, 8, ("actual", "target", "forecast")
CLOCK = SystemClock()


def _id(text: str) -> str:
    return str(uuid.uuid5(uuid.NAMESPACE_OID, text))


def keys(count: int) -> Iterator[ValueKey]:
    """Grouped by day, as exports are: 1,200 values a day."""
    teams, kpis, kinds = ([_id(str(name)) for name in names] for names in (range(TEAMS), range(50, 50 + KPIS), KINDS))
    day = FIRST_DAY
    while True:
        for team in teams:
            for kpi in kpis:
                record = RecordKey("board", kpi, team, None, day)
                for kind in kinds:
                    if count == 0:
                        return
                    count -= 1
                    yield ValueKey(record, kind)
        day += timedelta(days=1)


def number(index: int) -> Decimal:
    return Decimal(index * 7919 % 100_000) / 10


def source(index: int) -> str:
    return f"exports/2026/scrap_11.csv:{index // 3 + 2}"


class Bench:
    """A new store, and a stopwatch that also asks the disk."""

    def __init__(self, folder: Path, name: str) -> None:
        self.file = folder / f"{name}.db"
        self.store = open_store(f"sqlite:///{self.file}", CLOCK)
        self.run = self.store.begin_run("bench", "run", CLOCK.now())
        self.bare = sqlite3.connect(folder / f"{name}-bare.db", isolation_level=None)
        self.bare.executescript("PRAGMA synchronous = FULL; CREATE TABLE t (n); INSERT INTO t VALUES (0)")
        self.times: list[float] = []
        self.disk: list[float] = []

    def batches(self, act: Callable[[Sequence[tuple[int, ValueKey]]], None], count: int, size: int) -> None:
        numbered = list(enumerate(keys(count)))
        act(numbered[:size])  # names are numbered, files are opened
        for begin in range(size, count, size):
            batch = numbered[begin : begin + size]
            self.times.append(_timed(lambda batch=batch: act(batch)) / len(batch))  # type: ignore[misc]
            if begin // size % 8 == 0:
                self.disk.append(_timed(lambda: self.bare.execute("UPDATE t SET n = n + 1")))

    def send(self, batch: Sequence[tuple[int, ValueKey]]) -> None:
        intents = [Intent(key, None, number(index), source(index)) for index, key in batch]
        outcomes = [Settled(intent.key, Status.CONFIRMED, intent.new, "200") for intent in intents]
        self.times.append(_timed(lambda: self.store.intend(self.run, intents, CLOCK.now())))
        self.store.settle(self.run, outcomes)

    def bytes(self) -> int:
        with self.store.reading() as connection:
            pages, size = (
                connection.exec_driver_sql(f"PRAGMA {name}").scalar_one() for name in ("page_count", "page_size")
            )
        return int(pages * size)
