"""A transform is SQL over the rows that were read: exact, cut off from everything else, and whole or not at all."""

from __future__ import annotations

import sys
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from functools import partial
from typing import Any

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mapping_builders import LINE_1, mapped, mapper, options
from test_sync_partitions import DAYS, PLAIN, FileSource, Look, Side

from kpisync.errors import SourceError
from kpisync.model import Intake, NumberFormat, Row, Scope, Table
from kpisync.ports import Rereadable, Source, Surveyable
from kpisync.support.duck import opened
from kpisync.sync.options import Absent
from kpisync.transform.mapped import number_columns, with_computed_decimals
from kpisync.transform.query import depends_on_source_alone, one_select
from kpisync.transform.source import TransformedSource, transformed

SCOPE = Scope(date(2026, 11, 20))
GERMAN = NumberFormat(",", ".", nulls=frozenset({"", "-"}))
PER_LINE = "SELECT Linie, SUM(n) AS n FROM source GROUP BY Linie ORDER BY Linie"


@dataclass
class Rows:
    """A source of rows with the columns of its tables; a reject stands where `rejects` says."""

    rows: Sequence[Sequence[object]]
    columns: tuple[str, ...] = ("Linie", "n")
    numbers: NumberFormat = GERMAN
    column_numbers: dict[str, NumberFormat] = field(default_factory=dict)
    origins: tuple[str, ...] = ("a.csv",)
    rejects: tuple[int, ...] = ()
    needs_range: bool = False

    def read(self, scope: Scope, intake: Intake) -> Iterator[Table]:
        for origin in self.origins:
            rows = self._rows(origin, intake)
            yield Table(origin, self.columns, rows, self.numbers, self.column_numbers)

    def _rows(self, origin: str, intake: Intake) -> Iterator[Row]:
        for line, cells in enumerate(self.rows, 2):
            if line in self.rejects:
                intake.reject(f"{origin}:{line}", "field-count", "the row has 3 cells")
                continue
            intake.read += 1
            yield Row(line, cells)
        intake.origins[origin] = "sha256:1"


def read(source: Source, query: str, numbers: Sequence[str] = ()) -> tuple[Table, list[list[object]], Intake]:
    intake = Intake()
    tables = [(table, [list(row.cells) for row in table.rows]) for table in _tables(source, query, numbers, intake)]
    ((table, rows),) = tables
    return table, rows, intake


def _tables(source: Source, query: str, numbers: Sequence[str], intake: Intake) -> Iterator[Table]:
    return transformed(source, query, numbers).read(SCOPE, intake)


def result(rows: Sequence[Sequence[object]], query: str, **given: Any) -> list[list[object]]:
    return read(Rows(rows, **given), query)[1]


def one(cells: Sequence[object], query: str, **given: Any) -> object:
    """The one cell that comes of a column `n`."""
    ((cell,),) = result([(cell,) for cell in cells], query, columns=("n",), **given)
    return cell


def refusal(rows: Sequence[Sequence[object]], query: str, must: Sequence[str] = (), **given: Any) -> SourceError:
    with pytest.raises(SourceError) as caught:
        read(Rows(rows, **given), query, must)
    assert caught.value.where and caught.value.hint
    assert "\n" not in str(caught.value)
    return caught.value


# ---------------------------------------------------------------- numbers


def test_a_sum_of_tenths_is_exact() -> None:
    assert one(["0,1"] * 10, "SELECT SUM(n) FROM source") == Decimal("1.0")


NUMBERS = st.decimals(-(10**12), 10**12, allow_nan=False, allow_infinity=False).map(lambda n: round(n, 9))


@settings(deadline=None, max_examples=25)
@given(st.lists(st.tuples(st.sampled_from("AB"), NUMBERS), min_size=1, max_size=30))
def test_sums_per_group_are_those_of_decimals(rows: list[tuple[str, Decimal]]) -> None:
    wanted: dict[str, Decimal] = defaultdict(Decimal)
    for line, number in rows:
        wanted[line] += number
    written = [(line, f"{number:f}".replace(".", ",")) for line, number in rows]
    assert result(written, PER_LINE) == [[line, wanted[line]] for line in sorted(wanted)]


