"""Requests to one account of Quantive or Gtmhub, and what their answers say."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any
from urllib.parse import quote

from kpisync.destinations.quantive.options import GtmhubOptions
from kpisync.errors import DestinationError
from kpisync.model import Reply, ReplyKind
from kpisync.ports import Surroundings, Unreadable
from kpisync.support.http import HttpClient, Unanswered
from kpisync.support.json import dumps, loads
from kpisync.support.statuses import Response, classify

_NO_ACCOUNT = "account id"  # "empty or invalid account id", in a body whose status is not documented


class Client:
    """May be used from several threads."""

    def __init__(self, options: GtmhubOptions, around: Surroundings) -> None:
        self.where = f"destination {around.name}"
        headers = {
            "Authorization": f"Bearer {options.token.get_secret_value()}",
            "gtmhub-accountId": options.account,
            "Accept": "application/json",
        }
        self._http = HttpClient(replace(options.http(headers), url=options.url.removesuffix("/v1")), around)

    def close(self) -> None:
        self._http.close()

    def send(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> tuple[Reply, Response | None]:
        """One write; the reply has no response where there was no answer. Raises DestinationError."""
        try:
            response = self._http.request(
                method,
                f"/v1{path}",
                content=None if body is None else dumps(body).encode(),
                headers={} if body is None else {"Content-Type": "application/json"},
            )
        except Unanswered as failure:
            return failure.reply, None
        return self._reply(response), response

    def get(self, path: str, params: Mapping[str, str] | None = None, version: str = "v1") -> Any:
        """The document that a read is answered with. Raises Unreadable and DestinationError."""
        try:
            response = self._http.request("GET", f"/{version}{path}", params=params)
        except Unanswered as failure:
            raise Unreadable(failure.reply) from None
        reply = self._reply(response)
        if reply.kind is not ReplyKind.ACCEPTED:
            raise Unreadable(reply)
        try:
            return loads(response.body.decode("utf-8-sig"))
        except ValueError:
            words = f"GET {path}: the answer is no JSON"
            raise Unreadable(Reply(ReplyKind.FAILED, response.status, words)) from None

    def _reply(self, response: Response) -> Reply:
        if response.status == 402:
            what = f"the platform wants a payment first (status 402): {response.words or 'no words'}"
            raise DestinationError(what, where=self.where, hint="Ask who pays for the account")
        if response.status in (400, 403) and _NO_ACCOUNT in response.words.lower():
            what = f"the platform does not take the account (status {response.status}): {response.words}"
            raise DestinationError(what, where=self.where, hint="Check account of the destination")
        return classify(response, self.where)


def kpi_path(kpi: str, *parts: str) -> str:
    return "/kpis/" + "/".join(quote(part, safe="") for part in (kpi, *parts))


def shown_id(response: Response | None) -> str | None:
    """The id in an answer to a write; its shape is documented nowhere, and the body may be empty."""
    try:
        document = loads(response.body.decode("utf-8-sig")) if response else None
    except ValueError:
        return None
    return id_of(document) if isinstance(document, Mapping) else None


def id_of(item: Mapping[str, Any]) -> str | None:
    found = next((item[name] for name in ("snapshotId", "id", "_id") if item.get(name)), None)
    return found if isinstance(found, str) else None
