"""Nothing changed, and one per cent changed, against the floor: a bare csv.reader with dict look-ups.

Prints seconds, ratios and peak memory; every figure in a process of its own, so that peaks do not mix.
"""

from __future__ import annotations

import csv
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Collection, Mapping
from contextlib import closing
from pathlib import Path

from benchmarks.plant import LOOKUPS, ROWS_A_DAY, mapper, write
from kpisync.model import Change, RecordKey, Reply, ReplyKind, RunStatus, Values
from kpisync.ports import DestinationOptions, Surroundings, SystemClock, Window
from kpisync.sources.csv import SPEC
from kpisync.state.open import open_store
from kpisync.sync.job import Job, Tools, run
from kpisync.sync.options import Absent, GuardOptions
from kpisync.sync.report import Report

OPTIONS = DestinationOptions(read_before="never", confirm="reply", concurrency=4)  # type: ignore[arg-type]


class AtOnce:
    """A destination that accepts everything at once and shows what it took."""

    def __init__(self) -> None:
        self.writes = 0

    def windows(self, keys: Collection[RecordKey]) -> list[Window]:
        by_month: dict[tuple[str, int, int], list[RecordKey]] = {}
        for key in keys:
            by_month.setdefault((key.kpi, key.period.year, key.period.month), []).append(key)
        return [
            Window(kpi, min(k.period for k in ks), max(k.period for k in ks), frozenset(ks))
            for (kpi, _, _), ks in by_month.items()
        ]

    def read(self, window: Window) -> Mapping[RecordKey, Values]:
        raise AssertionError("nothing is read before a write here")

    def write(self, change: Change) -> Reply:
        self.writes += 1
        return Reply(ReplyKind.ACCEPTED, 200, values=change.new)

    def close(self) -> None:
        pass


def kpisync(file: Path, state: Path) -> tuple[Report, float]:
    """A run, and the seconds that its sending took: intents, requests and outcomes."""
    clock = SystemClock()
    source = SPEC.build(SPEC.options.model_validate({"path": str(file)}), Surroundings())
    job = Job(
        "bench", source, mapper(), AtOnce(), OPTIONS, GuardOptions(max_changed=None), Absent.KEEP, frozenset(), "1"
    )
    with closing(open_store(f"sqlite:///{state}", clock)) as store:
        report = Report("bench", store.begin_run("bench", "run", clock.now()))
        seconds = [0.0]

        def told(stage: str, done: int, total: int | None) -> None:
            seconds[0] = seconds[0] or (time.perf_counter() if stage == "sending" else 0.0)

        run(job, Tools(store, clock, progress=told), report)
        ended = time.perf_counter()
        store.finish_run(report.run or "", clock.now(), RunStatus.OK, 0, {})
    return report, ended - seconds[0] if seconds[0] else 0.0


def floor(file: Path) -> int:
    teams, kpis, kinds = (LOOKUPS[name] for name in ("teams", "kpis", "kinds"))
    count = 0
    with file.open(newline="", encoding="utf-8") as lines:
        reader = csv.reader(lines)
        next(reader)
        for team, kpi, kind, _day, _number in reader:
            count += bool(teams[team] and kpis[kpi] and kinds[kind])
    return count


def measured(what: str, file: str, state: str) -> dict[str, float]:
    """In a process of its own: seconds of the work alone, and peak memory."""
    code = f"from benchmarks.unchanged import child; child({what!r}, {file!r}, {state!r})"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return dict(json.loads(done.stdout.splitlines()[-1]))


def child(what: str, file: str, state: str) -> None:
    import gc

    gc.set_threshold(50_000, 20, 20)  # as the command does
    sending = 0.0
    begun = time.perf_counter()
    if what == "floor":
        count, writes = floor(Path(file)), 0
    else:
        report, sending = kpisync(Path(file), Path(state))
        count, writes = report.rows, report.created + report.updated
    seconds = time.perf_counter() - begun
    peak = peak_of_this_process()
    print(json.dumps({"seconds": seconds, "rows": count, "sent": writes, "sending": sending, "peak_mb": peak / 1024}))


def peak_of_this_process() -> int:
    """In KiB. `ru_maxrss` would count what the parent held when it forked."""
    status = Path("/proc/self/status").read_text(encoding="ascii")
    return int(next(line for line in status.splitlines() if line.startswith("VmHWM")).split()[1])


def best(what: str, file: Path, state: Path, times: int = 3) -> dict[str, float]:
    return min((measured(what, str(file), str(state)) for _ in range(times)), key=lambda one: one["seconds"])


def main(counts: Collection[int] = (1_000_000, 5_000_000)) -> None:
    peaks = []
    with tempfile.TemporaryDirectory() as folder:
        here = Path(folder)
        for count in counts:
            for shuffled in (False, True) if count == min(counts) else (False,):
                peaks.append(show(here, count, shuffled))
    if len(peaks) > 2:
        print(f"peak memory, {min(counts):,} to {max(counts):,} rows: {peaks[-1] / peaks[0] - 1:+.0%}")


def show(here: Path, count: int, shuffled: bool) -> float:
    """Print one table's figures; returns the peak of a run over the same rows in another file, in MB."""
    file, state = write(here / "rows.csv", count, shuffled=shuffled), here / f"{count}-{shuffled}.db"
    load = measured("kpisync", str(file), str(state))
    bare = best("floor", file, state)
    print(
        f"{count:,} rows {'in any order' if shuffled else 'grouped by day'}: first load {load['seconds']:.1f} s;"
        f" the floor is {bare['seconds']:.2f} s"
    )
    same = best("kpisync", file, state)
    other = touched(file, state)
    for what, one in {"the same file": same, "the same rows in another file": other}.items():
        assert one["sent"] == 0
        print(
            f"  {what}: {one['seconds']:.2f} s = {one['seconds'] / bare['seconds']:.2f} x the floor,"
            f" peak {one['peak_mb']:.0f} MB",
            flush=True,
        )
    if count <= 1_000_000:
        write(file, count, shuffled=shuffled, changed_days=count // ROWS_A_DAY // 100)
        one = measured("kpisync", str(file), str(state))
        beside = one["seconds"] - one["sending"]
        print(
            f"  1 % of its days changed: {one['seconds']:.2f} s, of it {one['sending']:.2f} s to send"
            f" {one['sent']:.0f} values; the rest is {beside / bare['seconds']:.2f} x the floor,"
            f" {beside / other['seconds']:.2f} x the same rows in another file",
            flush=True,
        )
    return other["peak_mb"]


def touched(file: Path, state: Path) -> dict[str, float]:
    """A run after the file grew by a blank line, and a second time: the store knows the file after each."""
    runs = []
    for _ in range(3):
        with file.open("a", encoding="utf-8") as more:
            more.write("\n")
        runs.append(measured("kpisync", str(file), str(state)))
    return min(runs, key=lambda one: one["seconds"])


if __name__ == "__main__":
    main(tuple(int(argument) for argument in sys.argv[1:]) or (1_000_000, 5_000_000))
