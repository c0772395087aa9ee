"""Reading what ValueStreamer answers: no source shows the replies, so names are matched loosely and nothing is guessed.

A reply that cannot be understood whole is `Unreadable`, never an empty one.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from kpisync.destinations.valuestreamer.paging import fold, is_part, names_records
from kpisync.fields import is_guid
from kpisync.model import RecordKey, Reply, ReplyKind, Values
from kpisync.ports import Unreadable
from kpisync.support.json import loads
from kpisync.support.statuses import Response

_MOST_DIGITS = 40
_NUMBER = re.compile(r"-?[0-9]+(\.[0-9]+)?([eE][+-]?[0-9]+)?")
# A date, or the midnight that begins it: of any other time nobody knows which day it means.
_DATE = re.compile(r"([0-9]{4}-[0-9]{2}-[0-9]{2})([T ]00:00(:00(\.0+)?)?(Z|[+-][0-9]{2}:?[0-9]{2})?)?")
_NOTHING_ELSE = frozenset({"kpivalueid", "id", "name", "kpivaluename"})


class Unclear(Exception):
    """What is not understood, in a few words."""


@dataclass(frozen=True, slots=True)
class Question:
    """What a list read asks for; `team` None: all teams."""

    destination: str
    kpi: str
    team: str | None
    first: date
    last: date

    def asks_for(self, key: RecordKey) -> bool:
        return key.kpi == self.kpi and self.team in (None, key.team) and self.first <= key.period <= self.last


def read_list(response: Response, question: Question) -> dict[RecordKey, Values]:
    """The records asked for in a list reply, an array or an object around one; others in it are left out.

    A reply that holds other records only is the answer to another question, and `Unreadable`.
    """
    try:
        items = _items(_parsed(response), response)
        records: dict[RecordKey, Values] = {}
        for item in items:
            key, values = _record(_folded(item), question)
            if records.setdefault(key, values) != values:
                raise Unclear("it shows one record twice, with different values")
        found = {key: values for key, values in records.items() if question.asks_for(key)}
        if records and not found:
            raise Unclear("it shows records of another KPI, team or time only")
    except Unclear as why:
        raise _unreadable(response, str(why)) from None
    return found


def read_record(response: Response, key: RecordKey) -> Values | None:
    """The values of one record; None for a JSON null."""
    try:
        parsed = _parsed(response)
        return None if parsed is None else _one_record(parsed, key)
    except Unclear as why:
        raise _unreadable(response, str(why)) from None


def values_of_reply(response: Response, key: RecordKey) -> Values | None:
    """What a write's reply shows of the record, if it does; its shape is documented nowhere."""
    try:
        return _one_record(_parsed(response), key) or None
    except Unclear:
        return None


def says_error(response: Response) -> bool:
    """Whether the body of a 2xx answer says that it is none, such as {"error": …} or {"success": false}."""
    try:
        parsed = _parsed(response)
        return isinstance(parsed, Mapping) and _is_complaint(_folded(parsed))
    except Unclear:
        return False


# ---------------------------------------------------------------- the document


def _parsed(response: Response) -> Any:
    try:
        text = response.body.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = response.body.decode("latin-1")  # ids, dates and numbers are ASCII; only names can come out wrong
    try:
        return loads(text)
    except ValueError as error:
        raise Unclear(f"it is not JSON ({error})" if response.body.strip() else "it is empty") from None


def _items(parsed: Any, response: Response) -> list[Any]:
    items = parsed if isinstance(parsed, list) else _wrapped(parsed)
    if is_part(parsed, response.headers, len(items)):
        raise Unclear("it is only one page of several")
    return items


def _wrapped(parsed: Any) -> list[Any]:
    """The one list in an object. An empty one counts only under a name that says what it would hold."""
    if isinstance(parsed, Mapping):
        if _is_complaint(_folded(parsed)):
            raise Unclear("it reports an error")
        lists = [(name, value) for name, value in parsed.items() if isinstance(value, list)]
        if len(lists) == 1 and (lists[0][1] or names_records(lists[0][0])):
            return lists[0][1]
    raise Unclear("no list of records is in it")


