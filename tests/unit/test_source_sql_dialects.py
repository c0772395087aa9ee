"""Each database's URL finds its driver, its statements compile, and a missing driver is named with its extra."""

from __future__ import annotations

import sys
from datetime import date, timedelta
from importlib.util import find_spec
from types import ModuleType
from typing import Any

import pytest
from sqlalchemy.dialects import mssql, mysql, oracle, postgresql, sqlite
from sqlalchemy.engine import make_url

from kpisync.errors import SourceError
from kpisync.model import Intake, Scope
from kpisync.ports import Surroundings
from kpisync.sources.sql import SPEC
from kpisync.sources.sql.sessions import extra_of, guards, with_driver
from kpisync.sources.sql.statements import statement

QUERY = "SELECT line, CAST(:to AS DATE) FROM t WHERE day >= :from AND day < :until AND a LIKE '10%' AND b <> '12:30'"


@pytest.mark.parametrize(
    ("written", "driver"),
    [
        ("postgresql://h/d", "postgresql+psycopg"),
        ("postgres://h/d", "postgresql+psycopg"),
        ("mysql://h/d", "mysql+pymysql"),
        ("mariadb://h/d", "mariadb+pymysql"),
        ("mssql://h/d", "mssql+mssqlpython"),
        ("oracle://h/d", "oracle+oracledb"),
        ("hana://h", "hana"),
        ("db2://h/d", "db2"),
        ("snowflake://h/d", "snowflake"),
        ("mysql+mysqldb://h/d", "mysql+mysqldb"),
        ("mssql+pyodbc://h/d", "mssql+pyodbc"),
        ("other://h/d", "other"),
    ],
)
def test_a_url_without_a_driver_gets_that_of_the_extra_and_one_with_a_driver_keeps_it(
    written: str, driver: str
) -> None:
    assert with_driver(make_url(written)).drivername == driver


# ---------------------------------------------------------------- the driver is missing


@pytest.mark.parametrize(
    ("scheme", "extra", "module"),
    [
        ("postgresql", "postgres", "psycopg"),
        ("mysql", "mysql", "pymysql"),
        ("mariadb", "mysql", "pymysql"),
        ("mssql", "mssql", "mssql_python"),
        ("oracle", "oracle", "oracledb"),
        ("hana", "hana", "sqlalchemy_hana"),
        ("db2", "db2", "ibm_db_sa"),
        ("snowflake", "snowflake", "snowflake"),
    ],
)
def test_a_missing_driver_is_told_with_the_extra_that_brings_it(
    scheme: str, extra: str, module: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in [module, *(name for name in sys.modules if name.startswith(f"{module}."))]:
        monkeypatch.setitem(sys.modules, name, None)
    error = refusal(f"{scheme}://user:s3cret@host/db")
    assert f"the driver for {scheme} is not installed" in error.what
    assert error.hint == f"Install it with `pip install 'kpisync[{extra}]'`"
    assert "s3cret" not in str(error)


def test_another_driver_than_the_extra_s_is_answered_with_the_plain_url() -> None:
    error = refusal("mysql+no_such_driver://host/db")
    assert str(error.hint).endswith("and write the url with mysql://")


def test_a_database_that_nobody_knows_has_no_extra() -> None:
    error = refusal("nonsense://host/db")
    assert "the driver for nonsense is not installed" in error.what
    assert "correct the url" in str(error.hint)
    assert extra_of(make_url("nonsense://host/db")) is None


def refusal(url: str) -> SourceError:
    options = SPEC.options.model_validate({"url": url, "query": "SELECT 1"})
    with pytest.raises(SourceError) as caught:
        next(SPEC.build(options, Surroundings()).read(Scope(date(2026, 12, 1)), Intake()))
    return caught.value


# ---------------------------------------------------------------- the statement compiles


class Driver(ModuleType):
    """In the place of a driver that is not installed: names to import, and nothing that works.

    Those of SAP HANA and Snowflake are imported together with their dialects, which need them only to connect.
    """

    __path__ = ()

    def __getattr__(self, name: str) -> type[Exception]:
        if name.startswith("__"):
            raise AttributeError(name)
        return type(name, (Exception,), {})


DRIVERS = {
    "hdbcli": ("hdbcli", "hdbcli.dbapi"),
    "snowflake.connector": (
        "snowflake.connector",
        *(f"snowflake.connector.{part}" for part in ("compat", "connection", "constants", "errors")),
    ),
}


@pytest.fixture
def drivers(monkeypatch: pytest.MonkeyPatch) -> None:
    for driver, modules in DRIVERS.items():
        if find_spec(driver) is None:
            for name in modules:
                monkeypatch.setitem(sys.modules, name, Driver(name))


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://h/d",
        "mysql://h/d",
        "mariadb://h/d",
        "mssql://h/d",
        "oracle://h/d",
        "hana://h",
        "db2://h/d",
        "snowflake://h/d",
    ],
)
@pytest.mark.usefixtures("drivers")
def test_the_statement_compiles_with_three_parameters_and_its_text_unharmed(url: str) -> None:
    dialect = with_driver(make_url(url)).get_dialect()()
    compiled = statement(QUERY).compile(dialect=dialect)
    assert {name.strip('"') for name in compiled.params} == {"from", "to", "until"}  # Oracle quotes reserved words
    doubled = dialect.paramstyle in ("format", "pyformat")
    assert ("LIKE '10%%'" if doubled else "LIKE '10%'") in str(compiled)
    assert "b <> '12:30'" in str(compiled)
    if dialect.positional:
        assert compiled.positiontup == ["to", "from", "until"]


# ---------------------------------------------------------------- the session


class Hana:
    name = "hana"


class Snowflake:
    name = "snowflake"


@pytest.mark.parametrize(
    ("dialect", "words"),
    [
        (postgresql.dialect(), "SET LOCAL statement_timeout = 5000"),
        (
            mysql.dialect(),
            "SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY|SET SESSION max_execution_time = 5000",
        ),
        (
            mysql.dialect(is_mariadb=True),
            "SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY|SET SESSION max_statement_time = 5.0",
        ),
        (oracle.dialect(), "SET TRANSACTION READ ONLY"),
        (Hana(), "SET TRANSACTION READ ONLY"),
        (Snowflake(), "ALTER SESSION SET STATEMENT_TIMEOUT_IN_SECONDS = 5"),
        (mssql.dialect(), ""),
        (sqlite.dialect(), ""),
    ],
)
def test_each_database_is_told_to_read_only_and_to_keep_the_time_as_far_as_it_can(dialect: Any, words: str) -> None:
    assert "|".join(guards(dialect, timedelta(seconds=5))) == words


def test_a_limit_in_whole_seconds_is_never_none() -> None:
    assert guards(Snowflake(), timedelta(milliseconds=300)) == [  # type: ignore[arg-type]
        "ALTER SESSION SET STATEMENT_TIMEOUT_IN_SECONDS = 1"
    ]