FLOATS = st.floats(-1e9, 1e9).filter(lambda number: not number or abs(number) > 1e-9)


@settings(deadline=None, max_examples=25)
@given(st.lists(st.one_of(NUMBERS, st.integers(-(10**17), 10**17), FLOATS), min_size=1, max_size=20))
def test_typed_numbers_come_back_as_they_were(cells: list[Decimal | int | float]) -> None:
    wanted = [Decimal(repr(cell)) if isinstance(cell, float) else Decimal(cell) for cell in cells]
    try:
        found = [cell for (cell,) in result([(cell,) for cell in cells], "SELECT n FROM source", columns=("n",))]
    except SourceError as error:
        assert "38 digits" in error.what
    else:
        assert found == wanted


def test_numbers_are_read_by_the_format_of_their_column() -> None:
    formats = {"m": NumberFormat(".", ",")}
    rows = [("1.000,5", "1,000.5"), ("2", "2")]
    query = "SELECT SUM(n), SUM(m) FROM source"
    assert result(rows, query, columns=("n", "m"), column_numbers=formats) == [[Decimal("1002.5"), Decimal("1002.5")]]


def test_a_median_between_two_rows_has_its_decimals() -> None:
    """DuckDB cuts it to the decimals of the column: the median of 0,1 and 0,2 would be 0,1."""
    assert one(["0,1", "0,2"], "SELECT MEDIAN(n) FROM source") == Decimal("0.15")
    assert one(["1", "2"], "SELECT MEDIAN(n) FROM source") == 1.5
    assert one(["0,1", "0,2"], "SELECT quantile_cont(n, 0.25) FROM source") == Decimal("0.125")


def test_whole_numbers_are_divided_with_decimals_and_do_not_overflow() -> None:
    assert one(["5"], "SELECT n / 2 FROM source") == 2.5
    assert one(["9" * 18] * 20, "SELECT SUM(n) FROM source") == 20 * int("9" * 18)
    assert one(["9" * 30] * 20, "SELECT SUM(n) FROM source") == 20 * int("9" * 30)


def test_numbers_that_no_type_holds_exactly_are_an_error() -> None:
    error = refusal([("1" + "0" * 20,), ("0," + "0" * 20 + "1",)], "SELECT SUM(n) FROM source", columns=("n",))
    assert "column n need more than 38 digits: 21 before and 21 behind" in error.what


def test_a_sum_beyond_all_digits_is_an_error_and_never_a_wrong_number() -> None:
    rows = [("9" * 33 + ",1",)] * 5
    assert "verflow" in refusal(rows, "SELECT SUM(n) * 999999 FROM source", columns=("n",)).what


def test_what_is_computed_has_six_decimals_unless_the_job_says_how_many() -> None:
    scrap = {"kpi": "scrap", "value": "actual", "column": "n"}
    made = options(scrap, {"kpi": "scrap", "value": "target", "constant": 2})
    computed = with_computed_decimals(made)
    assert [value.decimals for value in computed.values] == [6, None]
    exact = options({**scrap, "decimals": 2})
    assert with_computed_decimals(exact) == exact
    source = Rows([("2026-11-19", "L1", "1"), ("2026-11-19", "L1", "2,3")], columns=("d", "t", "n"))
    table = next(transformed(source, "SELECT d, t, SUM(n) / 7 AS n FROM source GROUP BY d, t").read(SCOPE, Intake()))
    (value,) = mapped(mapper(with_computed_decimals(options())), table).values
    assert (value.key.record.team, value.number) == (LINE_1, Decimal("0.471429"))


# ---------------------------------------------------------------- text, codes, nothing


@pytest.mark.parametrize("code", ["0001200", "00692", "000", "-01"])
def test_a_column_with_leading_zeros_holds_codes(code: str) -> None:
    assert result([(code, "1"), ("7", "2")], "SELECT Linie, n FROM source") == [[code, 1], ["7", 2]]


