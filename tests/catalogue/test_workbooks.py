"""Workbooks as plants have them (X1 to X12, N8, N13, D2, D3): the exact values, or the exact rejections."""

# ruff: noqa: DTZ001 - cells have no zone

from __future__ import annotations

import io
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from openpyxl.utils.datetime import CALENDAR_MAC_1904
from openpyxl.worksheet.worksheet import Worksheet

from kpisync.errors import SourceError
from kpisync.mapping.apply import Mapper
from kpisync.mapping.catalog_options import CatalogOptions
from kpisync.mapping.collect import Collector
from kpisync.mapping.options import MapOptions
from kpisync.model import Intake, Scope
from kpisync.ports import Surroundings
from kpisync.sources.excel import SPEC

TODAY = date(2026, 11, 20)
DAY = datetime(2026, 11, 19)
TEAMS = {
    "press": "8dca904d-9134-3bb0-95b7-3f72ae3dfacf",
    "paint": "6f1c0a52-2f43-4c1f-9f0e-1d8f0f6b7a10",
}
CATALOG = CatalogOptions.model_validate(
    {
        "teams": TEAMS,
        "kpis": {name: {"id": name, "values": {"actual": f"{name}-actual"}} for name in ("scrap", "output", "oee")},
    }
).catalog()
LOOKUPS = {"lines": {"L1": "press", "L2": "paint"}, "codes": {"0001200": "press", "10": "paint"}}
HEADER = ["line", "day", "qty"]
MAP = {
    "date": {"column": "day"},
    "team": {"column": "line", "lookup": "lines"},
    "values": [{"kpi": "scrap", "value": "actual", "column": "qty"}],
}


@dataclass(frozen=True)
class Came:
    """What came of a workbook."""

    numbers: dict[str, Decimal]  # by `kpi team period`
    intake: Intake

    @property
    def rejects(self) -> list[str]:
        """`row code: reason`."""
        return [f"{str(r.source).rsplit(':', 1)[1]} {r.code}: {r.reason}" for r in self.intake.rejections]


def came_of(path: Path, map: Mapping[str, Any], source: Mapping[str, Any]) -> Came:
    built = SPEC.build(SPEC.options.model_validate({"path": str(path), **source}), Surroundings())
    mapper = Mapper(MapOptions.model_validate(map), "board", CATALOG, LOOKUPS, Scope(TODAY))
    intake, collector = Intake(), Collector(mapper.options.values)
    for table in built.read(Scope(TODAY), intake):
        for reading in mapper.readings(table, intake):
            collector.add(reading, table.origin)
    teams = {id: name for name, id in TEAMS.items()}
    records = [(value.key.record, value.number) for value in collector.values(intake)]
    return Came({f"{r.kpi} {teams[r.team or '']} {r.period:%d.%m.}": number for r, number in records}, intake)


def came(folder: Path, rows: Sequence[Sequence[object]], map: Mapping[str, Any] | None = None, **source: Any) -> Came:
    """Of a sheet with these rows."""
    return came_of(saved(folder, sheet_of(rows)), {**MAP, **(map or {})}, source)


def sheet_of(rows: Sequence[Sequence[object]]) -> Worksheet:
    sheet = openpyxl.Workbook().active
    assert isinstance(sheet, Worksheet)
    for row in rows:
        sheet.append(row)
    return sheet


def saved(folder: Path, sheet: Worksheet) -> Path:
    assert sheet.parent is not None
    sheet.parent.save(folder / "plan.xlsx")
    return folder / "plan.xlsx"


def changed(path: Path, part: str, old: str, new: str) -> Path:
    """The workbook with another text in one of its parts."""
    archive = zipfile.ZipFile(io.BytesIO(path.read_bytes()))
    with zipfile.ZipFile(path, "w") as written:
        for name in archive.namelist():
            content = archive.read(name).decode()
            assert name != part or old in content
            written.writestr(name, content.replace(old, new) if name == part else content)
    return path


SHEET = "xl/worksheets/sheet1.xml"


