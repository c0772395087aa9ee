"""Workdays in the configuration: named by values, and harmless to the jobs that do not need them."""

from __future__ import annotations

from pathlib import Path

import pytest
from config_doubles import HEAD, doubles, job, load_text, said, write

from kpisync.config.load import load
from kpisync.fingerprint import Fingerprints

WEEK = "[monday, tuesday, wednesday, thursday, friday]"
PLANT = f"workdays: {{plant-1: {{days: {WEEK}, closed: [2026-12-24..2027-01-02], open: [2026-10-03]}}}}\n"


def counting(
    fill: str = "{with: 0, workdays: plant-1}", team: str = "{column: L, lookup: lines}", more: str = ""
) -> str:
    value = f"{{kpi: scrap, value: actual, aggregate: count, fill_missing: {fill}}}"
    return f"{{date: {{column: D}}, team: {team}, {more}values: [{value}]}}"


def reading(cumulative: str) -> str:
    value = f"{{kpi: scrap, value: actual, column: A, cumulative: {cumulative}}}"
    return f"{{date: {{column: D}}, team: line-1, values: [{value}]}}"


def test_workdays_come_out_by_name(tmp_path: Path) -> None:
    loaded = load_text(tmp_path, HEAD + job("a", map=counting()) + job("b", map=reading("mtd")) + PLANT)
    assert not loaded.problems
    assert [str(span) for span in loaded.workdays["plant-1"].options.closed] == ["2026-12-24..2027-01-02"]


def test_workdays_may_stand_beside_the_jobs_that_need_them(tmp_path: Path) -> None:
    write(tmp_path, {"kpisync.yaml": HEAD, "jobs/one.yaml": PLANT + "jobs:\n" + job("a", map=counting())})
    assert [*load(tmp_path, {}, doubles()).jobs] == ["a"]


def test_workdays_with_problems_harm_only_the_jobs_that_name_them(tmp_path: Path) -> None:
    broken = PLANT.replace("monday", "mon")
    loaded = load_text(tmp_path, HEAD + job("a", map=counting()) + job("b") + broken)
    assert ([*loaded.jobs], [*loaded.unsound], len(loaded.problems)) == (["b"], ["a"], 1)


def test_a_table_of_units_with_problems_harms_only_the_jobs_that_name_it(tmp_path: Path) -> None:
    value = "{kpi: scrap, value: actual, column: A, unit: {column: U, table: mass}}"
    weighing = f"{{date: {{column: D}}, team: line-1, values: [{value}]}}"
    loaded = load_text(tmp_path, HEAD + job("a", map=weighing) + job("b") + "units: {mass: {KG: heavy}}\n")
    assert ([*loaded.jobs], [*loaded.unsound]) == (["b"], ["a"])


@pytest.mark.parametrize(
    ("map", "problem"),
    [
        (
            counting("{with: 0, workdays: plant-2}"),
            'there is no "plant-2" under workdays; did you mean "plant-1"? There: plant-1.',
        ),
        (
            reading("{since: month, workdays: plant-2}"),
            'there is no "plant-2" under workdays; did you mean "plant-1"? There: plant-1.',
        ),
        (reading("{since: year, calendar: fiscal}"), 'there is no "fiscal" under calendars. There: nothing.'),
        (
            counting(team="{column: L}"),
            'no lookup tells which teams column "L" may hold. Name them: teams: [line-1, line-2].',
        ),
        (
            counting(more="sub_tile: {column: S}, "),
            "the sub-tile comes from a column, and no row tells it. Name one in the value.",
        ),
        (
            counting("{with: 0, workdays: plant-1, teams: [line-2]}"),
            "line-2 is not a team of the catalog; did you mean line-1? "
            "Catalog names stand under `catalog`; kpisync discover writes them.",
        ),
    ],
)
def test_what_a_value_lacks_is_said_at_its_place(tmp_path: Path, map: str, problem: str) -> None:
    loaded = load_text(tmp_path, HEAD + job("a", map=map) + PLANT)
    (found,) = said(loaded)
    assert found.partition(" ")[2] == problem
    assert [*loaded.unsound] == ["a"]


@pytest.mark.parametrize(
    ("interval", "cumulative", "problem"),
    [
        ("week", "mtd", "a week of this KPI is no part of a month that the readings count from. "
         "Readings by day fit always, those by month or quarter a year of the same calendar."),
        ("year", "ytd", "a year of this KPI is no part of a year that the readings count from. "
         "Leave it out: the last reading of the period is its value (aggregate: last)."),
    ],
)  # fmt: skip
def test_readings_count_from_what_the_periods_of_the_kpi_are_parts_of(
    tmp_path: Path, interval: str, cumulative: str, problem: str
) -> None:
    head = HEAD.replace("      scrap:\n", f"      scrap:\n        interval: {interval}\n")
    loaded = load_text(tmp_path, head + job("a", map=reading(cumulative)))
    assert [each.partition(" ")[2] for each in said(loaded)] == [problem]


@pytest.mark.parametrize("interval", ["month", "quarter"])
def test_months_and_quarters_are_parts_of_a_year(tmp_path: Path, interval: str) -> None:
    head = HEAD.replace("      scrap:\n", f"      scrap:\n        interval: {interval}\n")
    assert not load_text(tmp_path, head + job("a", map=reading("ytd"))).problems


def test_other_workdays_make_another_job(tmp_path: Path) -> None:
    text = HEAD + job("a", map=counting()) + PLANT
    found = [load_text(tmp_path, each) for each in (text, text, text.replace("2026-10-03", "2026-10-04"))]
    one, same, other = (Fingerprints(loaded).of(loaded.jobs["a"]) for loaded in found)
    assert one == same != other
