"""What an account of Quantive or Gtmhub has: its KPIs, by the list that pages and one by one.

The platform knows no teams, has the same kinds of value for all KPIs, and does not say how often one is measured.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from kpisync.destinations.quantive.client import Client, id_of, kpi_path
from kpisync.errors import DestinationError
from kpisync.model import Aggregation, Interval, Reply, ReplyKind
from kpisync.ports import MetaKpi, Unreadable

_PAGE = 100
_MOST_PAGES = 1000


class MetaReader:
    """The port `Meta` over one account; good as long as the client is open."""

    supposed_interval = Interval.WEEK  # of every KPI, for only the names of weeks are documented

    def __init__(self, client: Client) -> None:
        self._client = client

    def teams(self) -> Mapping[str, str]:
        self._page(0, 1)
        return {}

    def kpis(self) -> Mapping[str, str]:
        """Some list endpoints are said to repeat or leave out items between pages unless they are sorted."""
        found: dict[str, str] = {}
        for number in range(_MOST_PAGES):
            items, total = self._page(number * _PAGE, _PAGE)
            new = {id: name for id, name in map(self._named, items) if id not in found}
            found |= new
            if not new or (total is not None and len(found) >= total):
                return found
        raise self._useless(f"the list of KPIs does not end after {_MOST_PAGES} pages")

    def kpi(self, id: str) -> MetaKpi | None:
        try:
            item = self._client.get(kpi_path(id))
        except Unreadable as bad:
            if bad.reply.status == 404:
                return None
            self._raise_if_hopeless(bad.reply)
            raise
        if not isinstance(item, Mapping) or (id_of(item) or id).lower() != id.lower():
            raise Unreadable(Reply(ReplyKind.FAILED, 200, "its answer is not understood: it shows another KPI or none"))
        return MetaKpi(id, _name(item, id), aggregation=_aggregation(item.get("aggregation")))

    def _page(self, skip: int, limit: int) -> tuple[list[Any], int | None]:
        params = {"skip": str(skip), "limit": str(limit), "sort": "dateCreated"}
        try:
            document = self._client.get("/kpis", params, version="v2")
        except Unreadable as bad:
            self._raise_if_hopeless(bad.reply)
            status = f"was answered with status {bad.reply.status}" if bad.reply.status else "failed"
            raise self._useless(f"GET /kpis {status}: {bad.reply.words or 'no words'}") from None
        items = document.get("items") if isinstance(document, Mapping) else None
        if not isinstance(items, list):
            raise self._useless("the answer to GET /kpis is not understood: no list of items is in it")
        total = document.get("totalCount")
        return items, int(total) if isinstance(total, Decimal) else None

    def _named(self, item: Any) -> tuple[str, str]:
        id = id_of(item) if isinstance(item, Mapping) else None
        if id is None:
            raise self._useless("the answer to GET /kpis is not understood: a KPI has no id")
        return id, _name(item, id)

    def _raise_if_hopeless(self, reply: Reply) -> None:
        if reply.kind in (ReplyKind.NOT_SENT, ReplyKind.UNKNOWN):
            raise self._useless(reply.words or f"the platform gave no answer (status {reply.status})")
        if reply.kind is ReplyKind.BUSY:
            raise self._useless(f"the platform is busy (status {reply.status})")

    def _useless(self, what: str) -> DestinationError:
        hint = "Try again later; if it stays so, check url and rate_limit, and what the token's owner may see"
        return DestinationError(what, where=self._client.where, hint=hint)


def _name(item: Mapping[str, Any], id: str) -> str:
    name = item.get("name")
    return name if isinstance(name, str) and name.strip() else id


def _aggregation(word: object) -> Aggregation | None:
    """`average` is the only word that the pages show, and "Last value" is one of three that people choose from."""
    return next((each for each in Aggregation if str(word).lower().startswith(each)), None)