@pytest.mark.parametrize(("text", "number"), [("0", 0), ("0,5", Decimal("0.5")), ("-0", 0), (",5", Decimal("0.5"))])
def test_zero_and_what_is_below_one_are_numbers(text: str, number: Decimal) -> None:
    assert one([text, "1"], "SELECT MIN(n) FROM source") == number


@pytest.mark.parametrize("nothing", ["", " ", "-", None, "\u00a0"])
def test_a_cell_without_a_value_is_null_and_never_zero(nothing: object) -> None:
    assert one([nothing, "4", "6"], "SELECT AVG(n) FROM source") == 5
    assert one([nothing], "SELECT COUNT(n) FROM source") == 0
    assert one([nothing], "SELECT SUM(n) FROM source") is None


def test_a_column_without_a_value_fits_every_function() -> None:
    query = "SELECT SUM(n), upper(Linie), strptime(Linie, '%d') FROM source GROUP BY Linie"
    assert result([("", "")], query) == [[None, None, None]]


def test_text_is_without_outer_blanks_as_a_lookup_sees_it() -> None:
    assert result([(" L1", "1"), ("L1 ", "2")], PER_LINE) == [["L1", 3]]


def test_a_typed_number_beside_text_is_the_code_that_a_lookup_sees() -> None:
    assert result([(10.0, "1"), ("10", "2"), ("L1", "4")], PER_LINE) == [["10", 3], ["L1", 4]]


def test_typed_dates_stay_dates_and_texts_stay_texts() -> None:
    day, moment = date(2026, 11, 19), datetime(2026, 11, 19, 14, 43)  # noqa: DTZ001
    instant = datetime(2026, 11, 19, 23, 30, tzinfo=UTC)
    row = (day, moment, instant, time(14, 43), True, "19.11.2026", b"224.91", b"L1", timedelta(days=2))
    columns = ("d", "m", "i", "t", "b", "x", "n", "l", "p")
    query = (
        "SELECT d + 1, m, i, (i AT TIME ZONE 'Europe/Berlin')::DATE, t, b, strptime(x, '%d.%m.%Y')::DATE, n, l, p "
        "FROM source"
    )
    assert result([row], query, columns=columns) == [
        [
            day + timedelta(days=1),
            moment,
            instant,
            date(2026, 11, 20),
            time(14, 43),
            True,
            day,
            Decimal("224.91"),
            "L1",
            "2 days, 0:00:00",
        ]
    ]


def test_dates_and_times_in_one_column_are_times() -> None:
    moment = datetime(2026, 11, 19, 14, 43)  # noqa: DTZ001
    assert one([date(2026, 11, 20), moment], "SELECT MAX(n) FROM source") == datetime(2026, 11, 20)  # noqa: DTZ001


def test_equal_names_and_missing_ones_are_addressed_as_in_a_map() -> None:
    query = 'SELECT "UoM", "UoM#2", "@3", "uom#3" FROM source'
    assert result([("a", "b", "c", "d")], query, columns=("UoM", "UoM", "", "uom")) == [["a", "b", "c", "d"]]


# ---------------------------------------------------------------- what the words say


def test_a_sum_over_text_names_the_cell_that_made_it_text() -> None:
    error = refusal([("L1", "1"), ("L2", "n/a"), ("L3", "x")], PER_LINE)
    assert "column n is text, because of a.csv:3: 'n/a' is not a number" in error.what
    assert "column Linie" not in error.what
    assert "null" in str(error.hint)


def test_a_wrong_number_format_is_named_by_its_first_cell() -> None:
    error = refusal([("L1", "1.5")], PER_LINE, numbers=NumberFormat(","))
    assert "column n is text, because of a.csv:2: '1.5' has '.', but the decimal separator is ','" in error.what


