"""Writing actual values: snapshots, which the platform can create and delete, and perhaps not replace.

Whether a second snapshot of a period stands beside the first or takes its place is documented nowhere. So a changed
value is a DELETE of the one that we created and a POST, and no POST is ever repeated blindly.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from threading import Lock

from kpisync.destinations.quantive.client import Client, kpi_path, shown_id
from kpisync.destinations.quantive.groups import Groups
from kpisync.errors import DestinationError, Interrupted
from kpisync.model import Action, Aggregation, Change, RecordKey, Reply, ReplyKind, ValueChange
from kpisync.ports import Clock, Unreadable

_SURELY_NOTHING = (ReplyKind.NOT_SENT, ReplyKind.BUSY)
_OVERLOADED = 503  # of a POST that may not be repeated it is not sure that nothing was stored


@dataclass
class Snapshots:
    """`replaces`: a second snapshot takes the place of the first; `deletes`: the platform can delete one."""

    client: Client
    clock: Clock
    replaces: bool
    deletes: bool
    force: bool
    _insights: dict[str, str] = field(default_factory=dict)  # KPI → the insight that feeds it, or nothing
    _asking: Lock = field(default_factory=Lock)
    _tried: set[str] = field(default_factory=set)  # ids whose deletion was asked for

    def may_replace(self, groups: Groups, remote: str | None) -> bool:
        if self.replaces or (not self.deletes and groups.kpi.aggregation is Aggregation.LAST):
            return True
        return self.deletes and remote is not None

    def write(self, change: Change, value: ValueChange, groups: Groups, shown: str | None) -> Reply:
        """`shown` is the id of what stands there, as it was read."""
        if change.action is Action.WITHDRAW:
            return self._withdraw(change.key, value.remote or (shown if self.replaces else None))
        why_not = self._why_not(change.key, groups) or self._insight(change.key.kpi)
        if why_not is not None:
            return why_not
        if value.old is None or self.replaces:
            return self._post(change.key, value, groups)
        if not self.deletes:
            return self._post_over(change.key, value, groups)
        if value.remote is None:
            return _refused("its snapshot has no id that is known to be ours, so it is neither deleted nor doubled")
        if (reply := self._clear(change.key, value.remote, shown)).kind is not ReplyKind.ACCEPTED:
            return reply
        return self._fill(change.key, value, groups)

    # ------------------------------------------------------------ whether to write at all

    def _why_not(self, key: RecordKey, groups: Groups) -> Reply | None:
        if not groups.template:
            return _refused(groups.why_unknown)
        if groups.is_future(key.period, self.clock.now()):
            return _refused(f"{groups.name(key.period)} has not begun; an actual value of it would be none")
        return None

    def _insight(self, kpi: str) -> Reply | None:
        """A KPI that an insight feeds may lose what is written to it by the insight's next run."""
        if self.force:
            return None
        with self._asking:
            if kpi not in self._insights:
                try:
                    self._insights[kpi] = _insight_of(self.client.get(kpi_path(kpi)))
                except Unreadable as bad:
                    return nothing_done(bad.reply)
            insight = self._insights[kpi]
        if not insight:
            return None
        return _refused(
            f"insight {insight} feeds this KPI and may overwrite it; force_insight_kpis: true writes all the same"
        )

    # ------------------------------------------------------------ requests

    def _withdraw(self, key: RecordKey, remote: str | None) -> Reply:
        if not self.deletes:
            return _refused("Gtmhub cannot delete a snapshot; delete it by hand")
        if remote is None:
            return _refused("its snapshot has no id that is known to be ours, so it is not deleted")
        return self._delete(key, remote)

    def _delete(self, key: RecordKey, id: str) -> Reply:
        reply, _ = self.client.send("DELETE", kpi_path(key.kpi, "snapshots", id))
        if reply.status == 404:
            return Reply(ReplyKind.ACCEPTED, 404, reply.words or "was not there")
        if reply.status == 403:
            said = f": {reply.words}" if reply.words else ""
            words = f"the token's owner is not the author of this snapshot, and may not manage KPI updates{said}"
            return replace(reply, words=words)
        return reply

    def _clear(self, key: RecordKey, remote: str, shown: str | None) -> Reply:
        """Delete the old one of a change; REFUSED if it may still stand there, for a new one would be added to it."""
        first = remote not in self._tried
        self._tried.add(remote)
        reply = self._delete(key, remote)
        if reply.status == 404 and first and shown == remote:
            return _refused(
                f"a read shows a snapshot {remote}, and its deletion says that there is none; if it stays so, the ids "
                "in reads are others, and a correction must be made by hand"
            )
        return reply

    def _fill(self, key: RecordKey, value: ValueChange, groups: Groups) -> Reply:
        """The old one is gone, and every answer must say so, or the gap would be forgotten."""
        try:
            reply = self._post(key, value, groups)
        except (DestinationError, Interrupted) as reason:
            return Reply(ReplyKind.FAILED, words=f"the old snapshot is deleted, the new one not yet posted: {reason}")
        if reply.kind in _SURELY_NOTHING:
            return replace(reply, kind=ReplyKind.FAILED)
        return replace(reply, values={}) if reply.kind is ReplyKind.REFUSED else reply

    def _post_over(self, key: RecordKey, value: ValueChange, groups: Groups) -> Reply:
        if groups.kpi.aggregation is Aggregation.LAST:
            return self._post(key, value, groups)
        known = groups.kpi.aggregation or "not in the catalog"
        return _refused(
            "Gtmhub cannot delete a snapshot, and a second one corrects the first only where the KPI's aggregation is "
            f"last; here it is {known}"
        )

    def _post(self, key: RecordKey, value: ValueChange, groups: Groups) -> Reply:
        body = {"group": groups.name(key.period), "timeZone": groups.time_zone, "value": value.new}
        reply, response = self.client.send("POST", kpi_path(key.kpi, "snapshots"), body)
        if reply.kind is ReplyKind.ACCEPTED:
            return replace(reply, remote=shown_id(response))
        if not self.replaces and (reply.kind is ReplyKind.FAILED or reply.status == _OVERLOADED):
            return replace(reply, kind=ReplyKind.UNKNOWN)
        return reply


def nothing_done(reply: Reply) -> Reply:
    """The reply to a write that got no further than a read, which failed: surely nothing is stored."""
    return replace(reply, kind=ReplyKind.FAILED) if reply.kind is ReplyKind.UNKNOWN else reply


def _insight_of(kpi: object) -> str:
    link = kpi.get("insightLink") if isinstance(kpi, Mapping) else None
    return str(link.get("insightName") or "") if isinstance(link, Mapping) else ""


def _refused(why: str) -> Reply:
    return Reply(ReplyKind.REFUSED, words=why)
