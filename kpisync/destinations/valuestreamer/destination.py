"""ValueStreamer: one PUT per date, team, KPI and sub-tile, always with the full set of values known.

Facts are those of the vendor's public help pages on the KPI REST API; where they say nothing, or contradict each
other, a setting decides or the reading is tolerant. The vendor says both that values not sent are kept and that a
missing target may become 0 or an older one: so every write carries what was read, with the new values laid over it.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping

from kpisync.destinations.valuestreamer import replies
from kpisync.destinations.valuestreamer.meta import MetaReader
from kpisync.destinations.valuestreamer.options import ValueStreamerOptions
from kpisync.destinations.valuestreamer.paths import last_of_span, record_path
from kpisync.destinations.valuestreamer.reading import Reader
from kpisync.destinations.windows import windows_of
from kpisync.model import Action, Change, RecordKey, Reply, ReplyKind, Values
from kpisync.ports import AdapterSpec, Confirm, Destination, Surroundings, Window
from kpisync.support.http import HttpClient, Unanswered
from kpisync.support.json import dumps
from kpisync.support.statuses import Response, classify


class ValueStreamer:
    """The port `Destination` over one tenant."""

    def __init__(self, options: ValueStreamerOptions, around: Surroundings) -> None:
        self._around = around
        self._media_type = options.media_type
        self._shows_values = options.confirm is Confirm.REPLY  # nobody else looks at them
        self._http = HttpClient(
            options.http(
                {"Accept": f"{options.media_type}, application/json;q=0.9"},
                (options.username, options.password.get_secret_value()),
            ),
            around,
        )
        self._reader = Reader(self._http, around.name, options.list_404)

    def close(self) -> None:
        self._http.close()

    def meta(self) -> MetaReader:
        return MetaReader(self._http, self._around.name)

    def windows(self, keys: Collection[RecordKey]) -> list[Window]:
        return windows_of(keys, lambda kpi, first: last_of_span(first, self._around.catalog.interval(kpi)))

    def read(self, window: Window) -> Mapping[RecordKey, Values]:
        return self._reader.read(window)

    def write(self, change: Change) -> Reply:
        withdraws = change.action is Action.WITHDRAW
        try:
            response = self._delete(change) if withdraws else self._put(change)
        except Unanswered as failure:
            return failure.reply
        if withdraws and response.status == 404:
            return Reply(ReplyKind.ACCEPTED, 404, response.words or "was not there")
        reply = classify(response, f"destination {self._around.name}")
        if reply.kind is not ReplyKind.ACCEPTED:
            return reply
        if replies.says_error(response):
            return Reply(ReplyKind.FAILED, response.status, response.words)
        shown = replies.values_of_reply(response, change.key) if self._shows_values and not withdraws else None
        return Reply(ReplyKind.ACCEPTED, response.status, values=shown)

    def _delete(self, change: Change) -> Response:
        return self._http.request("DELETE", record_path(change.key))

    def _put(self, change: Change) -> Response:
        body = _body({**(change.before or {}), **change.new})
        return self._http.request(
            "PUT", record_path(change.key), content=body, headers={"Content-Type": self._media_type}
        )


def _body(values: Values) -> bytes:
    return dumps({"values": [{"kpiValueId": id, "value": number} for id, number in values.items()]}).encode()


def _build(options: ValueStreamerOptions, around: Surroundings) -> ValueStreamer:
    return ValueStreamer(options, around)


SPEC: AdapterSpec[Destination] = AdapterSpec("ValueStreamer boards, by the KPI REST API", ValueStreamerOptions, _build)
