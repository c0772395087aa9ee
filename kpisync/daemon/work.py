"""What a task of the runner does: one run of one job, or one for each range of dates that has open rejects."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from kpisync.app import App
from kpisync.config.loaded import Loaded
from kpisync.daemon.planner import Due, Planner
from kpisync.daemon.runner import Stopped, Task, failed
from kpisync.daemon.storage import Storage
from kpisync.errors import Interrupted, KpisyncError
from kpisync.gates import Gates
from kpisync.jobs import JobResult, Request
from kpisync.ports import Clock
from kpisync.retry import retries
from kpisync.state.runs import open_rejects


@dataclass(frozen=True)
class Work:
    """Each run is on the configuration that `of` gives for its job when it begins."""

    clock: Clock
    gates: Gates
    storage: Storage
    planner: Planner
    of: Callable[[str], Loaded]

    def carry_out(self, task: Task, stopped: Stopped) -> Iterator[JobResult]:
        """The results of its runs; none if a due time was met by another process, or nothing is rejected any more."""
        if task.due and task.job not in self.planner.scheduled:
            return  # since it was queued, it has left the configuration
        try:
            self.storage.require()
            app = App(self.of(task.job), self.clock, stopped, gates=self.gates, store=self.storage.kept)
            if task.due:
                yield from self._due(app, task.due)
            elif task.retry:
                yield from self._again(app, task.job)
            else:
                yield from app.run(Request((task.job,)))
        except Interrupted as interrupted:
            yield failed(task.job, interrupted.why, interrupted.exit_code, skipped=True)
        except KpisyncError as error:
            yield failed(task.job, str(error), error.exit_code)

    def _due(self, app: App, due: Due) -> Iterator[JobResult]:
        if result := app.run_due(due.job, self.planner.newest(due), Request((due.job,), due.first)):
            yield result

    def _again(self, app: App, job: str) -> Iterator[JobResult]:
        with app.open_store() as store:
            found = [reject for reject in open_rejects(store) if reject.job == job]
        for request in retries(found):
            yield from app.run(request)
