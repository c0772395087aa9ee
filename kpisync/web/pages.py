"""The pages to look at: each asks the views for its picture and gives it to its template; none changes anything."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, time
from http import HTTPStatus
from itertools import groupby, islice
from typing import Any, TypeVar

from starlette.requests import Request
from starlette.responses import Response

from kpisync.watch.model import JobHealth, RejectRow, ValuePage, Word
from kpisync.watch.ports import Views
from kpisync.web import queries
from kpisync.web.problems import Problem, bad_query
from kpisync.web.rendering import Painter, is_fragment

JOBS, RUNS, RUNS_OF_JOB = 100, 50, 20  # on a page
REJECTS, REJECTS_EACH = 400, 20  # on a page, and of each of its jobs: one job's thousands must not hide the others
_FIELDS = 1500  # of a grid on a page
_ROWS = 20  # on a page at least
_MOST_PAGES = 999_999

T = TypeVar("T")


@dataclass(frozen=True)
class Pages:
    views: Views
    painter: Painter

    def overview(self, request: Request) -> Response:
        found = self.views.overview()
        overview = replace(found, jobs=tuple(worst_first(found.jobs)))
        asked, word = queries.text(request, "q"), queries.word(request, "word")
        chosen = [health for health in overview.jobs if _is_asked_for(health, asked, word)]
        jobs, page, pages = _page(request, chosen, JOBS)
        seen = Counter(health.word for health in overview.jobs)
        return self.painter.page(
            request,
            "overview",
            "_jobs.html" if is_fragment(request) else "overview.html",
            overview=overview,
            troubles=overview.troubles,
            jobs=jobs,
            found=len(chosen),
            page=page,
            pages=pages,
            counts={each: seen[each] for each in Word},
        )

    def job(self, request: Request) -> Response:
        name = request.path_params["job"]
        overview = self.views.overview()
        health = next((health for health in overview.jobs if health.job == name), None)
        if health is None:
            raise Problem("no_job", HTTPStatus.NOT_FOUND, job=name)
        return self.painter.page(
            request,
            "job",
            "job.html",
            health=health,
            troubles=overview.troubles,
            runs=self.views.runs(name, RUNS_OF_JOB),
            rejects=self.views.rejects(name),
            grids=self.views.board(job=name),
        )

    def board(self, request: Request) -> Response:
        """Rows over a page full of fields are on further pages: a plant's whole board would be megabytes."""
        destination, until = queries.text(request, "destination"), queries.day(request, "until")
        periods = queries.whole(request, "periods", queries.PERIODS, queries.FEWEST, queries.MOST)
        overview = self.views.overview()
        names = [each.name for each in self.views.destinations()]
        if destination is not None and destination not in names:
            raise bad_query("destination", ", ".join(names) or "–")
        grids = self.views.board(destination, until, periods)
        rows = [(grid, row) for grid in grids for row in grid.rows]
        shown, page, pages = _page(request, rows, max(_ROWS, _FIELDS // periods))
        chosen = [replace(grid, rows=tuple(row for owner, row in shown if owner is grid)) for grid in grids]
        return self.painter.page(
            request,
            "board",
            "board.html",
            grids=[grid for grid in chosen if grid.rows],
            answers=[each for each in overview.answers if destination in (None, each.destination)],
            troubles=overview.troubles,
            destinations=names,
            destination=destination,
            until=until,
            periods=periods,
            page=page,
            pages=pages,
        )

    def runs(self, request: Request) -> Response:
        job, before = queries.text(request, "job"), queries.text(request, "before")
        runs = self.views.runs(job, RUNS + 1, before)
        older = runs[RUNS - 1]["run"] if len(runs) > RUNS else None
        return self.painter.page(request, "runs", "runs.html", runs=runs[:RUNS], next=older)

    def run(self, request: Request) -> Response:
        return self.painter.page(request, "run", "run.html", page=self.views.run(request.path_params["run"]))

    def value(self, request: Request) -> Response:
        path = queries.text(request, "path")
        if path is None:
            raise bad_query("path", "board/scrap/line-1/actual/2026-11-20")
        page = self.views.value(path)
        return self.painter.page(request, "value", "value.html", page=page, chart=chart(page))

    def rejects(self, request: Request) -> Response:
        """`totals` says how many there are of each job that is shown; of one job alone a whole page is."""
        job = queries.text(request, "job")
        rejects = self.views.rejects(job)
        shown = first_of_each(rejects, REJECTS_EACH if job is None else REJECTS)[:REJECTS]
        totals = Counter(row.job for row in rejects)
        return self.painter.page(request, "rejects", "rejects.html", rejects=shown, total=len(rejects), totals=totals)

    def destinations(self, request: Request) -> Response:
        return self.painter.page(request, "destinations", "destinations.html", destinations=self.views.destinations())


def worst_first(jobs: Sequence[JobHealth]) -> list[JobHealth]:
    rank = {word: place for place, word in enumerate(Word)}
    return sorted(jobs, key=lambda health: (rank[health.word], health.job.casefold(), health.job))


def first_of_each(rejects: Sequence[RejectRow], most: int) -> list[RejectRow]:
    """So many of each job, by job."""
    by_job = sorted(rejects, key=lambda row: row.job)
    return [row for _, rows in groupby(by_job, lambda row: row.job) for row in islice(rows, most)]


def chart(page: ValuePage) -> dict[str, Any]:
    """What a script draws, oldest first: x in seconds of the periods' first days, in UTC, and y as floats.

    `numbers` are the exact ones as text; what no float can hold has no y.
    """
    numbers = [float(point.number) for point in page.series]
    return {
        "x": [int(datetime.combine(point.period, time(), UTC).timestamp()) for point in page.series],
        "y": [number if math.isfinite(number) else None for number in numbers],
        "labels": [point.label for point in page.series],
        "numbers": [f"{point.number:f}" for point in page.series],
        "marks": [str(point.mark) for point in page.series],
        "paths": [point.path for point in page.series],
    }


def _is_asked_for(health: JobHealth, text: str | None, word: Word | None) -> bool:
    if word is not None and health.word is not word:
        return False
    return text is None or any(text.casefold() in each.casefold() for each in (health.job, health.destination or ""))


def _page(request: Request, items: Sequence[T], size: int) -> tuple[Sequence[T], int, int]:
    """The part that is asked for, its number and how many there are; past the end it is the last one."""
    pages = max(1, math.ceil(len(items) / size))
    page = min(queries.whole(request, "page", 1, 1, _MOST_PAGES), pages)
    return items[(page - 1) * size : page * size], page, pages
