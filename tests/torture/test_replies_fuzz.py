"""Whatever a platform answers, a reader returns what is written there or says `Unreadable`; it never invents."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from measure import amount

from kpisync.destinations.valuestreamer.replies import (
    Question,
    read_list,
    read_record,
    says_error,
    values_of_reply,
)
from kpisync.errors import DestinationError
from kpisync.model import RecordKey, ReplyKind, Values
from kpisync.ports import Unreadable
from kpisync.support.statuses import Response, classify, retry_after

TEAM = "8dca904d-9134-3bb0-95b7-3f72ae3dfacf"
OTHER = "6f1c0a52-2f43-4c1f-9f0e-1d8f0f6b7a10"
KPI = "c3ba32c2-a13a-0000-0000-000000000000"
ACTUAL = "79cf2f74-0e9c-45b5-bc4d-f437079dde7c"
TARGET = "fd2c7750-79e1-4514-89a2-e9c103db4d6b"
KEY = RecordKey("board", KPI, TEAM, None, date(2026, 11, 20))
many = settings(max_examples=amount(500, 12_000), deadline=None, suppress_health_check=[HealthCheck.too_slow])

teams = st.sampled_from([None, TEAM])
ids = st.sampled_from([TEAM, OTHER, KPI, ACTUAL, TARGET, TEAM.upper(), "Line 1", ""])
numbers = st.integers(-(10**6), 10**6) | st.sampled_from([0, 1e400, -0.0, 10**60, 1.5])
days = st.sampled_from(["2026-11-20", "2026-11-19T00:00:00Z", "2026-11-20T23:00:00Z", "2026-12-24", "20.11.2026"])
scalars = st.none() | st.booleans() | numbers | days | ids | st.text(max_size=5)
names = st.sampled_from(
    ["date", "teamId", "team", "kpiId", "values", "kpiValueId", "value", "id", "subTileId", "data", "next", "total"]
) | st.text(max_size=3)
documents = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(names, inner, max_size=5), max_leaves=25
)
entries = st.fixed_dictionaries({"kpiValueId": st.sampled_from([ACTUAL, TARGET]), "value": numbers | st.none()})
records = st.fixed_dictionaries(
    {
        "date": st.sampled_from(["2026-11-20", "2026-11-19", "2026-12-24"]),
        "teamId": st.sampled_from([TEAM, OTHER]),
        "kpiId": st.just(KPI),
        "subTileId": st.none(),
        "values": st.lists(entries, max_size=2, unique_by=lambda entry: entry["kpiValueId"]),
    }
)
lists = st.lists(records, max_size=4)


@st.composite
def mutated(draw: st.DrawFn) -> Any:
    """A valid list of records in which a few members were changed, taken away or put elsewhere."""
    document: Any = draw(lists)
    if draw(st.booleans()):
        document = {draw(names): document, draw(names): draw(scalars)}
    for _ in range(draw(st.integers(0, 3))):
        place = draw(st.sampled_from([each for each in walk(document) if isinstance(each, list | dict)]))
        change(draw, place)
    return document


def change(draw: st.DrawFn, place: Any) -> None:
    if not place:
        return
    name = draw(st.sampled_from(sorted(place))) if isinstance(place, dict) else draw(st.integers(0, len(place) - 1))
    what = draw(st.sampled_from(["replace", "delete", "add"]))
    if what == "replace":
        place[name] = draw(documents)
    elif what == "delete":
        del place[name]
    elif isinstance(place, dict):
        place[draw(names)] = draw(documents)
    else:
        place.append(draw(documents))


def walk(document: Any) -> Iterator[Any]:
    yield document
    for child in document.values() if isinstance(document, dict) else document if isinstance(document, list) else ():
        yield from walk(child)


def read(body: bytes, team: str | None) -> Mapping[RecordKey, Values] | None:
    """None if it is unreadable, and for a good reason: any other exception fails the test."""
    question = Question("board", KPI, team, date(2026, 11, 1), date(2026, 11, 30))
    try:
        return read_list(Response(200, {}, body), question)
    except Unreadable as failure:
        assert failure.reply.kind is ReplyKind.FAILED
        assert failure.reply.words.isprintable()
        return None


def must_stand_there(found: Mapping[RecordKey, Values], document: Any, team: str | None) -> None:
    """Every part of what was found is written in the document."""
    texts = {each.lower() for each in walk(document) if isinstance(each, str)}
    stated = {number for each in walk(document) if (number := number_of(each)) is not None}
    assert found or [] in list(walk(document)), "nothing was found where something stands"
    for key, values in found.items():
        assert key.team in texts or key.team == team
        assert key.kpi == KPI
        assert date(2026, 11, 1) <= key.period <= date(2026, 11, 30)
        assert any(text.startswith(str(key.period)) for text in texts)
        assert values.keys() <= texts
        assert set(values.values()) <= stated


def number_of(value: Any) -> Decimal | None:
    if isinstance(value, bool) or not isinstance(value, str | int | Decimal):
        return None
    try:
        return Decimal(value)
    except InvalidOperation:
        return None


def parsed(body: bytes) -> Any:
    """As the standard library reads it, digit by digit."""
    try:
        text = body.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = body.decode("latin-1")
    return json.loads(text, parse_float=Decimal, parse_int=Decimal)


def check(body: bytes, team: str | None) -> None:
    found = read(body, team)
    if found is not None:
        must_stand_there(found, parsed(body), team)


# ---------------------------------------------------------------- lists


@many
@given(lists, teams)
def test_a_valid_list_is_read_as_it_stands(document: list[dict[str, Any]], team: str | None) -> None:
    check(json.dumps(document).encode(), team)


@many
@given(mutated(), teams)
def test_a_changed_list_is_read_as_it_stands_or_unreadable(document: Any, team: str | None) -> None:
    check(json.dumps(document).encode(), team)


@many
@given(documents, teams)
def test_any_document_is_read_as_it_stands_or_unreadable(document: Any, team: str | None) -> None:
    check(json.dumps(document).encode(), team)


@many
@given(st.binary(max_size=200), teams)
def test_any_bytes_are_read_as_they_stand_or_unreadable(body: bytes, team: str | None) -> None:
    check(body, team)


@many
@given(lists, st.data(), teams)
def test_a_list_with_some_bytes_changed_is_read_as_it_stands_or_unreadable(
    document: list[dict[str, Any]], data: st.DataObject, team: str | None
) -> None:
    body = bytearray(json.dumps(document).encode())
    for _ in range(data.draw(st.integers(1, 3))):
        start = data.draw(st.integers(0, len(body)))
        end = data.draw(st.integers(start, min(len(body), start + 3)))
        body[start:end] = data.draw(st.binary(max_size=3))
    check(bytes(body), team)


@many
@given(lists.filter(bool), st.data())
def test_a_list_that_is_cut_off_is_unreadable(document: list[dict[str, Any]], data: st.DataObject) -> None:
    body = json.dumps(document).encode()
    assert read(body[: data.draw(st.integers(0, len(body) - 1))], TEAM) is None


# ---------------------------------------------------------------- single records, and answers to writes


@many
@given(documents.map(json.dumps).map(str.encode) | st.binary(max_size=100) | records.map(json.dumps).map(str.encode))
def test_a_single_record_is_read_as_it_stands_or_unreadable(body: bytes) -> None:
    response = Response(200, {}, body)
    try:
        values = read_record(response, KEY)
    except Unreadable:
        values = None
    assert (values_of_reply(response, KEY) or None) == (values or None)
    if values:
        must_stand_there({KEY: values}, [parsed(body), TEAM, "2026-11-20", KPI], TEAM)


@many
@given(
    st.integers(100, 999),
    st.dictionaries(st.sampled_from(["location", "content-type", "link"]), st.text(max_size=40)),
    documents.map(json.dumps).map(str.encode) | st.binary(max_size=100),
)
def test_every_answer_has_a_kind_and_harmless_words(status: int, headers: dict[str, str], body: bytes) -> None:
    response = Response(status, headers, body)
    assert says_error(response) in (True, False)
    try:
        words = classify(response, "destination board").words
    except DestinationError as error:
        words = str(error)
    for each in (words, response.words):
        assert each.isprintable()
        assert len(each) < 500


@many
@given(
    st.lists(st.text(max_size=40) | st.from_regex(r"[A-Z][a-z]{2}, \d\d Nov \d{4} \d\d:\d\d:\d\d [+-]?\w+"), max_size=3)
)
def test_any_retry_after_is_a_time_between_now_and_the_cap_or_none(texts: list[str]) -> None:
    seconds = retry_after(texts)
    assert seconds is None or 0 <= seconds <= 900