def test_a_column_that_the_query_misspells_is_named_beside_those_that_there_are() -> None:
    error = refusal([("L1", "1")], "SELECT Lini FROM source")
    assert error.what.startswith(
        'the query fails: Referenced column "Lini" not found in FROM clause! Candidate binding'
    )
    assert "the columns of source are 'Linie', 'n'" in str(error.hint)


def test_a_text_cannot_pass_for_a_number_by_its_letters() -> None:
    """Of 9, 10 and n/a, the largest text is n/a, and of 9 and 10 it is 9."""
    error = refusal([("L1", "9"), ("L1", "10"), ("L1", "n/a")], "SELECT MIN(n) AS n FROM source", ["n"])
    assert error.what.startswith("column n of the result is VARCHAR, not a number; column n is text, because of a.csv:")
    assert result([("L1", "9"), ("L1", "10")], "SELECT MIN(n) AS n FROM source") == [[9]]


def test_a_column_of_the_map_that_the_result_has_not_is_named() -> None:
    error = refusal([("L1", "1")], "SELECT Linie, n AS m FROM source", ["n"])
    assert error.what == "there is no column 'n'"
    assert "'Linie', 'm'" in str(error.hint)


def test_only_columns_that_are_read_as_numbers_must_be_numbers() -> None:
    values = [
        {"kpi": "scrap", "value": "actual", "column": "n"},
        {"kpi": "scrap", "value": "actual", "column": "t", "as": "minutes"},
        {"kpi": "scrap", "value": "actual", "column": "c", "aggregate": "count"},
        {"kpi": "scrap", "value": "target", "constant": 1},
        {"kpi": "orders", "value": "actual", "numerator": "good", "denominator": "all"},
    ]
    assert number_columns(options(*values)) == ("n", "good", "all")


def test_a_row_that_is_rejected_below_leaves_no_result() -> None:
    error = refusal([("L1", "1"), ("L2", "2")], PER_LINE, rejects=(3,))
    assert error.what == "a row was rejected, and may belong to any row of the result: a.csv:3: the row has 3 cells"
    assert error.where == "a.csv: transform"


# ---------------------------------------------------------------- tables, origins, hashes


def test_the_result_is_one_table_with_its_rows_numbered() -> None:
    table, rows, intake = read(Rows([("L1", "1"), ("L2", "2")]), PER_LINE)
    assert (table.origin, table.columns, rows) == ("a.csv: transform", ("Linie", "n"), [["L1", 1], ["L2", 2]])
    assert intake.read == 2
    assert set(intake.origins) == {"a.csv", "a.csv: transform"}


def test_all_files_are_one_table() -> None:
    table, rows, _ = read(Rows([("L1", "1")], origins=("a.csv", "b.csv", "c.csv")), PER_LINE)
    assert (table.origin, rows) == ("a.csv and 2 more: transform", [["L1", 3]])


@dataclass
class Files:
    """Tables of one row, each with its columns."""

    tables: Sequence[tuple[tuple[str, ...], tuple[object, ...]]]
    needs_range: bool = True

    def read(self, scope: Scope, intake: Intake) -> Iterator[Table]:
        for number, (columns, row) in enumerate(self.tables):
            yield Table(f"{number}.csv", columns, iter([Row(2, row)]))
            intake.origins[f"{number}.csv"] = "sha256:1"


def test_columns_of_files_are_matched_by_their_names() -> None:
    source = Files([(("Linie", "n"), ("L1", "1")), (("n", "Linie"), ("2", "L1"))])
    assert read(source, PER_LINE)[1] == [["L1", 3]]


@pytest.mark.parametrize(
    ("columns", "what"),
    [(("Linie",), "it lacks n"), (("Linie", "n", "m"), "it has m more"), (("Linie", "n", "n"), "it repeats others")],
)
def test_a_file_of_another_layout_is_an_error(columns: tuple[str, ...], what: str) -> None:
    source = Files([(("Linie", "n"), ("L1", "1")), (columns, ("L1", "1", "2")[: len(columns)])])
    with pytest.raises(SourceError) as caught:
        read(source, PER_LINE)
    assert what in caught.value.what
    assert caught.value.where == "1.csv"


