"""Runs and plans as the JSON that commands print and the state store keeps; the contract names the fields."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import date
from typing import Any

from kpisync.model import Change, Rejection, RunStatus
from kpisync.names import Names
from kpisync.sync.reconcile import Conflict
from kpisync.sync.report import Report


def run_json(
    report: Report, status: RunStatus, names: Names, first: date | None = None, last: date | None = None
) -> dict[str, Any]:
    """One entry of `run --json`; `from` and `to` are the dates asked for, or those of a chunk."""
    return {
        "job": report.job,
        "run": report.run,
        "status": str(status),
        "from": first and first.isoformat(),
        "to": last and last.isoformat(),
        "rows": report.rows,
        "values": report.values,
        "unchanged": report.unchanged,
        "undone": report.undone,
        "created": report.created,
        "updated": report.updated,
        "withdrawn": report.withdrawn,
        "confirmed": report.confirmed,
        "sent": report.sent,
        "in_doubt": report.in_doubt,
        "conflicts": len(report.conflicts),
        "rejected": len(report.rejections),
        "requests": dict(report.requests),
        "answers": dict(report.answers),
        "rejects": [reject_json(rejection) for rejection in report.rejections],
        "conflicting": [conflict_json(conflict, names) for conflict in report.conflicts],
        "doubtful": [names.path(key) for key in report.doubts],
        "waiting": report.waiting,
        "skipped": report.skipped,
        "notes": report.notes,
        "reading": report.reading,
        "held": report.held,
        "error": report.error,
    }


def without_secrets(value: Any, redact: Callable[[str], str]) -> Any:
    """A JSON document with secrets struck out of its texts."""
    if isinstance(value, str):
        return redact(value)
    if isinstance(value, dict):
        return {key: without_secrets(item, redact) for key, item in value.items()}
    return [without_secrets(item, redact) for item in value] if isinstance(value, list) else value


def plan_json(report: Report, names: Names, digest: str) -> dict[str, Any]:
    """One entry of `plan --json`; `digest` changes with the job's configuration."""
    return {
        "job": report.job,
        "digest": digest,
        "unchanged": report.unchanged,
        "undone": report.undone,
        "rejects": [reject_json(rejection) for rejection in report.rejections],
        "conflicts": [conflict_json(conflict, names) for conflict in report.conflicts],
        "held": report.held,
        "error": report.error,
        "requests": dict(report.requests),
        "changes": [change_json(change, names) for change in in_order(report.changes, names)],
    }


def in_order(changes: Iterable[Change], names: Names) -> list[Change]:
    """As people look for them: by period, KPI, team and sub-tile."""

    def place(change: Change) -> tuple[str, ...]:
        key = change.key
        parts = (names.kpi(key.kpi), names.team(key.team), names.sub_tile(key.kpi, key.sub_tile))
        return (key.period.isoformat(), *(part or "" for part in parts))

    return sorted(changes, key=place)


def reject_json(rejection: Rejection) -> dict[str, Any]:
    return {"source": rejection.source, "code": rejection.code, "reason": rejection.reason}


def conflict_json(conflict: Conflict, names: Names) -> dict[str, Any]:
    """A value that someone else wrote: what the platform holds, and what the source states."""
    return {
        "path": names.path(conflict.key),
        "holds": conflict.holds,
        "new": conflict.wanted,
        "source": conflict.source,
    }


def change_json(change: Change, names: Names) -> dict[str, Any]:
    key = change.key
    shown: dict[str, Any] = {
        "action": str(change.action),
        "destination": key.destination,
        "kpi": names.kpi(key.kpi),
        "team": names.team(key.team),
    }
    if key.sub_tile is not None:
        shown["sub_tile"] = names.sub_tile(key.kpi, key.sub_tile)
    shown["period"] = key.period.isoformat()
    shown["values"] = [
        {
            "value": names.value(key.kpi, value.value),
            "id": value.value,
            "old": value.old,
            "new": value.new,
            "source": value.source,
        }
        for value in change.values
    ]
    return shown
