"""Lists as SAP saves them, and lines of fixed width (T1 to T7, T18, and T9's list), from their bytes to values."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from kpisync.errors import SourceError
from kpisync.mapping.apply import Mapper
from kpisync.mapping.catalog_options import CatalogOptions
from kpisync.mapping.collect import Collector
from kpisync.mapping.options import MapOptions
from kpisync.model import Intake, Scope
from kpisync.ports import Surroundings
from kpisync.sources import fixed_width, sap_list

TODAY = date(2026, 11, 20)
PLANTS = {"1000": "5b1f0e8a-6c1d-4b53-9a8e-2f6f0c3d7e11", "2000": "6f1c0a52-2f43-4c1f-9f0e-1d8f0f6b7a10"}
CATALOG = CatalogOptions.model_validate(
    {
        "teams": {f"plant-{code}": id for code, id in PLANTS.items()},
        "kpis": {"stock": {"id": "c3ba32c2-a13a-0000-0000-000000000000", "values": {"actual": PLANTS["1000"]}}},
    }
).catalog()
SPECS = {"sap-list": sap_list.SPEC, "fixed-width": fixed_width.SPEC}


@dataclass(frozen=True)
class Came:
    numbers: dict[str, Decimal]  # plant and day → number
    skipped: Counter[str]
    rejects: list[str]  # line and code


def came(file: Path, content: str | bytes, /, type: str = "sap-list", **given: Any) -> Came:
    """What is mapped from columns Plant, Date and Quantity, unless `columns` says where they are found."""
    file.write_bytes(content if isinstance(content, bytes) else content.encode())
    map = {
        "date": {"column": given.pop("day", "Date"), "format": "%d.%m.%Y"},
        "team": {"column": given.pop("plant", "Plant"), "lookup": "plants"},
        "values": [{"kpi": "stock", "value": "actual", "column": given.pop("quantity", "Quantity")}],
    }
    spec = SPECS[type]
    options = spec.options.model_validate({"path": str(file), "decimal": ",", "thousands": ".", **given})
    source = spec.build(options, Surroundings())
    lookups = {"plants": {code: f"plant-{code}" for code in PLANTS}}
    mapper = Mapper(MapOptions.model_validate(map), "board", CATALOG, lookups, Scope(TODAY))
    intake, collector = Intake(), Collector(mapper.options.values)
    for table in source.read(Scope(TODAY), intake):
        for reading in mapper.readings(table, intake):
            collector.add(reading, table.origin)
    codes = {id: code for code, id in PLANTS.items()}
    numbers = {
        f"{codes[str(value.key.record.team)]} {value.key.record.period}": value.number
        for value in collector.values(intake)
    }
    rejects = [f"{(each.source or '').rpartition(':')[2]} {each.code}" for each in intake.rejections]
    return Came(numbers, intake.skipped, rejects)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "MB52.txt"


# ---------------------------------------------------------------- T1 to T4: unconverted

LIST = """\
20.11.2026                      Dynamic List Display                                 1
--------------------------------------------------------------------------------------

Stock per plant

