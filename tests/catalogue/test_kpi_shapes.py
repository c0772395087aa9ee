"""KPIs as boards on shop floors have them, from the bytes of an export to the values, and what runs make of changes.

Signs and units from another column (N6, N7) stand here too; hand-kept workbooks stand with the workbooks.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from csv_exports import KPIS, LINES, TEAMS, Came

from kpisync.mapping.apply import Mapper
from kpisync.mapping.catalog_options import CalendarOptions, CatalogOptions
from kpisync.mapping.collect import Collector
from kpisync.mapping.date_options import DateOptions
from kpisync.mapping.days import Days
from kpisync.mapping.options import MapOptions
from kpisync.mapping.workdays import Workdays, WorkdaysOptions
from kpisync.model import Intake, Scope
from kpisync.ports import DestinationOptions, Source, Surroundings
from kpisync.sources.csv import SPEC
from kpisync.sync.job import Job, Tools, run
from kpisync.sync.options import Absent, GuardOptions
from kpisync.sync.report import Report
from kpisync.testing.clock import FakeClock
from kpisync.testing.destination import MemoryBoard
from kpisync.testing.state import MemoryState

TODAY = date(2026, 11, 20)
BERLIN = ZoneInfo("Europe/Berlin")
QUARTERS = CalendarOptions.model_validate({"start": "october", "weeks": "4-4-5", "begins": "nearest"}).calendar()
CATALOG = CatalogOptions.model_validate(
    {
        "teams": TEAMS,
        "kpis": {
            **KPIS,
            "sales": {"id": "sales", "interval": "month", "calendar": "quarters", "values": {"actual": "sales"}},
        },
    }
).catalog({"quarters": QUARTERS})
PLANT = {
    "days": ["monday", "tuesday", "wednesday", "thursday", "friday"],
    "holidays": "DE-BY",
    "closed": ["2026-08-03..2026-08-14"],
}
QTY = {"kpi": "scrap", "value": "actual", "column": "qty"}
OUTPUT = {**QTY, "kpi": "output"}


def source(folder: Path, *contents: str) -> Source:
    """A folder of daily exports, named by the alphabet; `;` divides their cells."""
    for old in folder.glob("*.csv"):
        old.unlink()
    for name, content in zip("abcdef", contents, strict=False):
        (folder / f"{name}.csv").write_text(content, encoding="utf-8")
    return SPEC.build(SPEC.options.model_validate({"path": str(folder / "*.csv"), "delimiter": ";"}), Surroundings())


def mapper(*values: Mapping[str, Any], today: date = TODAY, **said: Any) -> Mapper:
    whole = {"date": {"column": "day"}, "team": {"column": "line", "lookup": "lines"}, "values": [*values], **said}
    workdays = {"plant-1": Workdays(WorkdaysOptions.model_validate(PLANT))}
    made, lines = MapOptions.model_validate(whole), {"lines": {code: LINES[code] for code in ("L1", "L2")}}
    return Mapper(made, "board", CATALOG, lines, Scope(today), timezone=BERLIN, workdays=workdays)


def of(folder: Path, content: str, *values: Mapping[str, Any], **said: Any) -> Came:
    """What comes of an export of `line`, `day` and `qty`, unless it says otherwise."""
    made, intake, columns = mapper(*values, **said), Intake(), ()
    collector = Collector.of(made)
    for table in source(folder, content).read(made.to_read, intake):
        columns = table.columns
        for reading in made.readings(table, intake, collector.presence):
            collector.add(reading, table.origin)
    return Came(collector.values(intake), intake, columns)


def press(*cells: str) -> str:
    """An export of the press with such cells for the first days of November."""
    return "line;day;qty\n" + "".join(f"L1;2026-11-{day:02};{cell}\n" for day, cell in enumerate(cells, start=1))


# ---------------------------------------------------------------- what a number is made of


def test_n6_the_sign_stands_in_another_column(tmp_path: Path) -> None:
    text = "line;day;qty;S/H\nL1;2026-11-18;100,5;S\nL1;2026-11-18;0,5;H\nL2;2026-11-18;7;X\n".replace(",", ".")
    sign = {"column": "S/H", "negative": ["H"], "positive": ["S"]}
    came = of(tmp_path, text, {**QTY, "sign": sign, "aggregate": "sum"})
    assert came.numbers == {"press 2026-11-18": 100}
    assert came.rejects == ["4 bad-number: column qty: 'X' is no sign that the job lists (column S/H)"]


def test_n7_units_are_mixed_in_one_column_and_one_that_is_not_listed_is_rejected(tmp_path: Path) -> None:
    text = "line;day;qty;UoM\nL1;2026-11-18;2;KG\nL1;2026-11-18;250;G\nL2;2026-11-18;3;PC\n"
    unit = {"column": "UoM", "factors": {"KG": 1, "G": "0.001"}}
    came = of(tmp_path, text, {**QTY, "unit": unit, "aggregate": "sum"})
    assert came.numbers == {"press 2026-11-18": Decimal("2.25")}
    assert came.rejects == ["4 bad-number: column qty: 'PC' is no unit that the job lists (column UoM)"]


def test_currencies_are_converted_by_the_rates_of_the_job_and_never_added_unlike(tmp_path: Path) -> None:
    text = "line;day;qty;cur\nL1;2026-11-18;10;EUR\nL1;2026-11-18;10;USD\nL2;2026-11-18;10;CHF\n"
    unit = {"column": "cur", "factors": {"EUR": 1, "USD": "0.9"}}
    came = of(tmp_path, text, {**QTY, "unit": unit, "aggregate": "sum"})
    assert came.numbers == {"press 2026-11-18": 19}
    assert len(came.rejects) == 1


def test_a_ratio_of_sums_is_not_the_mean_of_ratios(tmp_path: Path) -> None:
    days = [(500, 500), (500, 500), (500, 500), (502, 502), (987, 1000)]
    text = "line;day;good;all;rate\n" + "".join(
        f"L1;2026-11-{day:02};{good};{all};{Decimal(good) / all}\n" for day, (good, all) in enumerate(days, start=9)
    )
    week = {"kpi": "orders", "value": "actual", "decimals": 5}
    for value, number in (
        ({**week, "numerator": "good", "denominator": "all"}, "0.99567"),
        ({**week, "column": "rate", "aggregate": "mean"}, "0.9974"),
    ):
        came = of(tmp_path, text, value, date={"column": "day", "align": True})
        assert came.numbers == {"orders press 2026-11-09": Decimal(number)}


def test_a_denominator_of_0_is_no_value_and_never_0(tmp_path: Path) -> None:
    came = of(
        tmp_path,
        "line;day;good;all\nL1;2026-11-18;0;0\n",
        {**QTY, "column": None, "numerator": "good", "denominator": "all"},
    )
    assert (came.numbers, came.rejects, came.intake.skipped["denominator 0"]) == ({}, [], 1)


def test_negative_numbers_pass_and_no_sign_is_turned_unasked(tmp_path: Path) -> None:
    assert [*of(tmp_path, press("-5", "0", "5"), QTY).numbers.values()] == [-5, 0, 5]
    assert [*of(tmp_path, press("-5", "0", "5"), {**QTY, "sign": -1}).numbers.values()] == [5, 0, -5]


@pytest.mark.parametrize(("how", "number"), [("sum", 12), ("mean", 4), ("last", 2)])
def test_each_kpi_has_its_own_way_to_make_one_number_of_a_period(tmp_path: Path, how: str, number: int) -> None:
    text = "line;day;qty\nL1;2026-11-09;3\nL1;2026-11-11;2\nL1;2026-11-10;7\n"
    value = {"kpi": "orders", "value": "actual", "column": "qty", "aggregate": how}
    assert of(tmp_path, text, value, date={"column": "day", "align": True}).total == number


def test_readings_of_the_month_to_date_become_days_and_a_correction_may_lower_them(tmp_path: Path) -> None:
    came = of(tmp_path, press("10", "25", "24", "30"), {**QTY, "cumulative": "mtd"})
    assert [*came.numbers.values()] == [10, 15, -1, 6]
    assert came.intake.notes[-1].startswith("cumulative: ")


def test_readings_begin_again_with_the_month(tmp_path: Path) -> None:
    text = "line;day;qty\nL1;2026-10-30;900\nL1;2026-10-31;950\nL1;2026-11-01;7\n"
    came = of(tmp_path, text, {**QTY, "cumulative": "mtd"})
    assert came.numbers == {"press 2026-10-31": 50, "press 2026-11-01": 7}
    assert [reject.split(":")[0] for reject in came.rejects] == ["2 gap"]


@pytest.mark.parametrize(
    ("cell", "how", "number"),
    [
        ("14:43", "minutes", "883"),
        ("24:30", {"unit": "minutes", "from": "duration"}, "1470"),
        ("0 days 01:30:00", {"unit": "hours", "from": "duration"}, "1.5"),
        ("5400", {"unit": "hours", "from": "seconds"}, "1.5"),
    ],
)
def test_a_time_is_sent_in_the_unit_that_the_job_names(tmp_path: Path, cell: str, how: Any, number: str) -> None:
    assert of(tmp_path, press(cell), {**QTY, "as": how}).total == Decimal(number)


def test_a_time_of_day_after_midnight_is_none_unless_it_is_a_length_of_time(tmp_path: Path) -> None:
    assert len(of(tmp_path, press("24:30"), {**QTY, "as": "minutes"}).rejects) == 1


# ---------------------------------------------------------------- which periods there are


def test_a_target_may_stand_for_days_to_come_and_their_actual_stays_absent(tmp_path: Path) -> None:
    text = "line;day;qty;plan\nL1;2026-11-19;5;6\nL1;2026-11-23;;6\n"
    came = of(tmp_path, text, QTY, {**QTY, "value": "target", "column": "plan"})
    found = {(value.key.value, str(value.key.record.period)) for value in came.values}
    assert found == {("actual", "2026-11-19"), ("target", "2026-11-19"), ("target", "2026-11-23")}


def test_one_job_feeds_days_weeks_and_months(tmp_path: Path) -> None:
    text = "line;day;qty\nL1;2026-10-30;1\nL1;2026-10-31;2\nL1;2026-11-02;4\n"
    week, month = (
        {"kpi": kpi, "value": "actual", "column": "qty", "aggregate": "sum"} for kpi in ("orders", "revenue")
    )
    came = of(tmp_path, text, QTY, week, month, date={"column": "day", "align": True})
    assert came.numbers == {
        "press 2026-10-30": 1,
        "press 2026-10-31": 2,
        "press 2026-11-02": 4,
        "orders press 2026-10-26": 3,
        "orders press 2026-11-02": 4,
        "revenue press 2026-10-01": 3,
    }


def test_a_month_of_weeks_is_that_of_the_fiscal_calendar(tmp_path: Path) -> None:
    text = "line;day;qty\nL1;2026-09-28;1\nL1;2026-10-25;2\nL1;2026-10-26;4\n"
    value = {"kpi": "sales", "value": "actual", "column": "qty", "aggregate": "sum"}
    came = of(tmp_path, text, value, date={"column": "day", "align": True}, today=date(2026, 12, 1))
    assert came.numbers == {"sales press 2026-10-01": 3, "sales press 2026-11-01": 4}


ACCIDENTS = {"kpi": "scrap", "value": "actual", "aggregate": "count"}
EVENTS = "line;day;what\nL1;2026-10-29;cut\nL1;2026-11-03;fell\nL1;2026-11-03;cut\n"


def test_a_day_without_an_event_is_0_on_workdays_of_the_named_calendar(tmp_path: Path) -> None:
    """30 October is a Friday; 1 November, All Saints, is a Sunday."""
    fill = {"with": 0, "workdays": "plant-1", "teams": ["press"]}
    came = of(tmp_path, EVENTS, {**ACCIDENTS, "fill_missing": fill})
    assert came.numbers == {
        "press 2026-10-29": 1,
        "press 2026-11-03": 2,
        "press 2026-10-30": 0,
        "press 2026-11-02": 0,
    }


def test_a_day_without_an_event_is_absent_otherwise(tmp_path: Path) -> None:
    assert of(tmp_path, EVENTS, ACCIDENTS).numbers == {"press 2026-10-29": 1, "press 2026-11-03": 2}


def test_weekends_holidays_and_weeks_without_work_are_absent_and_nobody_is_warned(tmp_path: Path) -> None:
    """Saturday, 31 July to Sunday, 16 August: a weekend, two weeks that are closed, and another weekend."""
    text = "line;day;qty\nL1;2026-07-31;900\nL1;2026-08-17;40\n"
    readings = {**QTY, "cumulative": {"since": "month", "workdays": "plant-1"}}
    assert of(tmp_path, text, OUTPUT).rejects == []
    came = of(tmp_path, text, readings)
    assert came.numbers == {"press 2026-08-17": 40}
    assert [reject.split(":")[0] for reject in came.rejects] == ["2 gap"]  # of July, not of August


def test_a_shift_over_midnight_belongs_to_the_day_that_it_began_on(tmp_path: Path) -> None:
    text = "line;day;qty\nL1;2026-11-18 22:00;5\nL1;2026-11-19 05:59;7\nL1;2026-11-19 06:00;1\n"
    came = of(tmp_path, text, {**QTY, "aggregate": "sum"}, date={"column": "day", "day_starts": "06:00"})
    assert came.numbers == {"press 2026-11-18": 12, "press 2026-11-19": 1}


def test_a_day_of_25_hours_has_all_of_them_and_a_doubled_hour_is_one_day(tmp_path: Path) -> None:
    """On 25 October 2026 the clocks of Berlin went back from 03:00 to 02:00, which is 01:00 in UTC."""
    instants = ["2026-10-24T22:00Z", "2026-10-25T00:30Z", "2026-10-25T01:30Z", "2026-10-25T22:59Z", "2026-10-25T23:00Z"]
    text = "line;day;qty\n" + "".join(f"L1;{each};1\n" for each in instants)
    said = {"column": "day", "day_starts": "00:00"}
    count = {**QTY, "aggregate": "sum"}
    assert of(tmp_path, text, count, date=said).numbers == {"press 2026-10-25": 4, "press 2026-10-26": 1}
    unzoned = of(tmp_path, "line;day;qty\nL1;2026-10-25 02:30;1\n", count, date=said)
    assert unzoned.numbers == {"press 2026-10-25": 1}


def test_yesterday_is_that_of_the_plant() -> None:
    late = datetime(2026, 11, 20, 23, 30, tzinfo=UTC)
    days = {zone: Days(DateOptions(column="day"), ZoneInfo(zone)).today(late) for zone in ("UTC", "Asia/Shanghai")}
    assert days == {"UTC": date(2026, 11, 20), "Asia/Shanghai": date(2026, 11, 21)}


# ---------------------------------------------------------------- what a later file says


@dataclass
class Board:
    """A platform that a job has fed before; its file changes."""

    folder: Path
    made: Mapper
    absent: Absent = Absent.KEEP
    guard: GuardOptions = field(default_factory=GuardOptions)
    clock: FakeClock = field(default_factory=FakeClock)
    state: MemoryState = field(default_factory=MemoryState)

    def __post_init__(self) -> None:
        self.platform = MemoryBoard(self.clock)

    def run(self, *contents: str) -> Report:
        report, options = Report("job", "job"), DestinationOptions(concurrency=1)
        self.platform.requests.clear()
        built = source(self.folder, *contents)
        job = Job("job", built, self.made, self.platform, options, self.guard, self.absent, frozenset(), "fingerprint")
        run(job, Tools(self.state, self.clock), report)
        return report

    @property
    def numbers(self) -> dict[str, Decimal]:
        return {str(key.period): next(iter(values.values())) for key, values in self.platform.records.items()}


def test_late_data_and_corrections_are_sent_and_nothing_else(tmp_path: Path) -> None:
    board = Board(tmp_path, mapper(QTY))
    board.run("line;day;qty\nL1;2026-11-16;1\nL1;2026-11-18;3\n")
    late = board.run("line;day;qty\nL1;2026-11-16;1\nL1;2026-11-17;2\nL1;2026-11-18;4\n")
    assert (late.created, late.updated, late.unchanged) == (1, 1, 1)
    assert board.platform.requests["PUT"] == 2
    again = board.run("line;day;qty\nL1;2026-11-16;1\nL1;2026-11-17;2\nL1;2026-11-18;4\n")
    assert (again.unchanged, board.platform.requests) == (3, {})


def test_a_reversal_in_a_newer_file_corrects_the_day_that_it_is_for(tmp_path: Path) -> None:
    """Exact duplicates are two rows; a pair of +X and -X of an older day leaves what is right."""
    board = Board(tmp_path, mapper({**QTY, "aggregate": "sum"}))
    first = "line;day;qty\nL1;2026-11-16;24\nL1;2026-11-16;24\n"
    board.run(first)
    board.run(first, "line;day;qty\nL1;2026-11-16;-24\nL1;2026-11-16;20\nL1;2026-11-17;5\n")
    assert board.numbers == {"2026-11-16": 44, "2026-11-17": 5}


def test_a_file_that_would_change_too_much_is_held(tmp_path: Path) -> None:
    board = Board(tmp_path, mapper(QTY), Absent.WITHDRAW)
    days = [f"L1;2026-11-{day:02};{day}\n" for day in range(1, 19)]
    board.run("line;day;qty\n" + "".join(days))
    half = board.run("line;day;qty\n" + "".join(days[:9]))
    assert half.held is not None
    assert len(board.numbers) == 18


def test_a_month_that_is_dated_by_its_last_day_is_the_month_that_it_was(tmp_path: Path) -> None:
    value = {"kpi": "revenue", "value": "actual", "column": "qty"}
    board = Board(tmp_path, mapper(value, date={"column": "day", "align": True}), Absent.WITHDRAW)
    board.run("line;day;qty\nL1;2026-01-01;7\n")
    redated = board.run("line;day;qty\nL1;2026-01-31;7\n")
    assert (redated.unchanged, redated.created, redated.withdrawn) == (1, 0, 0)
    assert board.numbers == {"2026-01-01": 7}


@pytest.mark.parametrize(
    ("absent", "left"), [(Absent.KEEP, ["2026-11-16", "2026-11-17"]), (Absent.WITHDRAW, ["2026-11-17"])]
)
def test_what_vanished_from_the_source_stays_unless_the_job_says_otherwise(
    tmp_path: Path, absent: Absent, left: list[str]
) -> None:
    board = Board(tmp_path, mapper(QTY), absent)
    board.run("line;day;qty\nL1;2026-11-16;1\nL1;2026-11-17;2\n")
    board.run("line;day;qty\nL1;2026-11-17;2\n")
    assert sorted(board.numbers) == left


def test_the_job_says_which_of_several_dates_counts(tmp_path: Path) -> None:
    text = "line;posted;day;qty\nL1;2026-11-19;2026-11-16;4\n"
    assert of(tmp_path, text, QTY).numbers == {"press 2026-11-16": 4}
    assert of(tmp_path, text, QTY, date={"column": "posted"}).numbers == {"press 2026-11-19": 4}
