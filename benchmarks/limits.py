"""How near a run comes to a platform's limit of 200 requests a second, at 50 ms latency, and how many answers are 429.

`python -m benchmarks.limits [SECONDS]`; prints, for two kinds of limiters, a configured limit, one that a run has to
find out, and a bare httpx.Client loop with so many threads that looks at no answer. Shares are of SECONDS after the
first 5; those of a limit that has to be found out, after the first 30.
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, suppress
from dataclasses import dataclass, field
from pathlib import Path

import httpx

from benchmarks.plant import catalog, mapper, write
from kpisync.destinations.valuestreamer.destination import SPEC as VALUESTREAMER
from kpisync.errors import Exit, Interrupted
from kpisync.ports import Surroundings, SystemClock
from kpisync.sandbox.server import Sandbox
from kpisync.sandbox.settings import SandboxSettings
from kpisync.sources.csv import SPEC as CSV
from kpisync.state.open import open_store
from kpisync.sync.gate import Gate
from kpisync.sync.job import Job, Tools, run
from kpisync.sync.options import Absent, GuardOptions
from kpisync.sync.report import Report
from kpisync.sync.turns import Turns

LIMIT, LATENCY = 200, "50ms"
CONCURRENCY = 16
SETTLED, FOUND = 5.0, 30.0  # seconds before the share is measured
VALUES_A_RECORD = 2.5


@dataclass
class Watch:
    """Looks at the answers of the sandbox; asked often, it says when the time is over."""

    sandbox: Sandbox
    after: float
    seconds: float
    begun: float | None = None  # with the first answer
    looks: list[tuple[float, int, int]] = field(default_factory=list)  # time, good answers, answers 429

    def __call__(self) -> Exit | None:
        now = time.monotonic()
        if self.begun is None and self.sandbox.requests:
            self.begun = now
        if self.begun is not None and now - self.begun >= (self.after + self.seconds if self.looks else self.after):
            answers = Counter[bool]()
            for (_, status), count in self.sandbox.answers.items():
                answers[status == 429] += count
            self.looks.append((now, answers[False], answers[True]))
        return Exit.SIGTERM if len(self.looks) > 1 else None

    def __str__(self) -> str:
        (first, before, refused_before), (last, good, refused) = self.looks[0], self.looks[1]
        share = (good - before) / (last - first) / LIMIT
        late = (refused - refused_before) / max(1, good - before + refused - refused_before)
        return f"{share:6.1%} of the limit, {late:5.2%} answers 429 ({refused / (good + refused):.2%} from the start)"


def fixed(url: str, threads: int, stopped: Callable[[], Exit | None]) -> None:
    """A loop that writes one record after the other, whatever the answer."""
    known = catalog()
    kpi, team = known.kpis["kpi-0"], known.teams["team-0"]
    path = f"{url}/exchange/kpi-data/2026-11-20/{team}/{kpi.id}"
    body = f'{{"values": [{{"kpiValueId": "{kpi.values["actual"]}", "value": 1}}]}}'
    headers = {"Content-Type": "application/vs.v2.0+json"}

    with httpx.Client(auth=("sandbox", "sandbox"), headers=headers) as client, ThreadPoolExecutor(threads) as pool:

        def writing(_: int) -> None:
            while stopped() is None:
                client.put(path, content=body)

        list(pool.map(writing, range(threads)))


def kpisync(url: str, rate: str, folder: Path, records: int, stopped: Callable[[], Exit | None]) -> float | None:
    """A first load, until it is stopped; the rate that was found."""
    clock = SystemClock()
    login = {"url": url, "username": "sandbox", "password": "sandbox"}
    options = VALUESTREAMER.options.model_validate({**login, "concurrency": CONCURRENCY, "rate_limit": rate})
    source = CSV.build(
        CSV.options.model_validate({"path": str(write(folder / "rows.csv", int(records * VALUES_A_RECORD)))}),
        Surroundings(),
    )
    turns = Turns(options.rate_limit, clock)  # type: ignore[attr-defined]
    gate = Gate(clock, turns, CONCURRENCY)
    around = Surroundings(name="board", catalog=catalog(), wait_turn=gate.wait_turn)
    with (
        closing(open_store(f"sqlite:///{folder / 'state.db'}", clock)) as store,
        closing(VALUESTREAMER.build(options, around)) as destination,
    ):
        job = Job(
            "bench",
            source,
            mapper(),
            destination,
            options,  # type: ignore[arg-type]
            GuardOptions(),
            Absent.KEEP,
            frozenset(),
            gate=gate,
        )
        report = Report("bench", store.begin_run("bench", "run", clock.now()))
        with suppress(Interrupted):
            run(job, Tools(store, clock, stopped), report)
    return turns.found


def measured(limiter: str, rate: str | int, seconds: float) -> None:
    """`rate`: of a run; a number of threads: the bare loop."""
    settings = SandboxSettings.model_validate(
        {"rate_limit": f"{LIMIT}/s", "rate_limiter": limiter, "latency": LATENCY, "partial_sets": "merge-keep"}
    )
    with Sandbox(settings) as sandbox, tempfile.TemporaryDirectory() as folder:
        watch = Watch(sandbox, FOUND if rate == "none" else SETTLED, seconds)
        url = sandbox.platform_url("valuestreamer")
        title, found = f"bare loop, {rate} threads", None
        if isinstance(rate, int):
            fixed(url, rate, watch)
        else:
            records = int((watch.after + seconds) * LIMIT * 1.2)
            title = "unknown limit" if rate == "none" else f"configured {rate}"
            found = kpisync(url, rate, Path(folder), records, watch)
    print(f"{limiter:6}  {title:22} {watch}" + (f"; found {found:.1f}/s" if found else ""), flush=True)


def main(seconds: float = 60.0) -> None:
    for limiter in ("bucket", "window"):
        for rate in (f"{LIMIT}/s", "none", 8, 10, 16):
            measured(limiter, rate, seconds if isinstance(rate, str) else min(seconds, 20.0))


if __name__ == "__main__":
    main(*(float(argument) for argument in sys.argv[1:]))