def test_no_tables_stay_none() -> None:
    intake = Intake()
    assert list(_tables(Files([]), PER_LINE, (), intake)) == []


def test_a_source_that_needs_dates_still_does() -> None:
    assert transformed(Files([]), PER_LINE).needs_range
    assert not transformed(Rows([]), PER_LINE).needs_range


def test_a_table_without_rows_gives_what_sql_gives() -> None:
    assert result([], PER_LINE) == []
    assert result([], "SELECT COUNT(*), SUM(n) FROM source") == [[0, None]]


def test_it_yields_the_same_again_only_if_the_source_does_and_the_day_does_not_matter() -> None:
    source = FileSource([("A", DAYS[1], "1")])
    again = transformed(source, "SELECT code, day, number FROM source")
    assert isinstance(again, Rereadable)
    assert not isinstance(again, Surveyable)
    intake = Intake()
    for table in again.read(SCOPE, intake):
        list(table.rows)
    assert again.hashes() == intake.origins
    other = transformed(source, "SELECT code, day FROM source")
    assert isinstance(other, Rereadable) and other.hashes() != again.hashes()
    assert not isinstance(transformed(source, "SELECT * FROM source WHERE day < current_date"), Rereadable)
    assert not isinstance(transformed(Rows([]), PER_LINE), Rereadable)


def test_every_function_that_depends_on_more_than_its_arguments_is_known() -> None:
    query = "SELECT DISTINCT function_name FROM duckdb_functions() WHERE stability <> 'CONSISTENT'"
    with duckdb.connect() as connection:
        changing = [name for (name,) in connection.execute(query).fetchall()]
    assert len(changing) > 20
    for name in (*changing, "current_timestamp", "localtime", "localtimestamp"):
        assert not depends_on_source_alone(f"SELECT {name}(1) FROM source"), name
    assert depends_on_source_alone("SELECT 'now()', \"random\" FROM source -- today()")


# ---------------------------------------------------------------- periods that did not change

Lives = list[list[tuple[str, str, str]]]
ROWS = st.lists(st.tuples(st.sampled_from("AB"), st.sampled_from(DAYS), st.sampled_from("123")), max_size=5)
PER_DAY = "SELECT code, day, SUM(number) AS number FROM source GROUP BY ALL ORDER BY ALL"
OVER_DAYS = (
    "SELECT code, day, SUM(SUM(number)) OVER (PARTITION BY code ORDER BY day) AS number FROM source GROUP BY code, day"
)


@pytest.mark.parametrize("query", [PER_DAY, OVER_DAYS])
@settings(deadline=None, max_examples=8)
@given(steps=st.lists(ROWS, min_size=1, max_size=4))
def test_with_and_without_digests_of_periods_the_platform_ends_the_same(query: str, steps: Lives) -> None:
    """The whole transform is carried out anew, so a row of another period that changes a result is not missed."""
    build = _over(query)
    with_digests, without = (Side(skips, [PLAIN], Absent.KEEP, build) for skips in (True, False))
    for rows in [*steps, steps[0]]:
        reports = [side.run(rows, Look()) for side in (with_digests, without)]
        assert len({(r.rows, r.values, r.unchanged, len(r.rejections)) for r in reports}) == 1
        assert with_digests.board.records == without.board.records


def test_only_the_periods_whose_results_changed_are_mapped() -> None:
    side = Side(True, [PLAIN], Absent.KEEP, _over(PER_DAY))
    side.run([("A", DAYS[1], "1"), ("A", DAYS[1], "2"), ("B", DAYS[2], "2")], Look())
    changed = side.run([("A", DAYS[1], "1"), ("A", DAYS[1], "3"), ("B", DAYS[2], "2")], Look())
    assert (changed.values, changed.unchanged, changed.updated) == (2, 1, 1)
    assert side.board.requests["PUT"] == 1


