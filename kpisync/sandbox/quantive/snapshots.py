"""Snapshots in the stand-in of Quantive or Gtmhub: posted, deleted, put into buckets, read in several shapes."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import date
from decimal import Context, Decimal
from typing import Any, NamedTuple

from kpisync.mapping.periods import parse_period, period_name, period_start
from kpisync.model import Interval
from kpisync.sandbox.checks import parsed_date
from kpisync.sandbox.platform import Refusal, Response
from kpisync.sandbox.quantive.call import Call, object_id, offset
from kpisync.sandbox.quantive.directory import USER
from kpisync.sandbox.quantive.store import Kpi, Snapshot, Store
from kpisync.sandbox.settings import SandboxSettings
from kpisync.support.json import dumps

_SUMS = Context(prec=1000)  # no digit is lost in a sum
_MEANS = Context(prec=28)


class Bucket(NamedTuple):
    group: str
    day: date  # its first
    value: Decimal  # by the KPI's aggregation
    snapshots: list[Snapshot]


# ---------------------------------------------------------------- writing


def post(call: Call, kpi: Kpi) -> Response:
    body = call.body()
    if not isinstance(body, dict) or body.keys() != {"group", "timeZone", "value"}:
        raise Refusal(400, 'The body must be {"group": …, "timeZone": …, "value": …}, and nothing else.')
    if not isinstance(body["group"], str) or not isinstance(body["value"], Decimal):
        raise Refusal(400, "group must be a text and value a JSON number.")
    offset(body["timeZone"])
    snapshot = Snapshot(
        id=call.store.new_id(call.now),
        kpi=kpi.id,
        group=body["group"],
        day=first_day(body["group"]),
        time_zone=body["timeZone"],
        value=body["value"],
        author=USER,
    )
    id = keep(call.store, snapshot, call.settings)
    if call.settings.snapshot_reply == "empty-201":
        return Response(201)
    return Response(200 if call.settings.snapshot_reply == "id-200" else 201, dumps({"id": id}).encode())


def keep(store: Store, snapshot: Snapshot, settings: SandboxSettings) -> str:
    """Store it beside those of its KPI and group or in their place; the id under which it stands then."""
    if settings.snapshots == "upsert":
        for older in store.snapshots(snapshot.kpi):
            if older.group == snapshot.group:
                store.drop(older)
                snapshot = replace(snapshot, id=older.id)
    store.put(snapshot)
    return snapshot.id


def delete(call: Call, kpi: Kpi, id: str) -> Response:
    snapshot = call.store.entry(kpi.id, object_id("snapshot", id))
    if not isinstance(snapshot, Snapshot):
        raise Refusal(404, "There is no such snapshot.")
    if snapshot.author != USER and call.settings.foreign_snapshots == "protected":
        raise Refusal(403, "Someone else wrote this snapshot.")
    call.store.drop(snapshot)
    return Response(204)


def first_day(group: str) -> date:
    """Of a week as documented (2022-W36), or of a day, month, quarter or year, whose literals are guesses."""
    for interval in Interval:
        try:
            day = parse_period(group, interval)
        except ValueError:
            continue
        return day
    raise Refusal(400, f"{group[:80]!r} is no group that exists, such as 2022-W36, 2022-09-05, 2022-09 or 2022-Q3.")


# ---------------------------------------------------------------- reading


def read(call: Call, kpis: Iterable[Kpi]) -> Response:
    """The buckets of these KPIs whose first day lies between `from` and `to`, both included and both optional.

    A snapshot counts on the first day of its group, so a read by another period than it was posted for puts it into
    the bucket that holds this day. `timeZone` is checked and moves nothing.
    """
    call.offset()
    first, last = (parsed_date(call.query[name]) if name in call.query else None for name in ("from", "to"))
    interval = _interval(call.query.get("groupBy", "week"))
    found = {
        kpi.id: [
            bucket
            for bucket in buckets(call.store.snapshots(kpi.id), interval, kpi.aggregation)
            if (first is None or first <= bucket.day) and (last is None or bucket.day <= last)
        ]
        for kpi in kpis
    }
    return Response(200, dumps(_shaped(found, call.settings.snapshot_shape)).encode())


def _interval(text: str) -> Interval:
    try:
        return Interval(text)
    except ValueError:
        raise Refusal(400, f"groupBy {text[:80]!r} is none of {', '.join(Interval)}.") from None


def _shaped(found: dict[str, list[Bucket]], shape: str) -> Any:
    """All of them are guesses; no public document shows an answer."""
    every = [(kpi, bucket) for kpi, buckets in found.items() for bucket in buckets]
    match shape:
        case "items":
            return {
                "items": [
                    {"kpiId": kpi, "group": bucket.group, "value": snapshot.value, "id": snapshot.id}
                    for kpi, bucket in every
                    for snapshot in bucket.snapshots
                ]
            }
        case "odd":
            return {"series": [f"{kpi}|{bucket.group}|{bucket.value:f}" for kpi, bucket in every]}
    return {kpi: [_written(bucket) for bucket in buckets] for kpi, buckets in found.items()}


def _written(bucket: Bucket) -> dict[str, Any]:
    snapshots = [{"id": snapshot.id, "value": snapshot.value} for snapshot in bucket.snapshots]
    return {"group": bucket.group, "value": bucket.value, "snapshots": snapshots}


def buckets(snapshots: Iterable[Snapshot], interval: Interval, aggregation: str) -> list[Bucket]:
    """By their first days; in each the snapshots are in the order of their groups, and of writing within a group."""
    by_day: dict[date, list[Snapshot]] = {}
    for snapshot in sorted(snapshots, key=lambda snapshot: snapshot.day):
        by_day.setdefault(period_start(snapshot.day, interval), []).append(snapshot)
    return [
        Bucket(period_name(day, interval), day, aggregated(held, aggregation), held) for day, held in by_day.items()
    ]


def aggregated(snapshots: list[Snapshot], aggregation: str) -> Decimal:
    """Of one snapshot at least, the oldest first."""
    if aggregation == "last":
        return snapshots[-1].value
    total = snapshots[0].value
    for snapshot in snapshots[1:]:
        total = _SUMS.add(total, snapshot.value)
    return total if aggregation == "sum" else _mean(total, len(snapshots))


def _mean(total: Decimal, count: int) -> Decimal:
    return total if count == 1 else _MEANS.divide(total, Decimal(count))
