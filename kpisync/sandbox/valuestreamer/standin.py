"""The stand-in of ValueStreamer's KPI REST API, v2.

Where the public documents are silent it does this: a created record answers 201 and an updated one 200, both with the
record; a missing record is 404; what is malformed, or unknown in a query or body, is 400; what is unknown in a path is
404.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from decimal import Decimal
from itertools import islice
from typing import Any
from urllib.parse import parse_qs

from kpisync.model import Catalog, RecordKey
from kpisync.sandbox import exact
from kpisync.sandbox.checks import not_allowed, only_get, parsed_date
from kpisync.sandbox.directory import Directory, found, known
from kpisync.sandbox.platform import Line, Refusal, Request, Response
from kpisync.sandbox.records import Key, Records, Values, after_put
from kpisync.sandbox.settings import SandboxSettings
from kpisync.sandbox.valuestreamer import checks

_API = "/valuestreamer/api"
_PREFIX = f"{_API}/exchange/"


class ValueStreamer:
    """Records of one value per value kind under date/team/KPI(/sub-tile). See `platform.Platform`."""

    name = "valuestreamer"
    api_path = _API

    def __init__(self, catalog: Catalog) -> None:
        self._directory = Directory(catalog)
        self._records = Records()

    def answer(self, request: Request, settings: SandboxSettings) -> Response:
        try:
            checks.log_in(request, settings)
            if not request.path.startswith(_PREFIX):
                raise Refusal(404, f"There is nothing here; paths begin with {_PREFIX}.")
            return self._route(request, request.path[len(_PREFIX) :].split("/"), settings)
        except Refusal as refusal:
            return refusal.response

    def _route(self, request: Request, parts: list[str], settings: SandboxSettings) -> Response:
        match parts:
            case ["kpi-data", day, team, kpi, *rest] if len(rest) < 2:
                return self._record(request, self._key(day, team, kpi, rest), settings)
            case ["kpi-data"]:
                only_get(request)
                return self._window(request.query, settings)
            case ["kpi"]:
                only_get(request)
                return _json([{"id": id, "name": name} for id, name in self._directory.kpis.items()])
            case ["kpi", kpi]:
                only_get(request)
                return _json(self._kpi(known("KPI", kpi, self._directory.kpis, 404), settings))
            case ["teams"]:
                only_get(request)
                return _json([_team(id, name) for id, name in self._directory.teams.items()])
            case ["teams", team]:
                only_get(request)
                id = known("team", team, self._directory.teams, 404)
                return _json({**_team(id, self._directory.teams.get(id, id)), "members": []})
        raise Refusal(404, "There is no such endpoint.")

    # ------------------------------------------------------------ one record

    def _key(self, day: str, team: str, kpi: str, rest: list[str]) -> Key:
        names = self._directory
        kpi_id = known("KPI", kpi, names.kpis, 404)
        team_id = known("team", team, names.teams, 404)
        sub_tile = known("sub-tile", rest[0], names.sub_tiles(kpi_id), 404) if rest else None
        return Key(kpi_id, team_id, sub_tile, parsed_date(day))

    def _record(self, request: Request, key: Key, settings: SandboxSettings) -> Response:
        if request.method == "PUT":
            return self._put(request, key, settings)
        if request.method not in ("GET", "DELETE"):
            raise not_allowed("GET, PUT, DELETE")
        stored = self._records.get(key)
        if stored is None:
            raise Refusal(404, "There is no such record.")
        if request.method == "GET":
            return Response(200, _written(key, stored).encode())
        self._records.delete(key)
        return Response(204)

    def _put(self, request: Request, key: Key, settings: SandboxSettings) -> Response:
        checks.check_media_type(request.headers.get("Content-Type", ""), settings)
        checks.check_alignment(key.day, self._directory.interval(key.kpi), settings)
        sent = self._sent(key.kpi, request.body)
        if settings.integers == "reject" and settings.integer_kpis and self._is_integer(key.kpi, settings):
            checks.check_integers(sent)
        created = self._records.get(key) is None
        stored = after_put(self._records, key, sent, self._directory.targets(key.kpi), settings.partial_sets)
        self._records.put(key, stored)
        return Response(201 if created else 200, _written(key, stored).encode())

    def _sent(self, kpi: str, body: bytes) -> Values:
        try:
            document = exact.read(body)
        except ValueError as error:
            raise Refusal(400, f"The body is not JSON: {error}.") from None
        items = document.get("values") if isinstance(document, dict) else None
        if not isinstance(items, list) or not items or len(document) != 1:
            raise Refusal(400, 'The body must be {"values": […]} with at least one item, and nothing else.')
        names, sent = self._directory.values(kpi), Values()
        for item in items:
            id, number = checks.parsed_item(item)
            id = known("kpiValueId", id, names, 400)
            if id in sent:
                raise Refusal(400, f"kpiValueId {id} is given twice.")
            sent[id] = number
        return sent

    # ------------------------------------------------------------ lists and details

    def _window(self, query: str, settings: SandboxSettings) -> Response:
        given = {name: values[0] for name, values in parse_qs(query).items()}
        missing = [name for name in ("kpi-id", "from", "to") if name not in given]
        if missing:
            raise Refusal(400, f"The query lacks {', '.join(missing)}.")
        kpi = known("KPI", given["kpi-id"], self._directory.kpis, 400)
        first, last = parsed_date(given["from"]), parsed_date(given["to"])
        checks.check_window(first, last, self._directory.interval(kpi))
        team = known("team", given["team-id"], self._directory.teams, 400) if "team-id" in given else None
        if team is None and settings.team_filter == "required":
            raise Refusal(400, "The query lacks team-id.")
        if team is None and settings.team_filter == "empty":
            return Response(200, b"[]")
        records = self._records.window(kpi, first, last, team)
        return Response(200, f"[{','.join(_written(key, values) for key, values in records)}]".encode())

    def _kpi(self, id: str, settings: SandboxSettings) -> dict[str, Any]:
        """The literals of time reference and target type are guesses; no public document shows them."""
        names = self._directory
        target = {"targetValueType": "FIXED", "targetValueScope": "TEAM"} if names.targets(id) else {}
        return {
            "id": id,
            "name": names.kpis.get(id, id),
            "kpiValueIsInteger": self._is_integer(id, settings),
            "kpiValueTimeReference": names.interval(id).upper(),
            **target,
            "kpiValues": [{"id": value, "name": name} for value, name in names.values(id).items()],
            "recordingTeams": [{"id": team, "name": name} for team, name in names.teams.items()],
        }

    def _is_integer(self, kpi: str, settings: SandboxSettings) -> bool:
        return kpi in settings.integer_kpis or self._directory.kpis.get(kpi) in settings.integer_kpis

    # ------------------------------------------------------------ by hand

    def edit(self, key: RecordKey, values: Mapping[str, Decimal], settings: SandboxSettings) -> None:
        own = self._by_name(key)
        names = self._directory.values(own.kpi)
        edited = {found("value", value, names): number for value, number in values.items()}
        self._records.put(own, {**(self._records.get(own) or {}), **edited})

    def remove(self, key: RecordKey) -> None:
        if not self._records.delete(self._by_name(key)):
            raise Refusal(404, "There is no such record.")

    def _by_name(self, key: RecordKey) -> Key:
        names = self._directory
        if key.team is None:
            raise Refusal(400, "A record of ValueStreamer needs a team.")
        kpi = found("KPI", key.kpi, names.kpis)
        team = found("team", key.team, names.teams)
        return Key(
            kpi, team, found("sub-tile", key.sub_tile, names.sub_tiles(kpi)) if key.sub_tile else None, key.period
        )

    def records(self) -> dict[RecordKey, Values]:
        return {
            RecordKey(self.name, key.kpi, key.team, key.sub_tile, key.day): dict(values)
            for key, values in self._records
        }

    def lines(self, count: int | None = None) -> list[Line]:
        return [self._line(key, values) for key, values in islice(self._records.newest(), count)]

    def _line(self, key: Key, values: Values) -> Line:
        names = self._directory
        value_names, sub_tiles = names.values(key.kpi), names.sub_tiles(key.kpi)
        return Line(
            kpi=names.kpis.get(key.kpi, key.kpi),
            team=names.teams.get(key.team, key.team),
            sub_tile=sub_tiles.get(key.sub_tile, key.sub_tile) if key.sub_tile else None,
            period=key.day,
            values=tuple((value_names.get(value, value), number) for value, number in values.items()),
        )

    def login(self, settings: SandboxSettings) -> dict[str, str]:
        return {"username": settings.username, "password": settings.password}

    def clear(self) -> None:
        self._records.clear()


# ---------------------------------------------------------------- writing


def _team(id: str, name: str) -> dict[str, Any]:
    return {"id": id, "name": name, "shortName": name, "parentTeam": None}


def _json(document: Any) -> Response:
    return Response(200, json.dumps(document).encode())


def _written(key: Key, values: Values) -> str:
    items = ",".join(f'{{"kpiValueId":"{id}","value":{exact.written(number)}}}' for id, number in values.items())
    sub_tile = f'"{key.sub_tile}"' if key.sub_tile else "null"
    return f'{{"date":"{key.day}","teamId":"{key.team}","kpiId":"{key.kpi}","subTileId":{sub_tile},"values":[{items}]}}'
