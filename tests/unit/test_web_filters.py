"""Instants, spans, numbers and the texts of others, as a page shows them."""

from __future__ import annotations

import math
from datetime import datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest
from jinja2 import DictLoader, Environment
from markupsafe import Markup

from kpisync.testing.clock import NOON
from kpisync.web.filters import FILTERS, LONGEST, shown
from kpisync.web.words import dictionary

WORDS = dictionary()


def filtered(name: str, value: object, language: str = "en") -> str:
    templates = Environment(loader=DictLoader({"t": f"{{{{ value | {name} }}}}"}), autoescape=True, finalize=shown)
    templates.filters |= FILTERS
    context = {"value": value, "t": WORDS[language], "now": NOON, "zone": ZoneInfo("Europe/Berlin")}
    return templates.get_template("t").render(context)


@pytest.mark.parametrize(
    ("instant", "text"),
    [
        (NOON, "2026-11-20 13:00"),
        (datetime.fromisoformat("2026-07-01T22:30:00+00:00"), "2026-07-02 00:30"),
        ("2026-11-20T05:15:00+00:00", "2026-11-20 06:15"),
        (None, "–"),
    ],
)
def test_an_instant_is_shown_as_the_clock_of_the_plant_did(instant: object, text: str) -> None:
    assert filtered("local", instant) == text


@pytest.mark.parametrize(
    ("back", "english", "german"),
    [
        (timedelta(0), "just now", "gerade eben"),
        (timedelta(seconds=59), "just now", "gerade eben"),
        (timedelta(seconds=60), "1 min ago", "vor 1 Min."),
        (timedelta(minutes=59), "59 min ago", "vor 59 Min."),
        (timedelta(hours=1), "1 hour ago", "vor 1 Stunde"),
        (timedelta(hours=47), "1 day ago", "vor 1 Tag"),
        (timedelta(days=400), "400 days ago", "vor 400 Tagen"),
        (-timedelta(seconds=5), "any moment now", "jeden Augenblick"),
        (-timedelta(hours=18), "in 18 hours", "in 18 Stunden"),
    ],
)
def test_the_distance_of_an_instant_is_said_in_its_largest_unit(back: timedelta, english: str, german: str) -> None:
    assert (filtered("ago", NOON - back), filtered("ago", NOON - back, "de")) == (english, german)


def test_an_absent_instant_has_no_distance() -> None:
    assert filtered("ago", None) == "–"


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0 s"),
        (0.4, "1 s"),
        (12, "12 s"),
        (60, "1 min"),
        (75, "1 min 15 s"),
        (3 * 86400 + 3600 + 60, "3 days 1 h"),
        (-4, "0 s"),
        (math.inf, "without end"),
        (None, "–"),
    ],
)
def test_a_span_is_said_in_its_two_largest_units(seconds: float | None, text: str) -> None:
    assert filtered("span", seconds) == text


def test_a_number_is_exact_and_a_german_one_has_a_comma() -> None:
    number = Decimal("12345678901234567.1234567891")
    assert filtered("number", number) == "12345678901234567.1234567891"
    assert filtered("number", number, "de") == "12345678901234567,1234567891"
    assert filtered("number", Decimal("1E+5")) == "100000"
    assert filtered("number", None) == "–"


def test_the_address_of_a_value_holds_its_path_whatever_is_in_it() -> None:
    assert filtered("path_url", "board/a b&c?#%/ü/2026-W47") == "/value?path=board/a%20b%26c%3F%23%25/%C3%BC/2026-W47"
    assert filtered("path_url", "board/\ud800/x") == "/value?path=board/%3F/x"


def test_what_would_steer_the_page_or_cannot_be_sent_is_shown_as_a_mark() -> None:
    assert shown("a\u202eb\u2066c\x1bd\x00e\ud800f\u200fg\x85h") == "a�b�c�d�e�f�g�h"
    assert shown("Größe 数 عربي\n\t😀") == "Größe 数 عربي\n\t😀"


def test_a_value_is_cut_where_no_reader_follows() -> None:
    assert shown("x" * 1_000_000) == "x" * LONGEST + "…"


def test_what_the_page_made_itself_is_not_cut() -> None:
    part = Markup("<p>") * LONGEST
    assert shown(part) is part


def test_an_absent_value_is_a_dash_and_a_number_has_no_exponent() -> None:
    assert (shown(None), shown(Decimal("1E+2")), shown(7)) == ("–", "100", 7)
