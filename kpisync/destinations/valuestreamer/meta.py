"""What a ValueStreamer tenant has: its teams and KPIs, by the meta endpoints.

The documents show the names of the fields and few of their values, so names are matched loosely: the interval by the
stems of its words, sub-tiles wherever they stand. What is not understood is never guessed.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import quote

from kpisync.destinations.valuestreamer.paging import fold, is_part
from kpisync.errors import DestinationError
from kpisync.fields import is_guid
from kpisync.model import Interval, Reply, ReplyKind
from kpisync.ports import MetaKpi, Unreadable
from kpisync.support.http import HttpClient, Unanswered
from kpisync.support.json import loads
from kpisync.support.statuses import Response, classify

_TEAMS, _KPIS = "/exchange/teams", "/exchange/kpi"
_STEMS = {Interval.DAY: ("day", "daily"), Interval.WEEK: ("week",), Interval.MONTH: ("month",)}
_NOT_ONE = re.compile("bi|two|half|semi|multi|fort|quarter|[0-9]")  # every other week is not every week
_ABSENT = (404, 410)


class _Unclear(Exception):
    """What is not understood, in a few words."""


class MetaReader:
    """The port `Meta` over one tenant; good as long as the client is open."""

    def __init__(self, http: HttpClient, destination: str) -> None:
        self._http, self._where = http, f"destination {destination}"

    def teams(self) -> Mapping[str, str]:
        return self._list(_TEAMS)

    def kpis(self) -> Mapping[str, str]:
        return self._list(_KPIS)

    def kpi(self, id: str) -> MetaKpi | None:
        response, reply = self._get(f"{_KPIS}/{quote(id, safe='')}")
        if response.status in _ABSENT:
            return None
        if reply.kind is not ReplyKind.ACCEPTED:
            raise Unreadable(reply)
        try:
            return _kpi(_folded(_parsed(response)), id)
        except _Unclear as why:
            raise Unreadable(Reply(ReplyKind.FAILED, response.status, f"its answer is not understood: {why}")) from None

    def _list(self, path: str) -> dict[str, str]:
        response, reply = self._get(path)
        if reply.kind is not ReplyKind.ACCEPTED:
            raise self._useless(f"GET {path} was answered with status {response.status}: {reply.words or 'no words'}")
        try:
            return _named(_items(_parsed(response), response))
        except _Unclear as why:
            raise self._useless(f"the answer to GET {path} is not understood: {why}") from None

    def _get(self, path: str) -> tuple[Response, Reply]:
        """Raises DestinationError where asking further is of no use."""
        try:
            response = self._http.request("GET", path)
        except Unanswered as failure:
            raise self._useless(failure.reply.words) from None
        reply = classify(response, self._where)
        if reply.kind is ReplyKind.BUSY:
            raise self._useless(f"the platform is busy (status {response.status})")
        return response, reply

    def _useless(self, what: str) -> DestinationError:
        hint = "Try again later; if it stays so, check url and rate_limit, and what the API user may see"
        return DestinationError(what, where=self._where, hint=hint)


# ---------------------------------------------------------------- the documents


def _parsed(response: Response) -> Any:
    try:
        return loads(response.body.decode("utf-8-sig"))
    except ValueError:
        raise _Unclear("it is not JSON") from None


def _items(parsed: Any, response: Response) -> list[Any]:
    """A bare list, or the one list in an object."""
    lists = [value for value in parsed.values() if isinstance(value, list)] if isinstance(parsed, Mapping) else [parsed]
    if len(lists) != 1 or not isinstance(lists[0], list):
        raise _Unclear("a list was expected")
    if is_part(parsed, response.headers, len(lists[0])):
        raise _Unclear("it is only one page of several")
    return lists[0]


def _folded(item: Any) -> dict[str, Any]:
    if not isinstance(item, Mapping):
        raise _Unclear("an object was expected")
    return {fold(name): value for name, value in item.items()}


def _named(items: Any) -> dict[str, str]:
    """`[{id, name}, …]` → ids and names; what has no name is called by its id."""
    if not isinstance(items, list):
        raise _Unclear("a list was expected")
    found: dict[str, str] = {}
    for item in map(_folded, items):
        id, name = item.get("id"), item.get("name")
        if not isinstance(id, str) or not is_guid(id):
            raise _Unclear("an entry has no id of the form 8-4-4-4-12 hexadecimal digits")
        found[id.lower()] = name if isinstance(name, str) and name.strip() else id.lower()
    return found


def _kpi(item: Mapping[str, Any], id: str) -> MetaKpi:
    shown = item.get("id", id)
    if not isinstance(shown, str) or shown.lower() != id.lower():
        raise _Unclear("it shows another KPI")
    says, name, teams = item.get("kpivaluetimereference"), item.get("name"), item.get("recordingteams") or []
    return MetaKpi(
        id.lower(),
        name if isinstance(name, str) and name.strip() else id.lower(),
        interval_of(says) if isinstance(says, str) else None,
        says if isinstance(says, str) else "",
        _named(item.get("kpivalues") or []),
        {id: name for each in _sub_tile_lists(item, teams) for id, name in _named(each).items()},
        _named(teams),
    )


def _sub_tile_lists(item: Mapping[str, Any], teams: Any) -> Iterator[Any]:
    """Sub-tiles are said to be in the meta endpoints, but not where: beside the values, or in each recording team."""
    for holder in (item, *map(_folded, teams if isinstance(teams, list) else [])):
        yield holder.get("subtiles") or []


def interval_of(says: str) -> Interval | None:
    """The interval of a platform's word such as DAY or monthly; None for any word that could mean another one."""
    word = fold(says)
    found = [interval for interval, stems in _STEMS.items() if any(stem in word for stem in stems)]
    return found[0] if len(found) == 1 and not _NOT_ONE.search(word) else None
