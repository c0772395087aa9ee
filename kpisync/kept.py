"""What the state store keeps of runs, changes, rejects and values, as the JSON that commands and pages show."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from kpisync.config.loaded import JobConfig
from kpisync.names import Names
from kpisync.reports import reject_json
from kpisync.state.rejects import OpenReject
from kpisync.state.runs import ChangeRow, Life, RunRow

NamesOf = Callable[[str], Names]  # by destination


def run_row_json(row: RunRow) -> dict[str, Any]:
    """A kept run: its report with its times; a run without an end was killed, or is running."""
    return {
        **row.report,
        "run": row.id,
        "job": row.job,
        "kind": row.kind,
        "started": row.started.isoformat(timespec="seconds"),
        "ended": row.ended and row.ended.isoformat(timespec="seconds"),
        "status": None if row.status is None else str(row.status),
        "exit_code": row.exit_code,
        "origins": dict(row.origins),
    }


def change_row_json(names: NamesOf, change: ChangeRow) -> dict[str, Any]:
    """A kept change, with the value's path in catalog names."""
    return {
        "path": names(change.key.record.destination).path(change.key),
        "old": change.old,
        "new": change.new,
        "status": str(change.status),
        "source": change.source,
        "digest": change.digest,
        "run": change.run,
        "job": change.job,
        "intended_at": change.intended_at.isoformat(timespec="seconds"),
        "settled_at": change.settled_at and change.settled_at.isoformat(timespec="seconds"),
        "answer": change.answer,
        "found": change.found,
    }


def open_reject_json(names: NamesOf, open_reject: OpenReject) -> dict[str, Any]:
    """A reject with the value that was to be sent, if it got that far, by its path in catalog names."""
    key = open_reject.rejection.key
    return {
        "job": open_reject.job,
        "run": open_reject.run,
        **reject_json(open_reject.rejection),
        "path": None if key is None else names(key.record.destination).path(key),
        "number": open_reject.rejection.number,
        "since": open_reject.since.isoformat(timespec="seconds"),
        "runs": open_reject.runs,
    }


def life_json(names: NamesOf, life: Life, job: JobConfig | None) -> dict[str, Any]:
    """The life of a value; `job` is the one whose number stands there, as it is configured today."""
    key, standing = life.key, life.standing
    return {
        "path": names(key.record.destination).path(key),
        "ids": {
            "kpi": key.record.kpi,
            "team": key.record.team,
            "sub_tile": key.record.sub_tile,
            "value": key.value,
        },
        "known": standing
        and {
            "number": standing.number,
            "status": str(standing.status),
            "job": standing.job,
            "run": standing.run,
            "source": standing.source,
        },
        "transformation": _transformation(job),
        "changes": changes_json(names, life.changes),
    }


def changes_json(names: NamesOf, changes: Iterable[ChangeRow]) -> list[dict[str, Any]]:
    return [change_row_json(names, change) for change in changes]


def _transformation(job: JobConfig | None) -> list[dict[str, Any]]:
    """How a job makes its values, as its map says today: column, aggregate, scale, decimals."""
    specs = job.map.values if job else []
    return [spec.model_dump(mode="json", by_alias=True, exclude_defaults=True) for spec in specs]
