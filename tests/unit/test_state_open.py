"""A store is made, migrated, or refused with a reason; a reader leaves no trace."""

from __future__ import annotations

import os
import shutil
import sqlite3
import stat
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from test_state_builders import EVER, START, SteppingClock, begin, intent, key, opened, python, sent, url_of

from kpisync.errors import Exit, LockedError, StateError
from kpisync.model import Stands
from kpisync.state import tables
from kpisync.state.engine import Location, connect, explained, locate, writing
from kpisync.state.lock import job_lock
from kpisync.state.open import Upgraded, open_readonly, open_store, upgrade_store
from kpisync.state.runs import about
from kpisync.state.upgrade import SHIPPED, Schema, create, migrations_folder, upgrade


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "state" / "kpisync.db"


@pytest.fixture
def newer(tmp_path: Path) -> Schema:
    """A kpisync to come, with one more migration."""
    return coming(tmp_path, 'op.add_column("job", sa.Column("colour", sa.String))')


def coming(folder: Path, *statements: str) -> Schema:
    target = folder / "to come 100%"
    shutil.copytree(migrations_folder(), target)
    lines = [
        "import os, signal",
        "import sqlalchemy as sa",
        "from alembic import op",
        f'revision, down_revision = "next", "{SHIPPED.head}"',
        "def upgrade():",
        *(f"    {statement}" for statement in statements),
    ]
    (target / "versions" / "rev_next.py").write_text("\n".join(lines))
    return Schema((*SHIPPED.revisions, "next"), target)


def traces(folder: Path) -> dict[str, bytes]:
    return {str(path): path.read_bytes() if path.is_file() else b"" for path in folder.rglob("*")}


def query(file: Path, sql: str) -> list[tuple[object, ...]]:
    connection = sqlite3.connect(file)
    try:
        return connection.execute(sql).fetchall()
    finally:
        connection.close()


