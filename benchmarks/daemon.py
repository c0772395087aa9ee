"""The daemon with many jobs: start to ready, its idle share of a core, and its pages while jobs run.

`python -m benchmarks.daemon [JOBS] [BUSY] [REQUESTS] [IDLE_SECONDS] [STARTS]`; the limits are for 1,000 jobs of which
20 run. Every job has a week of values in the state store. The requests to the pages come one after the other, a third
of a second apart in the mean, as from twenty browsers that look every few seconds; the jobs write to a sandbox that
takes 50 ms to answer. Linux only.
"""

from __future__ import annotations

import http.client
import json
import os
import random
import re
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, timedelta
from pathlib import Path
from statistics import quantiles
from urllib.parse import urlsplit

from benchmarks.commands import COMMAND, TEAMS, shared
from benchmarks.first_load import sandbox

PAGES = ("/", "/board", "/metrics")
READY_LIMIT, IDLE_LIMIT, PAGE_LIMIT = 3.0, 0.01, 0.2  # seconds, of a core, seconds
LATENCY = "50ms"
SETTLING = 10  # seconds after a start, before it counts as idle
GAP = 1 / 3  # seconds between two requests, in the mean
WEEK, LONG = 7, 1000  # days of an export
SERVES = re.compile(r"kpisync serves on (http://\S+)")
FORM = re.compile(r'name="csrf"\s+value="([^"]+)"')
JOB = """\
jobs:
  job-{number}:
    schedule: "{minute} {hour} 1 1 *"
    source: {{type: csv, path: ../exports/{number}.csv}}
    map:
      date: {{column: day}}
      team: {{column: line, lookup: lines}}
      values: [{{kpi: kpi-{number}, value: actual, column: number}}]
    destination: board
    guard: {{max_changed: 100%}}
"""


def write(folder: Path, jobs: int, url: str) -> None:
    text = shared(jobs).replace(
        "https://board.example/api, username: api, password: secret",
        f"{url}, username: sandbox, password: sandbox, rate_limit: 2000/s",
    )
    (folder / "kpisync.yaml").write_text(text, encoding="utf-8")
    for name in ("jobs", "exports"):
        (folder / name).mkdir()
    for number in range(jobs):
        job = JOB.format(number=number, minute=number % 60, hour=number // 60 % 24)
        (folder / "jobs" / f"{number:04}.yaml").write_text(job, encoding="utf-8")
        export(folder, number, WEEK)


def export(folder: Path, number: int, days: int) -> None:
    yesterday = date.today() - timedelta(days=1)  # noqa: DTZ011 - the machine's own day will do
    rows = [f"{yesterday - timedelta(days=day)},L{number % TEAMS},{number + day}" for day in range(days)]
    (folder / "exports" / f"{number}.csv").write_text("\n".join(["day,line,number", *rows, ""]), encoding="utf-8")


def environment() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if not name.startswith("KPISYNC_")}


def run_all(folder: Path) -> None:
    done = subprocess.run(
        [COMMAND, "-c", str(folder), "run", "--json"], stdout=subprocess.PIPE, env=environment(), check=True
    )
    assert all(each["status"] == "ok" for each in json.loads(done.stdout)["runs"])


