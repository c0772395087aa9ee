"""A state store on PostgreSQL keeps every rule of one in a file: the same tests, and what a server adds to them."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from pathlib import Path
from types import ModuleType
from typing import Any, ClassVar

import pytest
import test_state_binding
import test_state_past
import test_state_rejects
import test_state_runs
import test_state_store
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from hypothesis import HealthCheck, settings
from hypothesis.stateful import initialize, run_state_machine_as_test
from server_database import Database
from test_state_builders import EVER, SETTLES, SteppingClock, begin, intent, key, outcome, python, sent
from test_state_machine import JOBS, StoreAndModel
from test_state_open import coming

from kpisync.errors import Exit, LockedError, StateError
from kpisync.state import tables
from kpisync.state.engine import connect, locate, writing
from kpisync.state.lock import job_lock
from kpisync.state.open import Upgraded, open_readonly, open_store, upgrade_store
from kpisync.state.runs import about, changes, life
from kpisync.state.store import Store
from kpisync.state.tables import ChangeStatus
from kpisync.state.upgrade import SHIPPED, upgrade

HERE = "database = (SELECT oid FROM pg_database WHERE datname = current_database())"
ADD_COLUMN = 'op.add_column("job", sa.Column("colour", sa.String))'


def of_a_store(module: ModuleType) -> dict[str, Any]:
    """The tests of a module that take a store and nothing else, whatever store that is."""
    tests = {name: test for name, test in vars(module).items() if name.startswith("test_")}
    return {name: test for name, test in tests.items() if list(inspect.signature(test).parameters) == ["store"]}


for module in (test_state_store, test_state_runs, test_state_rejects, test_state_binding, test_state_past):
    globals().update(of_a_store(module))


@pytest.fixture
def store(postgres: Database) -> Iterator[Store]:
    with open_store(postgres.plain, SteppingClock()) as store:
        yield store


def schema_of(postgres: Database) -> list[tuple[Any, ...]]:
    return postgres.look(
        "SELECT table_name, column_name, data_type, is_nullable, column_default FROM information_schema.columns"
        " WHERE table_schema = 'public' ORDER BY 1, 2"
    ) + postgres.look("SELECT tablename, indexname, indexdef FROM pg_indexes WHERE schemaname = 'public' ORDER BY 2")


def content_of(postgres: Database) -> dict[str, list[tuple[Any, ...]]]:
    names = [name for (name,) in postgres.look("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")]
    return {name: postgres.look(f'SELECT * FROM "{name}"') for name in names}


# ---------------------------------------------------------------- the rules of a store


def test_the_tests_of_a_store_are_here() -> None:
    assert len(of_a_store(test_state_store)) > 20
    assert len(of_a_store(test_state_runs)) > 10


@pytest.mark.slow
def test_whatever_happens_the_store_answers_like_a_plain_dict(postgres: Database) -> None:
    class OnPostgres(StoreAndModel):
        count: ClassVar[int] = 0

        @initialize()
        def start(self) -> None:
            schema = f"example_{OnPostgres.count}"
            OnPostgres.count += 1
            postgres.run(f"CREATE SCHEMA {schema}")
            self.url = f"{postgres.plain}?options=-csearch_path%3D{schema}"
            self.connect()
            self.runs = {job: begin(self.store, job) for job in JOBS}

        def close_and_open_again(self) -> None:
            self.store.close()
            self.connect()

        def connect(self) -> None:
            self.opening = self.store = open_store(self.url, SteppingClock())

    run_state_machine_as_test(  # type: ignore[no-untyped-call]
        OnPostgres,
        settings=settings(
            max_examples=20, stateful_step_count=12, deadline=None, suppress_health_check=[HealthCheck.too_slow]
        ),
    )


def test_what_was_recorded_is_there_after_opening_again(postgres: Database) -> None:
    with open_store(postgres.plain, SteppingClock()) as store:
        sent(store)
        store.intend(begin(store), [intent(key(team="line-2"))], SETTLES)
        born = about(store)
    with open_store(postgres.plain, SteppingClock()) as store:
        assert store.known("board", *EVER)[key()].number == Decimal(190)
        assert [doubt.intent.key for doubt in store.in_doubt("board")] == [key(team="line-2")]
        assert about(store) == born


# ---------------------------------------------------------------- several at once


def test_several_processes_may_make_the_store_at_once(postgres: Database) -> None:
    with ThreadPoolExecutor(4) as threads:
        stores = list(threads.map(lambda _: open_store(postgres.plain, SteppingClock()), range(4)))
    assert len({about(store)["instance"] for store in stores}) == 1
    for store in stores:
        store.close()


def test_jobs_on_connections_of_their_own_work_beside_each_other(postgres: Database) -> None:
    def deliver(job: str) -> None:
        with open_store(postgres.plain, SteppingClock()) as store:
            for number in range(15):
                sent(store, key(team=f"{job}-{number}"), str(number), job)

    with open_store(postgres.plain, SteppingClock()) as store, ThreadPoolExecutor(3) as threads:
        list(threads.map(deliver, ("first", "second", "third")))
        assert sorted(found.job for found in store.known("board", *EVER).values()) == [
            *["first"] * 15, *["second"] * 15, *["third"] * 15,
        ]  # fmt: skip
        assert store.in_doubt("board") == []


def test_two_writers_that_read_first_lose_no_update(postgres: Database) -> None:
    """As in a file: the second one waits until the first has ended, and then sees what it did."""
    waiting = f"SELECT COUNT(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted AND {HERE}"
    with open_store(postgres.plain, SteppingClock()) as store, ThreadPoolExecutor(1) as threads:
        run = begin(store)
        engine = connect(locate(postgres.plain))
        with writing(engine, ""):
            second = threads.submit(store.intend, run, [intent()], SETTLES)
            while not (waits := postgres.look(waiting) == [(1,)]) and not second.done():
                pass
        engine.dispose()
        second.result()
        assert waits


def test_a_reader_sees_one_state(postgres: Database) -> None:
    with open_store(postgres.plain, SteppingClock()) as store, store.reading() as connection:
        before = connection.exec_driver_sql("SELECT COUNT(*) FROM run").scalar()
        begin(store)
        assert connection.exec_driver_sql("SELECT COUNT(*) FROM run").scalar() == before


# ---------------------------------------------------------------- migrated


def test_the_migrations_make_the_tables(postgres: Database) -> None:
    with open_store(postgres.plain, SteppingClock()):
        made = schema_of(postgres)
    postgres.run("DROP SCHEMA public CASCADE", "CREATE SCHEMA public")
    engine = connect(locate(postgres.plain))
    upgrade(engine, "", SHIPPED)
    with engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), tables.metadata) == []
    engine.dispose()
    assert schema_of(postgres) == made


def test_an_old_store_is_migrated_and_keeps_what_it_knew(postgres: Database, tmp_path: Path) -> None:
    newer = coming(tmp_path, ADD_COLUMN)
    with open_store(postgres.plain, SteppingClock()) as store:
        sent(store)
    with pytest.raises(StateError, match="kpisync state upgrade"):
        open_readonly(postgres.plain, newer)
    assert upgrade_store(postgres.plain, SteppingClock(), newer) == Upgraded(SHIPPED.head, "next")
    assert postgres.look("SELECT colour FROM job") == [(None,)]
    with open_store(postgres.plain, SteppingClock(), newer) as store:
        assert store.known("board", *EVER)[key()].number == Decimal(190)


def test_a_migration_that_fails_leaves_the_store_as_it_was(postgres: Database, tmp_path: Path) -> None:
    broken = coming(tmp_path, ADD_COLUMN, 'raise RuntimeError("broken")')
    with open_store(postgres.plain, SteppingClock()) as store:
        sent(store)
    before = schema_of(postgres), content_of(postgres)
    with pytest.raises(RuntimeError, match="broken"):
        open_store(postgres.plain, SteppingClock(), broken)
    assert (schema_of(postgres), content_of(postgres)) == before


def test_a_newer_store_is_refused(postgres: Database, tmp_path: Path) -> None:
    open_store(postgres.plain, SteppingClock(), coming(tmp_path, ADD_COLUMN)).close()
    postgres.run("UPDATE alembic_version SET version_num = '0099'")
    with pytest.raises(StateError, match="newer kpisync"):
        open_store(postgres.plain, SteppingClock())


# ---------------------------------------------------------------- read only


def test_a_reader_of_a_missing_store_makes_nothing(postgres: Database) -> None:
    with open_readonly(postgres.plain) as store:
        assert store.known("board", *EVER) == {}
        assert store.in_doubt("board") == []
    assert content_of(postgres) == {}


def test_a_reader_sees_what_is_known_and_changes_nothing(postgres: Database) -> None:
    with open_store(postgres.plain, SteppingClock()) as store:
        sent(store)
    before = content_of(postgres)
    with open_readonly(postgres.plain) as store:
        assert store.known("board", *EVER)[key()].number == Decimal(190)
        assert life(store, key()).standing is not None
        with pytest.raises(StateError, match="for reading only"):
            begin(store)
    assert content_of(postgres) == before


def test_a_reader_cannot_write_by_a_statement_either(postgres: Database) -> None:
    with open_store(postgres.plain, SteppingClock()) as store:
        sent(store)
    with (
        open_readonly(postgres.plain) as store,
        pytest.raises(Exception, match="read-only transaction"),
        store.reading() as connection,
    ):
        connection.exec_driver_sql("DELETE FROM value")


# ---------------------------------------------------------------- killed, or gone


def test_an_intent_of_a_killed_process_is_in_doubt(postgres: Database) -> None:
    code = """
        import os, signal, sys
        from kpisync.state.open import open_store
        from test_state_builders import SETTLES, SteppingClock, begin, intent
        store = open_store(sys.argv[1], SteppingClock())
        store.intend(begin(store), [intent()], SETTLES)
        os.kill(os.getpid(), signal.SIGKILL)
    """
    with python(code, postgres.plain) as process:
        assert process.wait() == -9
    with open_store(postgres.plain, SteppingClock()) as store:
        (doubt,) = store.in_doubt("board")
        assert doubt.intent == intent()
        run = begin(store)
        store.settle(run, [outcome()])
        assert [change.status for change in changes(store, doubt.run)] == [ChangeStatus.CONFIRMED]


def test_a_server_that_closed_the_connections_is_reached_again(postgres: Database) -> None:
    with open_store(postgres.plain, SteppingClock()) as store:
        sent(store)
        postgres.run(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
        assert store.known("board", *EVER)[key()].number == Decimal(190)


# ---------------------------------------------------------------- one process a job

HOLD = """
    import sys
    from kpisync.state.lock import job_lock
    with job_lock(sys.argv[1], sys.argv[2]):
        print("ready", flush=True)
        sys.stdin.read()
