"""Pictures for the pages, made by builders: a small plant with some of everything, served by a real server."""

from __future__ import annotations

import http.client
import socket
import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

import uvicorn
from pydantic import SecretStr

from kpisync.config.schema import ServeOptions
from kpisync.errors import ConfigError, KpisyncError
from kpisync.model import Interval
from kpisync.sync.gate import GateState
from kpisync.testing.clock import NOON, FakeClock
from kpisync.watch.model import (
    Complete,
    DestinationHealth,
    Field,
    Freshness,
    Grid,
    GridRow,
    JobHealth,
    LastRun,
    Mark,
    Overview,
    Point,
    RejectRow,
    RunPage,
    Topic,
    Trouble,
    ValuePage,
    Word,
)
from kpisync.watch.ports import Readiness
from kpisync.web.app import build_app

FRIDAY = date(2026, 11, 20)
TOKEN = "correct horse battery staple"
RUN = "20261120T051500-scrap-7f3a"
PATH = "board/scrap/line-1/actual/2026-11-19"


def last_run(status: str | None = "ok", **others: Any) -> LastRun:
    began = NOON - timedelta(hours=6)
    ended = None if status is None else began + timedelta(seconds=12)
    run = LastRun(RUN, "run", began, ended, status, 0 if status else None, 24, 310, 0, 0, 0, None, None)
    return replace(run, **others)


def health(job: str, word: Word = Word.OK, **others: Any) -> JobHealth:
    known = JobHealth(
        job=job,
        word=word,
        destination="board",
        schedule="15 6 * * 1-5 Europe/Berlin",
        next_due=NOON + timedelta(hours=18),
        running_since=None,
        queued=False,
        last_run=last_run(),
        confirmed_at=NOON - timedelta(hours=6),
        rejected=0,
        in_doubt=0,
        missing=0,
        trouble=None,
    )
    return replace(known, **others)


def trouble(said: str = "jobs/scrap.yaml:4:3: colum is not known", **others: Any) -> Trouble:
    return replace(Trouble(Topic.CONFIG, said, NOON - timedelta(minutes=9)), **others)


def run_json(run: str = RUN, job: str = "scrap-daily", **others: Any) -> dict[str, Any]:
    """One entry of `kpisync history --json`."""
    counts = dict.fromkeys(("unchanged", "withdrawn", "sent", "in_doubt", "conflicts", "undone"), 0)
    return {
        "run": run,
        "job": job,
        "kind": "run",
        "status": "partial",
        "from": None,
        "to": None,
        "rows": 26,
        "values": 24,
        "created": 1,
        "updated": 1,
        "confirmed": 2,
        "rejected": 1,
        **counts,
        "requests": {"GET": 2, "PUT": 1},
        "rejects": [],
        "conflicting": [],
        "doubtful": [],
        "waiting": 0,
        "skipped": None,
        "notes": ["1 row has no team"],
        "reading": [],
        "held": None,
        "error": None,
        "started": "2026-11-20T05:15:00+00:00",
        "ended": "2026-11-20T05:15:12+00:00",
        "exit_code": 1,
        "origins": {"inbox/scrap.csv": "sha256:9f2c"},
        **others,
    }


def change_json(path: str = PATH, **others: Any) -> dict[str, Any]:
    """One change as `kpisync history RUN --json` and `explain --json` show it."""
    return {
        "path": path,
        "old": Decimal("11.5"),
        "new": Decimal("12.50"),
        "status": "confirmed",
        "source": "inbox/scrap.csv:12:Ausschuss",
        "digest": "sha256:9f2c",
        "run": RUN,
        "job": "scrap-daily",
        "intended_at": "2026-11-20T05:15:03+00:00",
        "settled_at": "2026-11-20T05:15:04+00:00",
        "answer": "200",
        "found": Decimal("12.50"),
        **others,
    }


