"""Writing targets: projections, one a day of a KPI, which the platform can create, change and delete."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date

from kpisync.destinations.quantive.client import Client, kpi_path, shown_id
from kpisync.destinations.quantive.reading import read_projections
from kpisync.destinations.quantive.snapshots import nothing_done
from kpisync.model import Action, Change, Reply, ReplyKind, ValueChange
from kpisync.ports import Unreadable


@dataclass
class Projections:
    client: Client

    def write(self, change: Change, value: ValueChange, day: date, shown: str | None) -> Reply:
        """`shown` is the id of what stands there, as it was read; the one that we know comes first."""
        kpi, id = change.key.kpi, value.remote or shown
        try:
            if change.action is Action.WITHDRAW:
                return self._delete(kpi, id or self._id_on(kpi, day))
            if value.old is None:
                return self._post(kpi, value, day)
            return self._change(kpi, value, day, id or self._id_on(kpi, day))
        except Unreadable as bad:
            return nothing_done(bad.reply)

    def _id_on(self, kpi: str, day: date) -> str | None:
        held = read_projections(self.client, kpi).get(day)
        return held.id if held else None

    def _delete(self, kpi: str, id: str | None) -> Reply:
        if id is None:
            return Reply(ReplyKind.ACCEPTED, words="was not there")
        reply, _ = self.client.send("DELETE", kpi_path(kpi, "projections", id))
        return Reply(ReplyKind.ACCEPTED, 404, reply.words or "was not there") if reply.status == 404 else reply

    def _post(self, kpi: str, value: ValueChange, day: date) -> Reply:
        """409: there is one on that day already, be it ours of a lost answer."""
        reply, response = self.client.send("POST", kpi_path(kpi, "projections"), _body(value, day))
        if reply.status == 409 and (id := self._id_on(kpi, day)) is not None:
            return self._patch(kpi, value, day, id)
        return replace(reply, remote=shown_id(response)) if reply.kind is ReplyKind.ACCEPTED else reply

    def _change(self, kpi: str, value: ValueChange, day: date, id: str | None) -> Reply:
        reply = self._patch(kpi, value, day, id) if id is not None else None
        return self._post(kpi, value, day) if reply is None or reply.status == 404 else reply

    def _patch(self, kpi: str, value: ValueChange, day: date, id: str) -> Reply:
        reply, _ = self.client.send("PATCH", kpi_path(kpi, "projections", id), _body(value, day))
        return replace(reply, remote=id) if reply.kind is ReplyKind.ACCEPTED else reply


def _body(value: ValueChange, day: date) -> dict[str, object]:
    return {"date": day.isoformat(), "value": value.new}
