"""Carries `kpisync resolve` out: what is in doubt, the evidence, and a person's answer."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace
from typing import Any

from kpisync.errors import ConfigError, DestinationError, Exit, combined
from kpisync.model import Intent
from kpisync.names import parse_path
from kpisync.state.open import open_readonly
from kpisync.state.runs import ChangeRow, doubtful, open_doubts
from kpisync.state.store import Store
from kpisync.sync.look import Shown
from kpisync.sync.report import Report
from kpisync.sync.resolve import Answer, Evidence, contradiction, settled
from kpisync.upkeep.visit import Ended, Upkeep


@dataclass(frozen=True)
class Doubtful:
    """One attempt in doubt; `error` says why the platform could not be asked, `refused` why an answer was not taken."""

    attempt: ChangeRow
    path: str
    evidence: Evidence
    answer: Answer | None = None
    error: str | None = None
    refused: str | None = None

    @property
    def intent(self) -> Intent:
        return Intent(self.attempt.key, self.attempt.old, self.attempt.new, self.attempt.source)


@dataclass
class Resolved:
    """What is in doubt and was asked for, in its order; what of it has an answer now has one in its entry."""

    doubts: list[Doubtful]
    requests: Counter[str] = field(default_factory=Counter)
    codes: list[Exit] = field(default_factory=list)

    @property
    def exit_code(self) -> Exit:
        is_open = any(each.answer is None for each in self.doubts)
        return combined([*self.codes, Exit.PARTIAL if is_open else Exit.OK])


def listed(upkeep: Upkeep, value: str | None, offline: bool) -> Resolved:
    """What is in doubt, or one value of it, with what the platforms show now. Raises ConfigError for another value."""
    with closing(open_readonly(upkeep.settings.state)) as store:
        found = [_doubtful(upkeep, attempt) for attempt in doubtful(store)]
        if value is not None:
            found = _only(upkeep, found, value)
        result = Resolved(found)
        if not offline:
            for destination in dict.fromkeys(each.attempt.key.record.destination for each in found):
                _ask(upkeep, store, destination, result)
        return result


def answer(upkeep: Upkeep, result: Resolved, given: Answer, force: bool) -> None:
    """Record an answer for each of what was listed, unless the evidence contradicts; each job under its lock."""
    for job in dict.fromkeys(each.attempt.job for each in result.doubts):
        report = Report(job)

        def work(store: Store, job: str = job, report: Report = report) -> Ended:
            still = {(doubt.run, doubt.intent) for doubt in open_doubts(store)}
            mine = {}
            for at, each in enumerate(result.doubts):
                if each.attempt.job == job:
                    mine[at] = _judged(upkeep, each, given, force, (each.attempt.run, each.intent) in still)
            answered = [each for each in mine.values() if each.answer]
            store.settle(report.run or "", [settled(each.evidence, given) for each in answered])
            result.doubts = [mine.get(at, each) for at, each in enumerate(result.doubts)]
            return Ended(len(answered) == len(mine), {"resolved": {each.path: str(given) for each in answered}})

        result.codes.append(upkeep.carry_out("resolve", report, upkeep.names(""), work))
        if report.error:
            result.doubts = [
                replace(each, refused=report.error) if each.attempt.job == job else each for each in result.doubts
            ]


def _judged(upkeep: Upkeep, each: Doubtful, given: Answer, force: bool, still: bool) -> Doubtful:
    """With the answer, or with what speaks against it."""
    if not still:
        return replace(each, refused="a run has settled it in between")
    against = each.error or contradiction(each.evidence, given, upkeep.clock.now())
    if against and not force:
        return replace(each, refused=f"{against}; --force takes the answer all the same")
    return replace(each, answer=given)


def _doubtful(upkeep: Upkeep, attempt: ChangeRow) -> Doubtful:
    assert attempt.settles  # noqa: S101 - what is in doubt has it
    path = upkeep.names(attempt.key.record.destination).path(attempt.key)
    return Doubtful(attempt, path, Evidence(attempt.key, attempt.old, attempt.new, attempt.settles))


def _only(upkeep: Upkeep, found: Sequence[Doubtful], value: str) -> list[Doubtful]:
    """By its path as it is listed, which also serves where the configuration does not know it any more."""
    chosen = [each for each in found if each.path == value]
    if not chosen:
        key = parse_path(value, {name: upkeep.names(name).catalog for name in upkeep.loaded.destinations})
        chosen = [each for each in found if each.attempt.key == key]
    if not chosen:
        raise ConfigError(f"{value} is not in doubt", hint="`kpisync resolve` lists what is")
    return chosen


def _ask(upkeep: Upkeep, store: Store, destination: str, result: Resolved) -> None:
    """What the platform shows now; where it cannot be asked, the entries say why."""
    mine = {each.attempt.key for each in result.doubts if each.attempt.key.record.destination == destination}
    jobs = [each.attempt.job for each in result.doubts if each.attempt.key in mine]
    shown, why, report = Shown(), "its record could not be read", Report("")
    try:
        with upkeep.visit(jobs[0], destination, store, report) as visit:
            shown = visit.look(mine)
    except (ConfigError, DestinationError) as error:
        why = upkeep.said(error)
    result.requests += report.requests
    for at, each in enumerate(result.doubts):
        key = each.attempt.key
        if key in shown:
            seen = replace(each.evidence, asked=True, shows=shown[key], remote=shown.remotes.get(key))
            result.doubts[at] = replace(each, evidence=seen)
        elif key in mine:
            result.doubts[at] = replace(each, error=f"the platform could not be asked: {why}")


def resolve_json(result: Resolved) -> dict[str, Any]:
    """What `resolve --json` shows."""
    return {
        "resolve": [_entry(each) for each in result.doubts],
        "requests": dict(result.requests),
    }


def _entry(each: Doubtful) -> dict[str, Any]:
    attempt, evidence = each.attempt, each.evidence
    return {
        "path": each.path,
        "old": attempt.old,
        "new": attempt.new,
        "source": attempt.source,
        "job": attempt.job,
        "run": attempt.run,
        "intended_at": attempt.intended_at.isoformat(timespec="seconds"),
        "settles": evidence.settles.isoformat(timespec="seconds"),
        "words": attempt.answer,
        "asked": evidence.asked,
        "shows": evidence.shows,
        "error": each.error,
        "answer": each.answer and str(each.answer),
        "refused": each.refused,
    }
