"""Histories for the tests of retention: years of runs of several jobs, and all that can be seen of a store."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path
from random import Random
from typing import Any

from sqlalchemy import func, select
from test_state_builders import DAY, key

from kpisync.model import Intent, Rejection, RunStatus, Scope, Settled, Stands, Status, ValueKey
from kpisync.state import runs, tables
from kpisync.state.dues import last_met, meet
from kpisync.state.open import open_store
from kpisync.state.past import attempts
from kpisync.state.rejects import Looked
from kpisync.state.store import Store
from kpisync.state.tables import ChangeStatus
from kpisync.testing.clock import NOON, FakeClock

EVER = (DAY.min, DAY.max)
JOBS = ("scrap", "output", "oee")
KINDS = ("run", "run", "run", "backfill", "verify")
STOOD = (ChangeStatus.CONFIRMED, ChangeStatus.SENT, ChangeStatus.ADOPTED)
OUTCOMES = (Status.CONFIRMED,) * 6 + (Status.SENT, Status.REFUSED, Status.WITHDRAWN, Status.IN_DOUBT)


@dataclass
class Plant:
    """A store that grows old, in memory at first: a day passes with each run; `began` is when each of them began."""

    random: Random
    url: str = "sqlite://"

    def __post_init__(self) -> None:
        self.clock = FakeClock(NOON - timedelta(days=1000))
        self.began: dict[str, datetime] = {}
        self.store = open_store(self.url, self.clock)

    def move(self, file: Path) -> Plant:
        """Go on in a file, which got all of it at once: a disk is waited for only here."""
        with self.store.reading() as connection, closing(sqlite3.connect(file)) as copy:
            held: Any = connection.connection.dbapi_connection
            held.backup(copy)
        self.store.close()
        self.url = f"sqlite:///{file}"
        self.store = open_store(self.url, self.clock)
        return self

    def live(self, count: int) -> Plant:
        for _ in range(count):
            self.run()
            self.clock.sleep(86_400)
        return self

    def run(self) -> None:
        """A run that does some of what runs do, and seldom is killed."""
        dice, job = self.random, self.random.choice(JOBS)
        run = self.store.begin_run(job, dice.choice(KINDS), self.clock.now())
        self.began[run] = self.clock.now()
        file = f"exports/{job}_{dice.randrange(4)}.csv"
        self._send(run, job, file)
        if dice.random() < 0.4:
            known = self.store.known("board", *EVER).items()
            sent = [Settled(each, Status.CONFIRMED, its.number) for each, its in known if its.status is Status.SENT]
            self.store.settle(run, sent[:2])
        if dice.random() < 0.15:
            self.store.keep_undone({self._key(job): Decimal(7)})
        self._reject(run, file)
        meet(self.store, [(job, self.clock.now())], self.clock.now(), run if dice.random() < 0.8 else None)
        if dice.random() < 0.9:
            digest = f"sha256:{dice.randrange(30)}"
            report = {"confirmed": dice.randrange(2)}
            self.store.finish_run(run, self.clock.now(), RunStatus.OK, 0, report, {file: digest})

    def _send(self, run: str, job: str, file: str) -> None:
        keys = list({self._key(job): None for _ in range(self.random.randrange(5))})
        intents = [Intent(each, None, Decimal(self.random.randrange(9)), f"{file}:{n}") for n, each in enumerate(keys)]
        if self.random.random() < 0.2:
            self.store.adopt(run, {each.key: Stands(each.new or Decimal(0), each.source) for each in intents})
            return
        self.store.intend(run, intents, self.clock.now())
        if self.random.random() < 0.9:
            self.store.settle(run, [self._outcome(each) for each in intents])

    def _outcome(self, intent: Intent) -> Settled:
        status = self.random.choice(OUTCOMES)
        number = intent.new if status in (Status.CONFIRMED, Status.SENT) else None
        return Settled(intent.key, status, number, "200")

    def _reject(self, run: str, file: str) -> None:
        dice = self.random
        found = [Rejection(f"{file}:{n}", "unknown-team", "L9", None, None) for n in range(dice.randrange(3))]
        looked = Looked(None, None, Scope(DAY), whole=True) if dice.random() < 0.5 else None
        self.store.reject(run, found, looked)

    def _key(self, job: str) -> ValueKey:
        return key(DAY - timedelta(days=self.random.randrange(12)), team=job)

    def ago(self, days: int) -> datetime:
        return self.clock.now() - timedelta(days=days)


def kept_views(store: Store, before: datetime, began: dict[str, datetime], now: datetime) -> dict[str, Any]:
    """What must look the same after forgetting."""
    newest = [run for run, at in began.items() if at >= before]
    return {
        "known": dict(store.known("board", *EVER)),
        "in doubt": store.in_doubt("board"),
        "undone": store.undone("board"),
        "open rejects": runs.open_rejects(store),
        "doubtful": runs.doubtful(store),
        "last runs": runs.last_runs(store),
        "last of each kind": [runs.last_runs(store, [kind]) for kind in KINDS],
        "last met": last_met(store, now),
        "jobs": _rows(store, select(tables.job)),
        "about": runs.about(store),
        "runs": [(runs.run(store, run), runs.changes(store, run), runs.rejects(store, run)) for run in newest],
        "standing": {each: runs.life(store, each).standing for each in store.known("board", *EVER)},
    }


def came_from(store: Store) -> dict[ValueKey, list[runs.ChangeRow]]:
    """Of each known number the changes that tell where it came from, with the hash of the source.

    Those of the run behind it; where that run wrote none, the last one that brought this number.
    """
    found = {}
    for each in store.known("board", *EVER):
        life = runs.life(store, each)
        assert life.standing
        own = [change for change in life.changes if change.run == life.standing.run]
        equal = [one for one in life.changes if one.new == life.standing.number and one.status in STOOD]
        found[each] = own or equal[-1:]
    return found


def histories(store: Store) -> dict[ValueKey, Any]:
    return attempts(store, list(store.known("board", *EVER)))


def counts(store: Store) -> dict[str, int]:
    wanted = (tables.run, tables.change, tables.reject, tables.due, tables.origin, tables.run_origin, tables.value)
    with store.reading() as connection:
        return {
            str(table.name): connection.execute(select(func.count()).select_from(table)).scalar_one()
            for table in wanted
        }


def unreferred_old_runs(store: Store, before: datetime) -> set[int]:
    """Old runs that nothing needs: by the plain rules, without regard to time."""
    with store.reading() as connection:
        old = set(connection.execute(select(tables.run.c.id).where(tables.run.c.started < before)).scalars())
        for column in (
            tables.value.c.run,
            tables.change.c.run,
            tables.change.c.settled_by,
            tables.reject.c.run,
            tables.due.c.run,
            tables.job.c.last_run,
        ):
            old -= set(connection.execute(select(column)).scalars())
        old -= set(
            connection.execute(
                select(func.max(tables.run.c.id)).group_by(tables.run.c.job, tables.run.c.kind)
            ).scalars()
        )
        is_it = (tables.job.c.id == tables.run.c.job) & (tables.job.c.confirmed == tables.run.c.ended)
        last_confirmed = select(func.max(tables.run.c.id)).join(tables.job, is_it).group_by(tables.run.c.job)
        return old - set(connection.execute(last_confirmed).scalars())


def _rows(store: Store, query: Any) -> list[tuple[Any, ...]]:
    with store.reading() as connection:
        return [tuple(row) for row in connection.execute(query)]


def dangling(store: Store) -> list[tuple[Any, ...]]:
    """References that lead nowhere; a server lets none be."""
    with store.reading() as connection:
        if connection.dialect.name != "sqlite":
            return []
        return [tuple(row) for row in connection.exec_driver_sql("PRAGMA foreign_key_check")]