def reject(job: str = "scrap-daily", **others: Any) -> RejectRow:
    row = RejectRow(
        job=job,
        run=RUN,
        source="inbox/scrap.csv:14:Ausschuss",
        code="not_a_number",
        reason="'n/a' is not a number",
        path=None,
        number=None,
        since=NOON - timedelta(days=2),
        runs=3,
        retried=True,
    )
    return replace(row, **others)


def life(path: str = PATH, **others: Any) -> dict[str, Any]:
    return {
        "path": path,
        "ids": {"kpi": "b1", "team": "c7", "sub_tile": None, "value": "a9"},
        "known": {
            "number": Decimal("12.50"),
            "status": "confirmed",
            "job": "scrap-daily",
            "run": RUN,
            "source": "inbox/scrap.csv:12:Ausschuss",
        },
        "transformation": [{"value": "actual", "column": "Ausschuss", "aggregate": "sum"}],
        "changes": [change_json(path)],
        **others,
    }


def grid(rows: int = 3, periods: int = 14, until: date = FRIDAY, kpi: str = "scrap") -> Grid:
    days = [until - timedelta(days=back) for back in reversed(range(periods))]
    marks = list(Mark)

    def fields(row: int) -> tuple[Field, ...]:
        return tuple(
            Field(mark, ((f"board/{kpi}/line-{row}/actual/{day}", Decimal("12.5"), mark),))
            for day, mark in ((day, marks[(place + row) % len(marks)]) for place, day in enumerate(days))
        )

    found = tuple(GridRow(kpi, f"line-{row}", None, ("scrap-daily",), fields(row)) for row in range(1, rows + 1))
    return Grid("board", Interval.DAY, tuple((day, day.isoformat()) for day in days), found)


def point(back: int, number: str = "12.5", **others: Any) -> Point:
    day = FRIDAY - timedelta(days=back)
    path = f"board/scrap/line-1/actual/{day}"
    known = Point(day, day.isoformat(), Decimal(number), Mark.CONFIRMED, path, "inbox/scrap.csv:12", RUN, "scrap-daily")
    return replace(known, **others)


def destination(name: str = "board", **others: Any) -> DestinationHealth:
    gate = GateState(2, False, 0.0, None, None, 20.0)
    known = DestinationHealth(
        name=name,
        type="valuestreamer",
        address="https://plant.example/api",
        rate_limit=None,
        rate_found=20.0,
        concurrency=16,
        gate=gate,
        jobs=2,
        in_doubt=1,
        rejected=1,
    )
    return replace(known, **others)


def _jobs() -> tuple[JobHealth, ...]:
    return (
        health("energy-weekly"),
        health("scrap-daily", Word.PARTIAL, rejected=1, trouble="1 value is rejected", last_run=last_run("partial")),
        health("oee-daily", Word.HELD, trouble="41 of 42 values would change, the guard allows 30 %"),
        health("okr-monthly", Word.NEVER, last_run=None, confirmed_at=None, next_due=None, destination=None),
    )


def _answers() -> tuple[Complete, ...]:
    return (Complete("board", FRIDAY, 3, 1, 1, 24), Complete("okr", FRIDAY, 0, 0, 0, 8))


def _freshness() -> tuple[Freshness, ...]:
    return (
        Freshness("board", "scrap", Interval.DAY, FRIDAY - timedelta(days=1), FRIDAY, 3, 12),
        Freshness("okr", "revenue", Interval.MONTH, date(2026, 10, 1), date(2026, 10, 1), 0, 8),
    )


def of_job(grids: Iterable[Grid], job: str | None) -> tuple[Grid, ...]:
    """The rows of a job; None: all."""
    own = (replace(grid, rows=tuple(row for row in grid.rows if job in (None, *row.jobs))) for grid in grids)
    return tuple(grid for grid in own if grid.rows or job is None)


