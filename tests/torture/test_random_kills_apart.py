"""kill -9 at random instants, over an account where a second snapshot stands beside the first: none lost or doubled."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any, get_args

import httpx
import pytest
from lives import LANES, live_until, was_killed
from measure import amount
from shop_floor import ARGUMENTS, FIRST, Build, Ended, Fault

from kpisync.sandbox.server import Sandbox
from kpisync.sandbox.settings import FaultKind, SandboxSettings

KPIS = ("Scrap rate", "Units produced")  # what counts is the last snapshot of a week, or their sum
RECORDS = 10
LATEST = 0.8  # seconds; a run without faults is over by then, mostly
PARTS = amount(1, 8)
CONFIG = """\
version: 1
timezone: Europe/Berlin
destinations:
  okr:
    type: quantive
    url: {url}
    account: {account}
    token: {token}
    snapshot_write: append
    rate_limit: none
    settle: {settle}
    timeout: 2s
    concurrency: {concurrency}
catalog:
  okr:
    kpis:
      Scrap rate: {{id: 5e8c27e3dcdddaa4addbdee8, interval: week, aggregation: last}}
      Units produced: {{id: 5e8ed44adcddda0da9eab365, interval: week, aggregation: sum}}
jobs:
  actuals:
    source: {{type: csv, path: actuals.csv}}
    map: {{date: {{column: week}}, values: [{{kpi: {{column: kpi}}, value: actual, column: number}}]}}
    destination: okr
    guard: {{max_changed: 100%}}
