"""What an account of Quantive or Gtmhub has, and the probe that finds out what a write does there."""

from __future__ import annotations

import json

import pytest
from quantive_account import SCRAP, account, fault

from kpisync.errors import DestinationError
from kpisync.model import Aggregation
from kpisync.ports import Unreadable
from kpisync.sandbox.settings import SandboxSettings


def test_the_kpis_of_an_account_are_listed_page_by_page() -> None:
    with account() as okr:
        meta = okr.destination.meta()
        assert meta.teams() == {}
        kpis = meta.kpis()
        assert kpis[SCRAP] == "scrap"
        found = meta.kpi(SCRAP)
        assert found is not None
        assert (found.name, found.interval, found.aggregation) == ("scrap", None, Aggregation.LAST)
        assert meta.kpi("0" * 24) is None


@pytest.mark.parametrize(
    ("word", "aggregation"), [("Last value", "last"), ("SUM", "sum"), ("mode", None), (None, None)]
)
def test_an_aggregation_is_known_by_the_beginning_of_its_word(word: str | None, aggregation: str | None) -> None:
    with account() as okr:
        shown = json.dumps({"id": SCRAP, "name": "scrap", "aggregation": word})
        okr.sandbox.faults = [fault("garbage", "GET", body=shown)]
        found = okr.destination.meta().kpi(SCRAP)
        assert found is not None
        assert found.aggregation == aggregation


def test_pages_are_joined_and_an_item_on_two_of_them_is_one() -> None:
    def page(*numbers: int) -> str:
        items = ", ".join(f'{{"id": "{number:024x}", "name": "n{number}"}}' for number in numbers)
        return f'{{"items": [{items}], "totalCount": 3}}'

    with account() as okr:
        okr.sandbox.faults = [
            fault("garbage", "GET", "skip=0", body=page(1, 2)),
            fault("garbage", "GET", "skip=100", body=page(2, 3)),
        ]
        assert list(okr.destination.meta().kpis().values()) == ["n1", "n2", "n3"]


@pytest.mark.parametrize(
    ("kind", "more"),
    [("status", {"status": 500}), ("status", {"status": 429}), ("drop-before", {}), ("garbage", {"body": "[]"})],
)
def test_a_list_that_cannot_be_read_ends_it(kind: str, more: dict[str, object]) -> None:
    with account() as okr:
        okr.sandbox.faults = [fault(kind, "GET", **more)]
        with pytest.raises(DestinationError) as ended:
            okr.destination.meta().teams()
        assert ended.value.hint


def test_one_kpi_that_is_not_shown_is_unreadable_and_no_answer_at_all_ends_it() -> None:
    with account() as okr:
        okr.sandbox.faults = [fault("status", "GET", status=403)]
        with pytest.raises(Unreadable):
            okr.destination.meta().kpi(SCRAP)
        okr.sandbox.faults = [fault("drop-before", "GET")]
        with pytest.raises(DestinationError):
            okr.destination.meta().kpi(SCRAP)


# ---------------------------------------------------------------- the probe


@pytest.mark.parametrize("brand", ["quantive", "gtmhub"])
@pytest.mark.parametrize("mode", ["append", "upsert"])
@pytest.mark.parametrize("shape", ["map", "items"])
def test_the_probe_finds_out_what_a_second_snapshot_does(brand: str, mode: str, shape: str) -> None:
    settings = SandboxSettings(snapshots=mode, snapshot_shape=shape)  # type: ignore[arg-type]
    with account(brand, settings) as okr:
        kpis = okr.destination.meta().kpis()
        steps = list(okr.destination.probe())
        assert steps[-1] == f"Set snapshot_write: {mode} for this destination"
        assert sum("deleted the scratch KPI" in step for step in steps) == 3
        assert okr.destination.meta().kpis() == kpis


@pytest.mark.parametrize(("method", "path"), [("POST", "/v1/kpis$"), ("POST", "/snapshots"), ("GET", "/kpi-snapshots")])
def test_a_probe_that_fails_leaves_nothing_behind_and_concludes_nothing(method: str, path: str) -> None:
    with account() as okr:
        kpis = okr.destination.meta().kpis()
        okr.sandbox.faults = [fault("status", method, path, status=400, body="not so", times=None)]
        steps = list(okr.destination.probe())
        assert "could not be told" in steps[-1]
        assert sum("not so" in step for step in steps) == 3
        assert okr.destination.meta().kpis() == kpis


def test_a_platform_that_is_not_reached_is_not_probed() -> None:
    with account() as okr:
        okr.sandbox.close()
        with pytest.raises(DestinationError):
            list(okr.destination.probe())


def test_a_scratch_kpi_that_cannot_be_deleted_is_named() -> None:
    with account() as okr:
        okr.sandbox.faults = [fault("status", "DELETE", status=403)]
        assert any("delete it by hand" in step for step in okr.destination.probe())
