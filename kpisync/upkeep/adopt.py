"""Carries `kpisync adopt` out: the source says which values, the platform which numbers; nothing is sent."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from typing import Any

from kpisync.errors import Exit
from kpisync.jobs import Request
from kpisync.model import KpiValue
from kpisync.names import Names
from kpisync.reports import run_json
from kpisync.state.numbering import chunks
from kpisync.state.store import Store
from kpisync.sync.adopt import Adoption, adoption, without_rivals
from kpisync.sync.extract import Extraction
from kpisync.sync.look import known_of
from kpisync.sync.partitions import forget
from kpisync.sync.report import Report
from kpisync.upkeep.visit import Ended, Upkeep, Visit

_AT_ONCE = 4096  # values that become known in one transaction


@dataclass
class Adopted:
    """How an adoption ended."""

    report: Report
    names: Names
    first: date | None
    last: date | None
    exit_code: Exit = Exit.OK
    found: Adoption = field(default_factory=Adoption)


def adopt(upkeep: Upkeep, request: Request) -> Adopted:
    """Make known what the platform holds of a job's values, in the dates that a run would look at."""
    (name,) = upkeep.builder.chosen(request)
    config = upkeep.loaded.jobs.get(name)
    names = upkeep.names(config.destination if config else "")
    result = Adopted(Report(name), names, request.first, request.last)
    if upkeep.broken(result.report):
        result.exit_code = Exit.CONFIG
        return result

    def work(store: Store) -> Ended:
        with upkeep.visit(name, upkeep.loaded.jobs[name].destination, store, result.report) as visit:
            values = _stated(upkeep, request, visit)
            result.found = _adopt(values, visit)
        return Ended(True, _counts(result.found))

    result.exit_code = upkeep.carry_out("adopt", result.report, names, work, request.first, request.last)
    return result


def _stated(upkeep: Upkeep, request: Request, visit: Visit) -> list[KpiValue]:
    """What the source states, but for the values that other jobs have. Every row is mapped."""
    config, report = upkeep.loaded.jobs[visit.target.job], visit.report
    source = upkeep.builder.source(config, visit.report.traffic)
    job = upkeep.builder.build(config, request, source, visit.target.destination, None, config.guard)
    tools = visit.tools
    extract = Extraction(job.name, job.source, job.mapper, "", tools.state, tools.progress).extract()
    keys = {value.key for value in extract.values}
    owners = {key: known.job for key, known in known_of(tools.state, keys).items()}
    owners |= {doubt.intent.key: doubt.job for doubt in tools.state.in_doubt(visit.target.name)}
    values, rejections = without_rivals(extract.values, owners, job.name, job.others)
    report.rows, report.values = extract.intake.read, len(extract.values)
    report.skipped, report.reading = dict(extract.intake.skipped), list(extract.intake.notes)
    report.rejections.extend([*extract.intake.rejections, *rejections])
    return values


def _adopt(values: list[KpiValue], visit: Visit) -> Adoption:
    state, target, report = visit.tools.state, visit.target, visit.report
    keys = {value.key for value in values}
    doubts = {doubt.intent.key for doubt in state.in_doubt(target.name)}
    shown = visit.look(keys - doubts)
    found = adoption(values, shown, known_of(state, keys), doubts, target.job)
    report.doubts.extend(found.doubts)
    report.unchanged = found.known
    if found.stands:
        forget(state, target.job, (key.record.period for key in found.stands))
    for some in chunks(found.stands.items(), _AT_ONCE):
        state.adopt(report.run or "", dict(some))
    return found


def _counts(found: Adoption) -> dict[str, Any]:
    return {
        "adopted": len(found.stands),
        "changing": found.changing,
        "known": found.known,
        "missing": found.missing,
    }


def adopt_json(result: Adopted) -> dict[str, Any]:
    """What `adopt --json` shows."""
    report = result.report
    return {**run_json(report, report.status, result.names, result.first, result.last), **_counts(result.found)}