"""

Place = tuple[date, str]  # a Monday and a KPI's name


def places(first: int, count: int) -> list[Place]:
    """Weeks in turn, both KPIs each."""
    return [(FIRST + timedelta(weeks=number // 2), KPIS[number % 2]) for number in range(first, first + count)]


def numbers(dice: random.Random, count: int = RECORDS) -> dict[Place, Decimal]:
    """In whole hundredths."""
    return {place: Decimal(dice.randint(1, 10**6)) / 100 for place in places(0, count)}


@dataclass
class Account:
    """What the source states, what a person entered, and what the account therefore must hold."""

    folder: Path
    sandbox: Sandbox
    stated: dict[Place, Decimal] = field(default_factory=dict)
    entered: Counter[tuple[Place, Decimal]] = field(default_factory=Counter)

    def state(self, numbers: Mapping[Place, Decimal]) -> None:
        """What the source holds from now on."""
        lines = [f"{week},{kpi},{number}" for (week, kpi), number in sorted(numbers.items())]
        (self.folder / "actuals.csv").write_text("\n".join(["week,kpi,number", *lines, ""]))
        self.stated = dict(numbers)

    def enter(self, place: Place, number: Decimal) -> None:
        """As a person does, beside whatever stands there."""
        week, kpi = place
        self.sandbox.put_by_hand(week, None, kpi, None, {"actual": number}, "quantive")
        self.entered[place, number] += 1

    def snapshots(self, by: str) -> Counter[tuple[Place, Decimal]]:
        """Those that stand there, one by one."""
        state = httpx.get(f"{self.sandbox.url}/_sandbox/state", trust_env=False).json()
        return Counter(
            ((date.fromisoformat(line["date"]), line["kpi"]), Decimal(line["values"]["actual"]))
            for line in state["platforms"]["quantive"]["records"]
            if line["by"] == by
        )

    # ------------------------------------------------------------ the oracle

    def always(self) -> None:
        """What must be true at every instant."""
        ours = Counter(place for place, _ in self.snapshots("the token").elements())
        doubled = [place for place, count in ours.items() if count > 1]
        assert not doubled, f"two of ours stand under {doubled}: doubled"
        now = self.snapshots("a person")
        assert now == self.entered, f"a person's snapshots: gone {self.entered - now}, new {now - self.entered}"

    def at_rest(self) -> None:
        """Every number of the source stands there once, but where a person entered one."""
        self.always()
        ours, disputed = dict(self.snapshots("the token")), {place for place, _ in self.entered}
        for place, number in self.stated.items():
            assert place in disputed or ours.get((place, number)) == 1, f"{place} is not {number}: lost"
        strange = {place for place, _ in ours} - self.stated.keys()
        assert not strange, f"{strange}: invented"


@contextmanager
def account(folder: Path, settings: SandboxSettings, settle: str, concurrency: int) -> Iterator[Account]:
    folder.mkdir(parents=True, exist_ok=True)
    with Sandbox(settings) as sandbox:
        login = sandbox.platform_login("quantive")
        url = sandbox.platform_url("quantive")
        text = CONFIG.format(url=url, settle=settle, concurrency=concurrency, **login)
        (folder / "kpisync.yaml").write_text(text)
        yield Account(folder, sandbox)


def undisturbed(place: Account, build: Build) -> None:
    """One run without faults makes all good, and a second sends nothing; it looks only at what a person disputes."""
    place.sandbox.faults = ()
    ended = build.call(place.folder, *ARGUMENTS)
    place.at_rest()
    conflicts, before = conflicts_of(ended), place.sandbox.requests
    assert conflicts_of(build.call(place.folder, *ARGUMENTS)) == conflicts
    new = place.sandbox.requests - before
    assert new.keys() <= ({"GET"} if conflicts else set()), f"the second run made requests: {new}"
    assert conflicts <= len({at for at, _ in place.entered})


def conflicts_of(ended: Ended) -> int:
    """How many values were left alone in a run that ended well but for these."""
    [run] = ended.runs
    conflicts = int(run["conflicts"])
    assert (ended.code, run["rejected"], run["in_doubt"]) == (1 if conflicts else 0, 0, 0), ended
    return conflicts


# ---------------------------------------------------------------- what happens


def fault(dice: random.Random, latest: float) -> Fault:
    """Mostly to writes, and mostly such that nobody can tell from the answer what was stored."""
    if dice.random() < 0.15:
        return Fault(kind="drop-before", method="GET", after=dice.randint(0, 4))
    kind = dice.choice((*get_args(FaultKind), "late-commit", "late-commit", "drop-after", "garbage"))
    common: dict[str, Any] = {
        "method": dice.choice(("POST", "POST", "DELETE")),
        "path": "/snapshots",
        "after": dice.randint(0, RECORDS),
    }
    if kind == "status":
        status = dice.choice((422, 429, 500, 502, 503))
        return Fault(kind="status", status=status, headers={"Retry-After": "0"}, **common)
    late = timedelta(seconds=dice.uniform(latest / 4, latest)) if kind in ("late-commit", "stall") else timedelta()
    return Fault(kind=kind, delay=late, **common)


class Life:
    """One account through several versions of its source, each brought there against all odds."""

    def __init__(self, place: Account, build: Build, dice: random.Random, latest: float) -> None:
        self.place, self.build, self.dice, self.latest = place, build, dice, latest
        self.kills = 0
        first = numbers(dice)
        self.versions = [first, numbers(dice), numbers(dice)]
        for at in places(RECORDS, 2):
            place.enter(at, self._of_a_person())
        disputed, adopted = dice.sample(sorted(first), 2)
        place.enter(disputed, self._of_a_person())
        place.enter(adopted, first[adopted])

    def live(self) -> None:
        for version in self.versions:
            self.place.state(version)
            self.place.sandbox.faults = [fault(self.dice, self.latest) for _ in range(self.dice.randint(1, 4))]
            for _ in range(self.dice.randint(1, 5)):
                if not self._killed():
                    break
                self.place.always()
                self._goes_on()
            undisturbed(self.place, self.build)

    def _killed(self) -> bool:
        seconds = self.dice.uniform(0.1, LATEST)
        was = was_killed(self.build, self.place.folder, seconds, *ARGUMENTS)
        self.kills += was
        return was

    def _goes_on(self) -> None:
        """The world, while the platform may still be working."""
        if self.dice.random() < 0.6:
            changed = numbers(self.dice, self.dice.randint(1, RECORDS))
            self.place.state({**self.place.stated, **changed})
        if self.dice.random() < 0.15:
            self.place.enter(self.dice.choice(places(0, RECORDS)), self._of_a_person())

    def _of_a_person(self) -> Decimal:
        """Never a number of the source, nor one after it was added to such a number."""
        return self.dice.randint(1, 9999) + Decimal("0.001")


def kills_of_a_life(folder: Path, build: Build, seed: int, settle: str = "0.5s", latest: float = 0.2) -> int:
    dice = random.Random(seed)
    settings = SandboxSettings(
        snapshots="append",
        snapshot_reply=dice.choice(("id-200", "empty-201", "id-201")),
        snapshot_shape=dice.choice(("map", "items")),
    )
    with account(folder, settings, settle, dice.choice((1, 2, 4))) as place:
        life = Life(place, build, dice, latest)
        life.live()
    return life.kills


@pytest.mark.slow
@pytest.mark.parametrize("part", range(PARTS))
def test_no_snapshot_is_lost_or_doubled_and_none_of_a_person_deleted_by_a_kill(tmp_path: Path, part: int) -> None:
    each = -(-amount(28, 2500) // (PARTS * LANES))
    live_until(each, tmp_path, part, kills_of_a_life)


# ---------------------------------------------------------------- the oracle is worth something


def objects(folder: Path, name: str, words: str, settle: str = "0.5s", latest: float = 0.2) -> bool:
    """Whether the oracle says these words of one of so many lives of a build."""
    with Build(name) as build:
        for seed in range(20):
            try:
                kills_of_a_life(folder / str(seed), build, seed, settle, latest)
            except AssertionError as wrong:
                if words in str(wrong):
                    return True
    return False


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "words"),
    [("posts-blindly", "doubled"), ("deletes-anything", "a person's snapshots: gone"), ("begins-anew", "lost")],
)
def test_a_broken_build_is_found(tmp_path: Path, name: str, words: str) -> None:
    assert objects(tmp_path, name, words)


@pytest.mark.slow
def test_no_settle_time_before_a_late_commit_is_found(tmp_path: Path) -> None:
    assert objects(tmp_path, "sound", "doubled", settle="0s", latest=1.5)
