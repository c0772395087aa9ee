"""A shop floor to torture kpisync on: its files, a board, other hands, and the oracle that knows what must be."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any, Self

from kpisync.model import Catalog, CatalogKpi, Interval, RecordKey
from kpisync.sandbox.server import Sandbox
from kpisync.sandbox.settings import Fault, PartialSets, SandboxSettings

BUILDS = Path(__file__).with_name("builds.py")
TEAMS = {"line-1": "8dca904d-9134-3bb0-95b7-3f72ae3dfacf", "line-2": "6f1c0a52-2f43-4c1f-9f0e-1d8f0f6b7a10"}
SCRAP = "c3ba32c2-a13a-0000-0000-000000000000"
ACTUAL, TARGET, NOTE = (f"{digit * 8}-0e9c-45b5-bc4d-f437079dde7c" for digit in "abc")
VALUES = {"actual": ACTUAL, "target": TARGET, "note": NOTE}
CATALOG = Catalog(TEAMS, {"scrap": CatalogKpi("scrap", SCRAP, Interval.DAY, VALUES)})
FIRST = date(2026, 1, 5)
CONFIG = """\
version: 1
timezone: Europe/Berlin
state: {state}
destinations:
  board:
    type: valuestreamer
    url: {url}
    username: sandbox
    password: sandbox
    settle: {settle}
    timeout: {timeout}
    concurrency: {concurrency}
catalog:
  board:
    teams: {teams}
    kpis: {{scrap: {{id: {kpi}, interval: day, values: {values}}}}}
jobs:
  actuals: &NO
    source: {{type: csv, path: actuals.csv}}
    map: {{date: {{column: day}}, team: {{column: team}}, values: [{{kpi: scrap, value: actual, column: number}}]}}
    destination: board
    guard: {{max_changed: 100%}}
  targets:
    source: {{type: csv, path: targets.csv}}
    map: {{date: {{column: day}}, team: {{column: team}}, values: [{{kpi: scrap, value: target, column: number}}]}}
    destination: board
    guard: {{max_changed: 100%}}