"""


def test_a_second_process_is_refused_and_told_the_first(postgres: Database) -> None:
    with python(HOLD, postgres.plain, "scrap-daily") as owner:
        assert owner.stdout is not None
        assert owner.stdout.readline() == "ready\n"
        told = rf"another process \(pid {owner.pid} on .*, since 20.*\+00:00\) runs job scrap-daily"
        with pytest.raises(LockedError, match=told) as caught:
            job_lock(postgres.plain, "scrap-daily").__enter__()
    assert caught.value.exit_code == Exit.LOCKED


def test_a_killed_owner_is_replaced_at_once(postgres: Database) -> None:
    with python(HOLD, postgres.plain, "scrap-daily") as owner:
        assert owner.stdout is not None
        assert owner.stdout.readline() == "ready\n"
        owner.kill()
    with job_lock(postgres.plain, "scrap-daily"):
        pass


def test_two_runs_of_a_job_in_one_process_are_refused_too(postgres: Database) -> None:
    with job_lock(postgres.plain, "scrap-daily"), pytest.raises(LockedError):
        job_lock(postgres.plain, "scrap-daily").__enter__()


def test_a_job_can_run_again_after_it_ended_or_failed(postgres: Database) -> None:
    with pytest.raises(RuntimeError), job_lock(postgres.plain, "scrap-daily"):
        raise RuntimeError
    for _ in range(2):
        with job_lock(postgres.plain, "scrap-daily"):
            pass
    assert postgres.look(f"SELECT COUNT(*) FROM pg_locks WHERE locktype = 'advisory' AND {HERE}") == [(0,)]


@pytest.mark.parametrize("other", ["energy", "SCRAP-DAILY", "a" * 500, "a\0b", "'; DROP TABLE job; --"])
def test_different_jobs_do_not_wait_for_each_other(postgres: Database, other: str) -> None:
    with job_lock(postgres.plain, "scrap-daily"), job_lock(postgres.plain, other):
        pass


def test_stores_in_different_schemas_have_different_locks(postgres: Database) -> None:
    postgres.run("CREATE SCHEMA other")
    elsewhere = f"{postgres.plain}?options=-csearch_path%3Dother"
    with job_lock(postgres.plain, "scrap-daily"), job_lock(elsewhere, "scrap-daily"):
        pass


def test_an_owner_that_gives_no_name_is_no_obstacle_to_the_message(postgres: Database) -> None:
    with job_lock(postgres.plain, "scrap-daily"):
        role = f"{postgres.url.database}_other"
        postgres.run(f"CREATE ROLE {role} LOGIN", f"GRANT ALL ON SCHEMA public TO {role}")
        try:
            other = postgres.url.set(drivername="postgresql", username=role).render_as_string()
            with pytest.raises(LockedError, match="another process runs job scrap-daily"):
                job_lock(other, "scrap-daily").__enter__()
        finally:
            postgres.run(f"DROP OWNED BY {role}", f"DROP ROLE {role}")


def test_a_lock_whose_server_went_away_is_given_back_without_a_noise(
    postgres: Database, caplog: pytest.LogCaptureFixture
) -> None:
    with job_lock(postgres.plain, "scrap-daily"):
        postgres.run(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
    assert caplog.records == []
