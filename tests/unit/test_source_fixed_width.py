"""Lines of fixed width are cut where the job says, and a line that does not fit the layout is rejected."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from kpisync.errors import SourceError
from kpisync.model import Intake, Row, Scope, Table
from kpisync.ports import Rereadable, Surroundings
from kpisync.sources.fixed_width import SPEC

SCOPE = Scope(date(2026, 11, 20))
FILE_FIXTURE = settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
FIELDS = {"line": "1-4", "day": "5-12", "scrap": "15-20"}


class Reading:
    """A file written, and what was read of it."""

    def __init__(self, path: Path, **options: Any) -> None:
        self.intake = Intake()
        given = {"path": str(path), "fields": FIELDS, **options}
        self.source = SPEC.build(SPEC.options.model_validate(given), Surroundings())
        self.rows: list[Row] = []
        self.tables: list[Table] = []
        for table in self.source.read(SCOPE, self.intake):
            self.tables.append(table)
            self.rows += table.rows

    @property
    def cells(self) -> list[list[object]]:
        return [list(row.cells) for row in self.rows]

    @property
    def rejected(self) -> list[tuple[int, str]]:
        return [(int(str(each.source).rpartition(":")[2]), each.code) for each in self.intake.rejections]

    @property
    def reason(self) -> str:
        (rejection,) = self.intake.rejections
        return rejection.reason


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "in.txt"


def read(file: Path, lines: list[str], **options: Any) -> Reading:
    file.write_bytes("".join(f"{line}\n" for line in lines).encode())
    return Reading(file, **options)


def wrong(**options: Any) -> str:
    with pytest.raises(ValidationError) as caught:
        SPEC.options.model_validate({"path": "x", "fields": FIELDS, **options})
    return str(caught.value)


GOOD = "L1  20261119     5.0"


# ---------------------------------------------------------------- the layout


def test_cells_are_cut_by_positions_from_one_inclusive_and_stripped(file: Path) -> None:
    reading = read(file, [GOOD, "L2  20261120  0007-1"])
    assert reading.tables[0].columns == ("line", "day", "scrap")
    assert reading.cells == [["L1", "20261119", "5.0"], ["L2", "20261120", "0007-1"]]
    assert [row.line for row in reading.rows] == [1, 2]


def test_columns_come_in_the_order_of_the_job_not_of_the_line(file: Path) -> None:
    reading = read(file, ["ab"], fields={"second": "2", "first": "1"})
    assert reading.tables[0].columns == ("second", "first")
    assert reading.cells == [["b", "a"]]


def test_the_last_field_may_go_to_the_end_of_the_line(file: Path) -> None:
    reading = read(file, ["1a longer text", "2", "3x"], fields={"no": "1", "text": "2-"})
    assert reading.cells == [["1", "a longer text"], ["2", ""], ["3", "x"]]


def test_a_whole_line_can_be_one_field(file: Path) -> None:
    assert read(file, ["a b", "c"], fields={"text": "1-"}).cells == [["a b"], ["c"]]


def test_positions_count_characters(file: Path) -> None:
    reading = read(file, ["Größe 12", "Laenge 3"], fields={"name": "1-6", "n": "7-8"})
    assert reading.cells == [["Größe", "12"], ["Laenge", "3"]]


@pytest.mark.parametrize("encoding", ["utf-8", "cp1252", "utf-16-le"])
def test_positions_count_bytes_where_declared(file: Path, encoding: str) -> None:
    size = len(" ".encode(encoding))
    words = [word + " " * (6 - len(word.encode(encoding)) // size) for word in ("Öl", "Fett")]
    fields = {"name": f"1-{6 * size}", "n": f"{6 * size + 1}-"}
    file.write_bytes("".join(f"{word}7\n" for word in words).encode(encoding))
    reading = Reading(file, encoding=encoding, positions="bytes", fields=fields)
    assert reading.cells == [["Öl", "7"], ["Fett", "7"]]


def test_a_field_that_ends_within_a_character_rejects_the_line(file: Path) -> None:
    reading = read(file, ["aö5", "abc"], positions="bytes", fields={"a": "1-2", "b": "3-"})
    assert reading.cells == [["ab", "c"]]
    assert reading.rejected == [(1, "layout")]
    assert "within a character" in reading.reason


# ---------------------------------------------------------------- lines that do not fit


@pytest.mark.parametrize("line", [GOOD[:-1], GOOD[:6], "L1"])
def test_a_line_shorter_than_the_last_field_is_rejected(file: Path, line: str) -> None:
    reading = read(file, [GOOD, line])
    assert len(reading.rows) == 1
    assert reading.rejected == [(2, "line-length")]
    assert f"ends at position {len(line)}" in reading.reason
    assert "'scrap' ends at 20" in reading.reason


def test_a_short_line_is_filled_with_blanks_where_declared(file: Path) -> None:
    reading = read(file, [GOOD, "L2  20261119", "L3"], field_count="lenient")
    assert reading.cells[1:] == [["L2", "20261119", ""], ["L3", "", ""]]


@pytest.mark.parametrize("lenient", [True, False])
def test_text_behind_the_last_field_rejects_the_line_and_blanks_do_not(file: Path, lenient: bool) -> None:
    reading = read(file, [f"{GOOD}   ", f"{GOOD}  7"], field_count="lenient" if lenient else "strict")
    assert len(reading.rows) == 1
    assert reading.rejected == [(2, "layout")]
    assert "'7' stands behind position 20" in reading.reason


def test_text_between_fields_rejects_the_line_for_the_layout_is_another(file: Path) -> None:
    reading = read(file, [GOOD, "L1  20261119 12345.0"])
    assert len(reading.rows) == 1
    assert reading.rejected == [(2, "layout")]
    assert "'1' stands at 13-14" in reading.reason
    assert "name it under fields" in reading.reason


@pytest.mark.parametrize(("char", "words"), [("\t", "a tab"), ("\f", "control character '\\x0c'")])
def test_a_character_without_a_width_rejects_the_line(file: Path, char: str, words: str) -> None:
    reading = read(file, [GOOD, char + GOOD[1:]])
    assert reading.rejected == [(2, "layout")]
    assert words in reading.reason
    assert "position 1" in reading.reason


def test_a_row_is_not_continued_below_a_rejected_line(file: Path) -> None:
    lines = ["1000L1 5", "2000L2", "    L3 7", "3000L4 9"]
    reading = read(file, lines, fields={"plant": "1-4", "line": "5-6", "scrap": "8"}, fill_down=["plant"])
    assert reading.cells == [["1000", "L1", "5"], ["3000", "L4", "9"]]
    assert reading.rejected == [(2, "line-length"), (3, "fill-down")]


def test_one_odd_line_changes_nothing_for_its_neighbours(file: Path) -> None:
    lines = [f"L{n % 10}  20261119  {n:6}" for n in range(1000)]
    reading = read(file, [*lines[:500], "L", *lines[500:]])
    assert [row.cells[2] for row in reading.rows] == [str(n) for n in range(1000)]
    assert reading.rejected == [(501, "line-length")]


# ---------------------------------------------------------------- what is no row


def test_blank_lines_are_no_rows(file: Path) -> None:
    reading = read(file, [GOOD, "", " " * 30, "  ", GOOD])
    assert len(reading.rows) == 2
    assert reading.intake.skipped == {"blank": 3}


def test_a_header_line_is_left_out_by_a_pattern(file: Path) -> None:
    reading = read(file, ["Line Day Scrap", GOOD], skip_lines_matching=["^Line"])
    assert [row.line for row in reading.rows] == [2]


def test_data_begin_after_a_marker_line(file: Path) -> None:
    reading = read(file, ["Any text of whatever length it may be", "Data  below", GOOD], start_after="Data below")
    assert reading.cells == [["L1", "20261119", "5.0"]]
    assert reading.intake.skipped == {"start_after": 2}


def test_a_marker_that_is_nowhere_is_an_error(file: Path) -> None:
    with pytest.raises(SourceError, match="start_after marker"):
        read(file, [GOOD] * 300, start_after="Data below")


def test_a_cut_last_line_is_refused_or_accepted(file: Path) -> None:
    file.write_text(f"{GOOD}\n{GOOD}")
    with pytest.raises(SourceError, match="no line break"):
        Reading(file)
    assert len(Reading(file, last_line="accept").rows) == 2


def test_a_source_of_files_says_their_hashes(file: Path) -> None:
    reading = read(file, [GOOD])
    assert isinstance(reading.source, Rereadable)
    assert reading.source.hashes() == reading.intake.origins


# ---------------------------------------------------------------- options


@pytest.mark.parametrize("span", ["0-4", "4-1", "a-b", "1-2-3", "-4", "", "1 - 4"])
def test_a_span_is_two_positions_from_one(span: str) -> None:
    assert "1-8" in wrong(fields={"a": span})


@pytest.mark.parametrize("fields", [{"a": "1-4", "b": "4-6"}, {"a": "3-", "b": "9"}, {"a": "1-9", "b": "2-3"}])
def test_fields_share_no_position(fields: dict[str, str]) -> None:
    message = wrong(fields=fields)
    assert "'a'" in message
    assert "'b'" in message
    assert "share positions" in message


def test_fields_name_the_columns_so_there_is_no_header() -> None:
    assert "skip_lines_matching" in wrong(header={"row": 1})


@pytest.mark.parametrize("fields", [{}, {" ": "1"}, {"a b": "1", "a  b": "2"}])
def test_names_of_fields_are_given_and_differ(fields: dict[str, str]) -> None:
    assert wrong(fields=fields)


# ---------------------------------------------------------------- any table survives

CELL = st.text(alphabet="abc 0Äß-.\u3042", min_size=0, max_size=6).map(str.strip)


@FILE_FIXTURE
@given(
    rows=st.lists(st.lists(CELL, min_size=3, max_size=3).filter(any), max_size=200),
    gaps=st.lists(st.integers(0, 3), min_size=3, max_size=3),
    right=st.booleans(),
    end=st.sampled_from(["\n", "\r\n"]),
)
def test_any_table_survives_in_fixed_width(
    file: Path, rows: list[list[str]], gaps: list[int], right: bool, end: str
) -> None:
    fields, lines, at = {}, [""] * len(rows), 1
    for index, gap in enumerate(gaps):
        at += gap
        fields[f"f{index}"] = f"{at}-{at + 5}"
        at += 6
        pad = str.rjust if right else str.ljust
        lines = [line + " " * gap + pad(cells[index], 6) for line, cells in zip(lines, rows, strict=True)]
    file.write_bytes("".join(f"{line}{end}" for line in ["#", *lines]).encode())
    reading = Reading(file, fields=fields, skip_lines_matching=["^#"])
    assert reading.rows == [Row(number, tuple(cells)) for number, cells in enumerate(rows, 2)]
    assert reading.intake.rejections == []


LINE = st.sampled_from([GOOD, "", "  ", "L1", f"{GOOD} x", "L1\t20261119     5.0", "    20261119     5.0", "é" * 20])


@FILE_FIXTURE
@given(
    lines=st.lists(LINE, min_size=1, max_size=300),
    lenient=st.booleans(),
    positions=st.sampled_from(["bytes", "characters"]),
)
def test_every_line_is_read_or_skipped_or_rejected(file: Path, lines: list[str], lenient: bool, positions: str) -> None:
    options = {"field_count": "lenient" if lenient else "strict", "positions": positions, "fill_down": ["line"]}
    reading = read(file, lines, **options)
    intake = reading.intake
    assert intake.read + intake.skipped.total() + len(intake.rejections) == len(lines)
    assert len(reading.rows) == intake.read