def permissions(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


# ---------------------------------------------------------------- made


def test_a_new_store_is_readable_by_its_owner_alone(file: Path) -> None:
    with opened(file):
        assert permissions(file) == 0o600
        assert permissions(file.parent) == 0o700


def test_parent_folders_are_made(tmp_path: Path) -> None:
    with opened(tmp_path / "a" / "b" / "kpisync.db"):
        assert (tmp_path / "a" / "b" / "kpisync.db").is_file()


def test_a_store_says_which_one_it_is_and_since_when(file: Path) -> None:
    with opened(file) as store:
        told = about(store)
    with opened(file) as store:
        assert about(store) == told
    assert len(told["instance"]) == 26
    assert told["created"].startswith("2026-11-20T06:15")


def test_a_leftover_of_a_killed_start_is_in_nobodys_way(file: Path) -> None:
    file.parent.mkdir()
    file.with_name("kpisync.db.new").write_bytes(b"half")
    with opened(file) as store:
        sent(store)


def test_every_commit_is_on_disk_before_it_is_answered(file: Path) -> None:
    with opened(file):
        engine = connect(locate(url_of(file)))
    with writing(engine, "") as connection:
        found = [connection.exec_driver_sql(f"PRAGMA {name}").scalar() for name in ("synchronous", "foreign_keys")]
        journal = connection.exec_driver_sql("PRAGMA journal_mode").scalar()
    engine.dispose()
    assert found == [3, 1]  # EXTRA, ON: with FULL a removed journal may come back after a power loss
    assert journal == ("wal" if sqlite3.sqlite_version_info >= (3, 51, 3) else "delete")


def test_two_writers_that_read_first_lose_no_update(file: Path) -> None:
    with opened(file):
        engine = connect(locate(url_of(file)))
    with writing(engine, "") as connection:
        connection.exec_driver_sql("SELECT * FROM job").all()
        other = sqlite3.connect(file, timeout=0)
        with pytest.raises(sqlite3.OperationalError, match="locked"):
            other.execute("BEGIN IMMEDIATE")
        other.close()
    engine.dispose()


def test_two_processes_with_different_jobs_work_beside_each_other(file: Path) -> None:
    code = """
        import sys
        from pathlib import Path
        from test_state_builders import key, opened, sent
        job = sys.argv[2]
        with opened(Path(sys.argv[1])) as store:
            for number in range(25):
                sent(store, key(team=f"{job}-{number}"), str(number), job)
    """
    with python(code, file, "first") as one, python(code, file, "second") as other:
        assert (one.wait(), other.wait()) == (0, 0)
    with opened(file) as store:
        known = store.known("board", *EVER)
        assert sorted(found.job for found in known.values()) == ["first"] * 25 + ["second"] * 25
        assert {of.record.team: found.number for of, found in known.items() if found.job == "first"} == {
            f"first-{number}": number for number in range(25)
        }
        assert store.in_doubt("board") == []


# ---------------------------------------------------------------- migrated


def test_the_migrations_make_the_tables(tmp_path: Path) -> None:
    """To the letter, but for white space: SQLite keeps the text of each statement."""
    made, migrated = (Location("", tmp_path / name, name) for name in ("made.db", "migrated.db"))
    engine = connect(made, "create")
    create(engine, START, "")
    engine.dispose()
    engine = connect(migrated, "create", foreign_keys=False)
    upgrade(engine, "", SHIPPED)
    with engine.connect() as connection:
        context = MigrationContext.configure(connection)
        assert compare_metadata(context, tables.metadata) == []
    engine.dispose()
    schema = "SELECT name, sql FROM sqlite_master ORDER BY name"
    of_made, of_migrated = (
        [(name, "".join(str(sql).split())) for name, sql in query(tmp_path / file, schema)]
        for file in ("made.db", "migrated.db")
    )
    assert of_made == of_migrated


def test_the_revisions_are_those_of_the_scripts() -> None:
    config = Config()
    config.set_main_option("script_location", str(migrations_folder()))
    scripts = ScriptDirectory.from_config(config)
    assert SHIPPED.revisions == tuple(reversed([script.revision for script in scripts.walk_revisions()]))


def test_no_migration_file_begins_with_a_digit() -> None:
    """It is a module of the wheel."""
    names = [path.stem for path in (migrations_folder() / "versions").glob("*.py")]
    assert names
    assert all(name.isidentifier() for name in names)


def test_migrations_are_found_inside_an_installed_package(tmp_path: Path) -> None:
    package = tmp_path / "site-packages" / "kpisync"
    shutil.copytree(migrations_folder(), package / "migrations")
    assert migrations_folder(package) == package / "migrations"


def test_migrations_are_found_beside_the_package_in_a_checkout(tmp_path: Path) -> None:
    shutil.copytree(migrations_folder(), tmp_path / "migrations")
    assert migrations_folder(tmp_path / "kpisync") == tmp_path / "migrations"


def test_an_installation_without_migrations_says_so(tmp_path: Path) -> None:
    with pytest.raises(StateError, match="lacks its migrations"):
        migrations_folder(tmp_path / "kpisync")


def test_opening_a_store_does_not_load_alembic(file: Path) -> None:
    code = """
        import sys
        from pathlib import Path
        from test_state_builders import opened
        for _ in range(2):
            with opened(Path(sys.argv[1])):
                pass
        sys.exit("alembic" in sys.modules)
    """
    with python(code, file) as process:
        assert process.wait() == 0


def test_an_old_store_is_migrated_and_copied_before(file: Path, newer: Schema) -> None:
    with opened(file) as store:
        sent(store)
    done = upgrade_store(url_of(file), SteppingClock(), newer)
    assert done == Upgraded(SHIPPED.head, "next", file.with_name("kpisync.db.before-next"))
    assert query(file, "SELECT colour FROM job") == [(None,)]
    with opened(done.backup) as store:  # which is a whole store, as it was
        assert store.known("board", *EVER)[key()].number == Decimal(190)


def test_a_migrated_store_keeps_what_it_knew(file: Path, newer: Schema) -> None:
    with opened(file) as store:
        sent(store)
    with open_store(url_of(file), SteppingClock(), newer) as store:
        assert store.known("board", *EVER)[key()].number == Decimal(190)


def test_a_current_store_is_neither_migrated_nor_copied(file: Path) -> None:
    with opened(file):
        pass
    assert upgrade_store(url_of(file), SteppingClock()) == Upgraded(SHIPPED.head, SHIPPED.head)
    assert not list(file.parent.glob("*before*"))


def test_no_store_is_migrated_under_a_running_job(file: Path, newer: Schema) -> None:
    with opened(file):
        pass
    with job_lock(url_of(file), "scrap-daily"), pytest.raises(LockedError, match="scrap-daily"):
        open_store(url_of(file), SteppingClock(), newer)
    assert query(file, "SELECT version_num FROM alembic_version") == [(SHIPPED.head,)]


def test_a_migration_that_fails_leaves_the_store_as_it_was(file: Path, tmp_path: Path) -> None:
    broken = coming(tmp_path, 'op.add_column("job", sa.Column("colour", sa.String))', 'raise RuntimeError("broken")')
    with opened(file) as store:
        sent(store)
    with pytest.raises(RuntimeError, match="broken"):
        open_store(url_of(file), SteppingClock(), broken)
    assert query(file, "SELECT version_num FROM alembic_version") == [(SHIPPED.head,)]
    assert [row[1] for row in query(file, "PRAGMA table_info(job)")] == [column.name for column in tables.job.c]


def test_a_process_killed_in_a_migration_leaves_the_store_as_it_was(file: Path, tmp_path: Path) -> None:
    add = 'op.add_column("job", sa.Column("colour", sa.String))'
    deadly = coming(tmp_path, add, "os.kill(os.getpid(), signal.SIGKILL)")
    with opened(file) as store:
        sent(store)
    code = """
        import sys
        from pathlib import Path
        from kpisync.state.open import open_store
        from kpisync.state.upgrade import SHIPPED, Schema
        from test_state_builders import SteppingClock, url_of
        open_store(url_of(sys.argv[1]), SteppingClock(), Schema((*SHIPPED.revisions, "next"), Path(sys.argv[2])))
    """
    with python(code, file, deadly.folder) as process:
        assert process.wait() == -9
    with opened(file) as store:
        assert store.known("board", *EVER)[key()].number == Decimal(190)


# ---------------------------------------------------------------- read only


def test_a_reader_of_a_missing_store_makes_nothing(file: Path, tmp_path: Path) -> None:
    with open_readonly(url_of(file)) as store:
        assert store.known("board", *EVER) == {}
        assert store.in_doubt("board") == []
    assert list(tmp_path.iterdir()) == []


def test_a_reader_sees_what_is_known_and_changes_no_byte(file: Path, tmp_path: Path) -> None:
    with opened(file) as store:
        sent(store)
    before = traces(tmp_path)
    with open_readonly(url_of(file)) as store:
        assert store.known("board", *EVER)[key()].number == Decimal(190)
    assert traces(tmp_path) == before


@pytest.mark.parametrize("exists", [True, False])
def test_a_reader_cannot_write(file: Path, exists: bool) -> None:
    if exists:
        with opened(file):
            pass
    with open_readonly(url_of(file)) as store, pytest.raises(StateError, match="for reading only"):
        begin(store)


def test_a_reader_cannot_write_by_a_statement_either(file: Path) -> None:
    with opened(file) as store:
        sent(store)
    with (
        open_readonly(url_of(file)) as store,
        pytest.raises(StateError, match="cannot be opened for writing"),
        store.reading() as connection,
    ):
        connection.exec_driver_sql("DELETE FROM value")


def test_a_reader_keeps_nobody_from_writing(file: Path) -> None:
    with opened(file) as store, open_readonly(url_of(file)) as reader, reader.reading() as connection:
        connection.exec_driver_sql("SELECT 1").scalar()
        sent(store)


def test_a_reader_of_an_old_store_names_the_command(file: Path, newer: Schema) -> None:
    with opened(file):
        pass
    with pytest.raises(StateError, match="kpisync state upgrade"):
        open_readonly(url_of(file), newer)


def test_a_reader_sees_past_a_writer_that_was_killed_in_a_transaction(file: Path) -> None:
    with opened(file) as store:
        run = begin(store)
        many = {key(team=f"line-{number}"): Stands(Decimal(1), "exports/a.csv:1") for number in range(2000)}
        store.adopt(run, many)
    code = """
        import sqlite3, sys
        connection = sqlite3.connect(sys.argv[1], isolation_level=None)
        connection.execute("PRAGMA cache_size = 2")
        connection.execute("BEGIN IMMEDIATE")
        connection.execute("UPDATE value SET number = '999'")
        print("ready", flush=True)
        sys.stdin.read()
    """
    with python(code, file) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        process.kill()
    assert list(file.parent.glob("kpisync.db-*"))  # a journal to be rolled back
    with open_readonly(url_of(file)) as store:
        assert {known.number for known in store.known("board", *EVER).values()} == {Decimal(1)}


# ---------------------------------------------------------------- killed


def test_an_intent_of_a_killed_process_is_in_doubt(file: Path) -> None:
    code = """
        import sys
        from pathlib import Path
        from test_state_builders import SETTLES, begin, intent, opened
        with opened(Path(sys.argv[1])) as store:
            store.intend(begin(store), [intent()], SETTLES)
            print("ready", flush=True)
            sys.stdin.read()
    """
    with python(code, file) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        process.kill()
    with opened(file) as store:
        assert [doubt.intent for doubt in store.in_doubt("board")] == [intent()]
        assert store.known("board", *EVER) == {}


# ---------------------------------------------------------------- refused


def refused(url: str, *words: str) -> None:
    for opening in (lambda: open_store(url, SteppingClock()), lambda: open_readonly(url)):
        with pytest.raises(StateError) as caught:
            opening()
        assert caught.value.exit_code == Exit.STATE
        assert caught.value.hint
        for word in words:
            assert word in str(caught.value)


@pytest.fixture
def old(file: Path) -> Iterator[Path]:
    with opened(file) as store:
        sent(store)
    yield file


def test_a_newer_store_is_refused(old: Path, newer: Schema) -> None:
    upgrade_store(url_of(old), SteppingClock(), newer)
    before = old.read_bytes()
    refused(url_of(old), str(old), "written by a newer kpisync", "kpisync state restore")
    assert old.read_bytes() == before


def test_a_file_that_is_no_database_is_left_as_it_is(file: Path) -> None:
    file.parent.mkdir()
    file.write_bytes(b"important letter, not a database " * 100)
    before = file.read_bytes()
    refused(url_of(file), str(file), "damaged", "kpisync state restore", "kpisync state backup")
    assert file.read_bytes() == before


def test_an_empty_file_is_left_as_it_is(file: Path) -> None:
    file.parent.mkdir()
    file.touch()
    refused(url_of(file), "empty file", "kpisync state restore")
    assert file.stat().st_size == 0


def test_a_foreign_database_is_left_as_it_is(file: Path) -> None:
    file.parent.mkdir()
    query(file, "CREATE TABLE letters (id INTEGER)")
    refused(url_of(file), "not a state store of kpisync")
    assert query(file, "SELECT name FROM sqlite_master") == [("letters",)]


def test_a_cut_file_is_refused_at_the_start(old: Path) -> None:
    os.truncate(old, old.stat().st_size // 2)
    with pytest.raises(StateError, match="damaged"):
        open_store(url_of(old), SteppingClock())


def test_a_damaged_page_is_found_at_the_start(old: Path) -> None:
    page = query(old, "SELECT rootpage FROM sqlite_master WHERE name = 'value'")[0][0]
    assert isinstance(page, int)
    with old.open("r+b") as handle:
        handle.seek((page - 1) * 4096)
        handle.write(b"\xff" * 512)
    with pytest.raises(StateError, match="damaged"):
        open_store(url_of(old), SteppingClock())


def test_a_folder_that_is_a_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "state").write_text("")
    with pytest.raises(StateError, match=r"cannot be used.*owner"):
        open_store(url_of(tmp_path / "state" / "kpisync.db"), SteppingClock())


def test_a_folder_that_may_not_be_written_is_named(tmp_path: Path) -> None:
    code = """
        import os, sys
        from kpisync.errors import StateError
        from kpisync.state.open import open_store
        from test_state_builders import SteppingClock, url_of
        if os.geteuid() == 0:
            os.seteuid(65534)
        try:
            open_store(url_of(sys.argv[1]), SteppingClock())
        except StateError as error:
            print(error)
    """
    tmp_path.chmod(0o500)
    with python(code, tmp_path / "state" / "kpisync.db") as process:
        printed, _ = process.communicate()
    tmp_path.chmod(0o700)
    assert "Permission denied" in printed
    assert "Check the owner, the rights" in printed


def test_what_the_disk_does_not_take_is_not_half_recorded(old: Path) -> None:
    code = """
        import resource, sys
        from decimal import Decimal
        from pathlib import Path
        from kpisync.errors import StateError
        from test_state_builders import SETTLES, begin, intent, key, opened
        file = Path(sys.argv[1])
        with opened(file) as store:
            run = begin(store)
            limit = file.stat().st_size
            resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
            try:
                store.intend(run, [intent(key(team=f"line-{number}")) for number in range(2000)], SETTLES)
            except StateError as error:
                print(error)
    """
    with python(code, old) as process:
        printed, _ = process.communicate()
    assert "the disk does not take what the state store writes" in printed
    with opened(old) as store:
        assert store.in_doubt("board") == []
        assert store.known("board", *EVER)[key()].number == Decimal(190)


def test_a_full_disk_is_named(old: Path) -> None:
    """SQLITE_FULL, by a limit of SQLite's own."""
    connection = sqlite3.connect(old, isolation_level=None)
    connection.execute("PRAGMA max_page_count = 1")
    with pytest.raises(StateError, match=r"kpisync\.db: the disk is full.*Free some space"), explained("kpisync.db"):
        connection.executescript("CREATE TABLE big (text); INSERT INTO big VALUES (zeroblob(1000000))")
    connection.close()


def test_a_store_that_stays_locked_is_named(old: Path) -> None:
    one, other = (sqlite3.connect(old, isolation_level=None, timeout=0) for _ in range(2))
    one.execute("BEGIN IMMEDIATE")
    with pytest.raises(StateError, match=r"locked for more than 30 seconds.*Wait"), explained("kpisync.db"):
        other.execute("BEGIN IMMEDIATE")
    one.close()
    other.close()


def test_a_mistake_in_the_program_stays_what_it_is(old: Path) -> None:
    connection = sqlite3.connect(old)
    with pytest.raises(sqlite3.OperationalError, match="no such table"), explained("kpisync.db"):
        connection.execute("SELECT * FROM letters")
    connection.close()


@pytest.mark.parametrize("url", ["mysql://user:s3cret@host/db", "sqlite+aiosqlite:///x.db", "sqlite:///x.db?mode=ro"])
def test_an_unknown_kind_of_store_is_refused(url: str) -> None:
    refused(url, "sqlite:///path/to/kpisync.db")


@pytest.mark.parametrize("url", ["state/kpisync.db", "s3cret", "", "postgresql://user:s3cret@host:port/db"])
def test_what_is_no_url_is_refused_without_being_shown(url: str) -> None:
    refused(url, "not a URL")
    with pytest.raises(StateError) as caught:
        locate(url)
    assert "s3cret" not in str(caught.value)


def test_a_password_is_not_shown() -> None:
    assert locate("postgresql://user:s3cret@host/db?password=s3cret").shown == "postgresql://host/db"


def test_postgresql_without_its_driver_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "psycopg", None)
    refused("postgresql://user@host/db", "pip install 'kpisync[postgres]'")


def test_a_server_that_does_not_answer_is_named() -> None:
    pytest.importorskip("psycopg", reason="the PostgreSQL driver is an extra")
    refused("postgresql://user:s3cret@127.0.0.1:1/db", "the database server cannot be used")


def test_a_relative_path_is_relative_to_the_working_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with open_store("sqlite:///state/kpisync.db", SteppingClock()):
        assert (tmp_path / "state" / "kpisync.db").is_file()


def test_odd_characters_in_a_path_are_no_matter(tmp_path: Path) -> None:
    file = tmp_path / "Schicht #1 50% größer" / "kpisync.db"
    with opened(file) as store:
        sent(store)
    assert file.is_file()
    with open_readonly(url_of(file)) as store:
        assert key() in store.known("board", *EVER)
