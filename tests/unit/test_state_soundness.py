"""A store is called sound only if all of it can be read and every reference leads somewhere."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from test_state_builders import begin, intent, key, opened, sent, url_of

from kpisync.errors import StateError
from kpisync.model import Rejection, RunStatus, Scope
from kpisync.state.backup import backup
from kpisync.state.rejects import Looked
from kpisync.state.soundness import examine
from kpisync.state.upgrade import SHIPPED
from kpisync.testing.clock import NOON


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Two values known, one in doubt, one reject open."""
    with opened(tmp_path / "kpisync.db") as store:
        sent(store)
        run = sent(store, key(team="line-2"))
        store.intend(run, [intent(key(team="line-3"))], NOON)
        store.reject(run, [Rejection("a.csv:2", "unknown-team", "L9")], Looked(None, None, Scope(NOON.date()), True))
        store.finish_run(run, NOON, RunStatus.OK, 0, {"confirmed": 1})
        begin(store, "other")
    return tmp_path / "kpisync.db"


def changed(file: Path, *statements: str) -> tuple[str, ...]:
    """What is found after somebody had their hands in it."""
    with closing(sqlite3.connect(file)) as connection, connection:
        for statement in statements:
            connection.execute(statement)
    return examine(url_of(file)).problems


def test_a_sound_store_is_counted(file: Path) -> None:
    found = examine(url_of(file))
    assert found.problems == ()
    assert (found.values, found.runs, found.changes, found.in_doubt, found.open_rejects) == (2, 3, 3, 1, 1)
    assert found.revision == SHIPPED.head
    assert found.is_current


def test_a_copy_is_examined_like_the_store(file: Path, tmp_path: Path) -> None:
    backup(url_of(file), tmp_path / "saved.db")
    assert examine(url_of(tmp_path / "saved.db")).values == 2


def test_nothing_is_changed_by_it(file: Path) -> None:
    before = file.read_bytes()
    examine(url_of(file))
    assert file.read_bytes() == before
    assert {path.name for path in file.parent.iterdir() if path.is_file()} == {"kpisync.db"}


def test_it_is_examined_while_it_is_in_use(file: Path) -> None:
    with opened(file) as store:
        run = begin(store)
        assert examine(url_of(file)).runs == 4
        store.intend(run, [intent()], NOON)


@pytest.mark.parametrize(
    ("statement", "problem"),
    [
        ("UPDATE value SET number = 'many'", "2 rows of value hold a number that cannot be read (number)"),
        (
            "UPDATE value SET number = 'NaN' WHERE series = 1",
            "1 row of value hold a number that cannot be read (number)",
        ),
        ("UPDATE change SET new = x'00ff' WHERE id = 1", "1 row of change hold a number that cannot be read (new)"),
        ("UPDATE change SET status = 99 WHERE id = 1", "1 row of change hold what is no status (status)"),
        ("UPDATE value SET period = -1 WHERE series = 1", "1 row of value hold what is no day (period)"),
        ("UPDATE run SET report = '{' WHERE id = 2", "1 row of run hold a report that cannot be read (report)"),
        ("UPDATE run SET status = 'fine' WHERE id = 2", "1 row of run hold what is no status of a run (status)"),
        ("DELETE FROM run WHERE id = 1", "1 row of change refer to rows of run that are not there"),
        ("UPDATE change SET status = 0, series = 3", "1 value is in doubt more than once"),
    ],
)
def test_what_cannot_be_read_or_leads_nowhere_is_named(file: Path, statement: str, problem: str) -> None:
    assert problem in changed(file, statement)


def test_a_damaged_page_is_named(file: Path) -> None:
    pages = file.read_bytes()
    file.write_bytes(pages[:8192] + b"\xff" * 4096 + pages[12288:])
    problems = examine(url_of(file)).problems
    assert any("damaged" in problem for problem in problems)


def test_an_older_schema_is_sound_and_said_to_be_older(file: Path) -> None:
    assert changed(file, "UPDATE alembic_version SET version_num = '0001'") == ()
    found = examine(url_of(file))
    assert (found.revision, found.is_current) == ("0001", False)


@pytest.mark.parametrize("content", [b"no database" * 1000, b"", None])
def test_what_is_no_store_is_refused(tmp_path: Path, content: bytes | None) -> None:
    file = tmp_path / "saved.db"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(StateError):
        examine(url_of(file))


def test_a_store_of_a_newer_kpisync_is_refused(file: Path) -> None:
    with pytest.raises(StateError, match="written by a newer kpisync"):
        changed(file, "UPDATE alembic_version SET version_num = '9999'")
