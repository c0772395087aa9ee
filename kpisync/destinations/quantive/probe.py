"""Finds out, on scratch KPIs that are deleted again, what a second snapshot of one period does."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date
from decimal import Decimal

from kpisync.destinations.quantive.client import Client, kpi_path, shown_id
from kpisync.destinations.quantive.groups import Groups
from kpisync.destinations.quantive.reading import Held, read_snapshots
from kpisync.errors import DestinationError
from kpisync.model import Aggregation, CatalogKpi, Interval, Reply, ReplyKind
from kpisync.ports import Unreadable

_FIRST, _SECOND = Decimal(3), Decimal(5)
_BESIDE = {Aggregation.LAST: Decimal(5), Aggregation.SUM: Decimal(8), Aggregation.AVERAGE: Decimal(4)}


class _Failed(Exception):
    """A step that was not carried out, in words."""


class Probe:
    """`week` is the Monday of a week that is over."""

    def __init__(self, client: Client, group_by: Mapping[Interval, str], week: date) -> None:
        self._client, self._group_by, self._week = client, group_by, week

    def steps(self) -> Iterator[str]:
        """Each step as a sentence, the last one says what to set. Raises DestinationError as any request does."""
        found: list[str] = []
        for aggregation in Aggregation:
            yield from self._try(aggregation, found)
        yield self._conclusion(found)

    def _try(self, aggregation: Aggregation, found: list[str]) -> Iterator[str]:
        kpi: str | None = None
        try:
            kpi = self._create(aggregation)
            yield f"aggregation {aggregation}: created a scratch KPI, {kpi}"
            groups = Groups(CatalogKpi(aggregation, kpi, Interval.WEEK, aggregation=aggregation))
            ids = [self._post(groups, number) for number in (_FIRST, _SECOND)]
            told = "its id" if all(ids) else "no id"
            week = groups.name(self._week)
            yield f"aggregation {aggregation}: posted {_FIRST} and {_SECOND} for {week}; each answer told {told}"
            held = self._read(groups)
            found.append(_verdict(held, aggregation))
            shows = f"{held.copies} of them, counting as {held.number:f}" if held else "none of them"
            yield f"aggregation {aggregation}: a read shows {shows}, so a second snapshot {_SAYS[found[-1]]}"
        except _Failed as why:
            yield f"aggregation {aggregation}: {why}"
        finally:
            gone = kpi is None or self._delete(kpi)
        if kpi is not None:
            yield f"aggregation {aggregation}: " + (
                "deleted the scratch KPI" if gone else f"the scratch KPI {kpi} could not be deleted; delete it by hand"
            )

    def _conclusion(self, found: list[str]) -> str:
        sure = set(found) - {"unknown"}
        if len(sure) == 1:
            return f"Set snapshot_write: {sure.pop()} for this destination"
        return "Leave snapshot_write at unknown: what the platform does could not be told"

    # ------------------------------------------------------------ requests

    def _create(self, aggregation: Aggregation) -> str:
        body = {"name": f"kpisync probe, {aggregation}; may be deleted", "aggregation": aggregation.value}
        reply, response = self._client.send("POST", "/kpis", body)
        id = shown_id(response)
        if reply.kind is not ReplyKind.ACCEPTED:
            raise _Failed(f"no scratch KPI could be created ({_said(reply)})")
        if id is None:
            raise _Failed('a scratch KPI was created and its id not told; delete "kpisync probe" by hand')
        return id

    def _post(self, groups: Groups, number: Decimal) -> str | None:
        body = {"group": groups.name(self._week), "timeZone": groups.time_zone, "value": number}
        reply, response = self._client.send("POST", kpi_path(groups.kpi.id, "snapshots"), body)
        if reply.kind is not ReplyKind.ACCEPTED:
            raise _Failed(f"{number} could not be posted ({_said(reply)})")
        return shown_id(response)

    def _read(self, groups: Groups) -> Held | None:
        try:
            found = read_snapshots(self._client, groups, self._week, self._week, self._group_by)
        except Unreadable as bad:
            raise _Failed(f"what was posted could not be read ({_said(bad.reply)})") from None
        return found.get(groups.name(self._week))

    def _delete(self, kpi: str) -> bool:
        try:
            reply, _ = self._client.send("DELETE", kpi_path(kpi))
        except DestinationError:
            return False
        return reply.kind is ReplyKind.ACCEPTED


_SAYS = {
    "append": "stands beside the first",
    "upsert": "takes the place of the first",
    "unknown": "does what cannot be told from that",
}


def _verdict(held: Held | None, aggregation: Aggregation) -> str:
    if held is None:
        return "unknown"
    if held.copies > 1:
        return "append"
    if aggregation is Aggregation.LAST:  # one number, and the same one either way; what is hidden is not known
        return "unknown"
    return {_SECOND: "upsert", _BESIDE[aggregation]: "append"}.get(held.number, "unknown")


def _said(reply: Reply) -> str:
    parts = (f"status {reply.status}" if reply.status else "", reply.words)
    return " ".join(part for part in parts if part) or "no words"
