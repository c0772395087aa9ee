"""The stand-in of MicroStrategy: sessions, one project, and what it holds as cubes, reports, dashboards and KPIs.

Where the public documents are silent: what a body or a query has beyond what is documented is refused (400); numbers
are added up over attributes that were not asked for. Not here: publishing, creating KPIs, and version 1 of the grids.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date, datetime
from decimal import Decimal
from itertools import islice
from typing import Any
from urllib.parse import unquote

from kpisync.model import Catalog, RecordKey
from kpisync.sandbox.microstrategy.call import Call
from kpisync.sandbox.microstrategy.calls import ROUTES
from kpisync.sandbox.microstrategy.content import PROJECT, PROJECT_ID, THING, Cube, Dataset, Report, Thing, at_first
from kpisync.sandbox.microstrategy.failures import Failure, no_route
from kpisync.sandbox.microstrategy.sessions import Sessions
from kpisync.sandbox.platform import Line, Refusal, Request, Response
from kpisync.sandbox.settings import SandboxSettings

_API = "/microstrategy/MicroStrategyLibrary/api"


class MicroStrategy:
    """See `platform.Platform` and `platform.IsSource`; `now` is the clock, in UTC."""

    name, api_path = "microstrategy", _API

    def __init__(self, catalog: Catalog, now: Callable[[], datetime]) -> None:
        self._now = now
        self._sessions = Sessions(now)
        self._things: dict[str, Thing] = {}
        self.clear()

    def login(self, settings: SandboxSettings) -> dict[str, str]:
        return {"username": settings.username, "password": settings.password, "project": PROJECT}

    def answer(self, request: Request, settings: SandboxSettings) -> Response:
        root, _, rest = request.path.partition(f"{_API}/")
        try:
            if root:
                raise no_route()
            call = Call(request, settings, self._sessions, self._things)
            return self._route(call, request.method, [unquote(part) for part in rest.split("/")])
        except Failure as failure:
            return failure.answer(settings)
        except Refusal as refusal:
            return Failure(refusal.status, 6, refusal.message).answer(settings)

    def _route(self, call: Call, method: str, parts: list[str]) -> Response:
        for pattern, allowed in ROUTES.items():
            names = pattern.split("/")
            if len(names) == len(parts) and all(name in ("*", part) for name, part in zip(names, parts, strict=True)):
                if method not in allowed:
                    raise Failure(405, 1, "HTTP 405 Method Not Allowed")
                return allowed[method](call, *(part for name, part in zip(names, parts, strict=True) if name == "*"))
        raise no_route()

    # ------------------------------------------------------------ by hand

    def put(self, document: Any) -> None:
        """A cube, report, dashboard or KPI, in place of the one with its id."""
        thing = THING.validate_python(document)
        self._things[thing.id] = thing

    def edit(self, key: RecordKey, values: Mapping[str, Decimal], settings: SandboxSettings) -> None:
        """A row of a cube or report over days and lines: `kpi` is its name or id, and a value the name of a metric."""
        found = self._of_days(key)
        names = [metric.name for metric in found.metrics]
        if unknown := next((name for name in values if name not in names), None):
            raise Refusal(400, f"{found.name} has no metric {unknown[:80]!r}; it has {', '.join(names)}.")
        number, row = self._row(found, key)
        cells = [values.get(name, cell) for name, cell in zip(names, row[2:], strict=True)]
        rows = list(found.rows)
        rows[number : number + 1] = [(*row[:2], *cells)]
        self._things[found.id] = found.model_copy(update={"rows": tuple(rows)})

    def remove(self, key: RecordKey) -> None:
        found = self._of_days(key)
        number, _ = self._row(found, key)
        if number == len(found.rows):
            raise Refusal(404, "There is no such row.")
        self._things[found.id] = found.model_copy(update={"rows": found.rows[:number] + found.rows[number + 1 :]})

    def _of_days(self, key: RecordKey) -> Cube | Report:
        if key.sub_tile is not None or key.team is None:
            raise Refusal(400, "A row needs a team, which is its line, and has no sub-tile.")
        for thing in self._things.values():
            if isinstance(thing, Cube | Report) and key.kpi in (thing.name, thing.id) and _is_of_days(thing):
                return thing
        raise Refusal(400, f"There is no cube or report {key.kpi[:80]!r} over days and lines.")

    def _row(self, found: Dataset, key: RecordKey) -> tuple[int, tuple[Any, ...]]:
        """The place of a row and its cells; behind the last one, and without numbers, if there is none."""
        for number, row in enumerate(found.rows):
            if row[0] == key.period.isoformat() and key.team in found.forms(row, 1):
                return number, row
        blank = [key.team] * len(found.attributes[1].forms)
        return len(found.rows), (key.period.isoformat(), blank, *(None for _ in found.metrics))

    # ------------------------------------------------------------ what it holds

    def facts(self, settings: SandboxSettings) -> tuple[tuple[str, str], ...]:
        """The sessions, and every object with its id."""
        sessions = self._sessions.open(settings)
        things = tuple((f"{thing.kind} {thing.name}", thing.id) for thing in self._things.values())
        return (
            ("open sessions", f"{len(sessions)} of at most {settings.session_limit}"),
            ("sessions since the beginning", str(self._sessions.opened)),
            (f"project {PROJECT}", PROJECT_ID),
            *things,
        )

    def records(self) -> dict[RecordKey, dict[str, Decimal]]:
        """The numbers of all cubes and reports over days and lines."""
        return {
            RecordKey(self.name, thing.id, thing.forms(row, 1)[0], None, date.fromisoformat(row[0])): dict(numbers)
            for thing, row, numbers in self._day_rows()
        }

    def lines(self, count: int | None = None) -> list[Line]:
        """Those of the object that was put last come first."""
        found = [
            Line(thing.name, thing.forms(row, 1)[0], None, date.fromisoformat(row[0]), tuple(numbers))
            for thing, row, numbers in self._day_rows()
        ]
        return list(islice(reversed(found), count))

    def _day_rows(self) -> list[tuple[Cube | Report, tuple[Any, ...], list[tuple[str, Decimal]]]]:
        return [
            (thing, row, _numbers(thing, row))
            for thing in self._things.values()
            if isinstance(thing, Cube | Report) and _is_of_days(thing)
            for row in thing.rows
        ]

    def clear(self) -> None:
        self._things = {thing.id: thing for thing in at_first(self._now())}
        self._sessions.end_all()


def _is_of_days(found: Dataset) -> bool:
    if len(found.attributes) != 2:
        return False
    try:
        return all(date.fromisoformat(row[0]) for row in found.rows)
    except (TypeError, ValueError):
        return False


def _numbers(found: Dataset, row: tuple[Any, ...]) -> list[tuple[str, Decimal]]:
    cells = zip(found.metrics, row[2:], strict=True)
    return [(metric.name, cell) for metric, cell in cells if isinstance(cell, Decimal)]
