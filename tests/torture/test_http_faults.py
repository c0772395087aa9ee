"""Whatever a gateway does to a request, at whatever place in a run: what is called confirmed stands on the board."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from gateway import BEHAVIOURS, Behaviour, Gateway
from measure import WHOLE
from shop_floor import Floor, floor, numbers, place_of, places

from kpisync.app import App
from kpisync.config.load import load
from kpisync.errors import Exit
from kpisync.jobs import JobResult, Request
from kpisync.model import Change, Reply, Status, Values
from kpisync.state.open import open_readonly
from kpisync.sync.confirm import Judgement, judge_read_back
from kpisync.testing.clock import FakeClock

pytestmark = pytest.mark.slow
RECORDS = 6
METHODS = ("GET", "PUT")
POSITIONS = ("first", "middle", "last", "all")
MATRIX = [(behaviour, method, position) for behaviour in BEHAVIOURS for method in METHODS for position in POSITIONS]
CHOSEN = MATRIX if WHOLE else random.Random(7).sample(MATRIX, len(MATRIX) // 10)


class Plant:
    """A floor behind a gateway, and a clock that does not wait."""

    def __init__(self, place: Floor, gateway: Gateway) -> None:
        self.place, self.gateway, self.clock = place, gateway, FakeClock()
        self.state = f"sqlite:///{place.folder}/state/kpisync.db"
        place.configure(url=gateway.url, timeout="0.4s", settle="30s", concurrency=1, state=self.state)

    def run(self) -> JobResult:
        loaded = load(self.place.folder / "kpisync.yaml", {})
        (result,) = App(loaded, self.clock).run(Request(("actuals",)))
        return result

    def known(self) -> dict[tuple[date, str], Decimal]:
        """What the store says stands there; of what is in doubt it says nothing."""
        with closing(open_readonly(self.state)) as store:
            known = store.known("board", date.min, date.max)
            doubtful = {doubt.intent.key for doubt in store.in_doubt("board")}
        return {
            place_of(key.record): one.number
            for key, one in known.items()
            if one.status is Status.CONFIRMED and key not in doubtful
        }


@pytest.fixture
def plant(tmp_path: Path) -> Iterator[Plant]:
    with planted(tmp_path) as plant:
        yield plant


@contextmanager
def planted(folder: Path) -> Iterator[Plant]:
    """The first version of the source stands on the board, and the second one is there."""
    dice = random.Random(1)
    with floor(folder) as place, Gateway(place.board.platform_url("valuestreamer")) as gateway:
        for at in dice.sample(places(RECORDS), 3):
            place.key_in(at, target=Decimal("2.5"), note=Decimal(9))
        place.state(numbers(dice, RECORDS - 2))
        plant = Plant(place, gateway)
        assert plant.run().exit_code is Exit.OK
        place.state(numbers(dice, RECORDS))
        yield plant


@pytest.fixture(scope="module")
def usual(tmp_path_factory: pytest.TempPathFactory) -> dict[str, int]:
    """How many requests of each method an undisturbed second run makes."""
    with planted(tmp_path_factory.mktemp("usual")) as plant:
        plant.gateway.misbehave(None, "GET", lambda number: False)
        assert plant.run().exit_code is Exit.OK
        return dict(plant.gateway.seen)


def choice(position: str, most: int) -> Callable[[int], bool]:
    only = {"first": 1, "middle": 1 + most // 2, "last": most}.get(position)
    return lambda number: only in (None, number)


def must_be_true(plant: Plant, result: JobResult) -> None:
    """Of any run: every value is accounted for, and what is called confirmed stands on the board."""
    report, place = result.report, plant.place
    assert result.exit_code in (Exit.OK, Exit.PARTIAL, Exit.UNUSABLE), report.error
    held = {at: number for at in places(RECORDS) if (number := place.holds(at)) is not None}
    for at, number in plant.known().items():
        assert held.get(at) == number, f"{at} is said to be {number} and is {held.get(at)}"
    settled = report.unchanged + report.created + report.updated
    told = settled + len(report.rejections) + len(report.conflicts) + report.in_doubt + report.waiting
    assert told >= report.values == RECORDS, report
    assert report.confirmed <= sum(held.get(at) == number for at, number in place.stated.items()), report
    assert not report.conflicts, report
    if result.exit_code is Exit.OK:
        place.must_hold()
    place.others_must_stand()


def test_the_matrix_is_as_large_as_it_should_be(usual: dict[str, int]) -> None:
    assert len({behaviour.name for behaviour in BEHAVIOURS}) == len(BEHAVIOURS) >= 40
    assert usual["PUT"] == RECORDS
    assert usual["GET"] >= 2


@pytest.mark.parametrize(
    ("behaviour", "method", "position"), CHOSEN, ids=lambda part: getattr(part, "name", None) or part
)
def test_no_behaviour_makes_a_run_lie(
    plant: Plant, usual: dict[str, int], behaviour: Behaviour, method: str, position: str
) -> None:
    plant.gateway.misbehave(behaviour, method, choice(position, usual[method]))
    must_be_true(plant, plant.run())
    plant.gateway.misbehave(None, method, lambda number: False)
    plant.clock.sleep(1000)
    after = plant.run()
    must_be_true(plant, after)
    assert after.exit_code is Exit.OK, after.report
    before = plant.place.board.requests
    assert plant.run().exit_code is Exit.OK
    assert plant.place.board.requests == before, "the second run made requests"
    assert all(plant.place.holds(at) == number for at, number in plant.place.stated.items())


def test_a_build_that_believes_every_answer_is_found(plant: Plant, monkeypatch: pytest.MonkeyPatch) -> None:
    """What was accepted is taken as confirmed, whatever the read-back shows."""

    def believing(change: Change, reply: Reply, holds: Values | None, *rest: Any) -> Judgement:
        return judge_read_back(change, reply, {**(holds or {}), **change.new}, *rest)

    monkeypatch.setattr("kpisync.sync.answers.judge_read_back", believing)
    plant.gateway.misbehave(named("error-in-200"), "PUT", lambda number: True)
    with pytest.raises(AssertionError):
        must_be_true(plant, plant.run())


def named(name: str) -> Behaviour:
    return next(behaviour for behaviour in BEHAVIOURS if behaviour.name == name)
