"""A line above the header that says something of all rows becomes columns of every row, and nothing else."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any

import pytest
from pydantic import ValidationError

from kpisync.errors import SourceError
from kpisync.model import Intake, Table
from kpisync.tables.account import Account
from kpisync.tables.grid import in_blocks
from kpisync.tables.options import ReaderOptions
from kpisync.tables.reader import read_table

PERIOD = {"row": 1, "columns": {"from": 3, "to": 4}}
MARKED = ["EXTF|700|20261101|20261130|more|and more", "line|qty", "L1|5", "L2|7"]


def table_of(rows: Sequence[Any], intake: Intake | None = None, **options: Any) -> Table:
    records = [(line, row.split("|") if isinstance(row, str) else row) for line, row in enumerate(rows, 1)]
    account = Account("in.csv", intake or Intake())
    return read_table(in_blocks(records), ReaderOptions.model_validate({"metadata": PERIOD, **options}), account)


def refusal(rows: Sequence[Any], **options: Any) -> str:
    with pytest.raises(SourceError) as caught:
        list(table_of(rows, **options).rows)
    return str(caught.value)


def test_its_cells_are_columns_of_every_row_behind_those_of_the_table() -> None:
    table = table_of(MARKED)
    assert table.columns == ("line", "qty", "from", "to")
    assert [(row.line, *row.cells) for row in table.rows] == [
        (3, "L1", "5", "20261101", "20261130"),
        (4, "L2", "7", "20261101", "20261130"),
    ]


def test_it_is_accounted_for_and_told_in_the_log() -> None:
    intake = Intake()
    assert len(list(table_of(MARKED, intake).rows)) == intake.read == 2
    assert intake.skipped == {"metadata": 1}
    assert "in.csv: metadata in line 1: from '20261101', to '20261130'" in intake.notes
    assert "in.csv: header in line 2" in intake.notes


@pytest.mark.parametrize("header", [{}, {"row": 2}, {"find": ["line"]}, {"names": ["line", "qty"]}])
def test_the_header_is_looked_for_below_it_whichever_way(header: dict[str, Any]) -> None:
    rows = [MARKED[0], *(MARKED[2:] if "names" in header else MARKED[1:])]
    assert table_of(rows, header=header).columns == ("line", "qty", "from", "to")


def test_a_header_that_the_metadata_line_would_be_too_is_not_found_in_it() -> None:
    rows = ["line|qty|20261101|20261130", "line|qty", "L1|5"]
    assert [row.line for row in table_of(rows, header={"find": ["line", "qty"]}).rows] == [3]


def test_lines_above_it_are_accounted_for() -> None:
    intake = Intake()
    list(table_of(["title", "", *MARKED], intake, metadata={**PERIOD, "row": 3}).rows)
    assert intake.skipped == {"before the metadata": 2, "metadata": 1}


def test_a_typed_cell_stays_what_it_is_and_an_empty_one_stays_empty() -> None:
    rows = [["", "", date(2026, 11, 1), None], ["line", "qty"], ["L1", 5]]
    assert [list(row.cells) for row in table_of(rows).rows] == [["L1", 5, date(2026, 11, 1), None]]


def test_its_columns_are_never_turned_into_rows() -> None:
    rows = [MARKED[0], "line|01.11.|02.11.", "L1|5|6"]
    table = table_of(rows, unpivot={"keep": ["line"], "names_to": "day", "values_to": "qty"})
    assert table.columns == ("line", "day", "qty", "from", "to")
    assert [tuple(row.cells[:3]) for row in table.rows] == [("L1", "01.11.", "5"), ("L1", "02.11.", "6")]


def test_a_row_of_another_width_than_the_header_is_rejected_as_ever() -> None:
    intake = Intake()
    assert list(table_of([*MARKED[:2], "L1|5|20261101|20261130"], intake).rows) == []
    assert [rejection.code for rejection in intake.rejections] == ["field-count"]


def test_what_is_missing_is_an_error_with_what_where_and_what_next() -> None:
    assert refusal(["EXTF|700|20261101", "line|qty"]) == (
        "in.csv:1: the metadata line has 3 cells, but 'to' should be cell 4. "
        "Correct metadata.row, metadata.columns or the delimiter"
    )
    assert refusal(MARKED, metadata={**PERIOD, "row": 9}) == (
        "in.csv: line 9 should be the metadata, but no row begins there. Correct metadata.row"
    )
    assert refusal(MARKED, metadata={"row": 1, "columns": {" qty": 2}}) == (
        "in.csv:2: column 2 and the metadata would both be called 'qty'. Choose another name under metadata.columns"
    )


@pytest.mark.parametrize(
    "given",
    [
        {"metadata": {"row": 0, "columns": {"a": 1}}},
        {"metadata": {"row": 1, "columns": {}}},
        {"metadata": {"row": 1, "columns": {"a": 0}}},
        {"metadata": {"row": 1, "columns": {" ": 1}}},
        {"metadata": {"row": 1, "columns": {"a": 1, "a ": 2}}},
        {"metadata": {"row": 2, "columns": {"a": 1}}, "header": {"row": 2}},
    ],
)
def test_a_contradiction_is_refused(given: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        ReaderOptions.model_validate(given)
