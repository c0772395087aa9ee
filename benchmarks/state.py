"""What the state store costs: time and bytes a value on SQLite, with every commit on disk (synchronous=EXTRA).

Beside each time stands what bare transactions of one row took on this disk meanwhile: a batch that is sent needs two,
one that is adopted needs one.
"""

from __future__ import annotations

import gc
import sqlite3
import sys
import tempfile
import time
import tracemalloc
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from statistics import mean, median

from kpisync.model import Intent, Known, RecordKey, Settled, Status, ValueKey
from kpisync.ports import SystemClock
from kpisync.state.open import open_readonly, open_store
from kpisync.state.runs import life
from kpisync.state.store import Store

FIRST_DAY = date(2020, 1, 1)
TEAMS, KPIS, KINDS = 50, 8, ("actual", "target", "forecast")
CLOCK = SystemClock()

Numbered = Sequence[tuple[int, ValueKey]]


def _id(text: str) -> str:
    return str(uuid.uuid5(uuid.NAMESPACE_OID, text))


def keys(count: int) -> Iterator[ValueKey]:
    """Grouped by day, as exports are: 1,200 values a day, three to a record."""
    series = [
        (_id(f"kpi {k}"), _id(f"team {t}"), _id(kind)) for t in range(TEAMS) for k in range(KPIS) for kind in KINDS
    ]
    for index in range(count):
        kpi, team, kind = series[index % len(series)]
        yield ValueKey(RecordKey("board", kpi, team, None, FIRST_DAY + timedelta(index // len(series))), kind)


def number(index: int) -> Decimal:
    return Decimal(index * 7919 % 100_000) / 10


def source(index: int) -> str:
    return f"exports/2026/scrap_11.csv:{index // 3 + 2}"


def send(store: Store, run: str, batch: Numbered) -> float:
    """Seconds to intend and settle."""
    intents = [Intent(key, None, number(index), source(index)) for index, key in batch]
    outcomes = [Settled(intent.key, Status.CONFIRMED, intent.new, "200") for intent in intents]
    begun = time.perf_counter()
    store.intend(run, intents, CLOCK.now())
    store.settle(run, outcomes)
    return time.perf_counter() - begun


def adopt(store: Store, run: str, batch: Numbered) -> float:
    values = {key: (number(index), source(index)) for index, key in batch}
    begun = time.perf_counter()
    store.adopt(run, values)
    return time.perf_counter() - begun


def load(file: Path, act: Callable[[Store, str, Numbered], float], count: int, size: int) -> tuple[list[float], float]:
    """Fill a new store in batches; returns the seconds of each, and those of a bare transaction on the same disk."""
    numbered = list(enumerate(keys(count)))
    bare = sqlite3.connect(file.with_suffix(".bare"), isolation_level=None)
    bare.executescript("PRAGMA synchronous = FULL; CREATE TABLE t (n); INSERT INTO t VALUES (0)")
    disk, seconds = [], []
    with closing(bare), closing(open_store(f"sqlite:///{file}", CLOCK)) as store:
        run = store.begin_run("bench", "run", CLOCK.now())
        for start in range(0, count, size):
            seconds.append(act(store, run, numbered[start : start + size]))
            if start // size % 8 == 0:
                begun = time.perf_counter()
                bare.execute("UPDATE t SET n = n + 1")
                disk.append(time.perf_counter() - begun)
    return seconds, mean(disk)


def show(what: str, file: Path, act: Callable[[Store, str, Numbered], float], count: int, size: int) -> None:
    seconds, disk = load(file, act, count, size)
    transactions = 2 if act is send else 1
    total, usual, floor = (1e6 * t / size for t in (mean(seconds), median(seconds), disk * transactions))
    print(
        f"{what}, {count:,} values in batches of {size}: {total:.1f} µs a value (median batch {usual:.1f}), "
        f"of it {floor:.1f} for {transactions} bare transactions",
        flush=True,
    )


def look(file: Path) -> None:
    with closing(open_readonly(f"sqlite:///{file}")) as store:

        def everything() -> Mapping[ValueKey, Known]:
            return store.known("board", date.min, date.max)

        everything()
        again = _seconds(everything)
        tracemalloc.start()
        known = everything()
        held, _ = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        print(f"known() a second time: {len(known):,} values in {again:.2f} s, {held / 1e6:.0f} MB")
        print(f"the life of one value among as many changes: {_seconds(lambda: life(store, next(keys(1)))):.3f} s")


def _seconds(work: Callable[[], object]) -> float:
    begun = time.perf_counter()
    work()
    return time.perf_counter() - begun


def size(file: Path) -> int:
    with closing(sqlite3.connect(file)) as connection:
        return int(
            connection.execute("SELECT page_count * page_size FROM pragma_page_count, pragma_page_size").fetchone()[0]
        )


def main(many: int = 1_000_000) -> None:
    gc.set_threshold(50_000, 20, 20)  # as the command does
    with tempfile.TemporaryDirectory() as folder:
        here = Path(folder)
        for batch in (64, 256, 500):
            file = here / f"sent-{batch}.db"
            show("intend + settle", file, send, 250_000, batch)
            print(f"  the file takes {size(file) / 250_000:.1f} bytes a value", flush=True)
        show("adopt", here / "adopted.db", adopt, many, 256)
        look(here / "adopted.db")


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
