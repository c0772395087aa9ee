"""`init`: a starter that passes `check`, and proposals for real exports that read them whole."""

from __future__ import annotations

import gzip
import json
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.unit.starter_builders import saved, workbook
from tests.unit.workbook_bytes import zipped

if TYPE_CHECKING:
    from tests.acceptance.conftest import Outcome, Project

EXPORTS = Path(__file__).parent.parent.parent / "config" / "demo" / "exports"
CONFIG = "config/kpisync.yaml"


def proposed(project: Project, name: str, content: bytes) -> Outcome:
    """`init --from` over an export; the configuration then stands in config/."""
    (project.folder / name).write_bytes(content)
    return project.call("init", "--from", name)


def preview(project: Project, job: str) -> dict[str, object]:
    outcome = project.call("preview", "-c", CONFIG, job, "--json")
    assert outcome.code == 0, outcome.err
    document: dict[str, object] = outcome.json
    return document


def test_the_starter_passes_check(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("BOARD_URL")
    monkeypatch.delenv("BOARD_PASSWORD")
    outcome = project.call("init")
    assert outcome.code == 0, outcome.err
    assert "passes kpisync check" in outcome.out
    assert project.call("check", "-c", CONFIG).code == 0


def test_its_first_line_names_the_schema_that_is_written_beside_it(project: Project) -> None:
    project.call("init", "plant")
    text = (project.folder / "plant" / CONFIG).read_text()
    assert text.startswith("# yaml-language-server: $schema=./kpisync.schema.json\n")
    schema = json.loads((project.folder / "plant" / "config" / "kpisync.schema.json").read_text())
    assert "jobs" in schema["properties"]


def test_a_configuration_that_is_there_is_not_overwritten(project: Project) -> None:
    file = project.folder / CONFIG
    file.parent.mkdir()
    file.write_text("mine\n")
    outcome = project.call("init")
    assert outcome.code == 2
    assert CONFIG in outcome.err
    assert file.read_text() == "mine\n"
    assert [each.name for each in file.parent.iterdir()] == ["kpisync.yaml"]


@pytest.mark.parametrize("name", sorted(path.stem for path in EXPORTS.glob("*.csv")))
def test_a_proposal_for_a_real_export_passes_check_and_reads_every_row(project: Project, name: str) -> None:
    content = (EXPORTS / f"{name}.csv").read_bytes()
    outcome = proposed(project, f"{name}.csv", content)
    assert outcome.code == 0, outcome.err
    assert "passes kpisync check" in outcome.out
    document = preview(project, name.replace("_", "-"))
    assert document["rows"] == content.count(b"\n") - 1
    assert document["values"]
    codes = {reject["code"] for reject in document["rejects"]}  # type: ignore[attr-defined]
    assert codes <= {"no-date"}
    assert project.board.requests == {}


def test_an_order_total_is_not_counted_once_for_each_of_its_lines(project: Project) -> None:
    """255 orders in 440 rows; a careless fill-down gives 1994425.33."""
    content = (EXPORTS / "sales_with_lines_client_default.csv").read_bytes()
    proposed(project, "sales.csv", content)
    outcome = project.call("preview", "-c", CONFIG, "sales", "--rows", "1000", "--json")
    total = sum(value["number"] for value in outcome.json["mapped"])
    assert round(total, 2) == 925833.61


ODDITIES: list[tuple[str, bytes, int]] = [  # what it is, the export, how many rows it has
    (
        "title, blank lines and unnamed columns",
        b"20.11.2026\tList Display\r\n\r\n\r\n\t\tPlant\t      Unrestricted\t\tDate\r\n\r\n"
        b"\t\tP1\t1.234,5\t\t18.11.2026\r\n\r\n\t\tP2\t7,25\t\t19.11.2026\r\n",
        2,
    ),
    (
        "one name for two columns",
        b"Line,Act.finish,Act.finish,Pieces\nL1,07/25/2017,07:30,5\nL2,07/26/2017,08:00,6\n",
        2,
    ),
    ("cp1252", "Linie;Datum;Stück\nGröße;18.11.2026;1,5\nL2;19.11.2026;2,5\n".encode("cp1252"), 2),
    ("UTF-16 with a mark", "Linie\tDatum\tStück\nL1\t18.11.2026\t1,5\nL2\t18.11.2026\t2\n".encode("utf-16"), 2),
    ("sep line", b"sep=;\nLinie;Datum;Menge\nL1;18.11.2026;1,5\nL2;19.11.2026;2,5\n", 2),
    ("thousands in some columns only", b'Line,Day,A,B\nL1,2026-11-18,"9,999.9",9999.999\nL2,2026-11-18,1.5,2.25\n', 2),
    ("no line break at the end", b"Linie;Datum;Menge\nL1;18.11.2026;1,5\nL2;19.11.2026;2,5", 2),
    ("a total", b"Linie;Datum;Menge\nL1;18.11.2026;1,5\nL2;19.11.2026;2,5\nSumme;;4\n", 2),
    ("no header", b"L1;18.11.2026;1,5\nL2;19.11.2026;2,5\n", 2),
    (
        "rulers",
        b"-----------\n|Line|Date      |Qty|\n-----------\n|L1|18.11.2026|1,5|\n|L2|19.11.2026|2,5|\n-----------\n",
        2,
    ),
]


@pytest.mark.parametrize(("content", "rows"), [case[1:] for case in ODDITIES], ids=[case[0] for case in ODDITIES])
def test_a_proposal_for_an_odd_export_passes_check_and_reads_its_rows(
    project: Project, content: bytes, rows: int
) -> None:
    outcome = proposed(project, "odd.csv", content)
    assert outcome.code == 0, outcome.err
    document = preview(project, "odd")
    assert (document["rows"], document["values"], document["rejects"]) == (rows, rows, [])


def test_a_number_of_two_meanings_is_asked_about_and_rejected_until_then(project: Project) -> None:
    outcome = proposed(project, "odd.csv", b"Linie;Datum;Menge\nL1;18.11.2026;9.455\nL2;19.11.2026;12\n")
    assert outcome.code == 0
    assert "9.455 (line 2) is 9455 or 9.455, and no cell tells which" in outcome.out
    document = preview(project, "odd")
    assert [reject["source"] for reject in document["rejects"]] == ["odd.csv:2"]  # type: ignore[attr-defined]


def test_a_date_of_two_meanings_is_asked_about_with_both_readings(project: Project) -> None:
    outcome = proposed(project, "odd.csv", b"Linie;Datum;Menge\nL1;07.06.2024;1,5\nL2;08.06.2024;2,5\n")
    assert "07.06.2024 (line 2) is 2024-06-07 by %d.%m.%Y or 2024-07-06 by %m.%d.%Y" in outcome.out


def test_every_question_is_told_with_its_line(project: Project) -> None:
    outcome = proposed(project, "odd.csv", b"Linie;Datum;Menge\nL1;07.06.2024;9.455\n")
    lines = (project.folder / CONFIG).read_text().splitlines()
    told = [int(line.split()[1].rstrip(":")) for line in outcome.out.splitlines() if line.startswith("  line ")]
    assert told == [number for number, line in enumerate(lines, 1) if "# DECIDE: " in line]
    assert len(told) > 3


LIST = """\
20.11.2026                      Dynamic List Display                                 1
-----------------------------------
|Plant|Date      |        Quantity|
-----------------------------------
|P1   |18.11.2026|        1.234,50|
|P2   |19.11.2026|           12,00-|
|*    |          |        1.222,50|
-----------------------------------
"""
ORDERS = "<ORDERS><LINE code='L1'><DAY>2026-11-18</DAY><QTY>1.5</QTY></LINE>" + (
    "<LINE code='L2'><DAY>2026-11-19</DAY><QTY>2.5</QTY></LINE></ORDERS>"
)
OBJECTS = [{"line": "L1", "day": "2026-11-18", "qty": 1.5}, {"line": "L2", "day": "2026-11-19", "qty": 2.5}]
ALIGNED = "Line Date       Pieces\n" + "".join(f"L{n % 3}   {n + 1:02}.11.2026{n * 2.25:7.2f}\n" for n in range(19))


def sheet() -> bytes:
    book = workbook(("Report",), (None,), ("Line", "Day", "Scrap"), ("L1", date(2026, 11, 18), 1.5), Codes="hidden")
    book["Data"].append(("L2", date(2026, 11, 19), "2,5"))
    book["Data"].append(("Total", None, 4))
    return saved(book)


FORMATS: list[tuple[str, bytes, int]] = [  # the type, the export, how many rows it has
    ("excel", sheet(), 2),
    ("sap-list", LIST.encode(), 2),
    ("fixed-width", ALIGNED.encode(), 19),
    ("json", json.dumps({"data": OBJECTS}).encode(), 2),
    ("json", "".join(f"{json.dumps(row)}\n" for row in OBJECTS).encode(), 2),
    ("xml", ORDERS.encode(), 2),
    ("excel", gzip.compress(sheet()), 2),
    ("csv", zipped({"scrap.csv": b"Linie;Datum;Menge\nL1;18.11.2026;1,5\nL2;19.11.2026;2,5\n"}), 2),
]


@pytest.mark.parametrize(("type", "content", "rows"), FORMATS, ids=[f"{n} {each[0]}" for n, each in enumerate(FORMATS)])
def test_every_format_is_known_by_its_content_and_its_proposal_passes_check_and_reads_all_its_rows(
    project: Project, type: str, content: bytes, rows: int
) -> None:
    outcome = proposed(project, "odd.csv", content)
    assert outcome.code == 0, outcome.err
    assert f"      type: {type}\n" in (project.folder / CONFIG).read_text()
    document = preview(project, "odd")
    assert (document["rows"], document["values"], document["rejects"]) == (rows, rows, [])


@pytest.mark.parametrize("content", [b"PK\x03\x04" + b"\0" * 40, b"<html><body>Login</body></html>\n", b""])
def test_what_is_no_text_table_is_exit_code_4_and_nothing_is_written(project: Project, content: bytes) -> None:
    outcome = proposed(project, "odd.csv", content)
    assert outcome.code == 4
    assert "odd.csv" in outcome.err
    assert not (project.folder / CONFIG).exists()


def test_a_missing_export_is_exit_code_4(project: Project) -> None:
    assert project.call("init", "--from", "nothing.csv").code == 4
