"""What a database refuses is told in one line: what, where, what to do next, and never a password."""

from __future__ import annotations

import socket

import pytest
from server_database import Database
from sqlalchemy import URL

from kpisync.errors import Exit, SourceError


def refused(database: Database, query: str = "SELECT 1", url: URL | None = None) -> SourceError:
    shown = (url or database.url).set(drivername=database.url.get_backend_name())
    error = database.refusal(query, url=shown.render_as_string(hide_password=False))
    assert isinstance(error, SourceError)
    assert error.exit_code == Exit.UNUSABLE
    return error


def test_a_missing_table_is_named(database: Database) -> None:
    error = refused(database, "SELECT qty FROM productoin")
    assert "does not carry out the query" in error.what
    assert "productoin" in error.what
    assert "exist" in error.what
    assert "names" in str(error.hint)


def test_a_missing_column_is_named(database: Database) -> None:
    database.run("CREATE TABLE production (line INT)")
    error = refused(database, "SELECT lien FROM production")
    assert "lien" in error.what


def test_what_postgresql_proposes_is_passed_on(postgres: Database) -> None:
    postgres.run("CREATE TABLE production (line INT)")
    assert 'Perhaps you meant to reference the column "production.line"' in refused(
        postgres, "SELECT lien FROM production"
    ).what.replace("\\", "")


def test_a_mistake_in_the_sql_is_told(database: Database) -> None:
    assert "syntax" in refused(database, "SELECT FROM WHERE").what


def test_a_table_that_the_login_may_not_read_is_named(postgres: Database) -> None:
    postgres.run("CREATE TABLE production (line INT)")
    role = f"{postgres.url.database}_reader"
    postgres.run(f"CREATE ROLE {role} LOGIN")
    try:
        error = refused(postgres, "SELECT line FROM production", postgres.url.set(username=role))
    finally:
        postgres.run(f"DROP ROLE {role}")
    assert "permission denied for table production" in error.what
    assert "may read" in str(error.hint)


def test_a_missing_database_is_named(database: Database) -> None:
    error = refused(database, url=database.url.set(database="nowhere_to_be_found"))
    assert "cannot be opened" in error.what
    assert "nowhere_to_be_found" in error.what


def test_a_wrong_login_is_told_and_the_password_is_not(database: Database) -> None:
    error = refused(database, url=database.url.set(username="nobody_at_all", password="s3cret/%40"))
    assert "nobody_at_all" in error.what
    for text in (str(error), repr(error)):
        assert "s3cret" not in text
        assert "%2540" not in text


def test_a_server_that_does_not_run_is_told_with_its_place(database: Database) -> None:
    with socket.socket() as unused:  # bound, but nobody listens
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]
        error = refused(database, url=database.url.set(host="127.0.0.1", port=port, password="s3cret"))
    assert "cannot be opened" in error.what
    assert f"127.0.0.1:{port}/" in str(error.hint)
    assert "s3cret" not in str(error)


@pytest.mark.parametrize("other", ["SELECT 1", "SELECT 'secret'"])
def test_a_password_in_the_words_of_the_server_is_struck_out(mariadb: Database, other: str) -> None:
    """Where a server repeats what it was told, such as a user name that was mixed up with the password."""
    error = refused(mariadb, other, mariadb.url.set(username="hunter2x", password="hunter2x"))
    assert "hunter2x" not in error.what
