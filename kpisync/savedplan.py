"""A saved plan: what `plan --out` wrote, compared with what would be done now, and nothing else let through."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from itertools import islice
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, Field, ValidationError

from kpisync.errors import ConfigError, DestinationError, Exit, HeldError
from kpisync.jobs import JobResult, Request
from kpisync.model import Action, Change, RecordKey, Reply, ValueKey, Values
from kpisync.ports import Destination, Window
from kpisync.reports import plan_json, without_secrets
from kpisync.support.json import loads
from kpisync.sync.report import Report

_VERSION = 1
_SHOWN = 3  # differences that a message names

Numbers = tuple[Decimal | None, Decimal | None]  # old and new
Place = tuple[str | None, ...]  # destination, KPI, team, sub-tile, value kind, its id, period


class PlannedValue(BaseModel):
    value: str
    id: str
    old: Decimal | None
    new: Decimal | None
    source: str


class PlannedChange(BaseModel):
    action: Action
    destination: str
    kpi: str
    team: str | None
    sub_tile: str | None = None
    period: str
    values: list[PlannedValue]


class PlannedJob(BaseModel):
    job: str
    digest: str
    error: str | None = None
    changes: list[PlannedChange]

    def steps(self) -> dict[Place, tuple[Action, PlannedValue]]:
        return {
            (
                change.destination,
                change.kpi,
                change.team,
                change.sub_tile,
                value.value,
                value.id,
                change.period,
            ): (change.action, value)
            for change in self.changes
            for value in change.values
        }


class Asked(BaseModel):
    first: date | None = Field(alias="from")
    last: date | None = Field(alias="to")
    kpi: str | None
    team: str | None


class SavedPlan(BaseModel):
    """The part of `plan --json` that says what shall be done."""

    version: Literal[1]
    request: Asked
    jobs: list[PlannedJob]

    def asked(self, over_guard: bool) -> Request:
        names = tuple(job.job for job in self.jobs)
        return Request(names, self.request.first, self.request.last, self.request.kpi, self.request.team, over_guard)


def plan_document(
    request: Request, results: Iterable[JobResult], redact: Callable[[str], str] = lambda text: text
) -> dict[str, Any]:
    """`plan --json`, and what `plan --out` writes: with all that `run --plan` needs to tell whether it still fits."""
    document = {
        "version": _VERSION,
        "request": {
            "from": request.first and request.first.isoformat(),
            "to": request.last and request.last.isoformat(),
            "kpi": request.kpi,
            "team": request.team,
        },
        "jobs": [plan_json(result.report, result.names, result.digest) for result in results],
    }
    redacted: dict[str, Any] = without_secrets(document, redact)
    return redacted


def load_plan(path: Path) -> SavedPlan:
    """Read a file that `plan --out` wrote. Raises ConfigError."""
    hint = "Give the file that `kpisync plan --out FILE` wrote"
    try:
        return SavedPlan.model_validate(loads(path.read_bytes().decode("utf-8")))
    except OSError as error:
        raise ConfigError(f"cannot be read: {error.strerror}", where=str(path), hint=hint) from None
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(map(str, first["loc"])) or "the document"
        raise ConfigError(f"is not a saved plan: {place}: {first['msg']}", where=str(path), hint=hint) from None
    except ValueError as error:
        raise ConfigError(f"is not a saved plan: {error}", where=str(path), hint=hint) from None


# ---------------------------------------------------------------- before the first request that writes


def refuse_if_moved(saved: SavedPlan, now: Mapping[str, Any]) -> None:
    """Raises HeldError, naming the first differences, unless what a plan says now is exactly the saved one."""
    found = list(_differences(saved, SavedPlan.model_validate(now)))
    if found:
        more = f"; and {len(found) - _SHOWN} more" if len(found) > _SHOWN else ""
        raise moved("; ".join(islice(found, _SHOWN)) + more)


def moved(why: str, code: Exit = Exit.HELD) -> HeldError:
    """The refusal of a saved plan. Where something could not be used, its own exit code says so."""
    error = HeldError(
        f"the saved plan no longer fits, and nothing was sent: {why}",
        hint="Make a new plan with `kpisync plan --out FILE`, look at it, and run that",
    )
    error.exit_code = code
    return error


def _differences(saved: SavedPlan, now: SavedPlan) -> Iterator[str]:
    fresh = {job.job: job for job in now.jobs}
    for then in saved.jobs:
        if then.error is not None:
            yield f"job {then.job} could not be planned: {then.error}"
        elif then.digest != fresh[then.job].digest:
            yield f"job {then.job}: its configuration, its destination or the program changed"
        yield from _other_steps(then.steps(), fresh[then.job].steps())


def _other_steps(
    then: Mapping[Place, tuple[Action, PlannedValue]], now: Mapping[Place, tuple[Action, PlannedValue]]
) -> Iterator[str]:
    for place in dict.fromkeys([*then, *now]):
        path = "/".join(part for index, part in enumerate(place) if part is not None and index != 5)
        if place not in now:
            yield f"{path}: {_arrow(then[place][1])} is in the plan, and is not to be done any more"
        elif place not in then:
            yield f"{path}: {_arrow(now[place][1])} ({now[place][1].source}) is not in the plan"
        elif difference := _difference(*then[place], *now[place]):
            yield f"{path}: {_arrow(then[place][1])} is in the plan, {difference}"


def _difference(then: Action, planned: PlannedValue, now: Action, value: PlannedValue) -> str | None:
    if value.new != planned.new:
        return f"but the source states {_number(value.new)} now ({value.source})"
    if value.old != planned.old:
        return f"but {_number(value.old)} stands there now"
    return None if then is now else f"but to {now} its record now, not to {then} it"


def _arrow(value: PlannedValue) -> str:
    return f"{_number(value.old)} → {_number(value.new)}"


def _number(number: Decimal | None) -> str:
    return "nothing" if number is None else f"{number:f}"


# ---------------------------------------------------------------- at the moment of writing


class NotPlanned(DestinationError):
    """A change that is not in the saved plan was about to be sent."""

    exit_code = Exit.HELD


def allowed_by(changes: Iterable[Change]) -> dict[ValueKey, Numbers]:
    return {ValueKey(change.key, value.value): (value.old, value.new) for change in changes for value in change.values}


@dataclass(frozen=True)
class Only:
    """A destination that takes the changes of certain values alone; `otherwise` answers any other change, or raises."""

    destination: Destination
    allowed: Mapping[ValueKey, Numbers]
    otherwise: Callable[[ValueKey, Numbers], Reply]

    def windows(self, keys: Collection[RecordKey]) -> list[Window]:
        return self.destination.windows(keys)

    def read(self, window: Window) -> Mapping[RecordKey, Values]:
        return self.destination.read(window)

    def write(self, change: Change) -> Reply:
        for key, numbers in allowed_by([change]).items():
            if self.allowed.get(key) != numbers:
                return self.otherwise(key, numbers)
        return self.destination.write(change)

    def close(self) -> None:
        self.destination.close()


def not_planned(key: ValueKey, numbers: Numbers) -> Reply:
    """The run ends before it."""
    raise NotPlanned(
        f"{_number(numbers[0])} → {_number(numbers[1])} ({key.record.period}) is not in the saved plan: "
        "the platform or the source changed while it was carried out",
        where=f"destination {key.record.destination}",
        hint="Make a new plan with `kpisync plan --out FILE`, look at it, and run that",
    )


def enter(stop: NotPlanned, report: Report) -> None:
    """A run that was stopped is held if it sent nothing; otherwise the rest of it waits."""
    if report.created or report.updated or report.withdrawn or report.sent or report.in_doubt:
        report.notes.append(str(stop))
    else:
        report.held = str(stop)
