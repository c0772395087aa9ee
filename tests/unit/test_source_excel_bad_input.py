"""A workbook that cannot be trusted stops the whole reading, with what, where and what to do next."""

from __future__ import annotations

import io
import os
import struct
import zipfile
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from workbook_bytes import container, num, ods, ods_cell, ods_row, row, xls, xls_row, xlsb, xlsb_row, xlsx, zipped

from kpisync.errors import Exit, SourceError
from kpisync.model import Intake, Scope
from kpisync.ports import Surroundings
from kpisync.sources.excel import SPEC
from kpisync.sources.excel.package import MOST_UNPACKED

SCOPE = Scope(date(2026, 11, 20))
GOOD = xlsx(row(1, "a", "b") + row(2, num(1), num(2)))


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def read_all(path: str = "plan.xlsx", **options: Any) -> Intake:
    source, intake = SPEC.build(SPEC.options.model_validate({"path": path, **options}), Surroundings()), Intake()
    for table in source.read(SCOPE, intake):
        for _ in table.rows:
            pass
    return intake


def refusal(content: bytes, **options: Any) -> SourceError:
    Path("plan.xlsx").write_bytes(content)
    with pytest.raises(SourceError) as caught:
        read_all(**options)
    error = caught.value
    assert error.exit_code is Exit.UNUSABLE
    assert str(error.where).startswith("plan.xlsx")
    assert error.hint
    assert "\n" not in str(error)
    return error


# ---------------------------------------------------------------- by content, not by name


@pytest.mark.parametrize(
    ("content", "kind", "hint"),
    [
        ("\ufeffa\tb\n1\t2\n".encode("utf-16-le"), "text", "type: csv, encoding: utf-16 and delimiter: tab"),
        (b"a\tb\n1\t2\n", "text", "type: csv, its encoding and delimiter: tab"),
        (b"a;b\n1;2\n", "text", "type: csv, its encoding and its delimiter"),
        (b"<html><table><tr><td>1</td></tr></table></html>", "an HTML page", ".xlsx or csv"),
        ("\ufeff<html>".encode("utf-16-le"), "an HTML page", ".xlsx or csv"),
        (b"MIME-Version: 1.0\nContent-Type: multipart/related", "web archive", ".xlsx or csv"),
        (b'<?xml version="1.0"?><asx:abap/>', "an XML document", "type: xml"),
        (
            b'<?xml version="1.0"?><Workbook xmlns="urn:schemas-microsoft-com:office:spreadsheet"/>',
            "XML spreadsheet",
            "type: xml",
        ),
        (b'{"error": "login required"}', "a JSON document", "type: json"),
        (b"%PDF-1.7\n", "a PDF document", "what wrote it"),
        (b"PAR1\0\0", "a Parquet file", "type: parquet"),
        (zipped({"scrap.csv": "a;b\n"}), "a ZIP archive, but no workbook", "what wrote it"),
        (container({"WordDocument": bytes(4096)}), "no workbook", "what wrote it"),
        (b"\0\1\2\3", "no workbook", "what wrote it"),
    ],
)
def test_what_is_no_workbook_is_called_by_its_name_and_by_the_source_that_reads_it(
    content: bytes, kind: str, hint: str
) -> None:
    error = refusal(content)
    assert kind in error.what
    assert hint in str(error.hint)


def test_an_empty_file_is_no_workbook_without_rows() -> None:
    assert refusal(b"").what == "the file is empty"


def test_an_empty_sheet_is_no_table_without_rows() -> None:
    error = refusal(xlsx(""))
    assert (error.where, error.what) == ("plan.xlsx!S", "the sheet is empty")


def test_a_workbook_with_a_password_is_refused() -> None:
    encrypted = container({"EncryptionInfo": bytes(4096), "EncryptedPackage": bytes(4096)})
    assert refusal(encrypted).what == "the workbook has a password"


# ---------------------------------------------------------------- damaged