""".replace(" &NO", "")

Place = tuple[date, str]  # a day and a team's name


@dataclass(frozen=True)
class Ended:
    """How a command ended; `code` is minus the number of the signal that killed it."""

    code: int
    out: str
    err: str
    took: float = 0.0

    @property
    def runs(self) -> list[dict[str, Any]]:
        return list(json.loads(self.out).get("runs", ()))


def killed(ended: Ended) -> bool:
    return ended.code in (-signal.SIGKILL, 128 + signal.SIGKILL)


class Build:
    """A build of kpisync that waits in a process of its own, and forks a child for each command."""

    def __init__(self, name: str = "sound") -> None:
        self.name = name
        self._process = subprocess.Popen(
            [sys.executable, str(BUILDS), name], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.stdin.close()  # type: ignore[union-attr]
        self._process.wait()
        self._process.stdout.close()  # type: ignore[union-attr]

    @contextmanager
    def begun(
        self, folder: Path, *arguments: str, waits: bool = False, environ: Mapping[str, str] | None = None
    ) -> Iterator[Child]:
        order = {"folder": str(folder), "environ": environ or {}, "arguments": arguments, "waits": waits}
        self.tell(json.dumps(order))
        child = Child(int(self.answer()), folder, self)
        try:
            yield child
        finally:
            child.end()

    def call(self, folder: Path, *arguments: str, **environ: str) -> Ended:
        with self.begun(folder, *arguments, environ=environ) as child:
            return child.end()

    def tell(self, line: str) -> None:
        self._process.stdin.write(line + "\n")  # type: ignore[union-attr]
        self._process.stdin.flush()  # type: ignore[union-attr]

    def answer(self) -> str:
        return self._process.stdout.readline()  # type: ignore[union-attr]


@dataclass
class Child:
    """A command that runs."""

    pid: int
    folder: Path
    build: Build
    begun: float = field(default_factory=time.monotonic)
    ended: Ended | None = None

    def end(self) -> Ended:
        """Wait for it."""
        if self.ended is None:
            self.build.tell("")
            code = int(self.build.answer())
            took = time.monotonic() - self.begun
            out, err = ((self.folder / name).read_text() for name in ("out", "err"))
            self.ended = Ended(code, out, err, took)
        return self.ended

    def send(self, number: signal.Signals) -> None:
        os.kill(self.pid, number)  # it cannot be another process: nobody has waited for it yet


@dataclass
class Floor:
    """What the source states, what others keyed in, and what the board therefore must hold."""

    folder: Path
    board: Sandbox
    stated: dict[Place, Decimal] = field(default_factory=dict)
    others: dict[Place, dict[str, Decimal]] = field(default_factory=dict)  # by the id of the value

    def configure(
        self,
        settle: str = "0.5s",
        timeout: str = "2s",
        concurrency: int = 2,
        url: str | None = None,
        state: str = "sqlite:///state/kpisync.db",
    ) -> None:
        text = CONFIG.format(
            state=state,
            url=url or self.board.platform_url("valuestreamer"),
            settle=settle,
            timeout=timeout,
            concurrency=concurrency,
            teams=json.dumps(TEAMS),
            kpi=SCRAP,
            values=json.dumps(VALUES),
        )
        (self.folder / "kpisync.yaml").write_text(text)

    def state(self, numbers: Mapping[Place, Decimal], job: str = "actuals") -> None:
        """What a source holds from now on."""
        lines = [f"{day},{team},{number}" for (day, team), number in sorted(numbers.items())]
        (self.folder / f"{job}.csv").write_text("\n".join(["day,team,number", *lines, ""]))
        if job == "actuals":
            self.stated = dict(numbers)

    def key_in(self, place: Place, **values: Decimal) -> None:
        day, team = place
        self.board.put_by_hand(day, team, "scrap", None, values)
        self.others.setdefault(place, {}).update({VALUES[name]: number for name, number in values.items()})

    def targets_of_another_job(self, build: Build, numbers: Mapping[Place, Decimal]) -> None:
        """Values that the job beside the tortured one has brought."""
        self.state(numbers, "targets")
        ended = build.call(self.folder, *ARGUMENTS, "targets")
        assert ended.code == 0, ended
        for place, number in numbers.items():
            self.others.setdefault(place, {})[TARGET] = number

    def holds(self, place: Place) -> Decimal | None:
        """Our value as the board holds it."""
        held = {place_of(key): values for key, values in self.board.records().items()}
        return held.get(place, {}).get(ACTUAL)

    # ------------------------------------------------------------ the oracle

    def must_hold(self) -> None:
        """Nothing lost, nothing of anybody else's changed."""
        held = {place_of(key): values for key, values in self.board.records().items()}
        for place, number in self.stated.items():
            assert held.get(place, {}).get(ACTUAL) == number, f"{place} is {held.get(place)}, not {number}: lost"
        self.others_must_stand(held)
        for place, values in held.items():
            known = {ACTUAL} if place in self.stated else set()
            added = values.keys() - known - self.others.get(place, {}).keys()
            assert added <= {TARGET}, f"{place} holds {values}: invented"  # the platform may add a target by itself

    def others_must_stand(self, held: Mapping[Place, Mapping[str, Decimal]] | None = None) -> None:
        if held is None:
            held = {place_of(key): values for key, values in self.board.records().items()}
        for place, values in self.others.items():
            for value, number in values.items():
                assert held.get(place, {}).get(value) == number, f"{place} is {held.get(place)}: clobbered"

    def nothing_doubled(self) -> None:
        """No write that changes nothing, unless the answer to the one before could not be understood."""
        last: dict[str, tuple[dict[str, Decimal], bool]] = {}
        for entry in self.board.journal:
            if entry.method != "PUT" or not landed(entry.status, entry.note):
                continue
            sent = json.loads(entry.body, parse_float=Decimal)
            numbers = {each["kpiValueId"]: each["value"] for each in sent["values"]}
            before, unclear = last.get(entry.path, ({}, False))
            assert numbers != before or unclear, f"{entry.number}: {entry.path} was written twice: {entry.body}"
            last[entry.path] = (numbers, "garbage" in entry.note)


ARGUMENTS = ("--config", "kpisync.yaml", "run", "--json")


def landed(status: int | None, note: str) -> bool:
    """Whether the board stored what an entry of its journal carries."""
    if note.startswith("fault"):
        return any(kind in note for kind in ("garbage", "in place of 2", "carried out")) and "not carried" not in note
    return status in (200, 201)


def place_of(key: RecordKey) -> Place:
    names = {id: name for name, id in TEAMS.items()}
    return key.period, names[key.team or ""]


def places(count: int) -> list[Place]:
    """So many records: days in turn, two teams each."""
    return [(FIRST + timedelta(number // 2), sorted(TEAMS)[number % 2]) for number in range(count)]


def numbers(dice: random.Random, count: int) -> dict[Place, Decimal]:
    return {place: Decimal(dice.randint(1, 10**6)) / 100 for place in places(count)}


@contextmanager
def floor(folder: Path, partial: PartialSets = "merge-target-zero", **options: Any) -> Iterator[Floor]:
    folder.mkdir(parents=True, exist_ok=True)
    with Sandbox(SandboxSettings(partial_sets=partial), CATALOG) as board:
        made = Floor(folder, board)
        made.configure(**options)
        yield made


def undisturbed(place: Floor, build: Build) -> None:
    """One run without faults makes all good, and a second finds nothing to do."""
    place.board.faults = ()
    ended = build.call(place.folder, *ARGUMENTS, "actuals")
    assert ended.code == 0, (ended.code, ended.out, ended.err)
    place.must_hold()
    place.nothing_doubled()
    before = place.board.requests
    again = build.call(place.folder, *ARGUMENTS, "actuals")
    assert again.code == 0, again
    assert place.board.requests == before, "the second run made requests"


__all__ = ["ARGUMENTS", "Build", "Ended", "Fault", "Floor", "floor", "killed", "numbers", "places", "undisturbed"]
