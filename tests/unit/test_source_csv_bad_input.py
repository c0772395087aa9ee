"""A CSV file that cannot be trusted stops the whole reading, with what, where and what to do next."""

from __future__ import annotations

import os
import sys
import threading
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from kpisync.errors import Exit, SourceError
from kpisync.model import Intake, Scope
from kpisync.ports import Surroundings
from kpisync.sources.csv import SPEC

SCOPE = Scope(date(2026, 11, 20))


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def read_all(path: str, **options: Any) -> None:
    source = SPEC.build(SPEC.options.model_validate({"path": path, **options}), Surroundings())
    for table in source.read(SCOPE, Intake()):
        for _ in table.rows:
            pass


def refusal(content: str | bytes | None = None, path: str = "in.csv", **options: Any) -> SourceError:
    if content is not None:
        Path(path).write_bytes(content.encode() if isinstance(content, str) else content)
    with pytest.raises(SourceError) as caught:
        read_all(path, **options)
    error = caught.value
    assert error.exit_code is Exit.UNUSABLE
    assert error.what
    assert error.where
    assert error.hint
    assert str(error).startswith(f"{error.where}: ")
    return error


# ---------------------------------------------------------------- cut, growing, changing


def test_a_file_cut_within_a_line_is_refused_before_its_first_row() -> None:
    error = refusal("a,b\n1,2\n3,12345"[:-2])
    assert "no line break" in error.what
    assert "last_line: accept" in str(error.hint)


def test_a_wide_file_cut_within_a_character_is_refused() -> None:
    assert "no line break" in refusal("\ufeffa\n1\n".encode("utf-16-le")[:-1]).what


def test_a_file_that_grows_while_it_is_read_is_refused() -> None:
    Path("in.csv").write_text("a,b\n1,2\n3,4\n")
    source = SPEC.build(SPEC.options.model_validate({"path": "in.csv"}), Surroundings())
    intake = Intake()
    table = next(source.read(SCOPE, intake))
    next(table.rows)

    def append() -> None:
        with Path("in.csv").open("a") as stream:
            stream.write("5,6\n")

    writer = threading.Thread(target=append)
    writer.start()
    writer.join()
    with pytest.raises(SourceError, match="still being written"):
        list(table.rows)
    assert not intake.origins


def test_a_file_that_is_rewritten_in_its_length_while_it_is_read_is_refused() -> None:
    Path("in.csv").write_text("a,b\n1,2\n3,4\n")
    table = next(SPEC.build(SPEC.options.model_validate({"path": "in.csv"}), Surroundings()).read(SCOPE, Intake()))
    Path("in.csv").write_text("a,b\n9,9\n9,9\n")
    os.utime("in.csv", ns=(1, 1))
    with pytest.raises(SourceError, match="changed while it was read"):
        list(table.rows)


def test_a_file_that_is_replaced_while_it_is_read_is_read_as_it_was_opened() -> None:
    Path("in.csv").write_text("a\n1\n")
    table = next(SPEC.build(SPEC.options.model_validate({"path": "in.csv"}), Surroundings()).read(SCOPE, Intake()))
    Path("new.csv").write_text("a\n2\n")
    Path("new.csv").replace("in.csv")
    assert [row.cells for row in table.rows] == [["1"]]


# ---------------------------------------------------------------- encodings


def test_an_undeclared_encoding_that_is_not_utf_8_is_an_error_naming_the_candidates_and_what_they_read() -> None:
    error = refusal("a,b\nx,1\nGröße,2\n".encode("cp1252"))
    assert error.where == "in.csv:3"
    assert "0xF6" in error.what
    assert "cp1252 reads 'Größe,2'" in str(error.hint)
    assert "latin-1" in str(error.hint)
    assert "utf-16" in str(error.hint)


def test_a_byte_that_the_declared_encoding_lacks_is_an_error_with_its_line() -> None:
    error = refusal(b"a\r\n1\r\nx\x81y\r\n", encoding="cp1252")
    assert error.where == "in.csv:3"
    assert "0x81" in error.what
    assert "declared" in error.what


def test_the_line_of_a_bad_byte_is_right_in_a_large_file() -> None:
    error = refusal(b"a\n" + "1ä\n".encode() * 100_000 + b"\xff\n")
    assert error.where == "in.csv:100002"


def test_a_dash_of_cp1252_is_not_read_as_a_control_character_of_latin_1() -> None:
    error = refusal("a\nx – y\n".encode("cp1252"), encoding="latin-1")
    assert error.where == "in.csv:2"
    assert "0x96" in error.what
    assert "cp1252" in str(error.hint)


@pytest.mark.parametrize(("mark", "declared"), [("utf-8-sig", "cp1252"), ("utf-16", "utf-8"), ("utf-8-sig", "utf-16")])
def test_a_byte_order_mark_that_contradicts_the_declaration_is_an_error(mark: str, declared: str) -> None:
    assert "byte order mark" in refusal("a\n1\n".encode(mark), encoding=declared).what


