"""Carries `kpisync undo` out: what a run changed and still stands is put back, as a run of its own."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

from kpisync.errors import Exit
from kpisync.model import Reply, ReplyKind, ValueChange, ValueKey
from kpisync.names import Names
from kpisync.reports import change_json, in_order, run_json
from kpisync.savedplan import Numbers, Only, allowed_by
from kpisync.state import runs
from kpisync.state.open import open_readonly
from kpisync.state.past import DONE, changed_later
from kpisync.state.runs import ChangeRow
from kpisync.state.store import Store
from kpisync.state.tables import ChangeStatus
from kpisync.sync.job import deliver
from kpisync.sync.look import known_of, works_of
from kpisync.sync.report import Report
from kpisync.sync.undo import Circumstances, Step, Undoing, undoing, values_of, wanted_back
from kpisync.upkeep.visit import Ended, Upkeep, Visit


@dataclass
class Undone:
    """How an undo ended, or what it would do; `undoes` is the run that it takes back.

    `found` is what it set out to do, `back` what stands as it was before, as far as it is known.
    """

    undoes: str
    report: Report
    names: Names
    exit_code: Exit = Exit.OK
    found: Undoing = field(default_factory=Undoing)
    back: dict[ValueKey, ValueChange] = field(default_factory=dict)

    @property
    def source(self) -> str:
        return f"undo of run {self.undoes}"


def plan_undo(upkeep: Upkeep, run_id: str) -> Undone:
    """What an undo would do: reads only, of the platform and the state store. Raises KpisyncError."""
    with closing(open_readonly(upkeep.settings.state)) as store:
        result = _of(upkeep, store, run_id)
        with _judged(upkeep, store, result):
            result.report.changes = result.found.changes
        result.exit_code = Exit.PARTIAL if result.found.left or result.report.rejections else Exit.OK
        return result


def undo(upkeep: Upkeep, run_id: str) -> Undone:
    """Put back what still stands of a run; what does not is left alone, and told. Raises ConfigError for no run."""
    with closing(open_readonly(upkeep.settings.state)) as store:
        result = _of(upkeep, store, run_id)

    def work(store: Store) -> Ended:
        with _judged(upkeep, store, result) as visit:
            if visit is not None and result.found.changes:
                _put_back(visit, result)
        return Ended(not result.found.left, {"undoes": result.undoes, "left": _left_json(result)})

    result.exit_code = upkeep.carry_out("undo", result.report, result.names, work)
    return result


def _of(upkeep: Upkeep, store: Store, run_id: str) -> Undone:
    found = runs.run(store, run_id)
    destinations = [change.key.record.destination for change in runs.changes(store, found.id)]
    return Undone(found.id, Report(found.job), upkeep.names(destinations[0] if destinations else ""))


@contextmanager
def _judged(upkeep: Upkeep, store: Store, result: Undone) -> Iterator[Visit | None]:
    """The platform that the run sent to, with what is to be undone found out; None: the run changed nothing."""
    steps = _steps(runs.changes(store, result.undoes))
    if not steps:
        yield None
        return
    destination = steps[0].key.record.destination
    with upkeep.visit(result.report.job, destination, store, result.report) as visit:
        keys = {step.key for step in steps}
        now = Circumstances(
            known_of(store, keys),
            {doubt.intent.key for doubt in store.in_doubt(destination)},
            changed_later(store, result.undoes),
            result.source,
            visit.target.apart,
        )
        result.report.values = len(steps)
        result.found = undoing(steps, visit.look(keys - now.later.keys()), now)
        yield visit


def _steps(changes: Iterable[ChangeRow]) -> list[Step]:
    """What a run did to each value in the end; what was refused, adopted or repeated is none of it.

    Where an attempt took away what stood there and a later one of the run put the new number, the first one knows it.
    """
    found: dict[ValueKey, Step] = {}
    stood: dict[ValueKey, Any] = {}
    for change in changes:
        if change.old is not None:
            stood[change.key] = change.old
        if change.status in (*DONE, ChangeStatus.IN_DOUBT):
            found[change.key] = Step(change.key, stood.get(change.key), change.new)
    return list(found.values())


def _put_back(visit: Visit, result: Undone) -> None:
    """Nothing of it is sent again, from before it is sent: a crash in between must not lead to the opposite."""
    changes, store = result.found.changes, visit.store
    back = values_of(changes)
    known = known_of(store, back.keys())
    wanted = [wanted_back(key, value.new, value.old, value.source, known.get(key)) for key, value in back.items()]
    only = Only(visit.target.destination, allowed_by(changes), _changed_since)
    target = replace(visit.target, destination=only)
    store.keep_undone({key: value.old for key, value in back.items()})
    try:
        deliver(target, works_of(wanted, target, visit.tools), visit.tools, visit.report, dry=False)
    finally:
        now, doubts = known_of(store, back.keys()), {doubt.intent.key for doubt in store.in_doubt(target.name)}
        stands = {key: now[key].number if key in now else None for key in back}
        result.back = {key: value for key, value in back.items() if key not in doubts and stands[key] == value.new}
        store.forget_undone(back.keys() - result.back.keys() - doubts)


def _changed_since(key: ValueKey, numbers: Numbers) -> Reply:
    return Reply(ReplyKind.REFUSED, words="it has changed since the undo looked at it, and was left alone")


def undo_json(result: Undone) -> dict[str, Any]:
    """What `undo --json` shows: the run's own counts, what was to be put back, and what was left alone."""
    report, names = result.report, result.names
    return {
        **run_json(report, report.status, names),
        "undoes": result.undoes,
        "changes": [change_json(change, names) for change in in_order(result.found.changes, names)],
        "left": _left_json(result),
    }


def _left_json(result: Undone) -> list[dict[str, Any]]:
    return [
        {"path": result.names.path(step.key), "old": step.old, "new": step.new, "reason": reason}
        for step, reason in result.found.left
    ]
