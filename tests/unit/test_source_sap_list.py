"""Lists as SAP saves them: rows are told by bars or tabs, and every other line is left out by a rule or rejected."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from kpisync.errors import SourceError
from kpisync.model import Intake, Row, Scope, Table
from kpisync.ports import Rereadable, Surroundings
from kpisync.sources.sap_list import SPEC
from kpisync.tables.columns import find_column
from kpisync.tables.numbers import parse_number

SCOPE = Scope(date(2026, 11, 20))
FILE_FIXTURE = settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
RULER = "-----------------"
BARS = ["20.11.2026  Dynamic List Display  1", "", RULER, "|Line|Day       |Scrap|", RULER]
ROWS = ["|L1  |2026-11-19|    5|", "|L2  |2026-11-19|   7-|"]


class Reading:
    """A file written, and what was read of it."""

    def __init__(self, path: Path, **options: Any) -> None:
        self.intake = Intake()
        self.source = SPEC.build(SPEC.options.model_validate({"path": str(path), **options}), Surroundings())
        self.rows: list[Row] = []
        self.tables: list[Table] = []
        for table in self.source.read(SCOPE, self.intake):
            self.tables.append(table)
            self.rows += table.rows

    @property
    def columns(self) -> tuple[str, ...]:
        return self.tables[0].columns

    @property
    def cells(self) -> list[list[object]]:
        return [list(row.cells) for row in self.rows]

    @property
    def rejected(self) -> list[tuple[int, str]]:
        return [(int(str(each.source).rpartition(":")[2]), each.code) for each in self.intake.rejections]

    def numbers(self, column: str) -> list[Decimal | None]:
        index = find_column(self.columns, column, "")
        return [parse_number(row.cells[index], self.tables[0].numbers) for row in self.rows]


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "list.txt"


def read(file: Path, lines: list[str], **options: Any) -> Reading:
    file.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    return Reading(file, **options)


def refusal(file: Path, lines: list[str], **options: Any) -> SourceError:
    with pytest.raises(SourceError) as caught:
        read(file, lines, **options)
    assert caught.value.what
    assert caught.value.where
    assert caught.value.hint
    return caught.value


# ---------------------------------------------------------------- bars


def test_the_first_line_between_bars_is_the_header_and_the_others_are_rows(file: Path) -> None:
    reading = read(file, [*BARS, *ROWS, RULER])
    assert reading.columns == ("Line", "Day", "Scrap")
    assert reading.cells == [["L1", "2026-11-19", "5"], ["L2", "2026-11-19", "7-"]]
    assert [row.line for row in reading.rows] == [6, 7]
    assert reading.numbers("Scrap") == [5, -7]
    assert reading.intake.skipped == {"ruler": 3, "blank": 1, "no delimiter": 1}


@pytest.mark.parametrize(
    "ruler", ["-----", "|---|--|", "|---+--|", "=====", "|===|==|", "├───┼──┤", "└───┴──┘", "+---+--+"]
)
def test_a_ruler_is_a_line_of_nothing_but_dashes_and_joints(file: Path, ruler: str) -> None:
    reading = read(file, ["|a|b|", "|1|2|", *["|3|4|", ruler] * 3])
    assert reading.cells == [["1", "2"], *[["3", "4"]] * 3]
    assert reading.intake.skipped == {"ruler": 3}


def test_a_negative_number_or_a_dash_in_the_first_cell_makes_no_ruler(file: Path) -> None:
    rows = ["|-5|x|", "|-|x|", "|--|y|", "|-5|x|"]
    assert read(file, ["|a|b|", *rows]).cells == [["-5", "x"], ["-", "x"], ["--", "y"], ["-5", "x"]]


def test_bars_may_be_box_drawings_and_lines_may_be_indented(file: Path) -> None:
    lines = ["  ┌──┬──┐", "  │a │b │", "  ├──┼──┤", "  │1 │2 │", "  └──┴──┘"]
    assert read(file, lines).cells == [["1", "2"]]


def test_an_empty_cell_never_moves_the_cells_behind_it(file: Path) -> None:
    reading = read(file, ["|a|b|c|d|", "||2||4|", "| |2| | |", "|1||||"])
    assert reading.cells == [["", "2", "", "4"], ["", "2", "", ""], ["1", "", "", ""]]


def test_a_bar_within_a_cell_makes_a_row_too_long_and_it_is_rejected(file: Path) -> None:
    reading = read(file, ["|a|b|", "|1|x|y|", "|2|z|"])
    assert reading.cells == [["2", "z"]]
    assert reading.rejected == [(2, "field-count")]


def test_a_line_break_within_a_cell_rejects_both_halves(file: Path) -> None:
    reading = read(file, ["|a|b|c|", "|1|x", "y|3|", "|4|5|6|"])
    assert reading.cells == [["4", "5", "6"]]
    assert reading.rejected == [(2, "broken-line"), (3, "broken-line")]
    assert "'|1|x'" in reading.intake.rejections[0].reason


def test_a_row_cut_by_one_cell_is_rejected_though_it_has_as_many_bars_as_others_have_cells(file: Path) -> None:
    assert read(file, ["|a|b|c|", "|1|2|3"]).rejected == [(2, "broken-line")]


def test_a_broken_line_above_the_header_is_no_rejection(file: Path) -> None:
    reading = read(file, ["Plant 1000 | page 1", "|a|b|", "|1|2|"])
    assert reading.rejected == []
    assert reading.intake.skipped == {"before the header": 1}


def test_a_row_is_not_continued_below_a_broken_line(file: Path) -> None:
    lines = ["|Plant|Line|Scrap|", "|1000|L1|5|", "|20", "|    |L2|7|", "|3000|L3|9|"]
    reading = read(file, lines, fill_down=["Plant"])
    assert reading.cells == [["1000", "L1", "5"], ["3000", "L3", "9"]]
    assert reading.rejected == [(3, "broken-line"), (4, "fill-down")]


def test_a_header_that_is_repeated_on_each_page_is_dropped_or_kept(file: Path) -> None:
    page = [RULER, "page 2", RULER, "|Line|Day       | Scrap |", RULER]
    lines = [*BARS, *ROWS, *page, *ROWS, RULER]
    assert len(read(file, lines).rows) == 4
    assert read(file, lines).intake.skipped["repeated header"] == 1
    assert len(read(file, lines, header={"repeats": "keep"}).rows) == 5


def test_a_header_can_be_found_by_names_where_a_title_has_bars(file: Path) -> None:
    lines = [RULER, "|Scrap of plant 1000   |", *BARS[2:], *ROWS, RULER]
    reading = read(file, lines, header={"find": ["Scrap", "Line"]})
    assert len(reading.rows) == 2
    assert reading.intake.skipped["before the header"] == 1


def test_a_list_without_a_header_is_named_by_the_job(file: Path) -> None:
    reading = read(file, [RULER, *ROWS, RULER], header={"names": ["Line", "Day", "Scrap"]})
    assert reading.numbers("Scrap") == [5, -7]


def test_a_header_of_two_lines_is_refused_for_its_second_line_would_be_a_row(file: Path) -> None:
    lines = [RULER, "|Line|Day|", "|Shift|Scrap|", RULER, "|L1|2026-11-19|", "|early|5|", RULER]
    error = refusal(file, lines)
    assert str(error.where).endswith(":2")
    assert "lines 2 and 3" in error.what
    assert "header.find" in str(error.hint)


def test_rows_that_no_ruler_closes_are_refused_where_one_opened_the_list(file: Path) -> None:
    error = refusal(file, [*BARS, *ROWS])
    assert str(error.where).endswith(":7")
    assert "last_line: accept" in str(error.hint)
    assert len(read(file, [*BARS, *ROWS], last_line="accept").rows) == 2
    assert len(read(file, ["|a|b|", "|1|2|"]).rows) == 1


def test_a_footer_behind_the_closing_ruler_is_no_cut(file: Path) -> None:
    assert len(read(file, [*BARS, *ROWS, RULER, "", "2 records"]).rows) == 2


def test_a_file_without_a_last_line_break_is_refused_or_accepted(file: Path) -> None:
    file.write_text("\n".join([*BARS, *ROWS, RULER]))
    with pytest.raises(SourceError, match="no line break"):
        Reading(file)
    assert len(Reading(file, last_line="accept").rows) == 2


# ---------------------------------------------------------------- totals


TOTALS = ["|*   |          |   12|", "|**  |          |   12|"]


def test_rows_with_only_asterisks_in_their_first_filled_cell_are_totals_and_skipped(file: Path) -> None:
    reading = read(file, [*BARS, *ROWS, RULER, *TOTALS, RULER, "|    |***       |   12|", RULER])
    assert reading.numbers("Scrap") == [5, -7]
    assert reading.intake.skipped["totals"] == 3
    assert reading.intake.examples["totals"][0].endswith(":9")


def test_totals_can_be_kept(file: Path) -> None:
    assert read(file, [*BARS, *ROWS, *TOTALS, RULER], totals="keep").numbers("Scrap") == [5, -7, 12, 12]


def test_an_asterisk_elsewhere_is_a_part_of_its_row(file: Path) -> None:
    rows = ["|M8*30|*|", "|* x|1|", "|x|**|"]
    assert read(file, ["|a|b|", *rows]).cells == [["M8*30", "*"], ["* x", "1"], ["x", "**"]]


# ---------------------------------------------------------------- tabs


TABS = ["20.11.2026\t\t\tScrap per line\t\t1", "", "\tLine\t\tDay\t      Scrap\t", ""]


def test_the_header_of_a_list_with_tabs_is_the_line_that_fills_the_most_cells_without_a_digit(file: Path) -> None:
    reading = read(file, [*TABS, "\tL1\t\t2026-11-19\t 5\t", "\tL2\t\t2026-11-19\t7-\t"])
    assert reading.columns == ("", "Line", "", "Day", "Scrap", "")
    assert reading.numbers("Scrap") == [5, -7]
    assert reading.intake.skipped == {"before the header": 2, "blank": 1}


def test_a_title_with_as_many_cells_as_the_header_is_not_taken_for_it(file: Path) -> None:
    reading = read(file, ["Datum: 01.02.2026\tSeite 1", "", "Line\tScrap", "L1\t5"])
    assert reading.columns == ("Line", "Scrap")


def test_rows_that_fill_more_cells_than_the_header_are_not_taken_for_it(file: Path) -> None:
    reading = read(file, ["Scrap\t\t", "Line\tScrap\t", "L1\t5\tPC", "L2\t7\tPC\tx"])
    assert reading.columns == ("Line", "Scrap", "")
    assert reading.cells == [["L1", "5", "PC"]]
    assert reading.rejected == [(4, "field-count")]


def test_unnamed_columns_keep_their_place_and_can_be_addressed_by_it(file: Path) -> None:
    lines = [*TABS, "\tL1\t\t2026-11-19\t 5\tPC"]
    reading = read(file, lines, columns={"unit": {"from": "@6"}})
    assert reading.columns == ("", "Line", "", "Day", "Scrap", "unit")
    assert reading.cells == [["", "L1", "", "2026-11-19", "5", "PC"]]


@pytest.mark.parametrize(
    ("lines", "words"),
    [
        (["Werk\t1000\tSeite\t1", "", "Line\tScrap", "L1\t5"], "'1000'"),
        (["Line\tPlan 2026\tScrap", "Line\tShift\t", "L1\tearly\t"], "'Plan 2026'"),
        (["Line\tPlan 2026\tScrap", "L1\t4\t5"], "'Plan 2026'"),
        (["Line\t", "L1\t", "L2\t"], "one cell"),
        (["1\t2", "3\t4"], "'1'"),
    ],
)
def test_a_header_that_is_not_certain_is_an_error_that_asks_for_it(file: Path, lines: list[str], words: str) -> None:
    error = refusal(file, lines)
    assert words in error.what
    assert "header.find" in str(error.hint)


def test_the_error_names_the_line_that_may_be_meant(file: Path) -> None:
    error = refusal(file, ["Werk\t1000\tSeite\t1", "Line\tScrap\t", "L1\t5\t"])
    assert "line 1 fills the most cells" in error.what
    assert "'Line', 'Scrap'" in str(error.hint)
    assert "line 2" in str(error.hint)


def test_a_blank_line_never_ends_the_table(file: Path) -> None:
    reading = read(file, [*TABS, "\tL1\t\td\t5\t", "", "\t\t\t\t\t", "\tL2\t\td\t7\t", ""])
    assert reading.numbers("Scrap") == [5, 7]


def test_a_line_without_a_tab_is_no_row(file: Path) -> None:
    reading = read(file, [*TABS, "\tL1\t\td\t5\t", "Page 2", "\tL2\t\td\t7\t"])
    assert reading.numbers("Scrap") == [5, 7]
    assert reading.intake.skipped["no delimiter"] == 1


def test_totals_are_marked_in_an_unnamed_column_too(file: Path) -> None:
    reading = read(file, [*TABS, "\tL1\t\td\t5\t", "*\t\t\t\t5\t", "**\t\t\t\t5\t"])
    assert reading.numbers("Scrap") == [5]
    assert reading.intake.skipped["totals"] == 2


def test_a_tab_within_a_cell_makes_a_row_too_long_and_it_is_rejected(file: Path) -> None:
    reading = read(file, ["Line\tText", "L1\tx\ty", "L1\tx"], header={"row": 1})
    assert reading.cells == [["L1", "x"]]
    assert reading.rejected == [(2, "field-count")]


def test_a_header_repeated_between_rows_with_tabs_is_dropped(file: Path) -> None:
    assert read(file, [*TABS, "\tL1\t\td\t5\t", TABS[2], "\tL2\t\td\t7\t"]).numbers("Scrap") == [5, 7]


# ---------------------------------------------------------------- both


def test_metadata_above_the_header_of_a_list_with_tabs_reach_every_row(file: Path) -> None:
    lines = ["Date:\t01.02.2026", "Line\tScrap", "L1\t5"]
    reading = read(file, lines, metadata={"row": 1, "columns": {"date": 2}})
    assert reading.columns == ("Line", "Scrap", "date")
    assert reading.cells == [["L1", "5", "01.02.2026"]]


def test_what_has_neither_bars_nor_tabs_is_no_list(file: Path) -> None:
    error = refusal(file, ["a;b", "1;2"])
    assert "no SAP list" in error.what
    assert "csv" in str(error.hint)


def test_a_list_that_begins_beyond_the_lines_looked_at_is_found_by_looking_further(file: Path) -> None:
    lines = [*["Parameter"] * 60, *BARS, *ROWS, RULER]
    assert "header.within" in str(refusal(file, lines).hint)
    assert len(read(file, lines, header={"within": 70}).rows) == 2


def test_lines_can_be_left_out_by_a_pattern_and_the_others_keep_their_numbers(file: Path) -> None:
    reading = read(file, ["|x", *BARS, ROWS[0], "|broken", ROWS[1], RULER], skip_lines_matching=[r"^\|[a-z]"])
    assert [row.line for row in reading.rows] == [7, 9]
    assert reading.intake.skipped["skip_lines_matching"] == 2
    assert reading.rejected == []


def test_rows_come_out_the_same_however_many_there_are(file: Path) -> None:
    """Rows are cut many at a time; one odd line among them sends its neighbours another way."""
    rows = [f"|L{n}|2026-11-19|{n}|" for n in range(1000)]
    reading = read(file, [*BARS, *rows[:500], "|L|", *rows[500:], "", RULER])
    assert reading.numbers("Scrap") == list(range(1000))
    assert [row.line for row in reading.rows] == [*range(6, 506), *range(507, 1007)]
    assert reading.rejected == [(506, "field-count")]


@pytest.mark.parametrize(
    "lines",
    [["|a|b|", *["|1|2|"] * 200, "|3|", "|4|5|6|"], ["a\tb\tc", *["1\t2\t3"] * 200, "3\t4", "4\t5\t6\t7"]],
    ids=["bars", "tabs"],
)
def test_a_short_row_and_a_long_one_are_both_rejected_though_their_cells_would_make_two(
    file: Path, lines: list[str]
) -> None:
    reading = read(file, lines)
    assert len(reading.rows) == 200
    assert reading.rejected == [(202, "field-count"), (203, "field-count")]


def test_a_source_of_files_says_their_hashes(file: Path) -> None:
    reading = read(file, [*BARS, *ROWS, RULER])
    assert isinstance(reading.source, Rereadable)
    assert reading.source.hashes() == reading.intake.origins


def test_the_options_of_a_list_are_checked() -> None:
    for wrong in ({"totals": "drop"}, {"last_line": "ask"}, {"encoding": "klingon"}, {"header": {"repeat": "drop"}}):
        with pytest.raises(ValidationError):
            SPEC.options.model_validate({"path": "x", **wrong})


# ---------------------------------------------------------------- any table survives


WORD = st.text(alphabet="abz Äß.,;'\"-+=_0159", max_size=6).map(str.strip)
NAMES = st.lists(st.text(alphabet="abcÄ.", min_size=1, max_size=5), min_size=2, max_size=5, unique=True)


def is_row(cells: list[str]) -> bool:
    """Neither blank nor a ruler."""
    return bool("".join(cells).strip("-+=_"))


@st.composite
def tables(draw: st.DrawFn) -> tuple[list[str], list[list[str]]]:
    names = draw(NAMES)
    width = len(names)
    rows = st.lists(WORD, min_size=width, max_size=width).filter(is_row).filter(lambda cells: cells != names)
    return names, draw(st.lists(rows, max_size=300 // width))


def in_between(draw: st.DrawFn, rows: list[str], others: list[str]) -> list[str]:
    """Rows with other lines between them here and there."""
    lines = []
    for row in rows:
        lines += [*draw(st.lists(st.sampled_from(others), max_size=1)), row] if len(rows) < 40 else [row]
    return lines


@FILE_FIXTURE
@given(table=tables(), data=st.data(), end=st.sampled_from(["\n", "\r\n"]))
def test_any_table_without_bars_survives_as_an_unconverted_list(
    file: Path, table: tuple[list[str], list[list[str]]], data: st.DataObject, end: str
) -> None:
    names, rows = table
    widths = [max(map(len, column)) + data.draw(st.integers(0, 2)) for column in zip(names, *rows, strict=True)]
    header, *written = [f"|{'|'.join(map(str.ljust, cells, widths))}|" for cells in (names, *rows)]
    ruler = "-" * len(header)
    between = in_between(data.draw, written, ["", "page 2", ruler, header])
    text = end.join(["20.11.2026 Liste 1", "", ruler, header, ruler, *between, ruler, ""])
    file.write_bytes(text.encode())
    reading = Reading(file)
    assert reading.columns == tuple(names)
    assert reading.cells == rows
    assert reading.intake.rejections == []
    lines = text.split(end)
    assert [lines[row.line - 1] for row in reading.rows] == written


@FILE_FIXTURE
@given(table=tables(), data=st.data(), end=st.sampled_from(["\n", "\r\n"]), leading=st.integers(0, 2))
def test_any_table_without_tabs_survives_as_text_with_tabs(
    file: Path, table: tuple[list[str], list[list[str]]], data: st.DataObject, end: str, leading: int
) -> None:
    names, rows = table
    header, *written = ["\t" * leading + "\t".join(f"{cell:>8}" for cell in cells) for cells in (names, *rows)]
    between = in_between(data.draw, written, ["", "page 2", "\t" * (leading + len(names) - 1), header])
    text = end.join(["20.11.2026\tListe 1", "", header, "", *between, ""])
    file.write_bytes(text.encode())
    reading = Reading(file)
    assert reading.columns == ("",) * leading + tuple(names)
    assert reading.cells == [[""] * leading + cells for cells in rows]
    assert reading.intake.rejections == []
    lines = text.split(end)
    assert [lines[row.line - 1] for row in reading.rows] == written


BAR_LINES = ["|1|2|3|", "|1|2|", "|1|2|3|4|", "|-|-|-|", "|a|b|c|", "|*||3|", "||*|3|", "|1|2|3", "4|5|6|", "", "note"]
TAB_LINES = ["1\t2\t3", "1\t2", "1\t2\t3\t4", "a\tb\tc", "*\t\t3", "\t**\t3", "\t\t", "", "note"]


@FILE_FIXTURE
@given(data=st.data(), bars=st.booleans(), end=st.sampled_from(["\n", "\r\n"]))
def test_a_line_is_read_the_same_near_the_header_and_far_from_it(
    file: Path, data: st.DataObject, bars: bool, end: str
) -> None:
    """Far from it, many lines are cut at once if they seem alike."""
    lines = data.draw(st.lists(st.sampled_from(BAR_LINES if bars else TAB_LINES), max_size=8))
    header, row = ("|a|b|c|", "|7|8|9|") if bars else ("a\tb\tc", "7\t8\t9")

    def found(before: int) -> tuple[list[Row], list[tuple[int, str]], Any]:
        text = end.join([header, *[row] * before, *lines, ""])
        file.write_bytes(text.encode())
        reading = Reading(file)
        rows = [Row(each.line - before, each.cells) for each in reading.rows[before:]]
        return rows, [(line - before, code) for line, code in reading.rejected], reading.intake.skipped

    assert found(2) == found(300)


LINE = st.sampled_from(
    [
        "|1|2|3|",
        "|1|2|",
        "|1|2|3|4|",
        "",
        "   ",
        "-----",
        "|--|-|-|",
        "|a|b|c|",
        "|*||3|",
        "x|1|2|3",
        "|1|2|3",
        "|",
        "note",
    ]
)


@FILE_FIXTURE
@given(lines=st.lists(LINE, max_size=300), fill=st.booleans(), lenient=st.booleans())
def test_every_line_is_read_or_skipped_or_rejected_or_the_header(
    file: Path, lines: list[str], fill: bool, lenient: bool
) -> None:
    options = {"fill_down": ["a", "b"] if fill else [], "field_count": "lenient" if lenient else "strict"}
    reading = read(file, ["|a|b|c|", *lines], **options)
    intake = reading.intake
    assert intake.read + intake.skipped.total() + len(intake.rejections) == len(lines)
    assert len(reading.rows) == intake.read
    assert all(len(row.cells) == 3 for row in reading.rows)
