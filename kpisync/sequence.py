"""`after:`: in which order jobs run, and which of them must not, because one before them did not end well."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import cache

from kpisync.config.loaded import JobConfig
from kpisync.errors import Exit
from kpisync.state.runs import last_runs
from kpisync.state.store import Store

_KIND = "run"  # a backfill says nothing of the days that it was not asked for


def in_order(names: Sequence[str], jobs: Mapping[str, JobConfig]) -> list[str]:
    """The same names, those that others come after first; beyond that their order stays. There are no circles."""
    ordered: dict[str, None] = {}

    def add(name: str) -> None:
        for other in jobs[name].after if name in jobs else ():
            if other in names:
                add(other)
        ordered.setdefault(name)

    for name in names:
        add(name)
    return list(ordered)


class Predecessors:
    """How the jobs ended that others come after: in this command, or else when they ran last."""

    def __init__(self, jobs: Mapping[str, JobConfig], store: Store) -> None:
        self._jobs = jobs
        self._ended: dict[str, Exit] = {}
        self._last_runs = cache(lambda: last_runs(store, [_KIND]))

    def enter(self, name: str, ended: Exit) -> None:
        self._ended[name] = ended

    def obstacle(self, name: str) -> str | None:
        """Why a job may not run now, as a sentence; None if all that it comes after ended well."""
        said = list(self._unwell(name))
        return f"not run: it comes after {'; '.join(said)}" if said else None

    def _unwell(self, name: str) -> Iterator[str]:
        for other in self._jobs[name].after if name in self._jobs else ():
            if other in self._ended:
                if self._ended[other] is not Exit.OK:
                    yield f"{other}, which did not end well just now (exit {int(self._ended[other])})"
                continue
            run = self._last_runs().get(other)
            if run is None:
                yield f"{other}, which never ran; run it first, or both: kpisync run {other} {name}"
            elif run.exit_code != Exit.OK:
                ended = "never ended" if run.exit_code is None else f"ended with {run.exit_code}"
                yield f"{other}, whose last run {run.id} {ended}; look at it, then: kpisync run {other} {name}"