def test_files_that_were_confirmed_whole_are_not_read_again() -> None:
    side, rows = Side(True, [PLAIN], Absent.KEEP, _over(PER_DAY)), [("A", DAYS[1], "1"), ("A", DAYS[1], "2")]
    side.run(rows, Look())
    again = side.run(rows, Look())
    assert again.reading == ["not read: its files are those that were confirmed whole"]


def _over(query: str) -> Callable[..., Source]:
    return partial(_built, query)


def _built(query: str, rows: list[tuple[str, str, str]]) -> Source:
    return transformed(FileSource(rows), query)


# ---------------------------------------------------------------- the query


@pytest.mark.parametrize(
    "query",
    [
        PER_LINE,
        f"{PER_LINE};",
        "WITH t AS (SELECT * FROM source) SELECT * FROM t",
        "(SELECT 1 FROM source)",
        "SELECT 'a;b', {'a': 1}, n::DECIMAL(10, 2), x[1:2], \"update\" FROM source -- ; done",
        "FROM source SELECT n",
    ],
)
def test_one_select_over_source_is_a_transform(query: str) -> None:
    assert one_select(query) == query


@pytest.mark.parametrize(
    ("query", "what"),
    [
        ("SELECT 1 FROM source; SELECT 2 FROM source", "not one SELECT"),
        ("DELETE FROM source", "not one SELECT"),
        ("WITH t AS (SELECT 1) INSERT INTO source SELECT * FROM t", "not one SELECT"),
        ("COPY source TO 'x.csv'", "not one SELECT"),
        ("", "not one SELECT"),
        ("SELECT 1", "does not select from it"),
        ("SELEC 1 FROM source", "not one SELECT"),
        ("SELECT n FROM source GROP BY n", 'syntax error at or near "BY"'),
    ],
)
def test_anything_else_is_a_mistake_of_the_configuration(query: str, what: str) -> None:
    with pytest.raises(ValueError, match=r".") as caught:
        one_select(query)
    assert what in str(caught.value)


def test_the_text_is_looked_at_without_duckdb_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "duckdb", None)
    assert one_select(PER_LINE) == PER_LINE
    with pytest.raises(ValueError, match="not one SELECT"):
        one_select("DROP TABLE source")
    assert "pip install 'kpisync[duckdb]'" in str(refusal([("L1", "1")], PER_LINE).hint)


@pytest.mark.parametrize(
    "query",
    [
        "SELECT * FROM source, read_csv('/etc/hosts')",
        "SELECT * FROM source, '/etc/hosts'",
        "SELECT * FROM source, read_text('https://localhost:1/')",
        "SELECT * FROM source, glob('/*')",
        "SELECT * FROM source, query('INSTALL httpfs')",
    ],
)
def test_a_query_reaches_neither_files_nor_the_network(query: str) -> None:
    assert "the query fails: " in refusal([("L1", "1")], query).what


def test_a_query_that_takes_too_long_is_stopped() -> None:
    endless = "SELECT COUNT(*) AS n FROM source, range(1000000000000) a, range(1000000) b WHERE hash(a) = hash(b)"
    source = TransformedSource(Rows([("L1", "1")]), endless, (), timedelta(milliseconds=50))
    with pytest.raises(SourceError, match=r"took longer than 0\.05s"):
        for table in source.read(SCOPE, Intake()):
            list(table.rows)


def test_a_query_that_does_not_fit_into_the_memory_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("kpisync.transform.source._MEMORY", "20MB")
    query = "SELECT list(a.range || repeat('x', 1000)) FROM source, range(300000) a"
    assert "more memory than 20MB" in refusal([("L1", "1")], query).what


def test_rows_that_do_not_fit_into_the_memory_are_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("kpisync.transform.source._MEMORY", "5MB")
    rows = [(f"L{n}" * 20, "1") for n in range(60_000)]
    assert "must fit into the memory" in str(refusal(rows, PER_LINE).hint)


def test_duckdb_shows_no_progress_which_would_stand_on_stdout() -> None:
    with opened("duckdb", "here", memory="100MB") as connection:
        assert connection.execute("SELECT current_setting('enable_progress_bar')").fetchall() == [(False,)]