class Daemon:
    """A daemon that says it serves, and an only client of it."""

    def __init__(self, process: subprocess.Popen[str], begun: float) -> None:
        assert process.stdout is not None
        said = SERVES.search(process.stdout.readline())
        assert said, "it did not begin to serve; without a redirection of its log it says why"
        self.process = process
        self._host = urlsplit(said[1]).netloc
        self._client = http.client.HTTPConnection(self._host, timeout=60)
        self._cookie = ""
        while self.ask("/readyz")[0] != 200:
            pass
        self.start = time.perf_counter() - begun

    def ask(self, path: str, body: str | None = None) -> tuple[int, str]:
        headers = {"Cookie": self._cookie}
        if body is not None:
            headers |= {"Content-Type": "application/x-www-form-urlencoded", "Origin": f"http://{self._host}"}
        self._client.close()  # each browser has a connection of its own, and mostly not an open one
        self._client.request("GET" if body is None else "POST", path, body, headers)
        answer = self._client.getresponse()
        if cookie := answer.headers.get("Set-Cookie"):
            self._cookie = cookie.partition(";")[0]
        return answer.status, answer.read().decode()

    def press(self, job: str) -> None:
        found = FORM.search(self.ask(f"/jobs/{job}")[1])
        assert found
        status, _ = self.ask(f"/jobs/{job}/run", f"csrf={found[1]}")
        assert status == 303, status

    def gauge(self, name: str) -> int:
        found = re.search(rf"^{name} (\S+)$", self.ask("/metrics")[1], re.MULTILINE)
        return int(float(found[1])) if found else 0

    def processor(self) -> float:
        """Seconds of a core that it used until now."""
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def memory(self) -> float:
        """Of it in memory, in MB."""
        pages = int(Path(f"/proc/{self.process.pid}/statm").read_text().split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


@contextmanager
def serving(folder: Path) -> Iterator[Daemon]:
    command = [COMMAND, "-c", str(folder), "serve", "--port", "0"]
    begun = time.perf_counter()
    with (
        (folder / "log").open("a") as log,
        subprocess.Popen(command, stdout=subprocess.PIPE, stderr=log, text=True, env=environment()) as process,
    ):
        try:
            yield Daemon(process, begun)
        finally:
            process.terminate()


def starts(folder: Path, times: int) -> None:
    found = []
    for _ in range(times):
        with serving(folder) as daemon:
            found.append(daemon.start)
    show("start to ready, the slowest of as many", max(found), READY_LIMIT, f"{times}; {min(found):.2f} s the fastest")


def idle(daemon: Daemon, seconds: float) -> None:
    time.sleep(SETTLING)
    before, begun = daemon.processor(), time.perf_counter()
    time.sleep(seconds)
    share = (daemon.processor() - before) / (time.perf_counter() - begun)
    print(
        f"idle for {seconds:g} s: {share:.2%} of a core (limit {IDLE_LIMIT:.0%}), {daemon.memory():.0f} MB", flush=True
    )


def look(daemon: Daemon, requests: int) -> None:
    """Ask for the pages in turn, and print how long that took."""
    dice, taken = random.Random(1), {page: list[float]() for page in PAGES}
    sizes = dict[str, int]()
    busy = defaultdict[str, float](float)
    for _ in range(requests):
        for page, seconds in taken.items():
            time.sleep(dice.uniform(0, 2 * GAP))
            before, begun = daemon.processor(), time.perf_counter()
            status, text = daemon.ask(page)
            seconds.append(time.perf_counter() - begun)
            busy[page] += daemon.processor() - before
            sizes[page] = len(text)
            assert status == 200, (page, status)
    for page, seconds in taken.items():
        cuts = quantiles(seconds, n=20)
        show(
            f"{page} p95", cuts[18], PAGE_LIMIT, f"p50 {cuts[9]:.3f} s, max {max(seconds):.3f} s, {sizes[page]:,} bytes"
        )


def show(what: str, seconds: float, limit: float, beside: str) -> None:
    print(f"{what}: {seconds:.3f} s (limit {limit:g} s; {beside}){'' if seconds <= limit else '  MISSED'}", flush=True)


def main(jobs: int = 1000, busy: int = 20, requests: int = 200, idle_seconds: int = 60, times: int = 5) -> None:
    with tempfile.TemporaryDirectory() as name, sandbox(0) as url:
        folder = Path(name)
        write(folder, jobs, url)
        run_all(folder)
        starts(folder, times)
        with serving(folder) as daemon:
            idle(daemon, idle_seconds)
            print("nothing runs:")
            look(daemon, requests // 4)
            slow_down(url)
            for number in range(busy):
                export(folder, number, LONG)
                daemon.press(f"job-{number}")
            print(f"{daemon.gauge('kpisync_running')} run, {daemon.gauge('kpisync_queue')} wait:")
            before, begun = daemon.processor(), time.perf_counter()
            look(daemon, requests)
            share = (daemon.processor() - before) / (time.perf_counter() - begun)
            print(f"{daemon.gauge('kpisync_running')} run still; {share:.0%} of a core, {daemon.memory():.0f} MB")


def slow_down(url: str) -> None:
    switch = f"http://{urlsplit(url).netloc}/_sandbox/settings"
    body = json.dumps({"latency": LATENCY}).encode()
    urllib.request.urlopen(urllib.request.Request(switch, body, {"Content-Type": "application/json"})).close()


if __name__ == "__main__":
    main(*(int(argument) for argument in sys.argv[1:]))
