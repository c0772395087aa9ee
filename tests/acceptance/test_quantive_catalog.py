"""What `check` and `discover` say of an account of Quantive."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from quantive_okr import CONFIG, UNITS, Account, account_of

from kpisync.sandbox.settings import Fault, SandboxSettings

if TYPE_CHECKING:
    from tests.acceptance.conftest import Project

MONTHS = CONFIG.replace("interval: week, aggregation: sum", 'interval: month, group: "{year}-{month:02}"')


@pytest.fixture
def okr(project: Project, monkeypatch: pytest.MonkeyPatch) -> Account:
    return account_of(project, monkeypatch)


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("interval: week, aggregation: sum", "interval: month", "nobody documents how Quantive names one"),
        ("interval: week, aggregation: sum", "aggregation: sum", "KPI units has interval day"),
        ("      values:\n", "      team: line-1\n      values:\n", "a KPI of Quantive has no teams"),
        ("value: actual", "value: ideal", "ideal is not a value of KPI units"),
        ("kpi: units", "kpi: unit", "did you mean units?"),
        ("aggregation: sum", "aggregation: mean", "expected last, sum or average"),
        ('"+1"', '"+5:30"', "whole hours"),
        ("type: quantive", "type: gtmhub\n    projection_day: last", "projection_day"),
    ],
)
def test_a_catalog_or_map_that_cannot_work_is_refused(okr: Account, old: str, new: str, says: str) -> None:
    okr.config(CONFIG.replace(old, new))
    outcome = okr.call("check")
    assert outcome.code == 2
    assert says in outcome.err
    assert okr.requests() == {}


def test_each_mistake_is_told_once(okr: Account) -> None:
    okr.config(CONFIG.replace("      values:\n", "      team: line-1\n      values:\n"))
    assert "1 problem;" in okr.call("check").err


def test_a_template_makes_other_intervals_possible(okr: Account) -> None:
    okr.config(MONTHS)
    assert okr.call("check").code == 0


def test_gtmhub_has_no_targets(okr: Account) -> None:
    okr.config(CONFIG.replace("type: quantive", "type: gtmhub").replace("value: actual", "value: target"))
    outcome = okr.call("check")
    assert outcome.code == 2
    assert '"target" is not a kind of value here' in outcome.err


@pytest.mark.parametrize("brand", ["quantive", "gtmhub"])
def test_check_online_looks_the_kpis_up(okr: Account, monkeypatch: pytest.MonkeyPatch, brand: str) -> None:
    monkeypatch.setenv("OKR_URL", okr.sandbox.platform_url(brand))
    text = CONFIG.replace("type: quantive", f"type: {brand}")
    okr.config(text)
    outcome = okr.call("check", "--online")
    assert outcome.code == 0, outcome.err
    assert "no such id" not in outcome.err
    okr.config(text.replace(UNITS, "5e8ed44adcddda0da9eab3ff"))
    outcome = okr.call("check", "--online")
    assert outcome.code == 2
    assert "the platform has no such id, 5e8ed44adcddda0da9eab3ff" in outcome.err


def test_an_aggregation_that_differs_from_the_platforms_is_a_problem(okr: Account) -> None:
    okr.config(CONFIG.replace("aggregation: sum", "aggregation: last"))
    outcome = okr.call("check", "--online")
    assert outcome.code == 2
    assert "KPI units: the catalog says last, the platform sum. Write aggregation: sum" in outcome.err


def test_an_aggregation_that_the_catalog_lacks_is_told_and_added(okr: Account) -> None:
    okr.config(CONFIG.replace(", aggregation: sum", ""))
    outcome = okr.call("check", "--online")
    assert outcome.code == 0
    assert "KPI units has aggregation sum on the platform, which the catalog lacks" in outcome.err
    assert okr.call("discover", "okr", "--write", str(okr.project.folder / "kpisync.yaml")).code == 0
    assert "catalog lacks" not in okr.call("check", "--online").err


def test_what_the_catalog_says_of_a_kpi_is_printed_by_discover(okr: Account) -> None:
    okr.config(MONTHS)
    outcome = okr.call("discover", "okr")
    for line in ("interval: month", 'group: "{year}-{month:02}"', 'utc_offset: "+1"', "aggregation: sum"):
        assert line in outcome.out


def test_a_group_that_is_missing_is_shown_in_the_catalog(okr: Account) -> None:
    text = CONFIG.replace("interval: week, aggregation: sum", "interval: month")
    okr.config(text)
    line = next(number for number, line in enumerate(text.splitlines(), 1) if "interval: month" in line)
    assert f"kpisync.yaml:{line}:" in okr.call("check").err


def test_discover_writes_a_catalog_that_check_takes(okr: Account) -> None:
    jobs = CONFIG[CONFIG.index("jobs:") :].replace("units", "Units produced")
    okr.config(CONFIG[: CONFIG.index("catalog:")] + jobs)
    file = okr.project.folder / "kpisync.yaml"
    outcome = okr.call("discover", "okr", "--write", str(file))
    assert outcome.code == 0, outcome.err
    assert "the platform does not say how often a KPI is measured: week is written" in outcome.err
    assert "interval: week" in file.read_text()
    assert okr.call("check", "--online").code == 0


def test_a_kpi_that_cannot_be_read_harms_no_catalog(okr: Account) -> None:
    okr.sandbox.faults = [Fault(kind="status", method="GET", path="/v1/kpis/5e8ed44adcddda0da9eab366", status=403)]
    file = okr.project.folder / "kpisync.yaml"
    assert okr.call("discover", "okr", "--write", str(file)).code == 0
    assert "it could not be read: status 403" in file.read_text()
    assert okr.call("check").code == 0


def test_discover_leaves_the_intervals_of_the_catalog_alone(okr: Account) -> None:
    okr.config(MONTHS)
    assert "differs" not in okr.call("discover", "okr").err
    assert "the catalog says" not in okr.call("check", "--online").err


@pytest.mark.parametrize("mode", ["append", "upsert"])
def test_a_probe_says_what_to_set_and_leaves_nothing_behind(okr: Account, mode: str) -> None:
    okr.sandbox.settings = SandboxSettings(snapshots=mode)  # type: ignore[arg-type]
    before = okr.call("discover", "okr", "--json").json["kpis"]
    outcome = okr.call("discover", "okr", "--probe")
    assert outcome.code == 0, outcome.err
    assert outcome.out.splitlines()[-1] == f"Set snapshot_write: {mode} for this destination"
    steps = json.loads(okr.call("discover", "okr", "--probe", "--json").out)["probe"]
    assert steps[-1] == f"Set snapshot_write: {mode} for this destination"
    assert okr.call("discover", "okr", "--json").json["kpis"] == before


def test_a_probe_writes_no_catalog(okr: Account) -> None:
    assert okr.call("discover", "okr", "--probe", "--write", "catalog.yaml").code == 2
    assert okr.requests() == {}


def test_a_probe_that_may_not_log_in_ends_with_that(okr: Account) -> None:
    okr.sandbox.faults = [Fault(kind="status", status=401, times=None)]
    outcome = okr.call("discover", "okr", "--probe")
    assert outcome.code == 4
    assert "login" in outcome.err
