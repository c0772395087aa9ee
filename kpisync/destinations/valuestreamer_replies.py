"""Reading what ValueStreamer answers: no source shows the replies, so names are matched loosely and nothing is guessed.

A reply that cannot be understood whole is `Unreadable`, never an empty one.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import Any

from kpisync.model import RecordKey, Reply, ReplyKind, Values
from kpisync.ports import Unreadable
from kpisync.support.http import Response
from kpisync.support.json import loads

_MOST_DIGITS = 40
_MORE = ("next", "nextpage", "nextlink", "hasmore", "hasnext")


def read_list(response: Response, destination: str, kpi: str, team: str | None) -> dict[RecordKey, Values]:
    """The records of a list reply, an array or an object around one; `kpi` and `team` are those asked for."""
    items = _items(_parsed(response), response)
    records: dict[RecordKey, Values] = {}
    for item in items:
        if not isinstance(item, Mapping):
            raise _unclear(response, "a list entry is not an object")
        records.update([_record(_folded(item), response, destination, kpi, team)])
    return records


def read_record(response: Response) -> Values:
    """The values of one record; empty if the reply is."""
    if not response.body.strip():
        return {}
    parsed = _parsed(response)
    if parsed is None:
        return {}
    if not isinstance(parsed, Mapping):
        raise _unclear(response, "a record is not an object")
    return _values(_folded(parsed), response)


def values_of_reply(response: Response) -> Values | None:
    """What a write's reply shows of the record, if it does; its shape is documented nowhere."""
    try:
        return read_record(response) or None
    except Unreadable:
        return None


def _parsed(response: Response) -> Any:
    try:
        return loads(response.body.decode("utf-8-sig"))
    except ValueError:
        raise _unclear(response, "it is not JSON") from None


def _items(parsed: Any, response: Response) -> list[Any]:
    if isinstance(parsed, list):
        return parsed
    if isinstance(parsed, Mapping):
        folded = _folded(parsed)
        if any(folded.get(name) for name in _MORE) or (_int(folded.get("totalpages")) or 0) > 1:
            raise _unclear(response, "it is only one page of several")
        lists = [value for value in parsed.values() if isinstance(value, list)]
        if len(lists) == 1:
            return lists[0]
    raise _unclear(response, "no list of records is in it")


def _record(
    item: Mapping[str, Any], response: Response, destination: str, kpi: str, team: str | None
) -> tuple[RecordKey, Values]:
    found_team = _id(item, "team") or team
    if found_team is None:
        raise _unclear(response, "a record without its team")
    try:
        period = date.fromisoformat(str(item["date"])[:10])
    except (KeyError, ValueError):
        raise _unclear(response, "a record without a date") from None
    key = RecordKey(destination, _id(item, "kpi") or kpi, found_team, _id(item, "subtile"), period)
    return key, _values(item, response)


def _values(item: Mapping[str, Any], response: Response) -> dict[str, Decimal]:
    entries = item.get("values")
    if not isinstance(entries, list):
        raise _unclear(response, "a record without values")
    values: dict[str, Decimal] = {}
    for entry in entries:
        folded = _folded(entry) if isinstance(entry, Mapping) else {}
        id = folded.get("kpivalueid", folded.get("id"))
        if not isinstance(id, str):
            raise _unclear(response, "a value without kpiValueId")
        if folded.get("value") is not None:
            values[id.lower()] = _number(folded["value"], response)
    return values


def _number(value: Any, response: Response) -> Decimal:
    try:
        number = Decimal(value) if isinstance(value, str) else value
    except InvalidOperation:
        number = None
    if not isinstance(number, Decimal) or not number.is_finite() or abs(number.adjusted()) > _MOST_DIGITS:
        raise _unclear(response, "a value that is no number")
    return number


def _id(item: Mapping[str, Any], name: str) -> str | None:
    """`teamId`, `team-id`, `team` or `team: {id}`."""
    found = item.get(name + "id", item.get(name))
    if isinstance(found, Mapping):
        found = found.get("id")
    return found.lower() if isinstance(found, str) and found else None


def _folded(item: Mapping[str, Any]) -> dict[str, Any]:
    return {"".join(char for char in name.lower() if char.isalnum()): value for name, value in item.items()}


def _int(value: Any) -> int | None:
    return int(value) if isinstance(value, Decimal) else None


def _unclear(response: Response, why: str) -> Unreadable:
    words = f"the answer to a read (status {response.status}) is not understood: {why}"
    return Unreadable(Reply(ReplyKind.FAILED, response.status, words))
