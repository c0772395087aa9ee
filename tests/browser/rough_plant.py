"""A plant whose names are markup, run from right to left or never end."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any, ClassVar
from urllib.parse import quote

from kpisync.model import Interval
from kpisync.watch.model import (
    Complete,
    DestinationHealth,
    Field,
    Freshness,
    Grid,
    GridRow,
    Mark,
    RejectRow,
    RunPage,
    Topic,
    Trouble,
    ValuePage,
    Word,
)
from tests.browser.plant_views import NOW, RUN, TODAY, YESTERDAY, Plant, change, job, last_run, run

BAD = "<script>alert(1)</script><img src=x onerror=alert(2)>\"'`</title>‮txt.exe"
LONG = "Ausschussquoteinprozent" * 40


class Rough(Plant):
    """Views and actions as of a plant, every text of it hostile."""

    job_page: ClassVar[str] = f"/jobs/{quote(BAD, safe='')}"
    run_page: ClassVar[str] = f"/runs/{RUN}"
    value_page: ClassVar[str] = f"/value?path={quote(f'board/{BAD}/x/actual/2026-11-19')}"

    def __init__(self) -> None:
        super().__init__()
        self.overview_now = replace(
            self.overview_now,
            jobs=(
                job(
                    BAD,
                    Word.FAILED,
                    destination=BAD,
                    schedule=BAD,
                    trouble=BAD + LONG,
                    rejected=1,
                    last_run=last_run(error=BAD),
                ),
                job(LONG, Word.BROKEN, destination=None, trouble="`" * 5000),
            ),
            answers=(Complete(BAD, YESTERDAY, 1, 0, 0, 2), Complete(LONG, YESTERDAY, 0, 0, 0, 1)),
            freshness=(Freshness(BAD, LONG, Interval.DAY, YESTERDAY, YESTERDAY, 1, 2),),
            troubles=(Trouble(Topic.CONFIG, BAD + LONG, NOW, BAD, stops=True),),
        )

    def board(
        self, destination: str | None = None, until: date | None = None, periods: int = 14, job: str | None = None
    ) -> tuple[Grid, ...]:
        row = GridRow(
            BAD, LONG, BAD, (BAD,), (Field(Mark.REJECTED, ((f"board/{BAD}", Decimal(10) ** 40, Mark.REJECTED),)),)
        )
        return (Grid(BAD, Interval.DAY, ((TODAY, TODAY.isoformat()),), (row, replace(row, kpi=LONG, team=None))),)

    def runs(self, job: str | None = None, limit: int = 50, before: str | None = None) -> Sequence[Mapping[str, Any]]:
        return [run(job=BAD, kind=BAD, status="failed", error=BAD)]

    def run(self, run_id: str) -> RunPage:
        conflict = {"path": BAD, "holds": Decimal(1), "new": Decimal(2), "source": LONG}
        row = run(
            job=BAD,
            error=BAD,
            status="failed",
            origins={LONG: BAD},
            notes=[BAD],
            conflicting=[conflict],
            doubtful=[BAD],
        )
        reject = {"source": LONG, "code": BAD, "reason": BAD}
        return RunPage(row, (change(path=BAD, source=LONG),), (reject,), 1, 1)

    def value(self, path: str) -> ValuePage:
        page = super().value(path)
        life = {
            **page.life,
            "changes": [change(path=path, source=LONG, answer=BAD, job=BAD)],
            "transformation": [{BAD: LONG}],
        }
        return ValuePage(path, life, tuple(replace(point, label=BAD, source=LONG, path=BAD) for point in page.series))

    def rejects(self, job: str | None = None) -> tuple[RejectRow, ...]:
        return (RejectRow(BAD, RUN, LONG, BAD, BAD, BAD, Decimal("1E+30"), NOW, 1, True),)

    def destinations(self) -> tuple[DestinationHealth, ...]:
        return (DestinationHealth(BAD, LONG, BAD, None, None, 1, None, 1, 0, 0),)
