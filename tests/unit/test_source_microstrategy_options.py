"""The options of MicroStrategy name exactly one thing to read and one way to log in; anything else is told at once."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from kpisync.sources.microstrategy import SPEC
from kpisync.sources.microstrategy.options import MicroStrategyOptions

ID = "0123456789abcdef0123456789ABCDEF"
WHOLE: dict[str, Any] = {
    "url": "https://bi.example.com/MicroStrategyLibrary/api",
    "username": "reader",
    "password": "s3cret-s3cret",
    "project": "Production",
    "cube": ID,
}


def options(**changes: Any) -> MicroStrategyOptions:
    given = {name: value for name, value in (WHOLE | changes).items() if value is not None}
    found = SPEC.options.model_validate(given)
    assert isinstance(found, MicroStrategyOptions)
    return found


def error(**changes: Any) -> str:
    with pytest.raises(ValidationError) as caught:
        options(**changes)
    return "; ".join(each["msg"] for each in caught.value.errors())


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"login": "ldap"},
        {"login": "guest", "username": None, "password": None},
        {"login": "api-token", "username": None, "password": None, "token": "t"},
        {"login": "identity-token", "username": None, "password": None, "token": "t"},
        {"url": "http://127.0.0.1:8765/microstrategy/MicroStrategyLibrary/api"},
    ],
)
def test_each_way_to_log_in_takes_what_it_needs(changes: dict[str, Any]) -> None:
    assert options(**changes).cube == ID.upper()


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"password": None}, "login: standard needs username and password"),
        ({"token": "t"}, "login: standard needs username and password"),
        ({"login": "guest"}, "login: guest needs no more"),
        ({"login": "api-token"}, "login: api-token needs token"),
        ({"login": "saml"}, "Input should be 'standard'"),
        ({"cube": None}, "give one of cube, report, dashboard and kpi, not none"),
        ({"report": ID}, "not cube and report"),
        ({"cube": "Scrap by line"}, "not an object's id: 32 hexadecimal digits"),
        ({"metrics": {"a": "Scrap"}}, "not an object's id"),
        ({"metrics": {}}, "at least 1"),
        ({"attributes": {"a": ID}}, "attributes needs metrics"),
        ({"prompts": {"Day": {"default": True}}}, "prompts is for a report, not for a cube"),
        ({"page_by": ["h1;A"]}, "page_by is for a report"),
        ({"kpi_range": "all"}, "kpi_range is for a kpi"),
        (
            {"cube": None, "kpi": ID, "metrics": {"a": ID}},
            "metrics is for a cube or report or dashboard, not for a kpi",
        ),
        ({"view_filter": "{"}, "not JSON"),
        ({"cube": None, "report": ID, "page_by": ["h1;A"], "view_filter": "{}"}, "no view_filter together with"),
        ({"view_filter": "[]"}, "not a JSON object"),
        ({"cube": None, "report": ID, "prompts": {"Day": {}}}, "give one of default: true, value"),
        ({"cube": None, "report": ID, "prompts": {"Day": {"value": "1", "default": True}}}, "give one of default"),
        ({"header": {"row": 1}}, "header is for files"),
        ({"start_after": "x"}, "start_after is for files"),
        ({"url": "https://bi.example.com/MicroStrategyLibrary"}, "url must end with /api"),
        ({"url": "http://bi.example.com/MicroStrategyLibrary/api"}, "https://"),
        ({"page_size": 0}, "greater than or equal to 1"),
    ],
)
def test_what_makes_no_sense_is_refused_in_words(changes: dict[str, Any], words: str) -> None:
    assert words in error(**changes)


def test_no_secret_is_shown_by_the_options() -> None:
    assert "s3cret" not in repr(options())
    assert "s3cret" not in error(cube="x")


def test_dates_in_a_filter_or_in_an_answer_need_a_range() -> None:
    assert options().dates == set()
    assert options(view_filter='{"a": ["{from}", {"b": "x{until}"}], "{to}": 1}').dates == {"from", "to", "until"}
    assert options(cube=None, report=ID, prompts={"Day": {"value": "{to}"}}).dates == {"to"}