def test_a_truncated_workbook_is_refused() -> None:
    for size in (5, 40, len(GOOD) // 2, len(GOOD) - 30):
        assert "damaged" in refusal(GOOD[:size]).what


@pytest.mark.parametrize(
    "content", [xls(xls_row(1, "a"), small=small)[:cut] for small in (0, 1) for cut in (40, 600, 1600)]
)  # type: ignore[arg-type]
def test_a_truncated_xls_is_refused(content: bytes) -> None:
    refusal(content)


def test_a_text_that_is_longer_than_its_record_is_damage_and_no_crash() -> None:
    text = bytes([6, 12]) + struct.pack("<III", 0, 0, 1 << 24)
    assert "damaged" in refusal(xlsb(xlsb_row(1, "a") + text)).what


def test_a_chain_of_sectors_without_an_end_is_damage() -> None:
    content = bytearray(xls(xls_row(1, "a")))
    (table,) = struct.unpack_from("<I", content, 76)
    struct.pack_into("<I", content, 512 * (table + 1), 0)
    assert "damaged" in refusal(bytes(content)).what


def test_a_member_with_a_wrong_checksum_is_refused() -> None:
    at = GOOD.index(b"worksheets/sheet1.xml") + 40
    damaged = GOOD[:at] + bytes([GOOD[at] ^ 0xFF]) + GOOD[at + 1 :]
    assert "sheet1.xml" in refusal(damaged).what


def test_an_understated_size_is_found_before_the_workbook_is_opened() -> None:
    content = bytearray(xlsx(row(1, "a") + "".join(row(n, num(n)) for n in range(2, 5000))))
    for part in ("worksheets/sheet1", "styles"):
        damaged = content.copy()
        struct.pack_into("<I", damaged, _entry_of(part, content) + 24, 100)
        assert f"xl/{part}.xml: Bad CRC" in refusal(bytes(damaged)).what


def _entry_of(part: str, content: bytearray) -> int:
    """Where the archive's directory has it; 24 bytes on is its unpacked size."""
    return content.rindex(f"xl/{part}.xml".encode()) - 46


def test_xml_that_is_cut_off_is_refused() -> None:
    assert "damaged" in refusal(xlsx(sheet="<worksheet><sheetData><row><c><v>1</v>")).what


def test_a_text_that_the_table_of_texts_lacks_is_refused() -> None:
    assert "shared strings" in refusal(xlsx(row(1, '<c t="s"><v>7</v></c>'))).what


@pytest.mark.parametrize("name", ["1A", "A0", "A-1", "", "A99999999999"])
def test_a_cell_in_an_impossible_place_is_refused(name: str) -> None:
    assert "called" in refusal(xlsx(row(1, "a") + f'<row r="2"><c r="{name}"><f>A1</f></c></row>')).what


def test_a_sheet_without_its_part_is_refused() -> None:
    parts = zipfile.ZipFile(io.BytesIO(GOOD))
    left = {name: parts.read(name) for name in parts.namelist() if "sheet1" not in name}
    assert "no part" in refusal(zipped(left)).what


def test_an_encrypted_member_is_refused() -> None:
    content = bytearray(GOOD)
    content[_entry_of("styles", content) + 8] |= 1
    assert refusal(bytes(content)).what == "the workbook is encrypted"


def test_two_parts_of_one_name_are_refused() -> None:
    held = io.BytesIO(GOOD)
    with zipfile.ZipFile(held, "a") as archive, pytest.warns(UserWarning, match="Duplicate"):
        archive.writestr("xl/worksheets/sheet1.xml", "<worksheet/>")
    assert "two parts" in refusal(held.getvalue()).what


def test_an_entity_is_refused_since_its_cell_would_be_lost() -> None:
    data = row(1, "a") + row(2, num("&five;"))
    sheet = f'<!DOCTYPE w [<!ENTITY five "5">]><worksheet><sheetData>{data}</sheetData></worksheet>'
    assert "DOCTYPE" in refusal(xlsx(sheet=sheet)).what


def test_a_file_that_changes_while_it_is_opened_is_not_read_twice() -> None:
    Path("plan.xlsx").write_bytes(GOOD)
    source = SPEC.build(SPEC.options.model_validate({"path": "plan.xlsx"}), Surroundings())
    table = next(iter(source.read(SCOPE, Intake())))
    Path("plan.xlsx").write_bytes(b"")
    assert [list(cells) for _, cells in table.rows] == [[1.0, 2.0]]


# ---------------------------------------------------------------- beyond all bounds


@pytest.mark.parametrize("cell", ["XFD1048576", "A1048577", "ZZ100000", "AD1048576", "A4000000000", "AAAAAAA9"])
def test_a_sheet_that_reaches_too_far_is_refused_before_it_is_loaded(cell: str) -> None:
    error = refusal(xlsx(row(1, "a") + f'<row r="2"><c r="{cell}"><v>1</v></c></row>'))
    assert f"reaches to {cell}," in error.what
    assert "Delete what stands far outside" in str(error.hint)


def test_a_row_that_lies_too_far_is_refused_though_its_cells_have_no_names() -> None:
    assert (
        "reaches to" in refusal(xlsx('<row r="1"><c><v>1</v></c></row><row r="4000000000"><c><v>1</v></c></row>')).what
    )


def test_a_sheet_may_reach_as_far_as_a_sheet_of_excel_if_it_is_not_wide() -> None:
    Path("plan.xlsx").write_bytes(xlsx(row(1, "a") + '<row r="99999"><c r="Z99999"><v>1</v></c></row>'))
    assert read_all().read == 1


@pytest.mark.parametrize(
    "content",
    [
        xls(xls_row(1, "a") + xls_row(65_000, "a") + b"\x03\x02\x0e\x00" + b"\xff" * 4 + bytes(10)),
        xlsb(xlsb_row(1, "a") + xlsb_row(1 << 30, "a")),
        ods(S=ods_row(ods_cell(1, 'table:number-columns-repeated="99999"'), more='table:number-rows-repeated="99999"')),
    ],
    ids=["xls", "xlsb", "ods"],
)
def test_other_formats_have_the_same_bounds(content: bytes) -> None:
    assert "reaches to" in refusal(content).what


def test_a_zip_bomb_is_refused_by_what_it_says_of_its_size() -> None:
    bomb = bytearray(GOOD)
    struct.pack_into("<I", bomb, _entry_of("worksheets/sheet1", bomb) + 24, MOST_UNPACKED)
    error = refusal(bytes(bomb))
    assert "would unpack to" in error.what
    assert "1,073,741,824 are read at most" in error.what


def test_a_file_beyond_the_bound_is_refused_unread() -> None:
    Path("plan.xlsx").touch()
    os.truncate("plan.xlsx", MOST_UNPACKED + 1)
    with pytest.raises(SourceError, match="1,073,741,825 bytes"):
        read_all()


def test_more_than_a_million_errors_are_refused() -> None:
    repeated = 'table:formula="of:=1/0" table:number-columns-repeated="1001"'
    many = ods_row(ods_cell(0, repeated, "Err:502"), more='table:number-rows-repeated="1000"')
    assert "more than 1,000,000 cells are errors" in refusal(ods(S=many)).what


def test_a_sheet_full_of_errors_is_read_and_the_account_is_complete() -> None:
    error = '<c t="e"><v>#N/A</v></c>'
    Path("plan.xlsx").write_bytes(xlsx(row(1, "a", "b") + "".join(row(n, error, error) for n in range(2, 3000))))
    assert read_all().read == 2998


# ---------------------------------------------------------------- whatever it is


SAMPLES = [
    GOOD,
    xlsx(
        row(1, "a") + row(2, '<c t="e"><f>1/0</f><v>#N/A</v></c>'),
        after='<mergeCells><mergeCell ref="A1:A2"/></mergeCells>',
    ),
    xls(xls_row(1, "a", "b") + xls_row(2, b"\x2a", (7,))),
    xls(xls_row(1, "a", "b") + xls_row(2, 1.0, 2.0), small=True),
    xlsb(xlsb_row(1, "a", "b") + xlsb_row(2, b"\x2a", 2.0)),
    ods(S=ods_row(ods_cell("a")) + ods_row(ods_cell(0, 'table:formula="of:=1/0"', "Err:502"))),
]


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.sampled_from(SAMPLES), st.data())
def test_damage_anywhere_is_one_error_or_none_and_never_a_crash(content: bytes, data: st.DataObject) -> None:
    parts = {}
    if content.startswith(b"PK"):
        archive = zipfile.ZipFile(io.BytesIO(content))
        parts = {name: archive.read(name) for name in archive.namelist()}
    name = data.draw(st.sampled_from([*parts, None]))
    whole = content if name is None else parts[name]
    at = data.draw(st.integers(0, max(len(whole) - 1, 0)))
    damage = data.draw(st.sampled_from([b"\0", b"\xff\xff\xff\xff", b"9999", b"<", b""]))
    changed = whole[:at] + damage + (whole[at + len(damage) :] if damage else b"")
    Path("plan.xlsx").write_bytes(changed if name is None else zipped({**parts, name: changed}))
    try:
        read_all(merged="blank", hidden_rows="skip")
    except SourceError as error:
        assert error.where
        assert error.hint
