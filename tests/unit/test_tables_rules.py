"""From records to a table: the header is found, and every rule for rows accounts for what it leaves out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import date
from typing import Any

import pytest

from kpisync.errors import SourceError
from kpisync.model import Intake, Table
from kpisync.tables.account import Account
from kpisync.tables.grid import BLOCK_ROWS, in_blocks
from kpisync.tables.options import ReaderOptions
from kpisync.tables.reader import read_table


def table_of(rows: Sequence[Any], intake: Intake | None = None, **options: Any) -> Table:
    """Rows as lists of cells, or as text with | between them; the first stands in line 1."""
    records = [(line, row.split("|") if isinstance(row, str) else row) for line, row in enumerate(rows, 1)]
    account = Account("in.csv", intake or Intake())
    return read_table(in_blocks(records), ReaderOptions.model_validate(options), account)


def rows_of(rows: Sequence[Any], intake: Intake | None = None, **options: Any) -> list[str]:
    """Each row as `line:cell|cell`."""
    return [f"{row.line}:" + "|".join(map(str, row.cells)) for row in table_of(rows, intake, **options).rows]


def skipped(rows: Sequence[Any], **options: Any) -> Counter[str]:
    intake = Intake()
    read = len(rows_of(rows, intake, **options))
    assert intake.read == read
    return intake.skipped


def refusal(rows: Sequence[Any], **options: Any) -> SourceError:
    with pytest.raises(SourceError) as caught:
        rows_of(rows, **options)
    error = caught.value
    assert error.what
    assert (error.where or "").split(":")[0] == "in.csv"
    assert error.hint
    return error


# ---------------------------------------------------------------- the header


def test_the_first_line_that_is_not_blank_is_the_header() -> None:
    assert table_of(["", " | ", "  a |b\n c", "1|2"]).columns == ("a", "b c")


def test_the_header_is_found_by_names_that_all_occur_whatever_stands_above() -> None:
    noise = ["Dynamische Listenausgabe", "", "Order|something"]
    found = table_of([*noise, "|      Order|Target qty|", "|7|1|"], header={"find": ["Target qty", "Order"]})
    assert found.columns == ("", "Order", "Target qty", "")
    assert [row.line for row in found.rows] == [5]


def test_a_header_that_is_not_among_the_first_lines_is_an_error() -> None:
    assert "among the first 2" in refusal(["x", "y", "a|b"], header={"find": ["a"], "within": 2}).what


def test_the_header_may_be_a_line_by_its_number() -> None:
    assert rows_of(["title", "", "a|b", "1|2"], header={"row": 3}) == ["4:1|2"]


def test_a_header_line_beyond_the_file_is_an_error() -> None:
    assert "line 9" in refusal(["a|b"], header={"row": 9}).what


def test_the_names_may_come_from_the_job() -> None:
    assert rows_of(["1|2", "3|4"], header={"names": ["a", "b"]}) == ["1:1|2", "2:3|4"]


def test_lines_above_the_header_are_accounted_for() -> None:
    assert skipped(["title", "", "a", "1"], header={"find": ["a"]}) == {"before the header": 2}


def test_nothing_but_blank_lines_has_no_header() -> None:
    assert "no header" in refusal(["", " | "]).what


def test_the_data_begin_after_the_marker() -> None:
    marker = "Start entering data below this line"
    rows = ["explanation", f"{marker}||", "a|b|c", "1|2|3"]
    assert rows_of(rows, start_after=marker) == ["4:1|2|3"]
    assert skipped(rows, start_after=marker) == {"start_after": 2}


def test_a_header_above_the_marker_is_found_by_its_names() -> None:
    rows = ["help|", "a|b", "text|int", "begin|", "1|2"]
    assert rows_of(rows, header={"find": ["a", "b"]}, start_after="begin") == ["5:1|2"]
    assert skipped(rows, header={"find": ["a", "b"]}, start_after="begin") == {"before the header": 1, "start_after": 2}


def test_the_data_without_a_header_begin_after_the_marker() -> None:
    assert rows_of(["help", "begin", "1"], header={"names": ["a"]}, start_after="begin") == ["3:1"]


def test_a_header_below_the_marker_is_found_by_its_names() -> None:
    assert rows_of(["help|", "begin|", "a|b", "1|2"], header={"find": ["a"]}, start_after="begin") == ["4:1|2"]


def test_a_missing_marker_is_an_error() -> None:
    assert "begin" in refusal(["a|b", "1|2"], start_after="begin").what


# ---------------------------------------------------------------- columns


def test_a_column_gets_another_name_by_name_nth_or_position() -> None:
    columns = {"finish": {"from": "Act.finish#2"}, "qty": {"from": "@1"}}
    assert table_of(["Menge|Act.finish|Act.finish"], columns=columns).columns == ("qty", "Act.finish", "finish")


def test_a_column_keeps_its_name_and_gets_its_own_number_format() -> None:
    table = table_of(["a|b"], columns={"a": {"decimal": ","}})
    assert table.column_numbers["a"].decimal == ","
    assert table.numbers.decimal == "."


def test_an_option_that_names_an_unknown_column_is_an_error() -> None:
    for given in (
        {"columns": {"x": {"from": "nope"}}},
        {"require": ["nope"]},
        {"drop_rows": [{"column": "nope", "matches": "x"}]},
        {"stop_at": {"column": "nope", "blank": 1}},
        {"fill_down": ["nope"]},
        {"unpivot": {"keep": ["nope"], "names_to": "n", "values_to": "v"}},
    ):
        assert "'nope'" in refusal(["a|b", "1|2"], **given).what


def test_two_columns_of_one_name_after_renaming_are_an_error() -> None:
    assert "both be called 'b'" in refusal(["a|b"], columns={"b": {"from": "a"}}).what


def test_two_names_for_one_column_are_an_error() -> None:
    assert "same column" in refusal(["a|b"], columns={"x": {"from": "a"}, "y": {"from": "@1"}}).what


# ---------------------------------------------------------------- rows


def test_blank_rows_are_skipped_and_never_end_the_table() -> None:
    rows = ["a|b", "1|2", "", "3|4", " | ", "|||", "5|6"]
    assert rows_of(rows) == ["2:1|2", "4:3|4", "7:5|6"]
    assert skipped(rows) == {"blank": 3}


@pytest.mark.parametrize("row", ["1", "1|2|3"])
def test_a_row_of_another_width_is_rejected_with_its_line(row: str) -> None:
    intake = Intake()
    assert rows_of(["a|b", "1|2", row], intake) == ["2:1|2"]
    (rejection,) = intake.rejections
    assert (rejection.source, rejection.code) == ("in.csv:3", "field-count")
    assert intake.read == 1


def test_a_lenient_field_count_fills_with_blanks_but_drops_nothing_that_says_something() -> None:
    intake = Intake()
    assert rows_of(["a|b", "1", "1|2|", "1|2|3"], intake, field_count="lenient") == ["2:1|", "3:1|2"]
    assert [rejection.source for rejection in intake.rejections] == ["in.csv:4"]


def test_rules_hold_beyond_the_first_block() -> None:
    rows = ["a|b", *["1|2"] * (3 * BLOCK_ROWS), "short", *["3|4"] * 5]
    intake = Intake()
    assert rows_of(rows, intake)[-1] == f"{len(rows)}:3|4"
    assert intake.read == 3 * BLOCK_ROWS + 5
    assert intake.rejections[0].source == f"in.csv:{3 * BLOCK_ROWS + 2}"


def test_a_typed_first_cell_is_not_blank() -> None:
    rows = [["a", "b"], [0, "x"], [date(2026, 1, 1), None], [None, None], [None, 5]]
    assert [row.line for row in table_of(rows).rows] == [2, 3, 5]


def test_rows_that_begin_with_numbers_or_dates_are_rows() -> None:
    rows = [["a", "b"], [7, "x"], [date(2026, 1, 1), None], [1.5]]
    intake = Intake()
    assert [row.line for row in table_of(rows, intake).rows] == [2, 3]
    assert intake.rejections[0].source == "in.csv:4"


def test_a_repeated_header_is_dropped_only_if_the_job_says_so() -> None:
    rows = ["a| b", "1|2", "a|b ", "3|4"]
    assert len(rows_of(rows)) == 3
    assert rows_of(rows, header={"repeats": "drop"}) == ["2:1|2", "4:3|4"]
    assert skipped(rows, header={"repeats": "drop"}) == {"repeated header": 1}


def test_total_rows_without_any_label_are_left_out_by_the_columns_they_lack() -> None:
    rows = ["Plant|Material|Qty", "1000|A|5", "||5", "1000| |7"]
    assert rows_of(rows, require=["Plant", "Material"]) == ["2:1000|A|5"]
    assert skipped(rows, require=["Plant", "Material"]) == {"require Plant": 1, "require Material": 1}


def test_rows_that_match_are_dropped() -> None:
    rows = ["A|B", "Total|5", "x|1", "SUM all|3"]
    assert rows_of(rows, drop_rows=[{"column": "A", "matches": "(?i)^(sum|total)"}]) == ["3:x|1"]
    assert skipped(rows, drop_rows=[{"column": "A", "matches": "Total"}]) == {"drop_rows A": 1}


def test_the_table_ends_before_so_many_blank_cells_and_the_footer_is_accounted_for() -> None:
    rows = ["A|B", "x|1", "|2", "y|3", "|", "", "note|", "x|9"]
    assert rows_of(rows, stop_at={"column": "A", "blank": 2}) == ["2:x|1", "3:|2", "4:y|3"]
    assert skipped(rows, stop_at={"column": "A", "blank": 2}) == {"stop_at": 4}


def test_fewer_blank_cells_at_the_end_of_the_file_end_nothing() -> None:
    assert rows_of(["A|B", "x|1", "|2"], stop_at={"column": "A", "blank": 2}) == ["2:x|1", "3:|2"]


def test_the_table_ends_before_a_cell_that_matches() -> None:
    rows = ["A|B", "x|1", "|2", "Printed by|", "x|9"]
    assert rows_of(rows, stop_at={"column": "A", "matches": "^Printed"}) == ["2:x|1", "3:|2"]
    assert skipped(rows, stop_at={"column": "A", "matches": "^Printed"}) == {"stop_at": 2}


def test_nothing_but_a_header_is_a_table_without_rows() -> None:
    assert rows_of(["a|b"]) == []


# ---------------------------------------------------------------- fill down


def test_a_row_continues_only_if_the_whole_block_is_blank() -> None:
    rows = ["no|day|qty", "1|mon|5", "||6", "|tue|7", "||8"]
    assert rows_of(rows, fill_down=["no", "day"]) == ["2:1|mon|5", "3:1|mon|6", "4:|tue|7", "5:|tue|8"]


def test_an_inner_block_is_filled_only_where_the_outer_one_is() -> None:
    rows = ["plant|line|qty", "P1|L1|1", "||2", "|L2|3", "||4", "P2||5", "||6"]
    assert rows_of(rows, fill_down=[["plant"], ["line"]]) == [
        "2:P1|L1|1", "3:P1|L1|2", "4:P1|L2|3", "5:P1|L2|4", "6:P2||5", "7:P2||6",
    ]  # fmt: skip


def test_a_continuation_of_nothing_is_rejected() -> None:
    intake = Intake()
    assert rows_of(["no|qty", "|5", "1|6"], intake, fill_down=["no"]) == ["3:1|6"]
    assert [(r.source, r.code) for r in intake.rejections] == [("in.csv:2", "fill-down")]
    assert intake.read == 1


def test_a_continuation_of_a_rejected_row_does_not_join_the_one_before() -> None:
    intake = Intake()
    assert rows_of(["no|qty", "1|5", "2", "|7", "3|8"], intake, fill_down=["no"]) == ["2:1|5", "5:3|8"]
    assert [r.source for r in intake.rejections] == ["in.csv:3", "in.csv:4"]


def test_rows_are_dropped_by_what_was_filled_in() -> None:
    rows = ["no|state|qty", "1|draft|5", "||6", "2|done|7", "||8"]
    dropping: dict[str, Any] = {"fill_down": ["no", "state"], "drop_rows": [{"column": "state", "matches": "draft"}]}
    assert rows_of(rows, **dropping) == ["4:2|done|7", "5:2|done|8"]


# ---------------------------------------------------------------- unpivot


def test_columns_become_rows_with_their_names_in_a_column() -> None:
    rows = ["line|01.01.|02.01.|", "L1|5|6|", "L2|7||"]
    table = table_of(rows, unpivot={"keep": ["line"], "names_to": "day", "values_to": "qty"})
    assert table.columns == ("line", "day", "qty")
    assert [tuple(row.cells) for row in table.rows] == [
        ("L1", "01.01.", "5"), ("L1", "02.01.", "6"), ("L2", "01.01.", "7"), ("L2", "02.01.", ""),
    ]  # fmt: skip


def test_unpivoted_rows_count_as_the_lines_they_came_from() -> None:
    intake = Intake()
    assert len(rows_of(["k|a|b", "x|1|2"], intake, unpivot={"keep": ["k"], "names_to": "n", "values_to": "v"})) == 2
    assert intake.read == 1


def test_the_number_format_of_unpivoted_columns_goes_with_their_values() -> None:
    rule = {"keep": ["k"], "names_to": "n", "values_to": "v"}
    comma = {"decimal": ","}
    assert table_of(["k|a|b"], unpivot=rule, columns={"a": comma, "b": comma}).column_numbers["v"].decimal == ","
    assert "different number formats" in refusal(["k|a|b"], unpivot=rule, columns={"a": comma}).what


def test_an_unpivot_that_turns_no_column_is_an_error() -> None:
    assert "keeps every column" in refusal(["k|"], unpivot={"keep": ["k"], "names_to": "n", "values_to": "v"}).what
