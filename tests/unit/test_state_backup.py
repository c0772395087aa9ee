"""A copy is whole or not there; a store is replaced by a checked copy or not at all."""

from __future__ import annotations

import sqlite3
import stat
from decimal import Decimal
from pathlib import Path

import pytest
from test_state_builders import EVER, SteppingClock, begin, key, opened, sent, url_of

from kpisync.errors import LockedError, StateError
from kpisync.state import engine
from kpisync.state.backup import backup, restore
from kpisync.state.lock import job_lock
from kpisync.state.open import open_readonly, upgrade_store
from kpisync.state.store import Store


@pytest.fixture
def file(tmp_path: Path) -> Path:
    with opened(tmp_path / "kpisync.db") as store:
        sent(store, number="1")
    return tmp_path / "kpisync.db"


@pytest.fixture
def saved(file: Path, tmp_path: Path) -> Path:
    """A backup from when the number was 1; it is 2 now."""
    backup(url_of(file), tmp_path / "saved.db")
    with opened(file) as store:
        sent(store, number="2")
    return tmp_path / "saved.db"


def number(store: Store) -> Decimal:
    return store.known("board", *EVER)[key()].number


def number_in(file: Path) -> Decimal:
    with open_readonly(url_of(file)) as store:
        return number(store)


def leftovers(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir() if path.is_file()} - {"kpisync.db", "saved.db"}


def test_a_backup_is_a_whole_store(saved: Path, file: Path) -> None:
    assert (number_in(saved), number_in(file)) == (1, 2)


def test_a_backup_is_its_owners_alone(saved: Path) -> None:
    assert stat.S_IMODE(saved.stat().st_mode) == 0o600


def test_a_backup_is_one_file(saved: Path) -> None:
    assert leftovers(saved.parent) == set()


def test_a_backup_is_made_while_a_store_is_open(file: Path, tmp_path: Path) -> None:
    with opened(file) as store:
        begin(store)
        backup(url_of(file), tmp_path / "saved.db")
        sent(store, number="2")
    assert number_in(tmp_path / "saved.db") == 1


def test_a_newer_backup_replaces_an_older_one(saved: Path, file: Path) -> None:
    backup(url_of(file), saved)
    assert number_in(saved) == 2


def test_a_damaged_store_does_not_replace_a_good_backup(saved: Path, file: Path) -> None:
    file.write_bytes(file.read_bytes()[:8192] + b"\xff" * 4096 + file.read_bytes()[12288:])
    with pytest.raises(StateError, match="damaged"):
        backup(url_of(file), saved)
    assert number_in(saved) == 1
    assert leftovers(saved.parent) == set()


def test_a_backup_never_replaces_the_store_itself(file: Path) -> None:
    with pytest.raises(StateError, match="would replace the store itself"):
        backup(url_of(file), file)
    assert number_in(file) == 1


def test_a_missing_store_has_no_backup(tmp_path: Path) -> None:
    with pytest.raises(StateError, match="no state store here"):
        backup(url_of(tmp_path / "nothing.db"), tmp_path / "saved.db")
    assert list(tmp_path.iterdir()) == []


def test_a_backup_into_a_missing_folder_is_refused(file: Path, tmp_path: Path) -> None:
    with pytest.raises(StateError, match="No such file or directory"):
        backup(url_of(file), tmp_path / "nowhere" / "saved.db")


def test_a_server_is_backed_up_by_its_own_tools(tmp_path: Path) -> None:
    with pytest.raises(StateError, match="pg_dump"):
        backup("postgresql://host/db", tmp_path / "saved.db")


def test_a_restored_store_is_the_one_of_the_backup(saved: Path, file: Path) -> None:
    restore(saved, url_of(file))
    assert number_in(file) == 1
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_the_replaced_store_is_kept_aside(saved: Path, file: Path) -> None:
    first, second = restore(saved, url_of(file)), restore(saved, url_of(file))
    assert first is not None and number_in(first) == 2
    assert second is not None and number_in(second) == 1
    assert leftovers(file.parent) == {first.name, second.name}


def test_a_store_is_restored_where_there_was_none(saved: Path, tmp_path: Path) -> None:
    assert restore(saved, url_of(tmp_path / "new" / "kpisync.db")) is None
    assert number_in(tmp_path / "new" / "kpisync.db") == 1


