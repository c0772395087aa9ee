"""Every malformed variant of an export is told with file and line, column, the text found and the rule it broke."""

from __future__ import annotations

import re
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kpisync.errors import SourceError
from kpisync.model import Intake, Row, Scope
from kpisync.ports import Surroundings
from kpisync.sources.csv import SPEC

QUOTES = "A quote may be missing or too many; correct the export, or declare quote: none if quotes mean nothing"
WIDTH = "A delimiter or a quote may be missing or too many; correct the export"
BROKEN = "the row that begins here cannot be parsed"
HEAD = "line;day;qty\n"
GOOD = "L1;2026-11-19;5\n"


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def read(content: str, intake: Intake, **options: Any) -> list[Row]:
    Path("in.csv").write_text(content, encoding="utf-8", newline="")
    given = {"path": "in.csv", "delimiter": ";", **options}
    source = SPEC.build(SPEC.options.model_validate(given), Surroundings())
    return [row for table in source.read(Scope(date(2026, 11, 20)), intake) for row in table.rows]


ROWS: list[tuple[str, str, dict[str, Any], str]] = [
    (
        "a delimiter that got lost",
        "L1;2026-11-19\n",
        {},
        f"field-count: the row has 2 cells and the header 3: none for column 3 (qty); the longest is '2026-11-19' "
        f"in column 2 (day). {WIDTH}",
    ),
    (
        "a quote that swallowed a delimiter",
        'L1;"2026-11-19;5"\n',
        {},
        f"field-count: the row has 2 cells and the header 3: none for column 3 (qty); the longest is '2026-11-19;5' "
        f"in column 2 (day). {WIDTH}",
    ),
    (
        "a delimiter inside a name without quotes",
        "Line 1; left;2026-11-19;5\n",
        {},
        f"field-count: the row has 4 cells and the header 3: '5' lies beyond the last one, column 3 (qty). {WIDTH}",
    ),
    (
        "a decimal comma where the comma divides cells",
        "L1,2026-11-19,5,5\n",
        {"delimiter": ","},
        f"field-count: the row has 4 cells and the header 3: '5' lies beyond the last one, column 3 (qty). {WIDTH}",
    ),
    (
        "a delimiter at the end of the rows and not of the header",
        "L1;2026-11-19;5;\n",
        {},
        f"field-count: the row has 4 cells and the header 3: '' lies beyond the last one, column 3 (qty). {WIDTH}, "
        "or declare field_count: lenient if it always ends so",
    ),
    (
        "a continuation of nothing",
        ";;7\n",
        {"fill_down": ["line", "day"]},
        "fill-down: the row is blank under 'line', 'day', so by fill_down it continues the row above it, "
        "but there is none; correct the export, or the columns of fill_down",
    ),
]


@pytest.mark.parametrize(("row", "options", "said"), [case[1:] for case in ROWS], ids=[case[0] for case in ROWS])
def test_a_malformed_row_is_rejected_with_all_that_is_known_of_it(row: str, options: dict[str, Any], said: str) -> None:
    comma = options.get("delimiter") == ","
    intake = Intake()
    rows = read((HEAD.replace(";", ",") if comma else HEAD) + row, intake, **options)
    assert rows == []
    assert [f"{each.source} {each.code}: {each.reason}" for each in intake.rejections] == [f"in.csv:2 {said}"]


def test_a_continuation_of_a_rejected_row_says_so() -> None:
    intake = Intake()
    assert len(read(f"{HEAD}{GOOD}L2;2026-11-19\n;;7\n", intake, fill_down=["line", "day"])) == 1
    assert "continues the row above it, but that one was rejected" in intake.rejections[1].reason
    assert intake.rejections[1].source == "in.csv:4"


