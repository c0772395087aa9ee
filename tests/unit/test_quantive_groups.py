"""Groups and offsets: how a period is named towards Quantive, and what a catalog may say of it."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

import pytest
from pydantic import ValidationError

from kpisync.destinations.quantive.groups import Groups, groups_of
from kpisync.mapping.catalog_options import CatalogKpiOptions, CatalogOptions
from kpisync.model import Catalog, CatalogKpi, Interval

ID = "5e8c27e3dcdddaa4addbdee8"


def groups(**options: Any) -> Groups:
    catalog = CatalogOptions.model_validate({"kpis": {"scrap": {"id": ID, **options}}}).catalog()
    return groups_of(catalog, ID)


def reason(**options: Any) -> str:
    with pytest.raises(ValidationError) as refused:
        CatalogKpiOptions.model_validate({"id": ID, **options})
    return str(refused.value)


@pytest.mark.parametrize(
    ("monday", "name"),
    [("2022-09-05", "2022-W36"), ("2023-01-30", "2023-W05"), ("2020-12-28", "2020-W53"), ("2024-12-30", "2025-W01")],
)
def test_a_week_is_an_iso_week_with_two_digits_and_the_iso_year(monday: str, name: str) -> None:
    assert groups(interval="week").name(date.fromisoformat(monday)) == name


@pytest.mark.parametrize(
    ("interval", "template", "name"),
    [
        ("day", "{year}-{month:02}-{day:02}", "2026-04-01"),
        ("month", "{year}-{month:02}", "2026-04"),
        ("quarter", "{year}-Q{quarter}", "2026-Q2"),
        ("year", "{year}", "2026"),
    ],
)
def test_other_intervals_are_named_by_their_template(interval: str, template: str, name: str) -> None:
    found = groups(interval=interval, group=template)
    assert found.name(date(2026, 4, 1)) == name
    assert found.form().fullmatch(name)


@pytest.mark.parametrize("interval", ["day", "month", "quarter", "year"])
def test_without_a_template_nobody_knows_how_they_are_named(interval: str) -> None:
    found = groups(interval=interval)
    assert found.template == ""
    assert interval in found.why_unknown


@pytest.mark.parametrize("name", ["2026-W5", "2026-W055", "2026-47", "2026-W47 ", "26-W47"])
def test_a_group_of_another_form_is_not_taken_for_a_week(name: str) -> None:
    assert not groups(interval="week").form().fullmatch(name)


@pytest.mark.parametrize(("offset", "zone"), [("+1", "UTC+1"), ("-5", "UTC-5"), (2, "UTC+2"), ("0", "UTC+0")])
def test_an_offset_is_whole_hours(offset: Any, zone: str) -> None:
    assert groups(interval="week", utc_offset=offset).time_zone == zone


@pytest.mark.parametrize("offset", ["+5:30", "Europe/Berlin", "+15", "1.5", True, ""])
def test_an_offset_of_any_other_form_is_refused(offset: Any) -> None:
    assert "whole hours" in reason(utc_offset=offset)


@pytest.mark.parametrize("template", ["{year}-{month}-{week}", "{year!r}", "{year.real}", "{0}", "{year:>4}", "{year"])
def test_a_template_knows_only_the_parts_of_a_date(template: str) -> None:
    assert "1 validation error" in reason(interval="month", group=template)


@pytest.mark.parametrize(
    ("interval", "template"), [("day", "{year}-{month:02}"), ("week", "{year}-{month}"), ("month", "{month}")]
)
def test_a_template_that_gives_two_periods_one_group_is_refused(interval: str, template: str) -> None:
    assert "the same group" in reason(interval=interval, group=template)


def test_a_period_has_begun_where_the_kpi_is_at_home() -> None:
    sunday_night = datetime(2026, 11, 15, 23, 30, tzinfo=UTC)
    monday = date(2026, 11, 16)
    assert groups(interval="week").is_future(monday, sunday_night)
    assert not groups(interval="week", utc_offset="+1").is_future(monday, sunday_night)


def test_a_kpi_that_the_catalog_does_not_describe_further_has_the_usual_weeks() -> None:
    plain = groups_of(Catalog(kpis={"scrap": CatalogKpi("scrap", ID, Interval.WEEK)}), ID)
    assert (plain.name(date(2026, 11, 16)), plain.time_zone, plain.kpi.aggregation) == ("2026-W47", "UTC+0", None)


def test_where_ids_are_no_uuids_actual_and_target_need_not_be_written() -> None:
    plain = CatalogKpiOptions.model_validate({"id": ID}).kpi("scrap")
    assert plain.values == {"actual": "actual", "target": "target"}
    assert CatalogKpiOptions.model_validate({"id": ID, "values": {"Ist": "actual"}}).kpi("scrap").values == {
        "Ist": "actual"
    }
    uuid = CatalogKpiOptions.model_validate({"id": "c3ba32c2-a13a-0000-0000-000000000000"}).kpi("scrap")
    assert uuid.values == {}