def test_x1_titles_above_footnotes_below_and_a_second_sheet_of_the_same_layout(tmp_path: Path) -> None:
    rows = [["Scrap of plant 1"], [], HEADER, ["L1", DAY, 5], ["L2", DAY, 6], [], ["* provisional", None, None]]
    sheet = sheet_of(rows)
    sheet.merge_cells("A1:C1")
    assert sheet.parent is not None
    second = sheet.parent.create_sheet("Last year")
    for row in (HEADER, ["L1", DAY, 99]):
        second.append(row)
    stop = {"column": "line", "matches": r"^\*"}
    found = came_of(saved(tmp_path, sheet), MAP, {"header": {"find": ["line", "qty"]}, "stop_at": stop})
    assert found.numbers == {"scrap press 19.11.": 5, "scrap paint 19.11.": 6}
    assert found.intake.skipped == {"before the header": 2, "blank": 1, "stop_at": 1}
    assert came_of(tmp_path / "plan.xlsx", MAP, {"sheet": "Last year"}).numbers == {"scrap press 19.11.": 99}


def test_x2_total_rows_without_a_label_are_no_data(tmp_path: Path) -> None:
    found = came(
        tmp_path, [HEADER, ["L1", DAY, 5], ["L2", DAY, 6], [None, None, 11], [None, None, "PC"]], require=["line"]
    )
    assert found.numbers == {"scrap press 19.11.": 5, "scrap paint 19.11.": 6}
    assert found.intake.skipped == {"require line": 2}


def test_x3_a_last_row_without_a_date_is_reported_by_the_rule_of_every_row(tmp_path: Path) -> None:
    rows = [HEADER, ["L1", DAY, 5], ["L2", None, 7]]
    assert came(tmp_path, rows, require=["day"]).intake.examples == {"require day": [f"{_place(tmp_path)}:3"]}
    kept = came(tmp_path, rows)
    assert kept.numbers == {"scrap press 19.11.": 5}
    assert [reject.split(":")[0] for reject in kept.rejects] == ["3 no-date"]


def test_x4_parameters_beside_the_table_are_not_looked_at(tmp_path: Path) -> None:
    rows = [[*HEADER, None, "qty", "Factor", 1.5], ["L1", DAY, 5, None, 99, "line", "L2"]]
    assert came(tmp_path, rows, range="A:C").numbers == {"scrap press 19.11.": 5}
    with pytest.raises(SourceError, match="2 columns are called 'qty'"):
        came(tmp_path, rows)


def test_x5_a_header_with_line_breaks_is_found_by_its_words(tmp_path: Path) -> None:
    rows = [["line", "day", "Scrap\nquantity \r\n(PC)"], ["L1", DAY, 5]]
    values = [{"kpi": "scrap", "value": "actual", "column": "Scrap quantity (PC)"}]
    assert came(tmp_path, rows, {"values": values}).numbers == {"scrap press 19.11.": 5}


def test_x6_a_formula_is_its_stored_value_even_if_it_is_volatile(tmp_path: Path) -> None:
    path = saved(tmp_path, sheet_of([HEADER, ["L1", DAY, "=RANDBETWEEN(1,9)"]]))
    changed(path, SHEET, "<v />" if "<v />" in _sheet(path) else "<v></v>", "<v>7</v>")
    assert came_of(path, MAP, {}).numbers == {"scrap press 19.11.": 7}


def test_x6_a_formula_that_was_never_calculated_is_rejected_and_never_0(tmp_path: Path) -> None:
    found = came(tmp_path, [HEADER, ["L1", DAY, "=1+1"], ["L2", DAY, 6]])
    assert found.numbers == {"scrap paint 19.11.": 6}
    assert [reject.split(";")[0] for reject in found.rejects] == [
        "2 bad-number: column qty: 'formula without a value' is not a number"
    ]


def test_x7_hidden_sheets_rows_and_columns(tmp_path: Path) -> None:
    sheet = sheet_of([HEADER, ["L1", DAY, 5], ["L2", DAY, 6]])
    sheet.row_dimensions[3].hidden = sheet.column_dimensions["C"].hidden = True
    assert sheet.parent is not None
    first = sheet.parent.create_sheet("Lists", 0)
    first.append(["L1", "press"])
    first.sheet_state = "veryHidden"
    path = saved(tmp_path, sheet)
    assert came_of(path, MAP, {}).numbers == {"scrap press 19.11.": 5, "scrap paint 19.11.": 6}
    skipped = came_of(path, MAP, {"hidden_rows": "skip"})
    assert skipped.numbers == {"scrap press 19.11.": 5}
    assert skipped.intake.skipped == {"hidden row": 1}


