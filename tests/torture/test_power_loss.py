"""The power goes at any write: what the store had acknowledged is there when it is back, and the file is sound."""

from __future__ import annotations

import random
import re
import sqlite3
from dataclasses import dataclass, field
from typing import Any, Self

import apsw
import pytest
from forgetful_disk import Disk
from measure import amount
from shop_floor import floor, numbers

from kpisync.app import App
from kpisync.config.load import load
from kpisync.jobs import Request
from kpisync.testing.clock import FakeClock

pytestmark = pytest.mark.slow
RUNS = 2


@pytest.fixture(scope="module")
def statements(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """All that two runs say to SQLite, on the connections that write, with its numbers and pragmas."""
    said: list[list[str]] = []
    connect = sqlite3.connect

    def listening(*arguments: Any, **options: Any) -> sqlite3.Connection:
        said.append([])
        connection: sqlite3.Connection = connect(*arguments, **options)
        connection.set_trace_callback(said[-1].append)
        return connection

    with pytest.MonkeyPatch.context() as patch, floor(tmp_path_factory.mktemp("power")) as place:
        patch.setattr(sqlite3, "connect", listening)
        place.configure(state=f"sqlite:///{place.folder}/state/kpisync.db")
        for seed in range(RUNS):
            place.state(numbers(random.Random(seed), 5))
            (result,) = App(load(place.folder / "kpisync.yaml", {}), FakeClock()).run(Request(("actuals",)))
            assert result.exit_code == 0, result
    return [each for connection in said if "BEGIN IMMEDIATE" in connection for each in connection]


def syncing(statements: list[str], synchronous: str) -> list[str]:
    """The same with another word for how much is synced."""
    return [re.sub("^(PRAGMA synchronous =) .*", rf"\1 {synchronous}", each) for each in statements]


def as_wal(statements: list[str]) -> list[str]:
    """The same where a newer SQLite lets the store use a WAL; one connection needs no shared memory for it."""
    wal = "PRAGMA journal_mode = WAL"
    return ["PRAGMA locking_mode = EXCLUSIVE", *(wal if "PRAGMA journal_mode" in each else each for each in statements)]


def content(connection: apsw.Connection) -> Any:
    """All that a store holds, or what is wrong with it."""
    try:
        if connection.execute("PRAGMA integrity_check").fetchall() != [("ok",)]:
            return "damaged"
        return _rows(connection)
    except apsw.Error as error:
        return str(error)


def _rows(connection: apsw.Connection) -> Any:
    tables = connection.execute("SELECT name, sql FROM sqlite_master ORDER BY name").fetchall()
    rows = {name: connection.execute(f'SELECT * FROM "{name}"').fetchall() for name, sql in tables if _is_table(sql)}
    return [tables, rows]


def _is_table(sql: object) -> bool:
    return isinstance(sql, str) and sql.lstrip().upper().startswith("CREATE TABLE")


@dataclass
class Replay:
    """The statements once more, on a disk in memory; before each change in `at`, a picture of what would survive."""

    statements: list[str]
    keeps_unlinks: bool
    at: frozenset[int] = frozenset()
    dice: random.Random = field(default_factory=random.Random)
    commits: int = 0  # that were acknowledged
    stages: list[Any] = field(default_factory=list)  # what the store held before the first commit and after each
    pictures: list[tuple[int, int, dict[str, bytes]]] = field(default_factory=list)  # change, commits, files

    def run(self) -> Self:
        self.disk = Disk(keeps_unlinks=self.keeps_unlinks)
        self.disk.watch = self._look
        connection = self.disk.connect()
        self.stages.append(content(connection))
        for each in self.statements:
            connection.execute(each).fetchall()
            if each == "COMMIT":
                self.commits += 1
                if not self.at:
                    self.stages.append(content(connection))
        connection.close()
        return self

    def _look(self, change: int) -> None:
        if change in self.at:
            self.pictures.append((change, self.commits, self.disk.survivors(self.dice)))


def losses(statements: list[str], tries: int, keeps_unlinks: bool = False) -> list[str]:
    """What was lost, or damaged, in so many power losses."""
    whole = Replay(statements, keeps_unlinks).run()
    found = []
    for seed in range(-(-tries // 50)):
        dice = random.Random(seed)
        replay = Replay(statements, keeps_unlinks, frozenset(dice.sample(range(1, whole.disk.changes), 50)), dice).run()
        for change, commits, files in replay.pictures:
            connection = Disk(files).connect()
            connection.execute("PRAGMA locking_mode = EXCLUSIVE")  # a WAL is read without shared memory then
            if content(connection) not in whole.stages[commits : commits + 2]:
                found.append(f"seed {seed}: at change {change}, after commit {commits}")
            connection.close()
    return found


def test_the_recording_is_of_a_store_that_syncs_each_commit(statements: list[str]) -> None:
    assert {each for each in statements if "PRAGMA synchronous" in each} == {"PRAGMA synchronous = EXTRA"}
    assert sum("INSERT INTO change" in each for each in statements) >= RUNS
    assert statements.count("COMMIT") > 10


def test_nothing_acknowledged_is_lost_when_the_power_goes(statements: list[str]) -> None:
    assert losses(statements, amount(100, 5000)) == []


def test_nothing_acknowledged_is_lost_where_an_unlink_is_on_disk_at_once(statements: list[str]) -> None:
    assert losses(statements, amount(100, 5000), keeps_unlinks=True) == []


def test_nothing_acknowledged_is_lost_with_a_wal_either(statements: list[str]) -> None:
    assert losses(as_wal(statements), amount(100, 5000)) == []


def test_a_build_that_does_not_sync_the_folder_of_its_journal_is_found(statements: list[str]) -> None:
    """SQLite does so with EXTRA only: https://sqlite.org/pragma.html#pragma_synchronous."""
    assert losses(syncing(statements, "FULL"), 100)


def test_a_build_with_synchronous_normal_in_a_wal_is_found(statements: list[str]) -> None:
    assert losses(as_wal(syncing(statements, "NORMAL")), 100)


def test_a_build_that_never_syncs_is_found(statements: list[str]) -> None:
    assert losses(syncing(statements, "OFF"), 100, keeps_unlinks=True)
