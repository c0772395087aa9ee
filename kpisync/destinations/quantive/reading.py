"""Reading what stands at Quantive: no public source shows the answer to a read of snapshots, so any shape is looked
through for objects that hold a group and a number; what is not understood is `Unreadable`, never empty.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Context, Decimal
from typing import Any

from kpisync.destinations.quantive.client import Client, id_of, kpi_path
from kpisync.destinations.quantive.groups import Groups
from kpisync.mapping.periods import period_end
from kpisync.model import Aggregation, Interval, Reply, ReplyKind
from kpisync.ports import Unreadable

_OBJECT_ID = re.compile("[0-9a-fA-F]{24}")
_GROUP_NAMES = ("group", "bucket", "period", "key", "date")
_DAY = re.compile(r"([0-9]{4}-[0-9]{2}-[0-9]{2})(T00:00(:00(\.0+)?)?Z?)?")
_DIGITS = Context(prec=60)
_MEAN = Context(prec=28)


class Unclear(Exception):
    """What is not understood, in a few words."""


@dataclass(frozen=True, slots=True)
class Held:
    """What stands under one key: the number that counts, how many there are, and the id if it is one that shows it."""

    number: Decimal
    copies: int
    id: str | None


@dataclass
class _Bucket:
    """All that was shown of one group: numbers of the whole of it, and single snapshots with their ids."""

    own: list[Decimal] = field(default_factory=list)
    snapshots: list[tuple[Decimal, str | None]] = field(default_factory=list)

    def add(self, number: Decimal, id: str | None) -> None:
        """One that is shown twice is one."""
        if id is None or (number, id) not in self.snapshots:
            self.snapshots.append((number, id))


def read_snapshots(
    client: Client, groups: Groups, first: date, last: date, group_by: Mapping[Interval, str]
) -> dict[str, Held]:
    """Group → what stands there, of all periods from the one that starts first to the one that starts last.

    `group_by` has the platform's words for intervals, where they are others than ours.
    """
    interval = groups.kpi.interval
    params = {
        "ids": groups.kpi.id,
        "groupBy": group_by.get(interval, interval.value),
        "from": first.isoformat(),
        "to": period_end(last, interval).isoformat(),
        "timeZone": groups.time_zone,
    }
    document = client.get("/kpi-snapshots", params)
    try:
        return snapshots_in(document, groups)
    except Unclear as why:
        words = (
            f"the answer to GET /kpi-snapshots is not understood: {why}. kpisync discover --probe shows what the "
            "platform does; if its answers cannot be read, set read_before: never and confirm: none"
        )
        raise Unreadable(Reply(ReplyKind.REFUSED, 200, words)) from None


def read_projections(client: Client, kpi: str) -> dict[date, Held]:
    """Every target of a KPI by its day."""
    document = client.get(kpi_path(kpi, "projections"))
    try:
        return _projections(document)
    except Unclear as why:
        words = f"the answer to a read of projections is not understood: {why}"
        raise Unreadable(Reply(ReplyKind.REFUSED, 200, words)) from None


def read_statistics(document: Any) -> tuple[Decimal | None, Decimal | None]:
    """The numbers of the current and of the previous period; None where a part, or its value, is null or absent."""
    try:
        if not isinstance(document, Mapping) or "currentPeriod" not in document:
            raise Unclear("it has no currentPeriod")
        return _value_of(document["currentPeriod"]), _value_of(document.get("previousPeriod"))
    except Unclear as why:
        words = f"the answer to a read of statistics is not understood: {why}"
        raise Unreadable(Reply(ReplyKind.REFUSED, 200, words)) from None


def _value_of(part: Any) -> Decimal | None:
    value = part.get("value") if isinstance(part, Mapping) else part
    if value is not None and not isinstance(value, Decimal):
        raise Unclear("a period has a value that is no number")
    return value


# ---------------------------------------------------------------- projections


def _projections(document: Any) -> dict[date, Held]:
    items = document.get("items") if isinstance(document, Mapping) else None
    if items is None and isinstance(document, Mapping) and "items" in document:
        items = []
    if not isinstance(items, list):
        raise Unclear("no list of items is in it")
    total = document.get("totalCount")
    if isinstance(total, Decimal) and total > len(items):
        raise Unclear(f"it shows {len(items)} of {total}")
    found: dict[date, Held] = {}
    for item in items:
        day = _day(item)
        if not isinstance(item.get("value"), Decimal):
            raise Unclear(f"the projection of {day} has no number")
        copies = found[day].copies + 1 if day in found else 1
        found[day] = Held(item["value"], copies, id_of(item) if copies == 1 else None)
    return found


def _day(item: Any) -> date:
    match = _DAY.fullmatch(str(item.get("date"))) if isinstance(item, Mapping) else None
    try:
        return date.fromisoformat(match[1] if match else "")
    except ValueError:
        raise Unclear("a projection has no date such as 2026-11-16") from None


# ---------------------------------------------------------------- snapshots


def snapshots_in(document: Any, groups: Groups) -> dict[str, Held]:
    """Raises Unclear."""
    walk = _Walk(groups.kpi.id.lower(), groups.form(), groups.name(date(2026, 11, 16)))
    walk.look(document)
    if walk.strange and not walk.buckets:
        raise Unclear(walk.strange)
    found = {group: _held(group, bucket, groups.kpi.aggregation) for group, bucket in walk.buckets.items()}
    return {group: held for group, held in found.items() if held is not None}


@dataclass
class _Walk:
    kpi: str
    form: re.Pattern[str]
    example: str
    buckets: dict[str, _Bucket] = field(default_factory=dict)
    strange: str = ""  # the first thing met that is no bucket and holds none

    def look(self, item: Any) -> None:
        if isinstance(item, Mapping):
            self._look_into(item)
        elif isinstance(item, list):
            for each in item:
                self.look(each)
        elif item is not None:
            self.strange = self.strange or "something else stands where an object was expected"

    def _look_into(self, item: Mapping[str, Any]) -> None:
        if str(item.get("kpiId") or self.kpi).lower() != self.kpi:
            return
        group = self._group(item)
        if group is not None:
            self._take(self.buckets.setdefault(group, _Bucket()), item)
            return
        if isinstance(item.get("value"), Decimal) or isinstance(item.get("group"), str):
            raise Unclear(f"an object has a number or a group, but no group such as {self.example}")
        inside = [(name, each) for name, each in item.items() if each is None or isinstance(each, list | Mapping)]
        if item and not inside:
            self.strange = self.strange or "an object holds neither a group nor anything that could"
        for name, each in inside:
            if not _OBJECT_ID.fullmatch(name) or name.lower() == self.kpi:  # by KPI, and others than were asked for
                self.look(each)

    def _group(self, item: Mapping[str, Any]) -> str | None:
        texts = {name: each for name, each in item.items() if isinstance(each, str) and self.form.fullmatch(each)}
        for name in _GROUP_NAMES:
            if name in texts:
                return texts[name]
        return next(iter(texts.values())) if len(set(texts.values())) == 1 else None

    def _take(self, bucket: _Bucket, item: Mapping[str, Any]) -> None:
        number = _number(item)
        lists = [each for each in item.values() if isinstance(each, list)]
        if len(lists) > 1:
            raise Unclear("a group holds several lists")
        if not lists:
            if number is not None:
                bucket.add(number, id_of(item))
            return
        for each in lists[0]:  # where it is empty, a number beside it only fills the gap
            if not isinstance(each, Mapping) or (part := _number(each)) is None:
                raise Unclear("a snapshot in a group has no number")
            bucket.add(part, id_of(each))
        if lists[0] and number is not None:
            bucket.own.append(number)


def _number(item: Mapping[str, Any]) -> Decimal | None:
    """The number called value, or else the only one; None if there is none."""
    if "value" in item:
        if item["value"] is not None and not isinstance(item["value"], Decimal):
            raise Unclear("a value is no number")
        return item["value"]
    numbers = [each for each in item.values() if isinstance(each, Decimal)]
    if len(numbers) > 1:
        raise Unclear("a group holds several numbers, and none is called value")
    return numbers[0] if numbers else None


def _held(group: str, bucket: _Bucket, aggregation: Aggregation | None) -> Held | None:
    if not bucket.snapshots:
        return None
    numbers = [number for number, _ in bucket.snapshots]
    ids = [id for _, id in bucket.snapshots]
    own = bucket.own[0] if len(set(bucket.own)) == 1 else _aggregated(group, numbers, aggregation)
    return Held(own, len(numbers), ids[0] if len(ids) == 1 else None)


def _aggregated(group: str, numbers: Sequence[Decimal], aggregation: Aggregation | None) -> Decimal:
    """Of several snapshots that are shown without the number of the whole; the last written is taken to stand last."""
    if len(numbers) == 1:
        return numbers[0]
    if aggregation is None:
        raise Unclear(
            f"{group} shows {len(numbers)} numbers; write the KPI's aggregation (last, sum, average) into the catalog"
        )
    if aggregation is Aggregation.LAST:
        return numbers[-1]
    total = numbers[0]
    for number in numbers[1:]:
        total = _DIGITS.add(total, number)
    return total if aggregation is Aggregation.SUM else _MEAN.divide(total, Decimal(len(numbers)))
