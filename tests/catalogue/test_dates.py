"""Dates and times as ERP, MES and BI systems write them (D1 to D12): from the bytes of an export to the values."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta, tzinfo
from decimal import Decimal
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from csv_exports import CATALOG, LINES, QTY, Came
from sqlalchemy import NullPool, create_engine, text

from kpisync.mapping.apply import Mapper
from kpisync.mapping.catalog_options import CalendarOptions
from kpisync.mapping.collect import Collector
from kpisync.mapping.options import MapOptions, OpenPeriods
from kpisync.model import Catalog, Intake, Row, Scope, Table
from kpisync.ports import DestinationOptions, Source, Surroundings
from kpisync.sources import csv, sql
from kpisync.sync.job import Job, Tools, run
from kpisync.sync.options import Absent, GuardOptions
from kpisync.sync.report import Report
from kpisync.testing.clock import FakeClock
from kpisync.testing.destination import MemoryBoard
from kpisync.testing.state import MemoryState

TODAY = date(2026, 11, 20)
BERLIN = ZoneInfo("Europe/Berlin")
SUM = {**QTY, "aggregate": "sum"}


def mapper(date_said: Mapping[str, Any], value: Mapping[str, Any], scope: Scope, plant: tzinfo) -> Mapper:
    said = {"date": date_said, "team": {"column": "line", "lookup": "lines"}, "values": [value]}
    return Mapper(MapOptions.model_validate(said), "board", CATALOG, {"lines": LINES}, scope, timezone=plant)


def came_of(source: Source, made: Mapper) -> Came:
    intake, collector, columns = Intake(), Collector(made.options.values), ()
    for table in source.read(made.to_read, intake):
        columns = table.columns
        for reading in made.readings(table, intake):
            collector.add(reading, table.origin)
    return Came(collector.values(intake), intake, columns)


def export(folder: Path, content: str, plant: tzinfo = BERLIN, value: Mapping[str, Any] = QTY, **said: Any) -> Came:
    """A CSV export with `line` and `qty`, and the date in `day` unless it is said otherwise."""
    file = folder / "export.csv"
    file.write_text(content, encoding="utf-8")
    reader = {key: said.pop(key) for key in ("metadata", "header", "drop_rows") if key in said}
    source = csv.SPEC.build(
        csv.SPEC.options.model_validate({"path": str(file), "delimiter": ";", **reader}), Surroundings()
    )
    return came_of(source, mapper({"column": "day", **said}, value, Scope(TODAY), plant))


def lines(*cells: str) -> str:
    """An export of the press with these dates, and with 1, 2, 3 … as its numbers."""
    return "line;day;qty\n" + "".join(f"L1;{cell};{n}\n" for n, cell in enumerate(cells, start=1))


def days_of(folder: Path, *cells: str, **said: Any) -> list[str]:
    """The days that these cells were read as; none of them may be rejected."""
    came = export(folder, lines(*cells), **said)
    assert came.rejects == []
    by_number = {int(number): name.removeprefix("press ") for name, number in came.numbers.items()}
    return [by_number[n] for n in range(1, len(cells) + 1)]


# ---------------------------------------------------------------- D1 to D4: how a date is written


@pytest.mark.parametrize(
    ("cell", "format", "day"),
    [
        ("07.06.2024", "%d.%m.%Y", "2024-06-07"),
        ("07/25/2017", "%m/%d/%Y", "2017-07-25"),
        ("12/06/2021", "%d/%m/%Y", "2021-06-12"),
        ("12/06/2021", "%m/%d/%Y", "2021-12-06"),
    ],
)
def test_d1_the_order_of_day_and_month_is_declared_and_never_guessed(
    tmp_path: Path, cell: str, format: str, day: str
) -> None:
    assert days_of(tmp_path, cell, format=format) == [day]


def test_d1_a_date_without_a_declared_format_is_rejected_even_where_only_one_order_is_possible(tmp_path: Path) -> None:
    assert export(tmp_path, lines("07/25/2017")).rejects == [
        "2 bad-date: column day: '07/25/2017' is not a date such as 2026-11-20; give the date's format"
    ]


def test_d2_a_date_of_day_and_month_takes_its_year_from_the_metadata_across_the_turn_of_the_year(
    tmp_path: Path,
) -> None:
    content = "EXTF;700;20250701\n" + lines("0107", "3112", "0101", "3006")
    said = {"format": "%d%m", "year": {"column": "from", "format": "%Y%m%d"}}
    found = export(tmp_path, content, metadata={"row": 1, "columns": {"from": 3}}, **said)
    assert found.rejects == []
    assert found.numbers == {
        "press 2025-07-01": 1, "press 2025-12-31": 2, "press 2026-01-01": 3, "press 2026-06-30": 4,
    }  # fmt: skip


def test_d3_serials_are_read_where_the_job_says_so_by_the_system_that_it_names(tmp_path: Path) -> None:
    assert days_of(tmp_path, "46346", format="excel") == ["2026-11-20"]
    assert days_of(tmp_path, "44884", format="excel-1904") == ["2026-11-20"]
    assert export(tmp_path, lines("46346")).rejects[0].startswith("2 bad-date: ")


def test_d4_a_jd_edwards_date_may_have_lost_the_zero_of_its_century(tmp_path: Path) -> None:
    assert days_of(tmp_path, "114001", "99034", "099035", format="cyyddd") == ["2014-01-01", "1999-02-03", "1999-02-04"]


# ---------------------------------------------------------------- D5, D6, D11: what is no date, or one with a mark

SAP = {"format": "%Y%m%d", "null": ["00000000"], "time": {"column": "at", "format": "%H%M%S"}}


def sap(*moments: tuple[str, str]) -> str:
    return "line;day;at;qty\n" + "".join(f"L1;{day};{at};{n}\n" for n, (day, at) in enumerate(moments, start=1))


def test_d5_sap_dates_and_times_stand_in_two_columns(tmp_path: Path) -> None:
    came = export(
        tmp_path,
        sap(("20241023", "190021"), ("20241024", "035959"), ("20241025", "060000")),
        **SAP,
        day_starts="06:00",
        value=SUM,
    )
    assert came.numbers == {"press 2024-10-23": 3, "press 2024-10-25": 3}


def test_d5_a_date_of_zeros_is_no_date_where_the_job_says_so(tmp_path: Path) -> None:
    assert export(tmp_path, sap(("00000000", "190021")), **SAP).rejects == [
        "2 no-date: column day holds '00000000', which stands for no date, so the period is unknown"
    ]
    left_out = export(tmp_path, sap(("00000000", "0")), **SAP, drop_rows=[{"column": "day", "matches": "^0+$"}])
    assert (left_out.rejects, left_out.values) == ([], [])


def test_d6_a_closing_date_is_rejected_or_read_as_its_day_or_left_out(tmp_path: Path) -> None:
    content = lines("31.12.2014", "C31.12.2014")
    german = {"format": "%d.%m.%Y"}
    rejected = export(tmp_path, content, **german)
    assert [reject.split(":")[0] for reject in rejected.rejects] == ["3 bad-date"]
    assert export(tmp_path, content, **german, closing="C", value=SUM).numbers == {"press 2014-12-31": 3}
    left_out = export(tmp_path, content, **german, drop_rows=[{"column": "day", "matches": "^C"}])
    assert (left_out.numbers, left_out.rejects) == ({"press 2014-12-31": 1}, [])
    assert left_out.intake.skipped == {"drop_rows day": 1}


def test_d11_midnight_beside_an_empty_date_is_no_time(tmp_path: Path) -> None:
    came = export(tmp_path, sap(("", "000000"), ("20241024", "000000")), **SAP)
    assert came.rejects == ["2 no-date: column day is empty, so the period is unknown"]
    assert came.numbers == {"press 2024-10-24": 2}


# ---------------------------------------------------------------- D7, D8: zones


def test_d7_a_midnight_that_an_export_moved_is_moved_back_and_not_cut_off(tmp_path: Path) -> None:
    shown_in_china = ("2024-03-01 08:00:00", "2024-03-02 08:00:00")
    meant = {"timezone": "Asia/Shanghai", "plant": UTC}
    assert days_of(tmp_path, *shown_in_china, **meant) == ["2024-03-01", "2024-03-02"]
    shown_in_utc = ("2024-02-29 16:00:00", "2024-03-01 16:00:00")  # midnight in China
    meant = {"timezone": "UTC", "plant": ZoneInfo("Asia/Shanghai")}
    assert days_of(tmp_path, *shown_in_utc, **meant) == ["2024-03-01", "2024-03-02"]


def test_d7_a_time_of_day_is_not_cut_off_unasked(tmp_path: Path) -> None:
    assert export(tmp_path, lines("2024-03-01 08:00:00")).rejects == [
        "2 bad-date: column day: '2024-03-01 08:00:00' has a time of day; say under map.date which day that is: "
        'day_starts: "00:00" for the calendar day of the plant, and timezone if another clock wrote it'
    ]


@pytest.mark.parametrize("cell", ["2016-12-31 23:00Z", "2016-12-31T23:00:00+00:00", "2017-01-01 00:00:00+01"])
def test_d8_an_instant_counts_for_the_day_that_it_is_at_the_plant(tmp_path: Path, cell: str) -> None:
    assert days_of(tmp_path, cell, day_starts="00:00") == ["2017-01-01"]
    assert days_of(tmp_path, cell, day_starts="00:00", plant=UTC) == ["2016-12-31"]


# ---------------------------------------------------------------- D9: periods that are keyed by different days


def test_d9_a_month_is_one_period_by_whichever_of_its_days_it_is_keyed(tmp_path: Path) -> None:
    revenue = {"kpi": "revenue", "value": "actual", "column": "qty"}
    first = export(tmp_path, lines("2026-01-01"), value=revenue, align=True)
    later = export(tmp_path, lines("2026-01-31"), value=revenue, align=True)
    assert [value.key for value in first.values] == [value.key for value in later.values]
    both = export(tmp_path, lines("2026-01-01", "2026-01-31"), value=revenue, align=True)
    assert [reject.split(":")[0] for reject in both.rejects] == ["2 duplicate", "3 duplicate"]
    unaligned = export(tmp_path, lines("2026-01-31"), value=revenue)
    assert [reject.split(":")[0] for reject in unaligned.rejects] == ["2 not-aligned"]


# ---------------------------------------------------------------- D10: weeks and years of other calendars


def test_d10_a_week_belongs_to_its_iso_year_and_begins_on_monday(tmp_path: Path) -> None:
    orders = {"kpi": "orders", "value": "actual", "column": "qty"}
    came = export(tmp_path, lines("2025-W01", "2026-W53"), value=orders, format="%G-W%V")
    assert came.numbers == {"orders press 2024-12-30": 1, "orders press 2026-12-28": 2}
    assert export(tmp_path, lines("2025-W53"), value=orders, format="%G-W%V").rejects[0].startswith("2 bad-date: ")


@pytest.mark.parametrize(
    ("rule", "months"),
    [  # FW1 is 1 to 4 January, so the first four weeks end on the 25th
        (
            {"start": "january", "weeks": "4-4-5"},
            {
                "2026-01-01": "2026-01-25",
                "2026-02-01": "2026-02-22",
                "2026-03-01": "2026-03-29",
                "2026-12-01": "2026-12-31",
            },
        ),
        # the 53rd week belongs to the last month
        (
            {"start": "january", "weeks": "4-4-5", "begins": "nearest"},
            {
                "2026-01-01": "2026-01-25",
                "2026-11-01": "2026-11-22",
                "2026-12-01": "2027-01-03",
                "2027-01-01": "2027-01-31",
            },
        ),
        ({"start": "october"}, {"2026-10-01": "2026-10-31", "2026-12-01": "2026-12-31"}),
    ],
)
def test_d10_months_are_those_of_the_calendar_that_the_kpi_names(
    tmp_path: Path, rule: dict[str, str], months: dict[str, str]
) -> None:
    made = mapper({"column": "day", "align": True}, {**SUM, "kpi": "revenue"}, Scope(date(2028, 1, 1)), BERLIN)
    revenue = replace(CATALOG.kpis["revenue"], calendar=CalendarOptions.model_validate(rule).calendar())
    made = replace(made, catalog=Catalog(CATALOG.teams, {"revenue": revenue}))
    file = tmp_path / "export.csv"
    file.write_text(lines(*months.values()), encoding="utf-8")
    source = csv.SPEC.build(csv.SPEC.options.model_validate({"path": str(file), "delimiter": ";"}), Surroundings())
    came = came_of(source, made)
    assert came.rejects == []
    assert came.numbers == {f"revenue press {key}": n for n, key in enumerate(months, start=1)}


# ---------------------------------------------------------------- D12: lengths of time


@pytest.mark.parametrize(
    ("cell", "said", "number"),
    [
        ("2 days 04:46:24.000000000", {"unit": "minutes", "from": "duration"}, "3166.4"),
        ("2 days 04:46:24.000000000", {"unit": "hours", "from": "duration", "decimals": 2}, "52.77"),
        ("-675 days, 0:00:00", {"unit": "days", "from": "duration"}, "-675"),
        ("-58320000.0", {"unit": "days", "from": "seconds"}, "-675"),
        ("7.75", {"unit": "minutes", "from": "hours"}, "465"),
        ("100", {"unit": "hours", "from": "minutes", "decimals": 3}, "1.667"),
        ("0.000000001", {"unit": "seconds", "from": "seconds"}, "0.000000001"),
        ("24:30", {"unit": "minutes", "from": "duration"}, "1470"),
        ("14:43", "minutes", "883"),
        ("14:43:30", "minutes", "883.5"),
    ],
)
def test_d12_a_length_of_time_is_sent_in_the_unit_that_is_named(
    tmp_path: Path, cell: str, said: Any, number: str
) -> None:
    rounding = {"decimals": said.pop("decimals")} if isinstance(said, dict) and "decimals" in said else {}
    content = f"line;day;qty\nL1;2026-11-19;{cell}\n"
    came = export(tmp_path, content, value={**QTY, "as": said, **rounding})
    assert came.rejects == []
    assert came.numbers == {"press 2026-11-19": Decimal(number)}


def test_d12_lengths_of_time_are_added_before_they_are_divided(tmp_path: Path) -> None:
    content = "line;day;qty\n" + "L1;2026-11-19;0:20\n" * 3
    came = export(tmp_path, content, value={**SUM, "as": {"unit": "hours", "from": "duration"}})
    assert came.numbers == {"press 2026-11-19": 1}


def test_d12_what_is_more_than_a_day_is_no_time_of_day(tmp_path: Path) -> None:
    came = export(tmp_path, "line;day;qty\nL1;2026-11-19;24:30\n", value={**QTY, "as": "minutes"})
    assert came.rejects == ["2 bad-number: column qty: '24:30' is not a time of day such as 14:43"]


# ---------------------------------------------------------------- shifts over midnight, in a database and in a file


@pytest.mark.parametrize(
    ("said", "total"),
    [({"day_starts": "06:00"}, 24), ({"day_starts": "22:00", "night": "end_day"}, 24), ({"timezone": "UTC"}, 24)],
)
def test_a_query_between_dates_gives_a_day_that_starts_late_with_all_of_its_hours(
    tmp_path: Path, said: dict[str, str], total: int
) -> None:
    url = f"sqlite:///{tmp_path / 'mes.db'}"
    hours = [datetime(2026, 11, 15) + timedelta(hours=hour) for hour in range(96)]  # noqa: DTZ001
    with create_engine(url, poolclass=NullPool).begin() as connection:
        connection.execute(text("CREATE TABLE output (line TEXT, at TEXT, qty INTEGER)"))
        for hour in hours:
            connection.execute(text("INSERT INTO output VALUES ('L1', :at, 1)"), {"at": f"{hour:%Y-%m-%d %H:%M:%S}"})
    query = "SELECT line, at AS day, qty FROM output WHERE at >= :from AND at < :until"
    source = sql.SPEC.build(sql.SPEC.options.model_validate({"url": url, "query": query}), Surroundings())
    one_day = Scope(TODAY, date(2026, 11, 17), date(2026, 11, 17))
    came = came_of(source, mapper({"column": "day", **said}, SUM, one_day, BERLIN))
    assert came.numbers == {"press 2026-11-17": total}
    assert came.rejects == []


@dataclass
class Bookings:
    """A file of bookings with date and time in two columns, recognised by its content."""

    rows: list[tuple[str, str, str, str]] = field(default_factory=list)
    needs_range: bool = False

    def hashes(self) -> dict[str, str]:
        return {"bookings": repr(self.rows)}

    def read(self, scope: Scope, intake: Intake) -> Iterator[Table]:
        rows = (Row(line, cells) for line, cells in enumerate(self.rows, start=2))
        yield Table("bookings", ("line", "day", "at", "qty"), self._counted(rows, intake))

    def _counted(self, rows: Iterator[Row], intake: Intake) -> Iterator[Row]:
        for row in rows:
            intake.read += 1
            yield row
        intake.origins.update(self.hashes())


def test_a_change_of_the_time_alone_moves_the_value_to_the_other_day() -> None:
    clock = FakeClock()
    board, state = MemoryBoard(clock), MemoryState()
    made = mapper({"column": "day", **SAP, "day_starts": "06:00"}, SUM, Scope(TODAY), BERLIN)
    made = replace(made, open_periods=OpenPeriods.SEND)  # or nothing would be remembered

    def run_over(time: str) -> tuple[Report, set[date]]:
        source = Bookings([("L1", "20261118", time, "5"), ("L1", "20261117", "120000", "1")])
        options, report = DestinationOptions(concurrency=1), Report("job", "job")
        job = Job("job", source, made, board, options, GuardOptions(), Absent.WITHDRAW, frozenset(), "same")
        run(job, Tools(state, clock), report, over_guard=True)
        return report, {key.period for key, values in board.records.items() if values}

    assert run_over("070000")[1] == {date(2026, 11, 18), date(2026, 11, 17)}
    assert run_over("070000")[0].reading == ["not read: its files are those that were confirmed whole"]
    assert run_over("050000")[1] == {date(2026, 11, 17)}
