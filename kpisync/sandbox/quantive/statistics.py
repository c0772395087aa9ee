"""The statistics of a KPI in the stand-in of Quantive: this period, the one before, and the next projection."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from kpisync.mapping.periods import period_start
from kpisync.model import Interval
from kpisync.sandbox.platform import Refusal, Response
from kpisync.sandbox.quantive.call import Call
from kpisync.sandbox.quantive.snapshots import aggregated
from kpisync.sandbox.quantive.store import Kpi
from kpisync.support.json import dumps

_DAY = timedelta(days=1)
_BEGINNING = date.min


def _months_before(day: date, months: int) -> date:
    year, month = divmod(day.year * 12 + day.month - 1 - months, 12)
    return date(year, month + 1, 1)


_STARTS: Mapping[str, Callable[[date], tuple[date, date]]] = {  # of the period that holds a day, and of that before
    "week": lambda day: (start := period_start(day, Interval.WEEK), start - 7 * _DAY),
    "month": lambda day: (_months_before(day, 0), _months_before(day, 1)),
    "three-months": lambda day: (_months_before(day, 2), _months_before(day, 5)),
    "year": lambda day: (date(day.year, 1, 1), date(day.year - 1, 1, 1)),
    "all-time": lambda day: (_BEGINNING, _BEGINNING),
}


def read(call: Call, kpi: Kpi) -> Response:
    """Three months are this one and the two before. A change is a share of the older number: 0.5 is a half more.

    Both are guesses, and so is null where there is no number.
    """
    kind = call.query.get("type", "")
    if kind not in _STARTS:
        raise Refusal(400, f"type {kind[:80]!r} is none of {', '.join(_STARTS)}.")
    today = (call.now + call.offset()).date()
    start, before = _STARTS[kind](today)
    current = _value(call, kpi, start, today)
    previous = _value(call, kpi, before, start - _DAY) if start > before else None
    older = _value(call, kpi, before - (start - before), before - _DAY) if start > before else None
    coming = sorted((entry.day, entry.value) for entry in call.store.projections(kpi.id) if entry.day >= today)
    projected = coming[0][1] if coming else None
    parts = {
        "currentPeriod": _part(current, previous),
        "previousPeriod": _part(previous, older),
        "nextProjection": _part(projected, current),
    }
    return Response(200, dumps(parts).encode())


def _value(call: Call, kpi: Kpi, first: date, last: date) -> Decimal | None:
    """Of the snapshots whose groups begin on one of these days, the last included."""
    snapshots = [snapshot for snapshot in call.store.snapshots(kpi.id) if first <= snapshot.day <= last]
    return aggregated(sorted(snapshots, key=lambda snapshot: snapshot.day), kpi.aggregation) if snapshots else None


def _part(value: Decimal | None, older: Decimal | None) -> dict[str, Any]:
    change = (value - older) / abs(older) if value is not None and older else None
    return {"value": value, "deltaPercentage": change}