@dataclass
class PlantViews:
    """Implements `watch.ports.Views`. Set `broken` to have the store fail, or any picture to have it shown."""

    jobs: tuple[JobHealth, ...] = field(default_factory=_jobs)
    answers: tuple[Complete, ...] = field(default_factory=_answers)
    freshness: tuple[Freshness, ...] = field(default_factory=_freshness)
    troubles: tuple[Trouble, ...] = ()
    grids: tuple[Grid, ...] | None = None
    all_runs: list[dict[str, Any]] = field(default_factory=lambda: [run_json()])
    run_page: RunPage | None = None
    value_page: ValuePage | None = None
    all_rejects: tuple[RejectRow, ...] = field(default_factory=lambda: (reject(),))
    all_destinations: tuple[DestinationHealth, ...] = field(
        default_factory=lambda: (destination(), destination("okr", type="quantive", gate=None, rate_found=None))
    )
    now: datetime = NOON
    looks: bool = True  # the scheduler
    broken: Exception | None = None

    def alive(self) -> bool:
        return self.looks

    def readiness(self) -> Readiness:
        found = self.troubles
        if isinstance(self.broken, KpisyncError):
            found = (*found, Trouble(Topic.STATE, str(self.broken), NOON, stops=True))
        return Readiness(not any(each.stops for each in found), found)

    def timezone(self) -> ZoneInfo:
        self._raise()
        return ZoneInfo("Europe/Berlin")

    def overview(self) -> Overview:
        self._raise()
        began = self.now - timedelta(days=3)
        return Overview(self.now, self.jobs, self.answers, self.freshness, self.troubles, began, 0.4)

    def board(
        self, destination: str | None = None, until: date | None = None, periods: int = 14, job: str | None = None
    ) -> tuple[Grid, ...]:
        self._raise()
        grids = (grid(periods=periods, until=until or FRIDAY),) if self.grids is None else self.grids
        return of_job((each for each in grids if destination in (None, each.destination)), job)

    def runs(self, job: str | None = None, limit: int = 50, before: str | None = None) -> Sequence[Mapping[str, Any]]:
        self._raise()
        names = [run["run"] for run in self.all_runs]
        if before is not None and before not in names:
            raise ConfigError(f"there is no run {before}")
        older = self.all_runs[names.index(before) + 1 :] if before is not None else self.all_runs
        return [run for run in older if job in (None, run["job"])][:limit]

    def run(self, run_id: str) -> RunPage:
        self._raise()
        if self.run_page is not None:
            return self.run_page
        if run_id != RUN:
            raise ConfigError(f"there is no run {run_id}", hint="`kpisync history` lists them")
        rejects = ({"source": "inbox/scrap.csv:14", "code": "not_a_number", "reason": "'n/a' is not a number"},)
        return RunPage(run_json(), (change_json(), change_json(old=None)), rejects, 2, 1)

    def value(self, path: str) -> ValuePage:
        self._raise()
        if self.value_page is not None:
            return self.value_page
        if path != PATH:
            raise ConfigError(f"{path} names no value", hint="Write destination/kpi/team/value/period")
        return ValuePage(path, life(), tuple(point(back, f"{12 + back % 5}.5") for back in reversed(range(1, 15))))

    def rejects(self, job: str | None = None) -> tuple[RejectRow, ...]:
        self._raise()
        return tuple(row for row in self.all_rejects if job in (None, row.job))

    def destinations(self) -> tuple[DestinationHealth, ...]:
        self._raise()
        return self.all_destinations

    def metrics(self) -> bytes:
        return b"# TYPE kpisync_in_doubt gauge\nkpisync_in_doubt 1.0\n"

    def _raise(self) -> None:
        if self.broken is not None:
            raise self.broken


@dataclass
class Deeds:
    """Implements `watch.ports.Actions`: `done` is what was asked for."""

    known: tuple[str, ...] = ("scrap-daily", "oee-daily", "a/b c?#%")
    done: list[tuple[str, ...]] = field(default_factory=list)

    def run_now(self, job: str) -> None:
        self._note("run", job)

    def retry(self, job: str) -> None:
        self._note("retry", job)

    def reload(self) -> None:
        self.done.append(("reload",))

    def _note(self, deed: str, job: str) -> None:
        if job not in self.known:
            raise ConfigError(f"{job} is not a job")
        self.done.append((deed, job))


