"""A plant at half past six on a Friday in November, as the pages are shown it: two boards, eight jobs, some trouble."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from kpisync.errors import ConfigError
from kpisync.model import Interval
from kpisync.sync.gate import GateState
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

NOW = datetime(2026, 11, 20, 5, 30, tzinfo=UTC)  # 06:30 at the plant
TODAY, YESTERDAY = date(2026, 11, 20), date(2026, 11, 19)
KPIS = ("accidents", "delivery on time", "downtime", "oee", "output", "scrap")
TEAMS = ("line-1", "line-2", "line-3", "assembly")
RUN = "01JD3M5QX8T2V7B4N6P9R1S0WY"
HELD_RUN = "01JD3M5QX8T2V7B4N6P9R1S0HD"


def last_run(**changed: Any) -> LastRun:
    given: dict[str, Any] = {
        "id": RUN,
        "kind": "run",
        "started": NOW - timedelta(minutes=15),
        "ended": NOW - timedelta(minutes=14),
        "status": "ok",
        "exit_code": 0,
        "confirmed": 12,
        "unchanged": 236,
        "rejected": 0,
        "in_doubt": 0,
        "conflicts": 0,
        "held": None,
        "error": None,
    }
    return LastRun(**(given | changed))


def job(name: str, word: Word = Word.OK, **changed: Any) -> JobHealth:
    given: dict[str, Any] = {
        "job": name,
        "word": word,
        "destination": "board",
        "schedule": "15 6 * * 1-5 Europe/Berlin",
        "next_due": datetime(2026, 11, 23, 5, 15, tzinfo=UTC),
        "running_since": None,
        "queued": False,
        "last_run": last_run(),
        "confirmed_at": NOW - timedelta(minutes=14),
        "rejected": 0,
        "in_doubt": 0,
        "missing": 0,
        "trouble": None,
    }
    return JobHealth(**(given | changed))


JOBS = (
    job(
        "energy-monthly",
        Word.HELD,
        last_run=last_run(id=HELD_RUN, status="held", exit_code=3, confirmed=0),
        confirmed_at=NOW - timedelta(days=18),
        trouble="214 of 480 known values would change (45 %), and the guard allows 30 %. Nothing was sent.",
    ),
    job(
        "scrap-daily",
        Word.PARTIAL,
        last_run=last_run(status="partial", exit_code=1, rejected=2),
        rejected=2,
        missing=1,
        trouble="2 values are rejected: L9 is not in lookup lines; did you mean L2?",
    ),
    job("downtime-daily", Word.LATE, missing=2, trouble="Of 2026-11-19, downtime of line-2 and line-3 is missing."),
    job("accidents-daily"),
    job("delivery-daily"),
    job("oee-hourly", schedule="5 * * * *  Europe/Berlin", running_since=NOW - timedelta(seconds=75)),
    job("output-daily", queued=True),
    job("scrap-weekly-okr", destination="okr", schedule="0 7 * * 1 Europe/Berlin"),
    job("old-cost-list", Word.OFF, schedule=None, next_due=None, last_run=None, confirmed_at=None),
)

_GAPS = {
    ("downtime", "line-2", YESTERDAY): Mark.MISSING,
    ("downtime", "line-3", YESTERDAY): Mark.MISSING,
    ("scrap", "line-3", YESTERDAY): Mark.MISSING,
    ("scrap", "line-2", YESTERDAY): Mark.REJECTED,
    ("scrap", "line-2", date(2026, 11, 18)): Mark.REJECTED,
    ("oee", "line-1", YESTERDAY): Mark.IN_DOUBT,
    ("output", "assembly", YESTERDAY): Mark.SENT,
    ("output", "line-1", date(2026, 11, 12)): Mark.MISSING,
}


def path_of(kpi: str, team: str | None, period: str, value: str = "actual", destination: str = "board") -> str:
    return "/".join(part for part in (destination, kpi, team, value, period) if part)


def _day_field(kpi: str, team: str, day: date) -> Field:
    mark = Mark.NOT_DUE if day >= TODAY or day.weekday() > 4 else _GAPS.get((kpi, team, day), Mark.CONFIRMED)
    if mark in (Mark.NOT_DUE, Mark.MISSING):
        return Field(mark)
    number = None if mark is Mark.REJECTED else Decimal(str(round(2.1 + (day.toordinal() * 7 % 11) / 5, 1)))
    path = path_of(kpi, team, day.isoformat())
    target = path_of(kpi, team, day.isoformat(), "target")
    return Field(mark, ((path, number, mark), (target, Decimal("2.5"), Mark.CONFIRMED)))


def daily(until: date = TODAY, periods: int = 14) -> Grid:
    days = [until - timedelta(days=back) for back in range(periods - 1, -1, -1)]
    rows = tuple(
        GridRow(kpi, team, None, (f"{kpi}-daily",), tuple(_day_field(kpi, team, day) for day in days))
        for kpi in KPIS
        for team in TEAMS
    )
    return Grid("board", Interval.DAY, tuple((day, day.isoformat()) for day in days), rows)


def weekly(periods: int = 8) -> Grid:
    weeks = [date(2026, 11, 16) - timedelta(weeks=back) for back in range(periods - 1, -1, -1)]
    labels = [f"{week.isocalendar().year}-W{week.isocalendar().week:02}" for week in weeks]
    fields = tuple(
        Field(Mark.NOT_DUE)
        if label == labels[-1]
        else Field(
            Mark.CONFIRMED, ((path_of("scrap", None, label, destination="okr"), Decimal("3.1"), Mark.CONFIRMED),)
        )
        for label in labels
    )
    row = GridRow("scrap", None, None, ("scrap-weekly-okr",), fields)
    return Grid("okr", Interval.WEEK, tuple(zip(weeks, labels, strict=True)), (row,))


def series(team: str = "line-1") -> tuple[Point, ...]:
    days = [TODAY - timedelta(days=back) for back in range(60, 0, -1)]
    wave = [190, 182, 177, 203, 168, 171, 160, 158, 149, 163, 155, 141]
    return tuple(
        Point(
            period=day,
            label=day.isoformat(),
            number=Decimal("19.0") if day == YESTERDAY else Decimal(wave[index % 12] - index // 4) / 10,
            mark=Mark.SENT if day == YESTERDAY else Mark.CONFIRMED,
            path=path_of("scrap", team, day.isoformat()),
            source=f"exports/scrap_{day:%d}.csv:14",
            run=RUN,
            job="scrap-daily",
        )
        for index, day in enumerate(days)
        if day.weekday() < 5
    )


def change(**changed: Any) -> dict[str, Any]:
    given: dict[str, Any] = {
        "path": path_of("scrap", "line-1", "2026-11-19"),
        "old": Decimal("17.7"),
        "new": Decimal("19.0"),
        "status": "confirmed",
        "source": "exports/scrap_19.csv:14",
        "digest": "sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
        "run": RUN,
        "job": "scrap-daily",
        "intended_at": "2026-11-20T05:15:04+00:00",
        "settled_at": "2026-11-20T05:15:09+00:00",
        "answer": "200 OK",
        "found": Decimal("19.0"),
    }
    return given | changed


def run(**changed: Any) -> dict[str, Any]:
    """As `kpisync history --json` shows one."""
    given: dict[str, Any] = {
        "job": "scrap-daily",
        "run": RUN,
        "kind": "run",
        "status": "partial",
        "from": None,
        "to": None,
        "rows": 120,
        "values": 240,
        "unchanged": 234,
        "undone": 0,
        "created": 3,
        "updated": 1,
        "withdrawn": 0,
        "confirmed": 4,
        "sent": 0,
        "in_doubt": 0,
        "conflicts": 0,
        "rejected": 2,
        "requests": {"GET": 3, "PUT": 4},
        "rejects": [],
        "conflicting": [],
        "doubtful": [],
        "waiting": 0,
        "skipped": {},
        "notes": [],
        "reading": ["exports/scrap_19.csv: cp1252, header in line 1"],
        "held": None,
        "error": None,
        "started": "2026-11-20T05:15:00+00:00",
        "ended": "2026-11-20T05:15:11+00:00",
        "exit_code": 1,
        "origins": {"exports/scrap_19.csv": "sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"},
    }
    return given | changed


REJECTS = (
    RejectRow(
        "scrap-daily",
        RUN,
        "exports/scrap_19.csv:31",
        "unknown-team",
        "L9 is not in lookup lines; did you mean L2?",
        None,
        None,
        NOW - timedelta(days=2),
        3,
        True,
    ),
    RejectRow(
        "scrap-daily",
        RUN,
        "exports/scrap_19.csv:32",
        "refused",
        "the platform refused it: value kind `actual` is locked for this period",
        path_of("scrap", "line-2", "2026-11-19"),
        Decimal("21.4"),
        NOW - timedelta(minutes=15),
        1,
        True,
    ),
    RejectRow("gone-job", RUN, None, "no-number", "the cell is empty", None, None, NOW - timedelta(days=9), 4, False),
)

GATES = {
    "board": GateState(2, False, 0.0, None, None, 7.5),
    "okr": GateState(0, True, 0.0, 41.0, "the platform answered 503 three times in a row", 1.9),
}


@dataclass
class Plant:
    """Views and actions; a test changes what it names. `done` holds what was set going, `happened` tells of it."""

    overview_now: Overview = field(
        default_factory=lambda: Overview(
            NOW,
            JOBS,
            (Complete("board", YESTERDAY, 3, 1, 1, 24), Complete("okr", date(2026, 11, 9), 0, 0, 0, 1)),
            (
                Freshness("board", "downtime", Interval.DAY, YESTERDAY, YESTERDAY, 2, 4),
                Freshness("board", "scrap", Interval.DAY, YESTERDAY, YESTERDAY, 1, 4),
                *(Freshness("board", kpi, Interval.DAY, YESTERDAY, YESTERDAY, 0, 4) for kpi in KPIS[:2]),
                Freshness("okr", "scrap", Interval.WEEK, date(2026, 11, 9), date(2026, 11, 9), 0, 1),
                Freshness("board", "cost", Interval.MONTH, None, None, 0, 0),
            ),
            (
                Trouble(
                    Topic.ALERTS,
                    "alerts: no message could be sent to mail.example.com: it refused the connection. "
                    "It is tried again at the next change.",
                    NOW - timedelta(hours=9),
                ),
            ),
            NOW - timedelta(days=12, hours=3),
            0.4,
        )
    )
    done: list[tuple[str, str]] = field(default_factory=list)
    happened: threading.Event = field(default_factory=threading.Event)

    def alive(self) -> bool:
        return True

    def readiness(self) -> Readiness:
        troubles = self.overview_now.troubles
        return Readiness(not any(trouble.stops for trouble in troubles), troubles)

    def timezone(self) -> ZoneInfo:
        return ZoneInfo("Europe/Berlin")

    def overview(self) -> Overview:
        return self.overview_now

    def board(
        self, destination: str | None = None, until: date | None = None, periods: int = 14, job: str | None = None
    ) -> tuple[Grid, ...]:
        grids = (daily(until or TODAY, periods), weekly(periods))
        of_job = (replace(grid, rows=tuple(row for row in grid.rows if job in (None, *row.jobs))) for grid in grids)
        return tuple(grid for grid in of_job if grid.rows and destination in (None, grid.destination))

    def runs(self, job: str | None = None, limit: int = 50, before: str | None = None) -> Sequence[Mapping[str, Any]]:
        rows = [
            run(),
            run(job="oee-hourly", run=RUN[:-1] + "1", status=None, ended=None, exit_code=None, rejected=0),
            run(job="energy-monthly", run=HELD_RUN, status="held", exit_code=3, created=0, updated=0, rejected=0),
            run(
                job="scrap-daily",
                run=RUN[:-1] + "2",
                kind="backfill",
                status="ok",
                **{"from": "2026-01-01", "to": None},
            ),
            run(job="downtime-daily", run=RUN[:-1] + "3", status="failed", exit_code=4, error="no file"),
        ]
        return [row for row in rows if job in (None, row["job"])][:limit]

    def run(self, run_id: str) -> RunPage:
        if run_id == HELD_RUN:
            held = "214 of 480 known values would change (45 %), and the guard allows 30 %"
            return RunPage(run(job="energy-monthly", run=HELD_RUN, status="held", exit_code=3, held=held), (), (), 0, 0)
        if run_id != RUN:
            raise ConfigError(f"no run is named {run_id}", hint="`kpisync history` lists them")
        changes = (
            change(),
            change(
                path=path_of("scrap", "line-2", "2026-11-18"),
                old=None,
                new=Decimal("20.3"),
                source="exports/scrap_18.csv:15",
            ),
            change(
                path=path_of("scrap", "line-3", "2026-11-18"),
                old=None,
                new=Decimal("16.1"),
                source="exports/scrap_18.csv:16",
            ),
            change(
                path=path_of("scrap", "assembly", "2026-11-18"),
                old=None,
                new=Decimal("0.4"),
                status="sent",
                source="exports/scrap_18.csv:17",
            ),
        )
        rejects = tuple(
            {"source": each.source, "code": each.code, "reason": each.reason}
            for each in REJECTS
            if each.job != "gone-job"
        )
        return RunPage(run(), changes, rejects, len(changes), len(rejects))

    def value(self, path: str) -> ValuePage:
        if path.count("/") < 3:
            raise ConfigError(f"{path} names no value", hint="Write destination/kpi/team/value/period.")
        known = {
            "number": Decimal("19.0"),
            "status": "confirmed",
            "job": "scrap-daily",
            "run": RUN,
            "source": change()["source"],
        }
        life = {
            "path": path,
            "ids": {
                "kpi": "c3ba32c2-a13a-0000-0000-000000000000",
                "team": "8dca904d-9134-3bb0-95b7-3f72ae3dfacf",
                "sub_tile": None,
                "value": "79cf2f74-0e9c-45b5-bc4d-f437079dde7c",
            },
            "known": known,
            "transformation": [
                {"kpi": "scrap", "value": "actual", "column": "Ausschuss", "scale": "100", "decimals": 1}
            ],
            "changes": [
                change(path=path),
                change(
                    path=path,
                    old=None,
                    new=Decimal("17.7"),
                    run=RUN[:-1] + "2",
                    source="exports/scrap_19.csv:9",
                    digest=None,
                    intended_at="2026-11-19T17:15:04+00:00",
                    settled_at="2026-11-19T17:15:06+00:00",
                    found=Decimal("17.7"),
                ),
            ],
        }
        return ValuePage(path, life, series())

    def rejects(self, job: str | None = None) -> tuple[RejectRow, ...]:
        return tuple(row for row in REJECTS if job in (None, row.job))

    def destinations(self) -> tuple[DestinationHealth, ...]:
        return (
            DestinationHealth(
                "board", "valuestreamer", "https://api-acme.valuestreamer.de/api", None, 7.5, 4, GATES["board"], 8, 1, 1
            ),
            DestinationHealth(
                "okr", "quantive", "https://app.quantive.com/results/api/v1", 2.0, 1.9, 1, GATES["okr"], 1, 0, 0
            ),
            DestinationHealth("trial", "valuestreamer", "http://127.0.0.1:8011/api", 5.0, None, 4, None, 0, 0, 0),
        )

    def metrics(self) -> bytes:
        return b""

    def run_now(self, job: str) -> None:
        self._did("run", job)

    def retry(self, job: str) -> None:
        self._did("retry", job)

    def reload(self) -> None:
        self._did("reload", "")

    def _did(self, what: str, job: str) -> None:
        self.done.append((what, job))
        self.happened.set()


def all_well() -> Plant:
    """A morning on which nobody needs to do anything."""
    plant = Plant()
    plant.overview_now = replace(
        plant.overview_now,
        jobs=tuple(job(each.job, destination=each.destination) for each in JOBS),
        answers=(Complete("board", YESTERDAY, 0, 0, 0, 24), Complete("okr", date(2026, 11, 9), 0, 0, 0, 1)),
        troubles=(),
    )
    return plant
