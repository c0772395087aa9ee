"""What a server holds arrives as it is: exact numbers, dates of the calendar, text, and nothing for NULL."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

import pytest
from server_database import NOVEMBER, Database

from kpisync.mapping.parse import BadCell, code_text, parse_date, parse_seconds
from kpisync.model import NumberFormat, Scope
from kpisync.tables.numbers import BadNumber, parse_number

# ---------------------------------------------------------------- numbers


@pytest.mark.parametrize(
    ("kind", "written", "number"),
    [
        ("NUMERIC(30,10)", "12345678901234567890.0123456789", "12345678901234567890.0123456789"),
        ("NUMERIC(12,2)", "224.90", "224.90"),
        ("NUMERIC(12,2)", "-0.01", "-0.01"),
        ("BIGINT", "9223372036854775807", "9223372036854775807"),
        ("INT", "-5", "-5"),
        ("DOUBLE PRECISION", "11762.078000000001", "11762.078000000001"),
        ("DOUBLE PRECISION", "0.1", "0.1"),
        ("REAL", "0.5", "0.5"),
        ("VARCHAR(20)", "'1204.5'", "1204.5"),
        ("TEXT", "' 224.91 '", "224.91"),
    ],
)
def test_a_number_of_any_type_is_exact(database: Database, kind: str, written: str, number: str) -> None:
    database.run(f"CREATE TABLE production (qty {kind})", f"INSERT INTO production VALUES ({written})")
    (found,) = database.numbers("SELECT qty FROM production")
    assert str(found) == number


def test_a_decimal_that_is_stored_as_bytes_is_a_number(database: Database) -> None:
    kind = "BLOB" if database.is_mariadb else "BYTEA"
    database.run(f"CREATE TABLE production (qty {kind})", "INSERT INTO production VALUES ('224.91')")
    assert database.numbers("SELECT qty FROM production") == [Decimal("224.91")]


def test_sums_and_means_are_computed_exactly_by_the_server(database: Database) -> None:
    database.run("CREATE TABLE production (qty NUMERIC(12,2))")
    database.run("INSERT INTO production VALUES (:qty)", rows=[{"qty": Decimal("0.10")}] * 3)
    assert database.numbers("SELECT SUM(qty), AVG(qty), COUNT(*) FROM production") == [
        Decimal("0.3"),
        Decimal("0.1"),
        3,
    ]


def test_text_numbers_are_read_as_declared(database: Database) -> None:
    assert database.numbers("SELECT '1.204,5'", decimal=",", thousands=".") == [Decimal("1204.5")]


def test_null_is_no_number_and_zero_is_one(database: Database) -> None:
    assert database.numbers("SELECT NULL, 0") == [None, Decimal(0)]


def test_a_boolean_of_postgresql_is_no_number(postgres: Database) -> None:
    with pytest.raises(BadNumber, match="bool"):
        postgres.numbers("SELECT true")


def test_a_boolean_of_mariadb_is_the_integer_that_it_stores(mariadb: Database) -> None:
    assert mariadb.numbers("SELECT TRUE") == [Decimal(1)]


def test_nan_is_not_sent(postgres: Database) -> None:
    for kind in ("numeric", "float8"):
        with pytest.raises(BadNumber, match="not a finite number"):
            postgres.numbers(f"SELECT 'NaN'::{kind}")


def test_bytes_that_are_no_text_are_no_number(database: Database) -> None:
    (cell,) = database.cells("SELECT X'FF00'" if database.is_mariadb else r"SELECT '\xff00'::bytea")
    assert cell == b"\xff\x00"
    with pytest.raises(BadNumber, match="binary"):
        parse_number(cell, NumberFormat())


# ---------------------------------------------------------------- dates and times


def test_a_date_is_a_date(database: Database) -> None:
    (cell,) = database.cells("SELECT CAST('2026-11-20' AS DATE)")
    assert cell == date(2026, 11, 20)
    assert parse_date(cell, None) == date(2026, 11, 20)


def test_a_timestamp_at_midnight_is_its_day(database: Database) -> None:
    kind = "DATETIME" if database.is_mariadb else "TIMESTAMP"
    (cell,) = database.cells(f"SELECT CAST('2026-11-20 00:00:00' AS {kind})")
    assert cell == datetime(2026, 11, 20)  # noqa: DTZ001 - the server's has no zone
    assert parse_date(cell, None) == date(2026, 11, 20)


def test_a_timestamp_with_a_time_of_day_is_refused_with_advice(database: Database) -> None:
    kind = "DATETIME" if database.is_mariadb else "TIMESTAMP"
    (cell,) = database.cells(f"SELECT CAST('2026-11-20 23:00:00' AS {kind})")
    with pytest.raises(BadCell, match="cast it to a date in the query"):
        parse_date(cell, None)


@pytest.mark.parametrize("instant", ["2016-12-31 23:00:00+00", "2017-01-01 00:00:00+00"])
def test_an_instant_has_no_day_until_the_query_names_the_zone(postgres: Database, instant: str) -> None:
    (cell,) = postgres.cells(f"SELECT timestamptz '{instant}'")
    with pytest.raises(BadCell, match="cast it to a date in the query"):
        parse_date(cell, None)
    (cell,) = postgres.cells(f"SELECT (timestamptz '{instant}' AT TIME ZONE 'Europe/Berlin')::date")
    assert parse_date(cell, None) == date(2017, 1, 1)


def test_a_date_in_text_is_read_by_its_format(database: Database) -> None:
    iso, german = database.cells("SELECT '2026-11-20', '20.11.2026'")
    assert parse_date(iso, None) == parse_date(german, "%d.%m.%Y") == date(2026, 11, 20)


def test_a_date_of_mariadb_that_is_zero_is_refused(mariadb: Database) -> None:
    mariadb.run("CREATE TABLE production (day DATE)", "SET sql_mode = ''")
    mariadb.run("INSERT IGNORE INTO production VALUES ('0000-00-00')")
    (cell,) = mariadb.cells("SELECT day FROM production")
    with pytest.raises(BadCell):
        parse_date(cell, None)


def test_a_time_of_day_is_seconds_since_midnight(database: Database) -> None:
    (cell,) = database.cells("SELECT CAST('14:43:00' AS TIME)")
    assert isinstance(cell, time | timedelta)
    assert parse_seconds(cell) == 14 * 3600 + 43 * 60


# ---------------------------------------------------------------- text


@pytest.mark.parametrize("code", ["0001200", "Linie Ä", "线 1", "🙂", "a'b", 'a"b', "a\\b", "%", "null"])
def test_codes_keep_every_character(database: Database, code: str) -> None:
    wide = " CHARACTER SET utf8mb4" if database.is_mariadb else ""
    database.run(f"CREATE TABLE codes (code VARCHAR(40){wide})")
    database.run("INSERT INTO codes VALUES (:code)", rows=[{"code": code}])
    assert [code_text(cell) for cell in database.cells("SELECT code FROM codes")] == [code]


def test_a_uuid_is_the_text_of_an_id(postgres: Database) -> None:
    (cell,) = postgres.cells("SELECT '8dca904d-9134-3bb0-95b7-3f72ae3dfacf'::uuid")
    assert code_text(cell) == "8dca904d-9134-3bb0-95b7-3f72ae3dfacf"


def test_columns_of_one_name_stay_two(database: Database) -> None:
    table = database.read("SELECT 1 AS qty, 2 AS qty, 3 AS other")
    assert table.columns == ("qty", "qty", "other")
    assert [tuple(row.cells) for row in table.rows] == [(1, 2, 3)]


def test_rows_are_numbered_from_one_in_the_order_of_the_query(database: Database) -> None:
    table = database.read(f"SELECT n.i FROM {database.series(2500)} ORDER BY n.i DESC")
    assert [(row.line, row.cells[0]) for row in table.rows] == [(line, 2501 - line) for line in range(1, 2501)]


# ---------------------------------------------------------------- what is bound, and what only looks like it


@pytest.mark.parametrize("condition", ["day >= :from AND day < :until", "day BETWEEN :from AND :to"])
@pytest.mark.parametrize("kind", ["DATE", "TIMESTAMP"])
def test_dates_are_bound_as_dates(database: Database, condition: str, kind: str) -> None:
    kind = "DATETIME" if database.is_mariadb and kind == "TIMESTAMP" else kind
    database.run(f"CREATE TABLE production (day {kind})")
    days = ["2026-10-31", "2026-11-01", "2026-11-30", "2026-12-01"]
    database.run("INSERT INTO production VALUES (:day)", rows=[{"day": day} for day in days])
    table = database.read(f"SELECT day FROM production WHERE {condition} ORDER BY day")
    assert [parse_date(row.cells[0], None) for row in table.rows] == [date(2026, 11, 1), date(2026, 11, 30)]


def test_a_bound_date_alone_is_a_date(postgres: Database) -> None:
    query = "SELECT pg_typeof(:from)::text, pg_typeof(:to::date)::text, :until::date - 1, '2026-11-20'::date"
    assert postgres.cells(query) == ["date", "date", date(2026, 11, 30), date(2026, 11, 20)]


def test_one_day_is_from_its_start_to_the_start_of_the_next(database: Database) -> None:
    day = date(2026, 11, 20)
    (row,) = database.read("SELECT :from, :to, :until", Scope(day, day, day)).rows
    found = [parse_date(cell, None) for cell in row.cells]
    assert found == [day, day, day + timedelta(1)]


@pytest.mark.parametrize(
    ("literal", "text"),
    [
        ("'10%'", "10%"),
        ("'100%%'", "100%%"),
        ("'%s %(from)s %d'", "%s %(from)s %d"),
        ("'12:30'", "12:30"),
        ("':from ::x :'", ":from ::x :"),
        ("'it''s :to'", "it's :to"),
        ("'?'", "?"),
        ("'{0} {from}'", "{0} {from}"),
        ("'a;b -- c /* d */'", "a;b -- c /* d */"),
    ],
)
@pytest.mark.parametrize("also", ["", " AND :from < :until"])
def test_signs_of_drivers_in_quotes_reach_the_server_unchanged(
    database: Database, literal: str, text: str, also: str
) -> None:
    assert database.cells(f"SELECT {literal} -- 10% of :this\nWHERE 1 = 1{also}") == [text]


def test_a_backslash_before_a_colon_stays(postgres: Database) -> None:
    assert postgres.cells(r"SELECT 'a\:b', E'c\'\:d'") == [r"a\:b", "c':d"]


def test_percent_works_as_a_pattern_and_as_an_operator(database: Database) -> None:
    query = f"SELECT COUNT(*), MAX(n.i % 7) FROM {database.series(100)} WHERE CAST(n.i AS CHAR(3)) LIKE '1%'"
    count, most = database.numbers(query)
    assert (count, most) == (12, 6)


def test_operators_with_colons_and_question_marks_pass(postgres: Database) -> None:
    query = """SELECT '{"a": {"b": 5}}'::jsonb #>> '{a,b}', '{"a": 1}'::jsonb ? 'a', (ARRAY[1,2,3])[1:2]"""
    found: list[Any] = postgres.cells(query)
    assert found == ["5", True, [1, 2]]


def test_the_reading_is_noted_with_its_dates(database: Database) -> None:
    from kpisync.model import Intake

    intake = Intake()
    table = database.read("SELECT :from", NOVEMBER, intake)
    assert intake.read == 1
    assert intake.notes == [f"{table.origin}: 1 rows, :from 2026-11-01"]
    assert list(intake.origins) == [table.origin]