@dataclass(frozen=True)
class Answer:
    """What came back. `header` names are in lower case."""

    status: int
    header: Mapping[str, str]
    cookies: tuple[str, ...]
    body: bytes

    @property
    def text(self) -> str:
        return self.body.decode()


@dataclass
class Page:
    """A page being served. `clock` stands still; `pauses` are the waits that somebody was given, and did not take."""

    views: PlantViews
    deeds: Deeds
    clock: FakeClock
    pauses: list[float]
    port: int
    cookies: dict[str, str] = field(default_factory=dict)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def renewed(self) -> Page:
        """As if it were served for the first time, to a browser without cookies, two minutes later."""
        for kept in (self.deeds.done, self.pauses, self.cookies, vars(self.views)):
            kept.clear()
        vars(self.views).update(vars(PlantViews()))
        self.clock.sleep(120)
        return self

    def ask(
        self,
        method: str,
        path: str,
        headers: Mapping[str, str] | None = None,
        body: bytes | None = None,
        cookies: Mapping[str, str] | None = None,
    ) -> Answer:
        """One request as it is given, over a connection of its own; the cookies of a browser only if they are named."""
        line = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        sent = {"Accept": "text/html", **(headers or {})}
        if cookies:
            sent["Cookie"] = "; ".join(f"{name}={value}" for name, value in cookies.items())
        try:
            line.request(method, path, body, sent)
            answer = line.getresponse()
            told = answer.getheaders()
            kept = tuple(value for name, value in told if name.lower() == "set-cookie")
            return Answer(answer.status, {name.lower(): value for name, value in told}, kept, answer.read())
        finally:
            line.close()

    def get(self, path: str, **headers: str) -> Answer:
        """As a browser does, which keeps cookies."""
        return self._keep(self.ask("GET", path, headers, cookies=self.cookies))

    def post(self, path: str, fields: Mapping[str, str], **headers: str) -> Answer:
        sent = {"Content-Type": "application/x-www-form-urlencoded", "Origin": self.url, **headers}
        return self._keep(self.ask("POST", path, sent, urlencode(fields).encode(), self.cookies))

    def csrf(self, path: str = "/") -> str:
        """What the forms of a page bring along."""
        return self.get(path).text.split('name="csrf" value="', 1)[1].split('"', 1)[0]

    def log_in(self, token: str, **fields: str) -> Answer:
        return self.post("/login", {"csrf": self.csrf("/login"), "token": token, **fields})

    def _keep(self, answer: Answer) -> Answer:
        for cookie in answer.cookies:
            name, _, value = cookie.partition(";")[0].partition("=")
            self.cookies[name] = value.strip('"')
            if "Max-Age=0" in cookie:
                del self.cookies[name]
        return answer


@contextmanager
def served(
    views: PlantViews | None = None, token: str | None = None, host: str = "127.0.0.1", secret: str = "hunter2"
) -> Iterator[Page]:
    """The pages on a free port of this machine. `host` is what the configuration says; `secret` is struck out."""
    shown, deeds, clock, pauses = views or PlantViews(), Deeds(), FakeClock(), list[float]()
    serve = ServeOptions(host=host, port=0, token=SecretStr(token) if token else None)

    async def pause(seconds: float) -> None:
        pauses.append(seconds)

    app = build_app(shown, deeds, serve, lambda text: text.replace(secret, "***"), clock, pause)
    config = uvicorn.Config(app, host="127.0.0.1", port=0, log_level="critical", lifespan="off", ws="none")
    server = uvicorn.Server(config)
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)  # else uvicorn waits for acks
    listener.bind(("127.0.0.1", 0))
    listener.listen()
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
    thread.start()
    try:
        yield Page(shown, deeds, clock, pauses, listener.getsockname()[1])
    finally:
        server.should_exit = True
        thread.join(30)
        listener.close()
