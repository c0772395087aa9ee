"""What is told apart before it is parsed and passed over changes nothing of what is said of the rest."""

from __future__ import annotations

from collections import Counter
from datetime import date
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kpisync.errors import SourceError
from kpisync.model import Intake, Row, Scope
from kpisync.ports import Surroundings
from kpisync.sources.csv import SPEC, CsvSource

SCOPE = Scope(date(2026, 11, 20))
LINES = st.lists(
    st.sampled_from(
        [
            "a;1;x",
            "a;2;y",
            "b;1;x",
            "b;3;ü",
            ";1;x",
            "",
            ";;",
            "a;1",
            "a;1;x;9",
            'b;"3";x',
            "a;1;x\r",
            "a\rb;1;x",
            " ;1;x",
        ]
    ),
    max_size=12,
)


def source(path: Path, **options: object) -> CsvSource:
    built = SPEC.build(SPEC.options.model_validate({"path": str(path), "delimiter": ";", **options}), Surroundings())
    assert isinstance(built, CsvSource)
    return built


def write(folder: Path, text: str, encoding: str = "utf-8") -> Path:
    path = folder / "rows.csv"
    path.write_bytes(text.encode(encoding))
    return path


def whole(csv: CsvSource, intake: Intake) -> list[Row]:
    return [row for table in csv.read(SCOPE, intake) for row in table.rows]


def without(csv: CsvSource, passed: set[str], intake: Intake) -> list[Row]:
    return [row for table in csv.read_without("key", passed.__contains__, intake) for row in table.rows]


def digest(csv: CsvSource) -> dict[object, bytes]:
    found: dict[object, bytes] = {}
    for cell, layout, text in csv.survey("key", Intake()):
        found[cell] = found.get(cell, b"") + layout + text
    return found


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(lines=LINES, passed=st.sets(st.sampled_from("ab")), last=st.sampled_from(["", "\n"]), lenient=st.booleans())
def test_passing_rows_over_leaves_all_others_and_the_account_as_they_are(
    tmp_path: Path, lines: list[str], passed: set[str], last: str, lenient: bool
) -> None:
    text = "\n".join(["preamble", "key;number;note", *lines]) + last
    options = {"header": {"find": ["key"]}, "last_line": "accept", "field_count": "lenient" if lenient else "strict"}
    csv = source(write(tmp_path, text), **options)
    all_of_it, some = Intake(), Intake()
    expected = [row for row in whole(csv, all_of_it) if row.cells[0] not in passed]
    found = without(csv, passed, some)
    assert [row for row in found if row.cells[0] not in passed] == expected
    assert (some.read, some.rejections, some.origins) == (all_of_it.read, all_of_it.rejections, all_of_it.origins)
    assert (some.skipped, some.notes) == (all_of_it.skipped, all_of_it.notes)


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(lines=LINES, other=LINES)
def test_rows_that_are_written_alike_are_read_alike(tmp_path: Path, lines: list[str], other: list[str]) -> None:
    """Whatever differs between two readings of a cell's rows shows in what the survey says of the cell, or of none."""
    seen = []
    for some in (lines, other):
        csv = source(write(tmp_path, "\n".join(["key;number;note", *some, ""])))
        rows: dict[object, list[object]] = {}
        for row in whole(csv, Intake()):
            rows.setdefault(row.cells[0], []).append(tuple(row.cells))
        seen.append((rows, digest(csv)))
    (rows, told), (other_rows, other_told) = seen
    for cell in "ab":
        if rows.get(cell) != other_rows.get(cell):
            assert (told.get(cell), told.get(None)) != (other_told.get(cell), other_told.get(None))


def test_only_what_is_not_passed_over_is_parsed(tmp_path: Path) -> None:
    csv = source(write(tmp_path, "key;number;note\na;1;x\nb;1;x\na;2;x\n"))
    intake = Intake()
    assert [(row.line, list(row.cells)) for row in without(csv, {"a"}, intake)] == [(3, ["b", "1", "x"])]
    assert intake.read == 3


def test_columns_that_change_places_are_a_change(tmp_path: Path) -> None:
    first = digest(source(write(tmp_path, "key;number;note\na;1;2\n")))
    assert digest(source(write(tmp_path, "key;note;number\na;1;2\n"))) != first


@pytest.mark.parametrize("encoding", ["utf-8-sig", "cp1252"])
def test_a_file_with_letters_and_windows_line_breaks_is_plain(tmp_path: Path, encoding: str) -> None:
    text = "sep=;\r\nkey;number;note\r\nä;1;x\r\nb;1;x\r\n"
    csv = source(write(tmp_path, text, encoding), encoding=encoding)
    assert Counter(run.cell for run in csv.survey("key", Intake())) == {"ä": 1, "b": 1}
    assert [list(row.cells) for row in without(csv, {"b"}, Intake())] == [["ä", "1", "x"]]


def test_a_byte_that_is_none_of_the_encoding_is_named_with_its_line(tmp_path: Path) -> None:
    path = tmp_path / "rows.csv"
    path.write_bytes(b"key;number;note\na;1;x\n" + b"b;\xfc;x\n")
    with pytest.raises(SourceError, match="byte 0xFC") as raised:
        without(source(path), {"a"}, Intake())
    assert str(raised.value.where).endswith("rows.csv:3")


@pytest.mark.parametrize(
    "rule", [{"require": ["number"]}, {"fill_down": ["key"]}, {"header": {"names": ["key", "number", "note"]}}]
)
def test_where_rows_do_not_stand_for_themselves_all_are_parsed(tmp_path: Path, rule: dict[str, object]) -> None:
    csv = source(write(tmp_path, "key;number;note\na;1;x\n;2;x\n"), **rule)
    assert without(csv, {"a"}, Intake()) == whole(csv, Intake())
