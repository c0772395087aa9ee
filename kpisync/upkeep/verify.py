"""Carries `kpisync verify` out: each job's known values against its platform, and sent again if asked."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from kpisync.errors import Exit
from kpisync.jobs import Request
from kpisync.mapping.periods import touches, widen
from kpisync.model import Interval, Known, Rhythm, Scope, ValueKey
from kpisync.names import Names
from kpisync.reports import reject_json
from kpisync.state.past import Attempt, attempts
from kpisync.state.store import Store
from kpisync.state.tables import ChangeStatus
from kpisync.sync.job import deliver
from kpisync.sync.look import works_of
from kpisync.sync.partitions import forget
from kpisync.sync.report import Report
from kpisync.sync.verify import Drift, Drifted, Past, drifted, repairs, sorted_out
from kpisync.upkeep.visit import Ended, Upkeep, Visit

_OURS = (ChangeStatus.CONFIRMED, ChangeStatus.SENT, ChangeStatus.SUPERSEDED, ChangeStatus.IN_DOUBT)
_STOOD = (ChangeStatus.CONFIRMED, ChangeStatus.SENT, ChangeStatus.ADOPTED)


@dataclass
class Verified:
    """How the check of one job ended."""

    report: Report
    names: Names
    exit_code: Exit = Exit.OK
    drift: Drift = field(default_factory=Drift)

    @property
    def repaired(self) -> int:
        return self.report.created + self.report.updated


def verify(upkeep: Upkeep, request: Request, repair: bool) -> Iterator[Verified]:
    """Check the jobs one after the other; one that a signal ends is the last. Raises ConfigError."""
    for name in upkeep.builder.chosen(request):
        config = upkeep.loaded.jobs.get(name)
        result = Verified(Report(name), upkeep.names(config.destination if config else ""))

        def work(store: Store, result: Verified = result) -> Ended:
            job = result.report.job
            with upkeep.visit(job, upkeep.loaded.jobs[job].destination, store, result.report) as visit:
                _check(visit, request, repair, result)
            left = len(list(result.drift)) - result.repaired
            return Ended(left == 0, drift_json(result))

        if upkeep.broken(result.report):
            result.exit_code = Exit.CONFIG
        else:
            result.exit_code = upkeep.carry_out(
                "verify", result.report, result.names, work, request.first, request.last
            )
        yield result
        if result.exit_code in (Exit.SIGINT, Exit.SIGTERM):
            return


def _check(visit: Visit, request: Request, repair: bool, result: Verified) -> None:
    target, tools, report = visit.target, visit.tools, visit.report
    known = _known(visit, request)
    shown = visit.look(known.keys())
    found = drifted(known, shown)
    past = {key: _past(kept) for key, kept in attempts(visit.store, [each.key for each in found]).items()}
    checked = sum(key in shown for key in known)
    result.drift = drift = sorted_out(found, known, past, checked)
    report.values, report.unchanged = len(known), checked - len(found)
    if found:
        forget(tools.state, target.job, (each.key.record.period for each in found))
    if repair:
        deliver(target, works_of(repairs(drift, known, past), target, tools), tools, report, dry=False)


def _known(visit: Visit, request: Request) -> dict[ValueKey, Known]:
    """The job's values in the range. What is in doubt is not checked but reported: the next run asks first."""
    scope = Scope(visit.tools.clock.now().date(), request.first, request.last)
    rhythms = {kpi.id: kpi.rhythm for kpi in visit.target.catalog.kpis.values()}
    wide = widen(scope, {Rhythm(Interval.DAY), *rhythms.values()})
    report, job = visit.report, visit.target.job
    doubts = {doubt.intent.key: doubt.job for doubt in visit.store.in_doubt(visit.target.name)}

    def asked(key: ValueKey) -> bool:
        return touches(scope, key.record.period, *rhythms.get(key.record.kpi, Rhythm(Interval.DAY)))

    report.doubts.extend(key for key, owner in doubts.items() if owner == job and asked(key))
    between = wide.first or scope.today.min, wide.last or scope.today.max
    known = visit.store.known(visit.target.name, *between)
    return {key: what for key, what in known.items() if what.job == job and key not in doubts and asked(key)}


def _past(kept: list[Attempt]) -> Past:
    sent = [attempt for attempt in kept if attempt.status is ChangeStatus.SENT]
    return Past(
        frozenset(attempt.new for attempt in kept if attempt.status in _OURS and attempt.new is not None),
        sent[-1].old if sent else None,
        next((attempt.source for attempt in reversed(kept) if attempt.status in _STOOD), ""),
    )


def drift_json(result: Verified) -> dict[str, Any]:
    """The part of an entry of `verify --json` that is about what was found."""
    drift, path = result.drift, result.names.path

    def shown(found: list[Drifted]) -> list[dict[str, Any]]:
        return [{"path": path(each.key), "old": each.number, "found": each.found} for each in found]

    return {
        "checked": drift.checked,
        "missing": shown(drift.missing),
        "different": shown(drift.different),
        "edited": shown(drift.edited),
        "duplicates": [{**shown([each])[0], "copies": each.copies} for each in drift.duplicates],
        "repaired": result.repaired,
    }


def verify_json(result: Verified) -> dict[str, Any]:
    """One entry of `verify --json`."""
    report = result.report
    return {
        "job": report.job,
        "run": report.run,
        **drift_json(result),
        "doubtful": [result.names.path(key) for key in report.doubts],
        "rejects": [reject_json(rejection) for rejection in report.rejections],
        "requests": dict(report.requests),
        "error": report.error,
    }