def test_x8_merged_cells_are_filled_by_column_or_by_their_area(tmp_path: Path) -> None:
    sheet = sheet_of([HEADER, ["L1", DAY, 5], [None, DAY - timedelta(1), 6], [None, None, 7]])
    sheet.merge_cells("A2:A3")
    path = saved(tmp_path, sheet)
    numbers = {"scrap press 19.11.": 5, "scrap press 18.11.": 6}
    assert came_of(path, MAP, {"merged": "fill", "require": ["day"]}).numbers == numbers
    assert came_of(path, MAP, {"fill_down": ["line"], "require": ["day"]}).numbers == numbers


def test_x9_a_wrong_declared_dimension_and_blank_formatted_cells_do_not_matter(tmp_path: Path) -> None:
    sheet = sheet_of([HEADER, ["L1", DAY, 5]])
    for row in range(1, 5):
        sheet.cell(row, 1024).number_format = "0.00"
    path = changed(saved(tmp_path, sheet), SHEET, '<dimension ref="A1:AMJ4"', '<dimension ref="A1:A1"')
    found = came_of(path, MAP, {})
    assert (found.numbers, found.intake.rejections) == ({"scrap press 19.11.": 5}, [])
    assert found.intake.notes == [f"{_place(tmp_path)}: header in line 1"]


def test_x10_a_drawing_that_leads_nowhere_does_not_matter_and_an_error_is_no_blank(tmp_path: Path) -> None:
    path = saved(tmp_path, sheet_of([HEADER, ["L1", DAY, "#DIV/0!"], ["L2", DAY, None]]))
    assert 't="e"' in _sheet(path)
    changed(path, SHEET, "</worksheet>", '<drawing xmlns:r="http://r" r:id="rId7"/></worksheet>')
    found = came_of(path, MAP, {})
    assert found.numbers == {}
    assert [reject.split(";")[0] for reject in found.rejects] == ["2 bad-number: column qty: '#DIV/0!' is not a number"]
    declared = came_of(path, MAP, {"null": ["#DIV/0!"]})
    assert (declared.numbers, declared.rejects) == ({}, [])


def test_x11_a_column_for_every_day_becomes_a_row_for_every_day(tmp_path: Path) -> None:
    rows = [["line", "2026-11-18", "2026-11-19"], ["L1", 5, 6], ["L2", None, 7]]
    unpivot = {"keep": ["line"], "names_to": "day", "values_to": "qty"}
    expected = {"scrap press 18.11.": 5, "scrap press 19.11.": 6, "scrap paint 19.11.": 7}
    assert came(tmp_path, rows, unpivot=unpivot).numbers == expected


def test_x11_a_column_for_every_kpi_becomes_a_row_for_every_kpi(tmp_path: Path) -> None:
    rows = [["line", "day", "scrap", "output"], ["L1", DAY, 5, 600]]
    value = {"kpi": {"column": "kpi"}, "value": "actual", "column": "qty"}
    unpivot = {"keep": ["line", "day"], "names_to": "kpi", "values_to": "qty"}
    found = came(tmp_path, rows, {"values": [value]}, unpivot=unpivot)
    assert found.numbers == {"scrap press 19.11.": 5, "output press 19.11.": 600}


def test_x12_values_of_an_order_stand_on_its_first_line_and_are_not_counted_twice(tmp_path: Path) -> None:
    header = ["number", "line", "day", "order total", "qty"]
    rows = [
        ["1", "L1", DAY, 5, 2],
        [None, None, None, None, 3],
        [None, "L2", DAY, 9, 4],  # a draft without a number is an order of its own
        [None, None, None, None, 5],
    ]
    values = [
        {"kpi": "scrap", "value": "actual", "column": "qty", "aggregate": "sum"},
        {"kpi": "output", "value": "actual", "column": "order total", "aggregate": "sum"},
    ]
    assert came(tmp_path, [header, *rows], {"values": values}, fill_down=["number", "line", "day"]).numbers == {
        "scrap press 19.11.": 5, "output press 19.11.": 5, "scrap paint 19.11.": 9, "output paint 19.11.": 9,
    }  # fmt: skip


