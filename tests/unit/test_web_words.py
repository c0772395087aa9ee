"""Both languages say the same things, and everything that a page or the server says has its words."""

from __future__ import annotations

import re
import string
from decimal import Decimal
from pathlib import Path

import pytest

import kpisync.web
from kpisync.watch.model import Mark, Topic, Word
from kpisync.web.words import LANGUAGES, Words, dictionary, preferred, read, written

WEB = Path(kpisync.web.__file__).parent
WORDS = dictionary()
ENGLISH = WORDS["en"].texts
_KEY = r"""["']([a-z_]+(?:\.[a-z0-9_]+)+)["']"""
COUNTED = re.compile(rf"\bcount\(\s*{_KEY}")
SAID = re.compile(rf"\bt\(\s*{_KEY}")
CHOSEN = re.compile(r"""\bt\(\s*["']([a-z_.]+\.)["'] ~""")
PROBLEMS = re.compile(r"""Problem\(\s*["']([a-z_]+)["']""")


def _all(files: str, pattern: re.Pattern[str]) -> set[str]:
    return {key for file in WEB.rglob(files) for key in pattern.findall(file.read_text(encoding="utf-8"))}


def _names(text: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name is not None}


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_language_has_the_same_keys(language: str) -> None:
    assert set(WORDS[language].texts) == set(ENGLISH)


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_language_puts_the_same_values_into_a_text(language: str) -> None:
    texts = WORDS[language].texts
    other = {key for key in ENGLISH if not key.endswith("_one") and _names(texts[key]) != _names(ENGLISH[key])}
    assert other == set()


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_text_is_empty(language: str) -> None:
    assert [key for key, text in WORDS[language].texts.items() if not text.strip()] == []


def test_every_key_of_a_template_has_a_text() -> None:
    said = _all("*.html", SAID)
    assert len(said) > 20
    assert sorted(key for key in said if key not in ENGLISH) == []


def test_every_counted_key_has_a_text_for_one_and_for_many() -> None:
    counted = _all("*.html", COUNTED)
    wanted = {f"{key}_{form}" for key in counted for form in ("one", "many")}
    assert sorted(wanted - set(ENGLISH)) == []


def test_every_family_of_keys_that_a_template_chooses_from_has_texts() -> None:
    families = _all("*.html", CHOSEN)
    assert families
    assert [family for family in families if not any(key.startswith(family) for key in ENGLISH)] == []


def test_every_word_mark_and_topic_has_a_text() -> None:
    wanted = [f"word.{word}" for word in Word] + [f"todo.{word}" for word in Word]
    wanted += [f"mark.{mark}" for mark in Mark] + [f"topic.{topic}" for topic in Topic]
    wanted += [f"gate.{word}" for word in ("open", "paused", "trouble", "shut", "unused")]
    assert [key for key in wanted if key not in ENGLISH] == []


def test_every_problem_says_what_it_is_where_and_what_to_do_next() -> None:
    problems = _all("*.py", PROBLEMS)
    assert len(problems) > 10
    wanted = {f"problem.{problem}.{part}" for problem in problems for part in ("title", "text", "next")}
    assert sorted(wanted - set(ENGLISH)) == []
    assert sorted({key for key in ENGLISH if key.startswith("problem.")} - wanted) == []


def test_a_key_without_a_text_is_shown_and_fails_nothing() -> None:
    assert Words("en", {})("kind.new", n=1) == "‹kind.new›"


def test_values_stand_in_a_text_as_they_are() -> None:
    assert Words("en", {"a": "job {job}"})("a", job="{n} <b>") == "job {n} <b>"


def test_a_count_of_one_has_a_text_of_its_own() -> None:
    words = Words("en", {"days_one": "{n} day", "days_many": "{n} days"})
    assert [words.count("days", n) for n in (0, 1, 2)] == ["0 days", "1 day", "2 days"]


def test_a_number_in_a_text_has_no_exponent_and_the_decimal_sign_of_its_language() -> None:
    assert written(Decimal("1E+3"), "en") == "1000"
    assert written(Decimal("12.50"), "de") == "12,50"
    assert written(20.0, "en") == "20"
    assert written(0.00001, "de") == "0,00001"
    assert written(12345678.5, "en") == "12345678.5"
    assert written(3, "de") == "3"
    assert written(None, "en") == "–"


def test_files_of_a_language_are_read_as_one(tmp_path: Path) -> None:
    (tmp_path / "en.yaml").write_text("nav: {board: Board}\n")
    (tmp_path / "en.more.yaml").write_text('nav: {runs: "{n} runs"}\n')
    assert read(tmp_path, "en") == {"nav.board": "Board", "nav.runs": "{n} runs"}


def test_a_key_with_two_texts_is_refused(tmp_path: Path) -> None:
    (tmp_path / "en.yaml").write_text("nav: {board: Board}\n")
    (tmp_path / "en.more.yaml").write_text("nav: {board: Table}\n")
    with pytest.raises(ValueError, match=r"nav\.board has a text already"):
        read(tmp_path, "en")


def test_a_key_twice_in_one_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "en.yaml").write_text("nav:\n  board: Board\n  board: Table\n")
    with pytest.raises(ValueError, match=r"en\.yaml:3"):
        read(tmp_path, "en")


@pytest.mark.parametrize(
    ("accept", "language"),
    [
        ("", "en"),
        ("de", "de"),
        ("de-AT,de;q=0.9,en;q=0.8", "de"),
        ("en-GB,en;q=0.9,de;q=0.8", "en"),
        ("fr,de;q=0.4", "de"),
        ("de;q=0.3, en;q=0.7", "en"),
        ("de;q=0", "en"),
        ("fr;q=nonsense,,;;,de", "de"),
        ("*", "en"),
        ("a" * 100_000, "en"),
    ],
)
def test_the_language_is_the_one_that_the_browser_likes_best(accept: str, language: str) -> None:
    assert preferred(accept) == language
