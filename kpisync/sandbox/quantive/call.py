"""One request to the stand-in of Quantive or Gtmhub: who asks, what is in it, and what it may reach."""

from __future__ import annotations

import hmac
import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property
from typing import Any
from urllib.parse import parse_qsl

from kpisync.sandbox import exact
from kpisync.sandbox.checks import not_allowed
from kpisync.sandbox.platform import Refusal, Request
from kpisync.sandbox.quantive.directory import is_object_id
from kpisync.sandbox.quantive.store import Kpi, Store
from kpisync.sandbox.settings import SandboxSettings

_ZONE = re.compile(r"UTC(?:([+-])(\d{1,2}))?")
_FARTHEST = 14  # hours from UTC


@dataclass(frozen=True)
class Call:
    """Every method raises `Refusal` for what a client got wrong."""

    request: Request
    settings: SandboxSettings
    store: Store
    now: datetime

    @property
    def account(self) -> str:
        """Whose KPIs it reaches."""
        return self.request.headers.get("gtmhub-accountId", "").strip().lower()

    @cached_property
    def query(self) -> dict[str, str]:
        return dict(parse_qsl(self.request.query, keep_blank_values=True))

    def log_in(self) -> None:
        """Both headers: the token first, then the account."""
        scheme, _, token = self.request.headers.get("Authorization", "").partition(" ")
        right = hmac.compare_digest(token.strip().encode("utf-8", "replace"), self.settings.token.encode())
        if scheme.lower() != "bearer" or not right:
            raise Refusal(401, "Log in with the token of the sandbox.", (("WWW-Authenticate", "Bearer"),))
        if not is_object_id(self.account):
            raise Refusal(self.settings.account_status, "empty or invalid account id")

    def only(self, *methods: str) -> None:
        if self.request.method not in methods:
            raise not_allowed(", ".join(methods))

    def kpis(self) -> list[Kpi]:
        return [kpi for kpi in self.store.kpis.values() if self._is_ours(kpi)]

    def kpi(self, id: str) -> Kpi:
        kpi = self.store.kpis.get(object_id("KPI", id))
        if kpi is None:
            raise Refusal(404, "There is no such KPI.")
        if not self._is_ours(kpi):
            raise Refusal(self.settings.foreign_kpi_status, "There is no such KPI in this account.")
        return kpi

    def _is_ours(self, kpi: Kpi) -> bool:
        return (kpi.account or self.settings.account) == self.account

    def body(self) -> Any:
        try:
            return exact.read(self.request.body)
        except ValueError as error:
            raise Refusal(400, f"The body is not JSON: {error}.") from None

    def offset(self) -> timedelta:
        """The time zone of the query, UTC where there is none."""
        return offset(self.query.get("timeZone", "UTC"))


def object_id(what: str, text: str) -> str:
    if not is_object_id(text):
        raise Refusal(400, f"{text[:80]!r} is not the id of a {what}: 24 hexadecimal digits are expected.")
    return text.lower()


def offset(zone: Any) -> timedelta:
    """From UTC. No public document shows minutes or a name, so they are refused."""
    match = _ZONE.fullmatch(zone) if isinstance(zone, str) else None
    if match is None or int(match[2] or 0) > _FARTHEST:
        raise Refusal(400, f"timeZone {str(zone)[:80]!r} is not of the form UTC+1 (in a url: UTC%2B1) or UTC-2.")
    return timedelta(hours=int(f"{match[1] or ''}{match[2] or 0}"))
