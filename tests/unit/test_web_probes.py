"""What machines are told: alive, ready, and the metrics."""

from __future__ import annotations

import json

import pytest

from kpisync.errors import StateError
from kpisync.watch.model import Topic
from tests.unit.web_views import TOKEN, Page, trouble

BEARER = {"Authorization": f"Bearer {TOKEN}"}


def test_alive_is_who_still_looks_at_the_clock(page: Page) -> None:
    assert (page.get("/livez").status, page.get("/livez").text) == (200, "alive\n")
    page.views.looks = False
    answer = page.get("/livez")
    assert answer.status == 503
    assert "Start kpisync again" in answer.text


def test_alive_does_not_depend_on_the_store(page: Page) -> None:
    page.views.broken = StateError("gone")
    assert page.get("/livez").status == 200


def test_ready_is_who_has_no_trouble_that_stops_him(page: Page) -> None:
    page.views.troubles = (trouble("a; hunter2", job="scrap-daily"),)
    answer = page.get("/readyz")
    assert (answer.status, answer.header["content-type"]) == (200, "application/json")
    told = {"topic": "config", "said": "a; ***", "since": "2026-11-20T11:51:00+00:00", "job": "scrap-daily"}
    assert json.loads(answer.text) == {"ready": True, "troubles": [{**told, "stops": False}]}


def test_without_the_store_nobody_is_ready_and_it_cures_itself(page: Page) -> None:
    page.views.broken = StateError("the database is gone")
    answer = page.get("/readyz")
    assert answer.status == 503
    assert json.loads(answer.text)["ready"] is False
    assert json.loads(answer.text)["troubles"][0]["said"] == "the database is gone"
    page.views.broken = None
    assert page.get("/readyz").status == 200


@pytest.mark.parametrize("headers", [{}, {"Authorization": "Bearer wrong"}, {"Authorization": "Basic dDBrZW4="}])
def test_a_stranger_learns_the_topics_of_troubles_and_nothing_else(guarded: Page, headers: dict[str, str]) -> None:
    several = (trouble("secret path", job="scrap"), trouble("other path"), trouble(topic=Topic.STATE, stops=True))
    guarded.views.troubles = several
    answer = guarded.ask("GET", "/readyz", headers)
    assert answer.status == 503
    assert json.loads(answer.text) == {"ready": False, "troubles": [{"topic": "config"}, {"topic": "state"}]}


def test_who_has_the_token_learns_all(guarded: Page) -> None:
    guarded.views.troubles = (trouble("secret path"),)
    assert "secret path" in guarded.ask("GET", "/readyz", BEARER).text
    guarded.log_in(TOKEN)
    assert "secret path" in guarded.get("/readyz").text


def test_texts_that_are_no_characters_are_told_all_the_same(page: Page) -> None:
    page.views.troubles = (trouble("a\ud800b\x00"),)
    assert json.loads(page.get("/readyz").text)["troubles"][0]["said"] == "a\ud800b\x00"


def test_metrics_are_text_for_who_has_the_token(guarded: Page) -> None:
    assert guarded.ask("GET", "/metrics", {"Accept": "*/*"}).status == 401
    answer = guarded.ask("GET", "/metrics", BEARER)
    assert (answer.status, answer.header["content-type"]) == (200, "text/plain; version=0.0.4; charset=utf-8")
    assert "kpisync_in_doubt 1.0" in answer.text


def test_metrics_are_open_where_there_is_no_token(page: Page) -> None:
    assert page.ask("GET", "/metrics").status == 200