-------------------------------------------
|Plant|Date      |Batch|       Quantity|UoM|
-------------------------------------------
|1000 |18.11.2026|A1   |       1.234,50|PC |
|1000 |19.11.2026|     |          12,00-|PC|
|2000 |19.11.2026|B7   |           0,00|   |
-------------------------------------------
"""
VALUES = {"1000 2026-11-18": Decimal("1234.5"), "1000 2026-11-19": -12, "2000 2026-11-19": 0}


def test_t1_rows_are_the_lines_between_bars_the_first_of_them_the_header_and_rulers_are_dropped(file: Path) -> None:
    found = came(file, LIST)
    assert found.numbers == VALUES
    assert found.rejects == []
    assert found.skipped == {"no delimiter": 2, "blank": 2, "ruler": 4}


@pytest.mark.parametrize("title", ["Dynamic List Display", "Dynamische Listenausgabe", "Saída dinâmica de lista"])
@pytest.mark.parametrize("above", [0, 3])
def test_t2_the_header_is_found_whatever_the_title_says_and_however_long_it_is(
    file: Path, title: str, above: int
) -> None:
    table = LIST[LIST.index("-----------------------------------\n|Plant") :]
    text = f"{title}   1\n" * (above + 1) + table
    assert came(file, text, header={"find": ["Plant", "Quantity"]}).numbers == VALUES
    assert came(file, text).numbers == VALUES


def test_t3_headers_and_titles_of_further_pages_are_no_rows(file: Path) -> None:
    ruler = "-------------------------------------------\n"
    page = f"{ruler}\f20.11.2026      Dynamic List Display       2\n\n{ruler}"
    header = "|Plant|Date      |Batch|       Quantity|UoM|\n"
    further = "|2000 |18.11.2026|B8   |           7,00|PC |\n"
    found = came(file, LIST + page + header + ruler + further + ruler)
    assert found.numbers == {**VALUES, "2000 2026-11-18": 7}
    assert found.rejects == []
    assert found.skipped["repeated header"] == 1


def test_t4_a_blank_cell_shifts_no_other_and_a_row_of_another_width_is_rejected(file: Path) -> None:
    rows = "|1000 |18.11.2026|||PC|\n|1000 |17.11.2026|A|x|5,00|PC|\n|2000||B|3,00||\n|2000|18.11.2026| |4,00||\n"
    found = came(file, "|Plant|Date|Batch|Quantity|UoM|\n" + rows)
    assert found.numbers == {"2000 2026-11-18": 4}
    assert [reject.partition(" ")[0] for reject in found.rejects] == ["3", "4"]
    assert found.rejects[0] == "3 field-count"


# ---------------------------------------------------------------- T5, T6: text with tabs


@pytest.mark.parametrize("line", [2, 4, 5, 7])
@pytest.mark.parametrize("leading", [1, 2])
def test_t5_the_header_is_found_below_titles_and_beside_empty_columns_and_padding(
    file: Path, line: int, leading: int
) -> None:
    tabs = "\t" * leading
    above = ["20.11.2026\t\t\tMB52 - Lagerbestand\t\t\t  1", "", "Werk Nord", "", "", ""][: line - 1]
    header = f"{tabs}Plant\t\tDate\t       Quantity\tUoM"
    rows = [f"{tabs}1000\t\t18.11.2026\t      1.234,50\tPC", f"{tabs}2000\t\t19.11.2026\t         3,00-\t"]
    found = came(file, "".join(f"{text}\r\n" for text in [*above, header, "", *rows]))
    assert found.numbers == {"1000 2026-11-18": Decimal("1234.5"), "2000 2026-11-19": -3}
    assert found.rejects == []


def test_t6_a_blank_line_after_every_line_never_ends_the_table(file: Path) -> None:
    lines = ["Plant\tDate\tQuantity", *(f"{plant}\t{day}.11.2026\t{day},5" for plant in PLANTS for day in (17, 18, 19))]
    found = came(file, "".join(f"{line}\r\n\r\n" for line in lines))
    assert len(found.numbers) == 6
    assert found.numbers["2000 2026-11-19"] == Decimal("19.5")
    assert found.skipped == {"blank": 7}


# ---------------------------------------------------------------- T7: names that several columns have

TWICE = "Plant\tAct.finish\tQty\tUoM\tAct.finish\tUoM\n1000\t18.11.2026\t5\tPC\t14:43:00\tKG\n"


def test_t7_a_bare_name_of_several_columns_is_an_error_that_tells_how_to_address_each(file: Path) -> None:
    with pytest.raises(SourceError) as caught:
        came(file, TWICE, day="Act.finish", quantity="Qty")
    assert "2 columns are called 'Act.finish'" in caught.value.what
    assert "Act.finish#1, Act.finish#2" in str(caught.value.hint)


@pytest.mark.parametrize("address", ["Act.finish#1", "@2"])
def test_t7_a_column_is_addressed_by_its_number_among_its_namesakes_or_by_its_position(
    file: Path, address: str
) -> None:
    assert came(file, TWICE, day=address, quantity="Qty").numbers == {"1000 2026-11-18": 5}
    assert came(file, TWICE, day="Act.finish#2", quantity="Qty").numbers == {}


# ---------------------------------------------------------------- T9, and totals

TABS = "\ufeff20.11.2026\tListe\r\n\r\n\tPlant\tDate\tQuantity\r\n\r\n\t1000\t18.11.2026\t5,00\r\n*\t\t\t5,00\r\n"


@pytest.mark.parametrize("name", ["stock.xls", "stock.csv", "stock.txt", "stock"])
def test_t9_a_list_is_told_by_what_it_holds_and_not_by_its_name(tmp_path: Path, name: str) -> None:
    found = came(tmp_path / name, TABS.encode("utf-16-le"))
    assert found.numbers == {"1000 2026-11-18": 5}
    assert found.skipped["totals"] == 1


def test_totals_are_never_added_to_what_they_sum_up(file: Path) -> None:
    totals = "|*    |          |     |       1.222,50|PC |\n|**   |          |     |       1.222,50|PC |\n"
    ruler = "-------------------------------------------\n"
    found = came(file, LIST + totals + ruler)
    assert found.numbers == VALUES
    assert found.skipped["totals"] == 2
    kept = came(file, LIST + totals + ruler, totals="keep")
    assert kept.numbers == VALUES
    assert len(kept.rejects) == 2


# ---------------------------------------------------------------- T18: fixed width

FIELDS = {"Plant": "1-4", "Text": "5-12", "Date": "13-22", "Quantity": "23-32"}


def test_t18_positions_are_those_of_characters_not_of_bytes(file: Path) -> None:
    lines = ["1000Gehäuse 18.11.2026  1.234,50", "2000Laengen 19.11.2026     3,00-"]
    text = "".join(f"{line}\n" for line in lines)
    wanted = {"1000 2026-11-18": Decimal("1234.5"), "2000 2026-11-19": -3}
    for encoding in ("utf-8", "cp1252", "utf-16-le"):
        assert came(file, text.encode(encoding), type="fixed-width", fields=FIELDS, encoding=encoding).numbers == wanted


def test_t18_positions_are_those_of_bytes_where_the_layout_counts_them(file: Path) -> None:
    lines = ["1000Gehäuse18.11.2026  1.234,50", "2000Laengen 19.11.2026     3,00-"]
    text = "".join(f"{line}\n" for line in lines)
    found = came(file, text, type="fixed-width", fields=FIELDS, positions="bytes")
    assert found.numbers == {"1000 2026-11-18": Decimal("1234.5"), "2000 2026-11-19": -3}
    assert came(file, text, type="fixed-width", fields=FIELDS).rejects == ["1 line-length"]
