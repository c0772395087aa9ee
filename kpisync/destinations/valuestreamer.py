"""ValueStreamer: one PUT per date, team, KPI and sub-tile, always with the full set of values known.

Facts are those of the vendor's public help pages on the KPI REST API; where they say nothing, or contradict each
other, a setting decides or the reading is tolerant. The vendor says both that values not sent are kept and that a
missing target may become 0 or an older one: so every write carries what was read, with the new values laid over it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from datetime import date, timedelta
from enum import StrEnum
from threading import Lock

from pydantic import Field, SecretStr, model_validator

from kpisync.destinations import valuestreamer_replies as replies
from kpisync.fields import FilePath
from kpisync.model import Action, Change, Interval, RecordKey, Reply, ReplyKind, Values
from kpisync.ports import AdapterSpec, Destination, DestinationOptions, Surroundings, Unreadable, Window
from kpisync.support.http import HttpClient, HttpOptions, Response, Unanswered, classify, is_loopback
from kpisync.support.json import dumps

_DAILY_SPAN = timedelta(days=30)  # 31 days inclusive: the vendor's limit for daily KPIs
_MONTHS_SPAN = 5  # the vendor's limit for weekly and monthly KPIs is 6 months; stay off the edge
_PROBES = 3


class NoRecords(StrEnum):
    """What a 404 to a list read means; no source says."""

    ERROR = "error"
    EMPTY = "empty"


class ValueStreamerOptions(DestinationOptions):
    """A ValueStreamer tenant."""

    url: str = Field(description="https://api-<tenant>.valuestreamer.de/api")
    username: str = Field(min_length=1, description="the API user")
    password: SecretStr
    media_type: str = Field("application/vs.v2.0+json", description="names the version of the API")
    list_404: NoRecords = Field(NoRecords.ERROR, description="what a 404 to a list read means: error or empty")
    ca_file: FilePath | None = Field(None, description="a PEM file with the company's certification authority")
    proxy: str | None = Field(None, description="a proxy's URL, or environment; default: none")
    allow_plain_http: bool = Field(False, description="send the password unencrypted to another machine")

    @model_validator(mode="after")
    def _encrypted(self) -> ValueStreamerOptions:
        if self.url.startswith("https://"):
            return self
        if not self.url.startswith("http://"):
            raise ValueError("url must start with https://")
        if not (is_loopback(self.url) or self.allow_plain_http):
            raise ValueError("url must start with https://, or the password would travel unencrypted")
        return self


class ValueStreamer:
    """The port `Destination` over one tenant."""

    def __init__(self, options: ValueStreamerOptions, around: Surroundings) -> None:
        self._around = around
        self._list_404 = options.list_404
        self._media_type = options.media_type
        self._http = HttpClient(
            HttpOptions(
                url=options.url,
                headers={"Accept": f"{options.media_type}, application/json;q=0.9"},
                auth=(options.username, options.password.get_secret_value()),
                timeout=options.timeout.total_seconds(),
                connections=options.concurrency,
                ca_file=options.ca_file,
                proxy=options.proxy,
            ),
            around,
        )
        self._lock = Lock()
        self._probes_left = _PROBES
        self._all_teams: bool | None = None  # whether a list without team-id shows all teams; None: not known yet
        self._lists_sub_tiles = False

    def close(self) -> None:
        self._http.close()

    # ------------------------------------------------------------ windows

    def windows(self, keys: Collection[RecordKey]) -> list[Window]:
        by_kpi: dict[str, list[RecordKey]] = defaultdict(list)
        for key in keys:
            by_kpi[key.kpi].append(key)
        return [
            Window(kpi, min(key.period for key in chunk), max(key.period for key in chunk), frozenset(chunk))
            for kpi, records in by_kpi.items()
            for chunk in _spans(records, self._around.catalog.interval(kpi))
        ]

    # ------------------------------------------------------------ reading

    def read(self, window: Window) -> Mapping[RecordKey, Values]:
        teams = sorted({key.team or "" for key in window.keys})
        found: dict[RecordKey, Values] = {}
        while teams:
            if len(teams) > 1 and self._all_teams:
                found.update(self._list(window, None))
                break
            team = teams.pop(0)
            records = self._list(window, team)
            found.update(records)
            if teams and records and self._shows_all_teams(window, team, records, found):
                break
        found.update(self._single_sub_tiles(window, found))
        return {key: found[key] for key in window.keys if key in found}

    def _shows_all_teams(
        self, window: Window, team: str, records: Mapping[RecordKey, Values], found: dict[RecordKey, Values]
    ) -> bool:
        """Try once or twice whether a list without a team shows every team; if so, `found` gets them all."""
        with self._lock:
            if self._all_teams is not None or self._probes_left == 0:
                return False
            self._probes_left -= 1
        try:
            everything = self._list(window, None)
        except Unreadable as failure:
            if failure.reply.kind is not ReplyKind.REFUSED:
                raise
            self._all_teams = False
            return False
        same = {key: values for key, values in everything.items() if key.team == team} == dict(records)
        if not same or len({key.team for key in everything}) < 2:
            return False
        self._all_teams = True
        found.update(everything)
        return True

    def _list(self, window: Window, team: str | None) -> dict[RecordKey, Values]:
        params = {"kpi-id": window.kpi, "from": window.first.isoformat(), "to": window.last.isoformat()}
        if team is not None:
            params = {"kpi-id": window.kpi, "team-id": team, **params}
        response = self._get("/exchange/kpi-data", params)
        if response.status == 404 and self._list_404 is NoRecords.EMPTY:
            return {}
        self._must_be_accepted(response)
        records = replies.read_list(response, self._around.name, window.kpi, team)
        if any(key.sub_tile for key in records):
            self._lists_sub_tiles = True
        return {
            key: v for key, v in records.items() if key.kpi == window.kpi and window.first <= key.period <= window.last
        }

    def _single_sub_tiles(
        self, window: Window, found: Mapping[RecordKey, Values]
    ) -> Iterator[tuple[RecordKey, Values]]:
        """No source says that lists hold sub-tiles: until one was seen there, an absent one is asked for by itself."""
        for key in sorted(window.keys):
            if key.sub_tile and key not in found and not self._lists_sub_tiles:
                response = self._get(_path(key), None)
                if response.status != 404:
                    self._must_be_accepted(response)
                    values = replies.read_record(response)
                    if values:
                        yield key, values

    def _get(self, path: str, params: Mapping[str, str] | None) -> Response:
        try:
            return self._http.request("GET", path, params=params)
        except Unanswered as failure:
            raise Unreadable(failure.reply) from None

    def _must_be_accepted(self, response: Response) -> None:
        reply = classify(response, self._where)
        if reply.kind is not ReplyKind.ACCEPTED:
            raise Unreadable(reply)

    # ------------------------------------------------------------ writing

    def write(self, change: Change) -> Reply:
        try:
            if change.action is Action.WITHDRAW:
                response = self._http.request("DELETE", _path(change.key))
                if response.status == 404:
                    return Reply(ReplyKind.ACCEPTED, 404, "was not there")
            else:
                response = self._http.request(
                    "PUT",
                    _path(change.key),
                    content=_body({**(change.before or {}), **change.new}),
                    headers={"Content-Type": self._media_type},
                )
        except Unanswered as failure:
            return failure.reply
        reply = classify(response, self._where)
        if reply.kind is not ReplyKind.ACCEPTED or change.action is Action.WITHDRAW:
            return reply
        return Reply(ReplyKind.ACCEPTED, response.status, response.words, replies.values_of_reply(response))

    @property
    def _where(self) -> str:
        return f"destination {self._around.name}"


def _path(key: RecordKey) -> str:
    parts = [key.period.isoformat(), key.team or "", key.kpi, *([key.sub_tile] if key.sub_tile else [])]
    return "/exchange/kpi-data/" + "/".join(parts)


def _body(values: Values) -> bytes:
    return dumps({"values": [{"kpiValueId": id, "value": number} for id, number in values.items()]}).encode()


def _spans(keys: Iterable[RecordKey], interval: Interval) -> Iterator[list[RecordKey]]:
    """Cut records into runs whose periods fit one list read."""
    chunk: list[RecordKey] = []
    last = date.min
    for key in sorted(keys, key=lambda key: key.period):
        if chunk and key.period > last:
            yield chunk
            chunk = []
        if not chunk:
            last = _last_of_span(key.period, interval)
        chunk.append(key)
    if chunk:
        yield chunk


def _last_of_span(first: date, interval: Interval) -> date:
    if interval is Interval.DAY:
        return first + _DAILY_SPAN
    month = first.month - 1 + _MONTHS_SPAN
    return date(first.year + month // 12, month % 12 + 1, 1) - timedelta(days=1)


def _build(options: ValueStreamerOptions, around: Surroundings) -> ValueStreamer:
    return ValueStreamer(options, around)


SPEC: AdapterSpec[Destination] = AdapterSpec("ValueStreamer boards, by the KPI REST API", ValueStreamerOptions, _build)
