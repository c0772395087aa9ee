"""A client for the tests of the sandbox, a catalog to test with, and builders for requests to each platform."""

from __future__ import annotations

import base64
import http.client
import json
from decimal import Decimal
from typing import Any, NamedTuple
from urllib.parse import urlencode

from kpisync.model import Catalog, CatalogKpi, Interval
from kpisync.sandbox.quantive.directory import SCRAP_RATE
from kpisync.sandbox.server import Sandbox
from kpisync.sandbox.settings import SandboxSettings

MEDIA_TYPE = "application/vs.v2.0+json"
API = "/valuestreamer/api/exchange"

LINE_1 = "8dca904d-9134-3bb0-95b7-3f72ae3dfacf"
LINE_2 = "6f1c0a52-2f43-4c1f-9f0e-1d8f0f6b7a10"
SCRAP = "c3ba32c2-a13a-0000-0000-000000000000"
ENERGY = "c3ba32c2-a13a-0000-0000-000000000001"
BUDGET = "c3ba32c2-a13a-0000-0000-000000000002"
ACTUAL = "79cf2f74-0e9c-45b5-bc4d-f437079dde7c"
TARGET = "fd2c7750-79e1-4514-89a2-e9c103db4d6b"
EARLY = "5b1f0e8a-6c1d-4b53-9a8e-2f6f0c3d7e11"
STRANGER = "00000000-0000-0000-0000-000000000bad"

CATALOG = Catalog(
    teams={"line-1": LINE_1, "line-2": LINE_2},
    kpis={
        "scrap": CatalogKpi("scrap", SCRAP, Interval.DAY, {"actual": ACTUAL, "target": TARGET}, {"early": EARLY}),
        "energy": CatalogKpi("energy", ENERGY, Interval.WEEK, {"Ist": ACTUAL, "Sollwert": TARGET}),
        "budget": CatalogKpi("budget", BUDGET, Interval.MONTH, {"actual": ACTUAL}),
    },
)


class Answer(NamedTuple):
    status: int
    headers: http.client.HTTPMessage
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body, parse_float=Decimal, parse_int=Decimal)

    @property
    def values(self) -> dict[str, str]:
        """The values of the record in the body, digit by digit."""
        record = json.loads(self.body, parse_float=str, parse_int=str)
        return {item["kpiValueId"]: item["value"] for item in record["values"]}


def login(username: str = "sandbox", password: str = "sandbox") -> dict[str, str]:
    return {"Authorization": "Basic " + base64.b64encode(f"{username}:{password}".encode()).decode()}


def call(
    sandbox: Sandbox, method: str, path: str, body: str | bytes | None = None, headers: dict[str, str] | None = None
) -> Answer:
    """One request on a connection of its own, logged in unless headers are given."""
    connection = http.client.HTTPConnection(sandbox.url.removeprefix("http://"), timeout=5)
    try:
        connection.request(method, path, body, login() if headers is None else headers)
        answer = connection.getresponse()
        return Answer(answer.status, answer.headers, answer.read())
    finally:
        connection.close()


def record_path(day: str = "2026-11-20", team: str = LINE_1, kpi: str = SCRAP, sub_tile: str | None = None) -> str:
    return f"{API}/kpi-data/{day}/{team}/{kpi}" + (f"/{sub_tile}" if sub_tile else "")


def values(**numbers: object) -> str:
    """A body that sets `actual` and `target` to literals that are written as they are."""
    ids = {"actual": ACTUAL, "target": TARGET}
    items = ",".join(f'{{"kpiValueId":"{ids[name]}","value":{number}}}' for name, number in numbers.items())
    return f'{{"values":[{items}]}}'


def put(sandbox: Sandbox, body: str, content_type: str | None = MEDIA_TYPE, **key: Any) -> Answer:
    headers = login() | ({"Content-Type": content_type} if content_type else {})
    return call(sandbox, "PUT", record_path(**key), body, headers)


def get(sandbox: Sandbox, **key: Any) -> Answer:
    return call(sandbox, "GET", record_path(**key))


def window(sandbox: Sandbox, first: str, last: str, kpi: str = SCRAP, team: str | None = LINE_1) -> Answer:
    chosen = f"&team-id={team}" if team else ""
    return call(sandbox, "GET", f"{API}/kpi-data?kpi-id={kpi}&from={first}&to={last}{chosen}")


def switch(sandbox: Sandbox, name: str, body: str, content_type: str = "application/json") -> Answer:
    """One of the switches under `/_sandbox/`."""
    return call(sandbox, "POST", f"/_sandbox/{name}", body, {"Content-Type": content_type})


# ---------------------------------------------------------------- Quantive and Gtmhub

ACCOUNT = "5be26318e5274a0007f17f61"
NOBODYS = "0" * 24
BRANDS = ("quantive", "gtmhub")
ROOTS = {"quantive": "/quantive/results/api", "gtmhub": "/gtmhub/api"}


def token(text: str = "sandbox", account: str | None = ACCOUNT) -> dict[str, str]:
    return {"Authorization": f"Bearer {text}"} | ({"gtmhub-accountId": account} if account is not None else {})


def results(
    sandbox: Sandbox,
    method: str,
    path: str,
    body: object = None,
    *,
    brand: str = "quantive",
    headers: dict[str, str] | None = None,
    **query: str,
) -> Answer:
    """One request; `path` begins with the version, a body that is no text is written as JSON."""
    text = body if body is None or isinstance(body, str) else json.dumps(body)
    asked = "?" + urlencode(query) if query else ""
    return call(sandbox, method, f"{ROOTS[brand]}/{path}{asked}", text, token() if headers is None else headers)


def post_snapshot(
    sandbox: Sandbox, kpi: str, group: str = "2022-W36", value: object = 5, zone: str = "UTC+1", brand: str = "quantive"
) -> Answer:
    """`value` is written as it is."""
    body = f'{{"group":"{group}","timeZone":"{zone}","value":{value}}}'
    return results(sandbox, "POST", f"v1/kpis/{kpi}/snapshots", body, brand=brand)


def read_snapshots(sandbox: Sandbox, kpi: str, brand: str = "quantive", **query: str) -> Any:
    """The groups of one KPI, as the shape `map` shows them."""
    return results(sandbox, "GET", "v1/kpi-snapshots", ids=kpi, brand=brand, **query).json[kpi]


def numbers(groups: Any) -> list[tuple[str, Decimal, list[Decimal]]]:
    """Each group with its value and the values of its snapshots."""
    return [
        (group["group"], group["value"], [snapshot["value"] for snapshot in group["snapshots"]]) for group in groups
    ]


def read_kpi(sandbox: Sandbox, id: str = SCRAP_RATE, brand: str = "quantive") -> Answer:
    return results(sandbox, "GET", f"v1/kpis/{id}", brand=brand)


def set_to(**settings: Any) -> Sandbox:
    return Sandbox(SandboxSettings.model_validate(settings))
