"""The rows of the catalogue of inputs about XML: T20, and T9 as far as an .xls is XML."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

from kpisync.model import Intake, Scope
from kpisync.ports import Surroundings
from kpisync.sources.xml import SPEC

IDOC = """<?xml version="1.0" encoding="utf-8"?>
<ZHKI_TARSISTILAUKSET><IDOC BEGIN="1">
<EDI_DC40 SEGMENT="1"><TABNAM>EDI_DC40</TABNAM><DOCNUM>0000000000081234</DOCNUM><RCVPRN>PLANT1</RCVPRN></EDI_DC40>
<ZHKI_TARSISTILAUKSET SEGMENT="1"><MATNR>000000000000692</MATNR><LFDAT>20241023</LFDAT><LFIMG>12.000</LFIMG>
</ZHKI_TARSISTILAUKSET>
<ZHKI_TARSISTILAUKSET SEGMENT="1"><MATNR>000000000000693</MATNR><LFDAT>00000000</LFDAT><LFIMG></LFIMG>
</ZHKI_TARSISTILAUKSET>
<ZHKI_TARSISTILAUKSET><MATNR>no segment</MATNR></ZHKI_TARSISTILAUKSET>
</IDOC><IDOC BEGIN="1">
<EDI_DC40 SEGMENT="1"><TABNAM>EDI_DC40</TABNAM><DOCNUM>0000000000081235</DOCNUM><RCVPRN>PLANT2</RCVPRN></EDI_DC40>
<ZHKI_TARSISTILAUKSET SEGMENT="1"><MATNR>000000000000692</MATNR><LFDAT>20241024</LFDAT><LFIMG>3.500</LFIMG>
</ZHKI_TARSISTILAUKSET>
</IDOC></ZHKI_TARSISTILAUKSET>
"""


def read(path: Path, content: str, **options: Any) -> tuple[tuple[str, ...], list[tuple[int, list[object]]]]:
    path.write_text(content, encoding="utf-8")
    given = SPEC.options.model_validate({"path": str(path), **options})
    (table,) = SPEC.build(given, Surroundings()).read(Scope(date(2026, 11, 20)), Intake())
    return table.columns, [(row.line, list(row.cells)) for row in table.rows]


def test_t20_data_segments_of_an_idoc_get_what_their_own_control_record_says(tmp_path: Path) -> None:
    columns, rows = read(
        tmp_path / "idoc.xml",
        IDOC,
        rows="IDOC/ZHKI_TARSISTILAUKSET[@SEGMENT]",
        fields={
            "Werk": "../EDI_DC40/RCVPRN",
            "IDoc": "../EDI_DC40/DOCNUM",
            "Material": "MATNR",
            "Datum": "LFDAT",
            "Menge": "LFIMG",
        },
    )
    assert columns == ("Werk", "IDoc", "Material", "Datum", "Menge")
    assert rows == [
        (4, ["PLANT1", "0000000000081234", "000000000000692", "20241023", "12.000"]),
        (6, ["PLANT1", "0000000000081234", "000000000000693", "00000000", ""]),
        (11, ["PLANT2", "0000000000081235", "000000000000692", "20241024", "3.500"]),
    ]


def test_t20_an_idoc_in_one_line_has_its_rows_counted(tmp_path: Path) -> None:
    _, rows = read(
        tmp_path / "idoc.xml",
        IDOC.replace("\n", ""),
        rows="IDOC/ZHKI_TARSISTILAUKSET[@SEGMENT]",
        fields={"Material": "MATNR", "Werk": "../EDI_DC40/RCVPRN"},
    )
    assert rows == [
        (1, ["000000000000692", "PLANT1"]),
        (2, ["000000000000693", "PLANT1"]),
        (3, ["000000000000692", "PLANT2"]),
    ]


def test_t9_an_xls_that_is_xml_is_read_by_its_content(tmp_path: Path) -> None:
    uri = "urn:schemas-microsoft-com:office:spreadsheet"
    cells = ('<Cell ss:Index="2"><Data ss:Type="Number">7</Data></Cell>', "<Cell><Data>L1</Data></Cell>")
    content = (
        f'<?xml version="1.0"?>\n<Workbook xmlns="{uri}" xmlns:ss="{uri}">\n<Worksheet ss:Name="A"><Table>\n'
        + "\n".join(f"<Row>{cell}</Row>" for cell in cells)
        + "\n</Table></Worksheet></Workbook>"
    )
    _, rows = read(
        tmp_path / "export.xls",
        content,
        rows="Worksheet/Table/Row",
        namespaces={"": uri},
        fields={"Line": "Cell[1]/Data", "Qty": "Cell[2]/Data"},
    )
    assert rows == [(4, [None, "7"]), (5, ["L1", None])]
