"""Projections, the targets of a KPI by calendar day, in the stand-in of Quantive; the legacy brand has none."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any

from kpisync.sandbox.checks import parsed_date
from kpisync.sandbox.platform import Refusal, Response
from kpisync.sandbox.quantive.call import Call, object_id
from kpisync.sandbox.quantive.directory import USER
from kpisync.sandbox.quantive.store import Kpi, Projection
from kpisync.support.json import dumps


def listed(call: Call, kpi: Kpi) -> Response:
    items = [_written(entry) for entry in call.store.projections(kpi.id)]
    return Response(200, dumps({"items": items, "totalCount": len(items)}).encode())


def post(call: Call, kpi: Kpi) -> Response:
    day, value = _sent(call)
    _refuse_second(call.store.projections(kpi.id), day)
    entry = Projection(call.store.new_id(call.now), kpi.id, day, value, USER, call.now, call.now, USER)
    call.store.put(entry)
    return Response(201, dumps(_written(entry)).encode())


def change(call: Call, kpi: Kpi, id: str) -> Response:
    entry = _known(call, kpi, id)
    day, value = _sent(call)
    _refuse_second([other for other in call.store.projections(kpi.id) if other.id != entry.id], day)
    call.store.put(replace(entry, day=day, value=value, changed=call.now, changed_by=USER))
    return Response(204)


def delete(call: Call, kpi: Kpi, id: str) -> Response:
    call.store.drop(_known(call, kpi, id))
    return Response(204)


def _sent(call: Call) -> tuple[date, Decimal]:
    body = call.body()
    if not isinstance(body, dict) or body.keys() != {"date", "value"}:
        raise Refusal(400, 'The body must be {"date": …, "value": …}, and nothing else.')
    if not isinstance(body["date"], str) or not isinstance(body["value"], Decimal):
        raise Refusal(400, "date must be a text and value a JSON number.")
    return parsed_date(body["date"]), body["value"]


def _refuse_second(others: list[Projection], day: date) -> None:
    if any(other.day == day for other in others):
        raise Refusal(409, f"There is a projection for {day}.")


def _known(call: Call, kpi: Kpi, id: str) -> Projection:
    entry = call.store.entry(kpi.id, object_id("projection", id))
    if not isinstance(entry, Projection):
        raise Refusal(404, "There is no such projection.")
    return entry


def _written(entry: Projection) -> dict[str, Any]:
    return {"id": entry.id, "date": entry.day.isoformat(), "value": entry.value}
