"""A source of MicroStrategy before a sandbox, and builders for what the sandbox holds."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date
from typing import Any

import pytest

from kpisync.errors import SourceError
from kpisync.model import Intake, Scope, Table
from kpisync.ports import Source, Surroundings
from kpisync.sandbox.server import Sandbox
from kpisync.sandbox.settings import Fault, SandboxSettings
from kpisync.sources.microstrategy import SPEC
from kpisync.testing.clock import FakeClock

OPEN = Scope(date(2026, 12, 1))
NOVEMBER = Scope(date(2026, 12, 1), date(2026, 11, 1), date(2026, 11, 30))
API = "/microstrategy/MicroStrategyLibrary/api"


def id_of(number: int) -> str:
    return f"{number:032X}"


CUBE, REPORT, DASHBOARD, KPI = (id_of(0xC0DE00 + n) for n in range(4))
DAY, LINE, PLANT = (id_of(0xA770 + n) for n in range(3))
SCRAP, OUTPUT = id_of(0x3E70), id_of(0x3E71)


def attribute(id: str, name: str, *forms: str) -> dict[str, Any]:
    return {"id": id, "name": name, "forms": list(forms or ("ID",))}


def shown(*rows: Sequence[Any], **more: Any) -> dict[str, Any]:
    """Days and scrap, unless something else is said."""
    return {
        "name": "Scrap",
        "attributes": [attribute(DAY, "Day")],
        "metrics": [{"id": SCRAP, "name": "Scrap"}],
        "rows": [list(row) for row in rows],
        **more,
    }


def cube(*rows: Sequence[Any], **more: Any) -> dict[str, Any]:
    return {"kind": "cube", "id": CUBE, **shown(*rows, **more)}


def report(*rows: Sequence[Any], **more: Any) -> dict[str, Any]:
    return {"kind": "report", "id": REPORT, **shown(*rows, **more)}


def prompt(name: str = "Day", **more: Any) -> dict[str, Any]:
    return {"key": f"{name}@0@10", "id": id_of(len(name)), "name": name, **more}


def kpi(*points: Sequence[Any]) -> dict[str, Any]:
    return {"kind": "kpi", "id": KPI, "name": "Offer rate", "points": [list(point) for point in points]}


@dataclass
class Reader:
    """`rows` reads to the end; `intake` is the account of the last reading."""

    sandbox: Sandbox
    clock: FakeClock = field(default_factory=FakeClock)
    wait_turn: Callable[[], None] = lambda: None
    intake: Intake = field(default_factory=Intake)

    def source(self, **options: Any) -> Source:
        url = self.sandbox.platform_url("microstrategy")
        login = {"username": "sandbox", "password": "sandbox"} if "login" not in options else {}
        given = {"url": url, "project": "Production", "timeout": "5s", **login, **options}
        return SPEC.build(SPEC.options.model_validate(given), Surroundings(clock=self.clock, wait_turn=self.wait_turn))

    def tables(self, scope: Scope = OPEN, **options: Any) -> Iterator[Table]:
        self.intake = Intake()
        return self.source(**options).read(scope, self.intake)

    def rows(self, scope: Scope = OPEN, **options: Any) -> list[tuple[object, ...]]:
        return [tuple(row.cells) for table in self.tables(scope, **options) for row in table.rows]

    def columns(self, **options: Any) -> tuple[str, ...]:
        (table,) = [table for table in self.tables(**options) if list(table.rows) is not None]
        return table.columns

    def error(self, **options: Any) -> SourceError:
        """What a reading ends with: in one line, with its place and what to do next; and no session is left."""
        with pytest.raises(SourceError) as caught:
            self.rows(**options)
        error = caught.value
        assert error.where
        assert error.hint
        assert "\n" not in str(error)
        return error

    @property
    def open_sessions(self) -> int:
        return int(self.sandbox.facts()["open sessions"].split()[0])

    @property
    def asked(self) -> list[tuple[str, str, int | None]]:
        """Every request: method, path below the interface, status."""
        return [(each.method, each.path.removeprefix(API), each.status) for each in self.sandbox.journal]

    def body(self, method: str, ending: str) -> str:
        """Of the last such request."""
        return [
            e.body for e in self.sandbox.journal if e.method == method and e.path.partition("?")[0].endswith(ending)
        ][-1]


@contextmanager
def reader(*things: dict[str, Any], **settings: Any) -> Iterator[Reader]:
    with Sandbox(SandboxSettings.model_validate(settings)) as sandbox:
        for thing in things:
            sandbox.put_object(thing)
        yield Reader(sandbox)


def fails(status: int, body: str = "", method: str = "POST", path: str = "/instances", **more: Any) -> Fault:
    return Fault(kind="status", method=method, path=path, status=status, body=body, **more)