FILES: list[tuple[str, str, dict[str, Any], str]] = [
    (
        "a quote that is never closed",
        f'{HEAD}{GOOD}L2;"2026-11-19;5\n{GOOD}',
        {},
        f"in.csv:3: {BROKEN}: the quote that opens column 2 is not closed up to line 4, "
        f"'\"2026-11-19;5\\nL1;2026-11-19;5\\n': unexpected end of data. {QUOTES}",
    ),
    (
        "a quote too many",
        f'{HEAD}L1;"2026-11"-19;5\n',
        {},
        f"in.csv:2: {BROKEN}: column 2 goes on behind its closing quote, '\"2026-11\"-19;5': "
        f"';' expected after '\"'. {QUOTES}",
    ),
    (
        "a quote too many beside lines that are left out",
        f'{HEAD}--\n"L1" left;2026-11-19;5\n',
        {"skip_lines_matching": ["^--"]},
        f"in.csv:3: {BROKEN}: column 1 goes on behind its closing quote, '\"L1\" left;2026-11-1': "
        f"';' expected after '\"'. {QUOTES}",
    ),
    (
        "a broken header",
        'line;"day;qty\nL1;2026-11-19;5\n',
        {},
        f"in.csv:1: {BROKEN}: the quote that opens column 2 is not closed up to line 2, "
        f"'\"day;qty\\nL1;2026-11-19;5\\n': unexpected end of data. {QUOTES}",
    ),
    (
        "a cell without an end",
        f"{HEAD}L1;{'x' * 140_000};5\n",
        {"quote": "none"},
        f"in.csv:2: {BROKEN}: field larger than field limit (131072). Check the export",
    ),
    (
        "a column that is missing",
        "line;day;quantity\n",
        {"require": ["qty"]},
        "in.csv:1: there is no column 'qty'. Did you mean 'quantity'? The columns are 'line', 'day', 'quantity'",
    ),
    (
        "a name that two columns have",
        "Report\nline;qty;qty\n",
        {"header": {"row": 2}, "require": ["qty"]},
        "in.csv:2: 2 columns are called 'qty'. Say which one is meant: qty#1, qty#2",
    ),
    (
        "another delimiter than declared",
        "line,day,qty\n",
        {"require": ["qty"]},
        "in.csv:1: there is no column 'qty'. There is one column only, 'line,day,qty': check the delimiter",
    ),
    (
        "a header that lacks a column",
        f"Report\n{HEAD}",
        {"header": {"find": ["line", "quantity"]}},
        "in.csv: no line among the first 50 has all the columns 'line', 'quantity'; line 2 has some, but not "
        "'quantity'. Compare header.find with the file, or raise header.within",
    ),
    (
        "no header at all",
        ";;\n;;\n",
        {},
        "in.csv: there is no header: every line is blank. Check the export and the reader's header option",
    ),
    (
        "another delimiter than the file says",
        f"sep=;\n{HEAD}",
        {"delimiter": ","},
        "in.csv:1: the file says its delimiter is ';', the job says ','. Leave delimiter out, or correct it",
    ),
    (
        "a last line that is cut",
        f"{HEAD}L1;2026-11-19;12",
        {},
        "in.csv: the last line has no line break, so the file may be cut or still being written. "
        "Run again when the export has ended, or set last_line: accept if it always ends so",
    ),
]


@pytest.mark.parametrize(("content", "options", "said"), [case[1:] for case in FILES], ids=[case[0] for case in FILES])
def test_a_malformed_file_is_refused_with_all_that_is_known_of_it(
    content: str, options: dict[str, Any], said: str
) -> None:
    with pytest.raises(SourceError) as caught:
        read(content, Intake(), **options)
    assert str(caught.value) == said


def test_the_row_that_cannot_be_parsed_is_found_behind_rows_of_several_lines() -> None:
    with pytest.raises(SourceError) as caught:
        read(f'{HEAD}"L\n1";2026-11-19;5\n{GOOD * 300}"L2;2026-11-19;5\n', Intake())
    assert caught.value.where == "in.csv:304"
    assert "column 1 is not closed, '\"L2;2026-11-19;5\\n'" in caught.value.what


@settings(max_examples=300, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(text=st.text(alphabet='";a \n', max_size=40), left_out=st.booleans())
def test_whatever_is_wrong_with_the_quotes_the_cell_is_found(text: str, left_out: bool) -> None:
    options = {"skip_lines_matching": ["^a"]} if left_out else {}
    try:
        read(f"{HEAD}{text}\n", Intake(), **options)
    except SourceError as error:
        assert re.search(r"cannot be parsed: (the quote that opens )?column [0-9]+ ", error.what)
        line = int((error.where or "").rpartition(":")[2])
        assert '"' in "".join(f"{HEAD}{text}\n".splitlines()[line - 1 :])
