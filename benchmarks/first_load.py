"""A first load over HTTP against a bare httpx.Client loop with as many threads, on the same sandbox.

`python -m benchmarks.first_load [RECORDS] [LATENCY_MS] [THREADS]`; prints requests a second of both, their ratio, and
the share of the time that went into the state store: as the clock has it, which counts waits for the interpreter while
other threads make requests, and of the processor alone.
"""

from __future__ import annotations

import base64
import json
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from itertools import islice
from pathlib import Path
from typing import Any

import httpx

from benchmarks.plant import catalog, mapper, write
from kpisync.destinations.valuestreamer.destination import SPEC as VALUESTREAMER
from kpisync.model import RunStatus
from kpisync.ports import Surroundings, SystemClock
from kpisync.sources.csv import SPEC as CSV
from kpisync.state.open import open_store
from kpisync.sync.job import Job, Tools, run
from kpisync.sync.options import Absent, GuardOptions
from kpisync.sync.report import Report

SERVER = "from kpisync.cli.main import main; main()"
VALUES_A_RECORD = 2.5


@contextmanager
def sandbox(latency: float) -> Iterator[str]:
    command = [sys.executable, "-c", SERVER, "sandbox", "--port", "0", "--json", "--latency", f"{latency:g}ms"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=tempfile.gettempdir()) as process:
        assert process.stdout is not None
        try:
            yield json.loads(process.stdout.readline())["valuestreamer"]
        finally:
            process.terminate()


def bare(url: str, file: Path, records: int, threads: int) -> float:
    """Requests a second of a loop that only sends the same records."""
    known = catalog()
    bodies: dict[str, list[dict[str, Any]]] = {}
    for line in islice(file.open(encoding="utf-8"), 1, None):
        team, kpi, kind, day, number = line.strip().split(",")
        one = known.kpis[f"kpi-{kpi[1:]}"]
        path = f"/exchange/kpi-data/{day}/{known.teams[f'team-{int(team[1:])}']}/{one.id}"
        name = {"A": "actual", "T": "target", "F": "forecast"}[kind]
        bodies.setdefault(path, []).append({"kpiValueId": one.values[name], "value": float(number)})
    headers = {
        "Content-Type": "application/vs.v2.0+json",
        "Authorization": "Basic " + base64.b64encode(b"sandbox:sandbox").decode(),
    }
    with httpx.Client(base_url=url, headers=headers, timeout=30) as client, ThreadPoolExecutor(threads) as pool:

        def put(item: tuple[str, list[dict[str, Any]]]) -> None:
            client.put(url + item[0], content=json.dumps({"values": item[1]})).raise_for_status()

        begun = time.perf_counter()
        for _ in pool.map(put, bodies.items(), chunksize=1):
            pass
        return len(bodies) / (time.perf_counter() - begun)


def timed(spent: Counter[str], call: Callable[..., Any]) -> Callable[..., Any]:
    def timing(*arguments: Any) -> Any:
        begun, busy = time.perf_counter(), time.thread_time()
        try:
            return call(*arguments)
        finally:
            spent["clock"] += time.perf_counter() - begun  # type: ignore[assignment]
            spent["processor"] += time.thread_time() - busy  # type: ignore[assignment]

    return timing


def kpisync(url: str, file: Path, folder: Path, threads: int) -> tuple[float, str, Counter[str], float]:
    """(requests a second, shares of the state store, requests by method, bytes of the store a value)."""
    clock, requests, spent = SystemClock(), Counter[str](), Counter[str]()
    options = VALUESTREAMER.options.model_validate(
        {"url": url, "username": "sandbox", "password": "sandbox", "concurrency": threads}
    )
    around = Surroundings(name="board", catalog=catalog(), requests=requests)
    source = CSV.build(CSV.options.model_validate({"path": str(file)}), Surroundings())
    database = folder / "state.db"
    with (
        closing(open_store(f"sqlite:///{database}", clock)) as store,
        closing(VALUESTREAMER.build(options, around)) as destination,
    ):
        for name in ("intend", "settle", "adopt", "keep_partitions", "forget_partitions"):
            setattr(store, name, timed(spent, getattr(store, name)))
        job = Job("bench", source, mapper(), destination, options, GuardOptions(), Absent.KEEP, frozenset(), "1")  # type: ignore[arg-type]
        report = Report("bench", store.begin_run("bench", "run", clock.now()), requests=requests)
        begun = time.perf_counter()
        run(job, Tools(store, clock), report)
        seconds = time.perf_counter() - begun
        store.finish_run(report.run or "", clock.now(), RunStatus.OK, 0, {})
    assert report.confirmed == report.values, (report.confirmed, report.values)
    return (
        sum(requests.values()) / seconds,
        f"{spent['clock'] / seconds:.0%} (processor {spent['processor'] / seconds:.0%})",
        requests,
        database.stat().st_size / report.values,
    )


def main(records: int = 20_000, latency: float = 0, threads: int = 4) -> None:
    with tempfile.TemporaryDirectory() as folder:
        file = write(Path(folder) / "rows.csv", int(records * VALUES_A_RECORD))
        with sandbox(latency) as url:
            floor = bare(url, file, records, threads)
        with sandbox(latency) as url:
            rate, share, requests, size = kpisync(url, file, Path(folder), threads)
    print(
        f"{records:,} records, {latency:g} ms, {threads} threads: bare httpx {floor:.0f}/s, kpisync {rate:.0f}/s"
        f" = {rate / floor:.0%}; state store {share} of the time, {size:.0f} bytes a value; {dict(requests)}"
    )


if __name__ == "__main__":
    main(*(int(argument) for argument in sys.argv[1:]))