def _is_complaint(folded: Mapping[str, Any]) -> bool:
    if "values" in folded:
        return False
    status = folded.get("status")
    return (
        any(folded.get(name) for name in ("error", "errors", "exception", "fault"))
        or any(folded.get(name) is False for name in ("success", "ok"))
        or (isinstance(status, Decimal) and status >= 400)
    )


# ---------------------------------------------------------------- a record


def _record(item: Mapping[str, Any], asked: Question) -> tuple[RecordKey, Values]:
    team = _id(item, "team") or asked.team
    if team is None:
        raise Unclear("a record has no team")
    sub_tile = _id(item, "subtile")
    if sub_tile is None and any("tile" in name and value for name, value in item.items()):
        raise Unclear("a record belongs to a sub-tile without an id")
    key = RecordKey(asked.destination, _id(item, "kpi") or asked.kpi, team, sub_tile, _date(item))
    return key, _values(item)


def _one_record(parsed: Any, key: RecordKey) -> Values:
    """The values of a record that was asked for by its key; what it says of its key must be true."""
    item = _folded(parsed)
    for name, expected in (("team", key.team), ("kpi", key.kpi), ("subtile", key.sub_tile)):
        if _id(item, name) not in (None, expected):
            raise Unclear("it shows another record")
    if item.get("date") is not None and _date(item) != key.period:
        raise Unclear("it shows another record")
    return _values(item)


def _date(item: Mapping[str, Any]) -> date:
    match = _DATE.fullmatch(str(item.get("date")))
    if not match:
        raise Unclear("a record has no date, or one with a time of day")
    try:
        return date.fromisoformat(match[1])
    except ValueError:
        raise Unclear("a record has a date that does not exist") from None


def _values(item: Mapping[str, Any]) -> dict[str, Decimal]:
    entries = item.get("values")
    if not isinstance(entries, list):
        raise Unclear("a record has no list of values")
    values: dict[str, Decimal] = {}
    seen: set[str] = set()
    for id, number in map(_value, entries):
        if id in seen:
            raise Unclear("a record shows one value twice")
        seen.add(id)
        if number is not None:
            values[id] = number
    return values


def _value(entry: Any) -> tuple[str, Decimal | None]:
    """An id and its number; null, and nothing beside the id, mean that there is none."""
    folded = _folded(entry)
    id = folded.get("kpivalueid", folded.get("id"))
    if not isinstance(id, str) or not is_guid(id):
        raise Unclear("a value has no kpiValueId")
    if "value" not in folded and folded.keys() - _NOTHING_ELSE:
        raise Unclear("a value has no number")
    given = folded.get("value")
    return id.lower(), None if given is None else _number(given)


def _number(value: Any) -> Decimal:
    number = Decimal(value) if isinstance(value, str) and _is_number(value) else value
    if not isinstance(number, Decimal):
        raise Unclear("a value is no number")
    if abs(number.adjusted()) > _MOST_DIGITS or len(str(number)) > 2 * _MOST_DIGITS:
        raise Unclear("a value is out of all bounds")
    return number


def _is_number(text: str) -> bool:
    return len(text) <= 2 * _MOST_DIGITS and _NUMBER.fullmatch(text) is not None


def _id(item: Mapping[str, Any], name: str) -> str | None:
    """`teamId`, `team-id`, `team` or `team: {id}`; None if it says nothing."""
    found = item.get(name + "id", item.get(name))
    if isinstance(found, Mapping):
        found = _folded(found).get("id")
    elif found is None:
        return None
    if not isinstance(found, str) or not is_guid(found):
        raise Unclear(f"the id of a {name} is not understood")
    return found.lower()


def _folded(item: Any) -> dict[str, Any]:
    """An object by names in lower case without hyphens and the like."""
    if not isinstance(item, Mapping):
        raise Unclear("something in it is not an object")
    folded = {fold(name): value for name, value in item.items()}
    if len(folded) < len(item):
        raise Unclear("two of its names differ in spelling only")
    return folded


def _unreadable(response: Response, why: str) -> Unreadable:
    words = f"the answer to a read (status {response.status}) is not understood: {why}"
    return Unreadable(Reply(ReplyKind.FAILED, response.status, words))