def test_n8_text_numbers_obey_the_options_and_numeric_cells_are_taken_as_they_are(tmp_path: Path) -> None:
    rows = [["line", "day", "qty", "rate"], ["L1", DAY, 1234.5, "0,884"], ["L2", DAY, "1.234,5", 0.884]]
    values = [
        {"kpi": "scrap", "value": "actual", "column": "qty"},
        {"kpi": "oee", "value": "actual", "column": "rate", "scale": 100},
    ]
    assert came(tmp_path, rows, {"values": values}, decimal=",", thousands=".").numbers == {
        "scrap press 19.11.": Decimal("1234.5"), "scrap paint 19.11.": Decimal("1234.5"),
        "oee press 19.11.": Decimal("88.4"), "oee paint 19.11.": Decimal("88.4"),
    }  # fmt: skip


def test_n8_a_sheet_of_text_is_read_as_an_export_of_text_is(tmp_path: Path) -> None:
    sheet = sheet_of([HEADER, ["L1", "19.11.2026", "1.234,50-"]])
    for row in sheet.iter_rows():
        for cell in row:
            cell.number_format = "@"
    map = {**MAP, "date": {"column": "day", "format": "%d.%m.%Y"}}
    found = came_of(saved(tmp_path, sheet), map, {"decimal": ",", "thousands": "."})
    assert found.numbers == {"scrap press 19.11.": Decimal("-1234.5")}


def test_n13_zeros_of_a_key_stay_and_a_numeric_cell_is_the_key_of_its_number(tmp_path: Path) -> None:
    rows = [HEADER, ["0001200", DAY, 5], [10, DAY, 6], [1200, DAY, 7]]
    found = came(tmp_path, rows, {"team": {"column": "line", "lookup": "codes"}})
    assert found.numbers == {"scrap press 19.11.": 5, "scrap paint 19.11.": 6}
    assert [reject.split(";")[0] for reject in found.rejects] == ["4 unknown-team: 1200 is not in lookup codes"]


def test_d2_a_year_that_stands_above_the_table_completes_its_days(tmp_path: Path) -> None:
    rows = [["Scrap since", datetime(2026, 1, 1)], HEADER, ["L1", "19.11.", 5]]
    source = {"metadata": {"row": 1, "columns": {"year": 2}}}
    map = {"date": {"column": "day", "format": "%d.%m.", "year": {"column": "year"}}}
    assert came(tmp_path, rows, map, **source).numbers == {"scrap press 19.11.": 5}


@pytest.mark.parametrize("mac", [False, True])
def test_d3_a_date_cell_is_the_day_that_excel_shows_in_both_systems(tmp_path: Path, mac: bool) -> None:
    sheet = sheet_of([HEADER])
    assert sheet.parent is not None
    if mac:
        sheet.parent.epoch = CALENDAR_MAC_1904
    sheet.append(["L1", DAY, 5])
    path = saved(tmp_path, sheet)
    assert f"<v>{46345 - 1462 * mac}</v>" in _sheet(path)
    assert came_of(path, MAP, {}).numbers == {"scrap press 19.11.": 5}


def test_d3_a_serial_is_a_date_only_where_the_job_says_so(tmp_path: Path) -> None:
    rows = [HEADER, ["L1", 46345, 5]]
    assert [reject.split(":")[0] for reject in came(tmp_path, rows).rejects] == ["2 bad-date"]
    assert came(tmp_path, rows, {"date": {"column": "day", "format": "excel"}}).numbers == {"scrap press 19.11.": 5}


def test_a_time_of_day_is_minutes_where_the_job_says_so(tmp_path: Path) -> None:
    values = [{"kpi": "scrap", "value": "actual", "column": "qty", "as": "minutes"}]
    assert came(tmp_path, [HEADER, ["L1", DAY, time(14, 43)]], {"values": values}).numbers == {
        "scrap press 19.11.": 883
    }


def _sheet(path: Path) -> str:
    return zipfile.ZipFile(path).read(SHEET).decode()


def _place(folder: Path) -> str:
    return f"{folder / 'plan.xlsx'}!Sheet"