def test_a_damaged_store_can_be_replaced_and_is_kept(saved: Path, file: Path) -> None:
    file.write_bytes(b"no database any more" * 1000)
    file.with_name("kpisync.db-wal").write_bytes(b"of the damaged file")
    aside = restore(saved, url_of(file))
    assert number_in(file) == 1
    assert aside is not None and aside.read_bytes().startswith(b"no database")
    assert f"{aside.name}-wal" in leftovers(file.parent)
    assert "kpisync.db-wal" not in leftovers(file.parent)


def test_an_empty_file_can_be_replaced(saved: Path, file: Path) -> None:
    file.write_bytes(b"")
    restore(saved, url_of(file))
    assert number_in(file) == 1


@pytest.mark.parametrize("content", [b"no database" * 1000, b""])
def test_what_is_no_backup_replaces_nothing(file: Path, tmp_path: Path, content: bytes) -> None:
    (tmp_path / "saved.db").write_bytes(content)
    with pytest.raises(StateError):
        restore(tmp_path / "saved.db", url_of(file))
    assert number_in(file) == 1
    assert leftovers(tmp_path) == set()


def test_a_foreign_database_replaces_nothing(file: Path, tmp_path: Path) -> None:
    connection = sqlite3.connect(tmp_path / "saved.db")
    connection.execute("CREATE TABLE letters (id INTEGER)")
    connection.close()
    with pytest.raises(StateError, match="not a state store of kpisync"):
        restore(tmp_path / "saved.db", url_of(file))
    assert number_in(file) == 1


def test_a_backup_of_a_newer_kpisync_replaces_nothing(saved: Path, file: Path) -> None:
    connection = sqlite3.connect(saved)
    with connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
    connection.close()
    with pytest.raises(StateError, match="written by a newer kpisync"):
        restore(saved, url_of(file))
    assert number_in(file) == 2


def test_nothing_is_restored_under_a_running_job(saved: Path, file: Path) -> None:
    with job_lock(url_of(file), "scrap-daily"), pytest.raises(LockedError, match="runs job scrap-daily"):
        restore(saved, url_of(file))
    assert number_in(file) == 2


def test_whoever_has_the_old_store_open_finds_out(saved: Path, file: Path) -> None:
    with opened(file) as store:
        restore(saved, url_of(file))
        with pytest.raises(StateError, match="removed or replaced"):
            sent(store, number="3")
    assert number_in(file) == 1


def test_a_restored_store_is_current(saved: Path, file: Path) -> None:
    restore(saved, url_of(file))
    assert upgrade_store(url_of(file), SteppingClock()).backup is None


def test_a_store_that_is_open_and_idle_finds_out_at_its_next_write(saved: Path, file: Path) -> None:
    with opened(file) as idle:
        assert number(idle) == 2
        restore(saved, url_of(file))
        with pytest.raises(StateError) as told:
            begin(idle)
    assert "Start again" in str(told.value)
    assert number_in(file) == 1


class TestWithWal:
    """As on a machine whose SQLite may use a WAL: its files are shared by whoever has the store open."""

    @pytest.fixture(autouse=True)
    def wal(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(engine, "_WAL_IS_SOUND", (0,))

    def test_a_store_that_is_open_is_not_replaced(self, saved: Path, file: Path) -> None:
        with opened(file) as store:
            sent(store, number="3")
            with pytest.raises(StateError, match="another process has the state store open"):
                restore(saved, url_of(file))
            assert number(store) == 3
        assert leftovers(file.parent) == set()

    def test_a_store_whose_connections_are_given_up_is_replaced_and_finds_out(self, saved: Path, file: Path) -> None:
        with opened(file) as idle:
            sent(idle, number="3")
            idle.close()  # it may be used again, and then connects anew
            restore(saved, url_of(file))
            with pytest.raises(StateError, match="removed or replaced"):
                begin(idle)
        assert number_in(file) == 1

    def test_a_backup_holds_what_is_in_the_wal(self, file: Path, tmp_path: Path) -> None:
        with opened(file) as store:
            sent(store, number="3")
            backup(url_of(file), tmp_path / "saved.db")
        assert number_in(tmp_path / "saved.db") == 3
