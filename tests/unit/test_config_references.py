"""References to the environment and to secret files."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from kpisync.config.references import resolve
from kpisync.config.yaml import Document, parse


def resolved(text: str, environ: Mapping[str, str] | None = None, base: Path = Path()) -> Document:
    return resolve(parse(f"a: {text}\n".encode(), base / "a.yaml"), environ or {})[0]


def value(text: str, environ: Mapping[str, str] | None = None, base: Path = Path()) -> object:
    found = resolved(text, environ, base)
    assert not found.faults
    assert isinstance(found.value, dict)
    return found.value["a"]


def complaint(text: str, environ: Mapping[str, str] | None = None, base: Path = Path()) -> str:
    [fault] = resolved(text, environ, base).faults
    assert fault.mark == (1, 4)
    return fault.message


def test_a_variable_is_filled_in_anywhere_in_a_text() -> None:
    environ = {"USER": "maria", "HOST": "db"}
    assert value('"pg://${env:USER}@${env:HOST}/x"', environ) == "pg://maria@db/x"


def test_what_a_variable_holds_is_text_whatever_it_looks_like() -> None:
    assert value("${env:X}", {"X": "a: [b, ${env:Y}]"}) == "a: [b, ${env:Y}]"


@pytest.mark.parametrize("environ", [{}, {"X": ""}])
def test_a_default_stands_in_for_a_missing_or_empty_variable(environ: dict[str, str]) -> None:
    assert value('"${env:X:-none}"', environ) == "none"
    assert value('"${env:X:-}"', environ) == ""


def test_a_doubled_dollar_is_a_plain_one() -> None:
    assert value('"$${env:X} $5 $x"', {"X": "1"}) == "${env:X} $5 $x"


def test_a_missing_variable_is_named() -> None:
    assert complaint("${env:X}") == "the environment variable X is not set"


def test_an_empty_variable_is_a_fault_of_its_own() -> None:
    assert complaint("${env:X}", {"X": ""}) == "the environment variable X is empty"


@pytest.mark.parametrize("content", ["hunter22\n", "hun\rter22", "hunter22\x00", "hunter22\udcff"])
def test_a_variable_with_control_characters_is_refused_unseen(content: str) -> None:
    found = complaint("${env:X}", {"X": content})
    assert "line break or a control character" in found
    assert "ter22" not in found


@pytest.mark.parametrize("text", ["${HOME}", "${env:}", "${evn:X}", "${env:1X}", "${file:}", '"${"'])
def test_a_reference_of_no_known_form_is_a_fault(text: str) -> None:
    assert complaint(text).startswith("a reference is written")


@pytest.mark.parametrize("content", [b"s3cret", b"s3cret\n", b"s3cret\r\n", b"\xef\xbb\xbfs3cret\n"])
def test_a_secret_file_is_its_text_without_the_last_line_break(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "pw").write_bytes(content)
    assert value("${file:pw}", base=tmp_path) == "s3cret"


def test_only_one_line_break_is_taken_off_a_secret(tmp_path: Path) -> None:
    (tmp_path / "pw").write_bytes(b" s \n\n")
    assert value("${file:pw}", base=tmp_path) == " s \n"


def test_an_absolute_secret_path_is_taken_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "pw").write_text("x")
    assert value(f"${{file:{tmp_path / 'pw'}}}", base=Path("elsewhere")) == "x"


def test_what_came_from_a_secret_file_is_a_secret(tmp_path: Path) -> None:
    (tmp_path / "pw").write_text("s3cret\n")
    secrets = resolve(parse(b"a: 'x ${file:pw}'", tmp_path / "a.yaml"), {}).secrets
    assert secrets == {"s3cret"}


@pytest.mark.parametrize(
    ("content", "message"),
    [(b"", "is empty"), (b"\n", "is empty"), (b"\xff\xfe", "is not UTF-8 text"), (b"x" * 64_001, "is larger than")],
)
def test_a_secret_file_that_cannot_be_meant_is_a_fault(tmp_path: Path, content: bytes, message: str) -> None:
    (tmp_path / "pw").write_bytes(content)
    assert message in complaint("${file:pw}", base=tmp_path)


def test_a_missing_secret_file_is_named(tmp_path: Path) -> None:
    assert complaint("${file:pw}", base=tmp_path) == f"there is no file {tmp_path / 'pw'}"


def test_a_file_name_that_no_system_allows_is_a_fault() -> None:
    assert complaint('"${file:a\\0b}"').startswith("there is no file")


def test_all_faulty_references_are_found_and_the_others_filled_in() -> None:
    found = resolved('["${env:A}", "${env:B}", "${env:C}"]', {"B": "b"})
    assert [fault.trail for fault in found.faults] == [("a", 0), ("a", 2)]
    assert found.value == {"a": ["${env:A}", "b", "${env:C}"]}