def test_utf_16_without_a_mark_must_say_which() -> None:
    assert "utf-16-le or utf-16-be" in str(refusal("a\n1\n".encode("utf-16-le"), encoding="utf-16").hint)


def test_nul_bytes_are_refused_with_their_line() -> None:
    error = refusal(b"a,b\n1,2\n3,\0\n")
    assert error.where == "in.csv:3"
    assert "utf-16-le" in str(error.hint)


def test_a_name_that_is_no_encoding_is_refused_with_the_configuration() -> None:
    for name in ("cp12525", "base64"):
        with pytest.raises(ValueError, match="text encoding"):
            SPEC.options.model_validate({"path": "in.csv", "encoding": name})


# ---------------------------------------------------------------- columns


def test_a_renamed_column_is_an_error_naming_the_nearest() -> None:
    error = refusal("Linie,Mengen\nL1,5\n", require=["Menge"])
    assert "Menge" in error.what
    assert "Did you mean 'Mengen'?" in str(error.hint)


def test_a_missing_header_column_is_an_error() -> None:
    assert "Ausschuss" in refusal("Linie,Menge\nL1,5\n", header={"find": ["Linie", "Ausschuss"]}).what


# ---------------------------------------------------------------- other things than CSV


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (b"<!DOCTYPE html>\n<html><body>Log in</body></html>\n", "HTML"),
        (b"\n  <html>\n", "HTML"),
        ("\ufeff<html>\n".encode("utf-16-le"), "HTML"),
        (b"<?xml version='1.0'?>\n", "XML"),
        (b"PK\x03\x04\x14\x00", "ZIP"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1\x00", "Excel"),
        (b"%PDF-1.7\n", "PDF"),
        (b"\x1f\x8b\x08\x00", "gzip"),
        (b'{"error": "login required"}\n', "JSON"),
        (b'[\n {"a": 1}]\n', "JSON"),
    ],
)
def test_what_is_no_text_table_is_called_by_its_name(content: bytes, kind: str) -> None:
    assert kind in refusal(content).what


@pytest.mark.parametrize("content", [b"", b"\xef\xbb\xbf"])
def test_an_empty_file_is_not_a_table_without_rows(content: bytes) -> None:
    assert "empty" in refusal(content).what


def test_no_file_is_not_a_table_without_rows() -> None:
    error = refusal(path="exports/scrap_*.csv")
    assert error.what == "no file matches"
    assert error.where == "exports/scrap_*.csv"


def test_a_folder_is_no_file() -> None:
    Path("in.csv").mkdir()
    assert "regular file" in refusal().what


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no named pipes")
def test_a_named_pipe_is_refused_without_waiting_for_its_writer() -> None:
    os.mkfifo("in.csv")  # type: ignore[attr-defined,unused-ignore]
    assert "regular file" in refusal().what


@pytest.mark.skipif(sys.platform == "win32", reason="links need rights there")
def test_a_link_to_nothing_cannot_be_read() -> None:
    Path("in.csv").symlink_to("gone.csv")
    assert "No such file" in refusal().what


# ---------------------------------------------------------------- broken quoting


def test_a_quote_that_is_never_closed_is_an_error_at_the_row_that_opens_it() -> None:
    error = refusal('a;b\n1;2\n3;"x\n4;5\n6;7\n', delimiter=";")
    assert error.where == "in.csv:3"
    assert "line 5" in error.what


def test_a_quote_that_is_never_closed_is_found_in_a_large_file_within_bounded_memory() -> None:
    error = refusal("a;b\n" + "1;2\n" * 300 + '3;"x\n' + "4;5\n" * 100_000, delimiter=";")
    assert error.where == "in.csv:302"
    assert "field limit" in error.what


def test_text_behind_a_closing_quote_is_an_error() -> None:
    assert refusal('a;b\n"x"y;2\n', delimiter=";").where == "in.csv:2"


def test_broken_quoting_is_found_beside_lines_that_are_left_out() -> None:
    error = refusal('a;b\n--\n1;"2\n3;4\n', delimiter=";", skip_lines_matching=["^--"])
    assert error.where == "in.csv:3"


def test_a_line_without_an_end_is_refused_within_bounded_memory() -> None:
    assert "longer than" in refusal(b"a" * (1 << 24) + b"b" * (1 << 18) + b"\n").what


def test_a_delimiter_other_than_the_file_says_is_an_error() -> None:
    assert refusal("sep=;\na;b\n", delimiter=",").where == "in.csv:1"
    read_all("in.csv", delimiter=";")


@pytest.mark.parametrize(
    "given", [{"delimiter": ";;"}, {"delimiter": "\n"}, {"quote": "''"}, {"delimiter": "'", "quote": "'"}]
)
def test_delimiter_and_quote_are_two_single_characters(given: dict[str, str]) -> None:
    with pytest.raises(ValueError, match=r"character|both"):
        SPEC.options.model_validate({"path": "in.csv", **given})
