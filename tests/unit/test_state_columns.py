"""What a database must not bend: numbers, instants, ids, source cells."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from enum import StrEnum

import pytest
from hypothesis import given
from hypothesis import strategies as some
from sqlalchemy import Column, MetaData, Table, create_engine, insert, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.schema import CreateIndex, CreateTable

from kpisync.errors import StateError
from kpisync.state import statements, tables
from kpisync.state.columns import Coded, Day, Exact, Instant, as_milliseconds, as_number, as_text, plain
from kpisync.state.numbering import cell_of
from kpisync.state.prepared import Make, words_for
from kpisync.state.ulid import new_ulid


class Word(StrEnum):
    FIRST = "first"
    SECOND = "second"


NUMBERS = some.decimals(allow_nan=False, allow_infinity=False, min_value=-(10**30), max_value=10**30)


@given(NUMBERS)
def test_a_number_survives_exactly(number: Decimal) -> None:
    assert as_number(as_text(number)) == number


@given(NUMBERS, some.integers(0, 5))
def test_equal_numbers_have_one_text(number: Decimal, zeros: int) -> None:
    padded = Decimal(f"{number:f}" + ("" if "." in f"{number:f}" else ".") + "0" * zeros)
    assert as_text(padded) == as_text(number)


@pytest.mark.parametrize(
    ("written", "text"),
    [
        ("-0", "0"),
        ("-0.00", "0"),
        ("1.00", "1"),
        ("100", "100"),
        ("1E+3", "1000"),
        ("1e-7", "0.0000001"),
        ("-1.50", "-1.5"),
    ],
)
def test_a_number_has_one_text(written: str, text: str) -> None:
    assert as_text(Decimal(written)) == text


@pytest.mark.parametrize("written", ["NaN", "sNaN", "Infinity", "-Infinity"])
def test_what_is_no_number_is_not_stored(written: str) -> None:
    with pytest.raises(ValueError, match="not a number"):
        as_text(Decimal(written))


def test_a_damaged_number_is_a_state_error() -> None:
    with pytest.raises(StateError, match="'12x' where a number should be"):
        as_number("12x")


def test_columns_give_back_what_was_put_in() -> None:
    columns = Column("number", Exact), Column("at", Instant), Column("day", Day), Column("word", Coded(tuple(Word)))
    table = Table("t", MetaData(), *columns)
    summer = datetime(2026, 7, 1, 8, 0, tzinfo=timezone(timedelta(hours=2)))
    row = (Decimal("12345678901234567.1234567891"), summer, date(2026, 7, 1), Word.SECOND)
    engine = create_engine("sqlite://")
    with engine.begin() as connection:
        table.create(connection)
        connection.execute(
            insert(table), [dict(zip(table.c.keys(), cells, strict=True)) for cells in (row, (None,) * 4)]
        )
        found = connection.execute(select(table)).all()
        stored = connection.exec_driver_sql("SELECT at, day, word FROM t").first()
    engine.dispose()
    assert found == [row, (None,) * 4]
    assert stored == (1782885600000, 739798, 1)


def test_an_instant_without_a_zone_is_refused() -> None:
    with pytest.raises(ValueError, match="no time zone"):
        Instant().process_bind_param(datetime(2026, 1, 1), None)  # noqa: DTZ001


@given(some.datetimes(max_value=datetime(9000, 1, 1), timezones=some.just(UTC)))  # noqa: DTZ001
def test_an_instant_is_rounded_up_to_the_millisecond(instant: datetime) -> None:
    """What settles at an instant is not looked at before."""
    rounded = Instant().process_result_value(as_milliseconds(instant), None)
    assert rounded is not None
    assert timedelta(0) <= rounded - instant < timedelta(milliseconds=1)


@pytest.mark.parametrize("code", [-1, 2, "first", None])
def test_a_damaged_word_is_a_state_error(code: int) -> None:
    with pytest.raises(StateError, match="where a status should be"):
        Coded(tuple(Word)).word(code)


def test_statuses_keep_the_codes_that_are_stored() -> None:
    assert [*tables.CHANGE_STATUS.words] == [
        "in_doubt",
        "confirmed",
        "sent",
        "refused",
        "withdrawn",
        "superseded",
        "adopted",
    ]
    assert [*tables.VALUE_STATUS.words] == ["confirmed", "sent"]


@given(some.text())
def test_text_is_made_fit_for_every_database(text: str) -> None:
    fit = plain(text)
    assert "\0" not in fit
    assert len(fit) <= 1000
    fit.encode()


def test_a_lone_surrogate_is_written_out() -> None:
    assert plain("a\ud800b") == "a\\ud800b"


def test_long_text_is_cut() -> None:
    assert plain("x" * 2000, 10) == "x" * 9 + "…"


@given(some.text())
def test_a_source_cell_is_put_together_again(source: str) -> None:
    assert str(cell_of(source)) == plain(source)


@pytest.mark.parametrize(
    ("source", "origin", "place"),
    [
        ("exports/a.csv:14", "exports/a.csv", "14"),
        ("exports/a.csv:14, exports/a.csv:15", "exports/a.csv", "14, exports/a.csv:15"),
        ("typed by hand", None, "typed by hand"),
        ("", None, ""),
    ],
)
def test_the_origin_of_a_source_cell_is_what_stands_before_the_first_line_number(
    source: str, origin: str | None, place: str
) -> None:
    assert cell_of(source) == (origin, place)


def test_a_ulid_has_26_characters_and_sorts_by_time() -> None:
    early, late = new_ulid(datetime(2026, 1, 1, tzinfo=UTC)), new_ulid(datetime(2026, 1, 2, tzinfo=UTC))
    assert len(early) == 26
    assert early < late
    assert set(early) <= set("0123456789ABCDEFGHJKMNPQRSTVWXYZ")


def test_the_time_of_a_ulid_is_that_of_its_specification() -> None:
    assert new_ulid(datetime.fromtimestamp(1469918176.385, UTC)).startswith("01ARYZ6S41")


def test_two_ulids_of_one_instant_differ() -> None:
    now = datetime(2026, 1, 1, tzinfo=UTC)
    assert new_ulid(now) != new_ulid(now)


def test_the_tables_are_valid_for_postgresql() -> None:
    dialect = postgresql.dialect()
    for table in tables.metadata.sorted_tables:
        assert f"CREATE TABLE {table.name}" in str(CreateTable(table).compile(dialect=dialect))
    index = next(index for index in tables.change.indexes if index.name == "ix_change_in_doubt")
    assert str(CreateIndex(index).compile(dialect=dialect)).endswith("WHERE status = 0")


@pytest.mark.parametrize(
    "make",
    [
        statements.close,
        statements.leave_open,
        statements.put_intended,
        statements.put_bare,
        statements.enter_adoption,
    ],
)
def test_open_intents_are_found_by_their_own_index(make: Make) -> None:
    compiled = make(words_for("sqlite")).compile(dialect=sqlite.dialect())
    engine = create_engine("sqlite://")
    with engine.begin() as connection:
        tables.metadata.create_all(connection)
        nothing = (None,) * len(compiled.positiontup or ())
        plan = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {compiled}", nothing).all()
    engine.dispose()
    assert [row.detail for row in plan if "ix_change_in_doubt (period" in row.detail]
    assert not [row.detail for row in plan if row.detail.startswith("SCAN change")]
