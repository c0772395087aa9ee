"""The rules of `ports.Source`, one test each: inherit them, say how your source is filled, and run pytest."""

# ruff: noqa: S101 - a suite asserts

from __future__ import annotations

import tracemalloc
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from itertools import pairwise

from kpisync.errors import SourceError
from kpisync.model import Intake, Row, Scope, Table
from kpisync.ports import Rereadable, Source, Surveyable
from kpisync.testing.conformance_spec import SpecConformance, check_words, raised, skip

TODAY = date(2026, 11, 20)
OPEN = Scope(TODAY)
_CELLS = (str, Decimal, int, float, date, datetime, time, bytes, bool, type(None))
_FEW, _MANY = 2_000, 20_000  # rows; a lazy source holds far fewer than the fewer of them


@dataclass
class Reading:
    """What was read of a source. `broke_in` is the table at whose rows it broke off."""

    intake: Intake = field(default_factory=Intake)
    tables: list[Table] = field(default_factory=list)
    rows: list[Row] = field(default_factory=list)
    broke_in: Table | None = None

    def take(self, source: Source, scope: Scope = OPEN) -> Reading:
        for table in source.read(scope, self.intake):
            self.broke_in = table
            self.tables.append(table)
            self.rows.extend(table.rows)
            self.broke_in = None
        return self


def sample_rows(count: int, seed: int = 0) -> list[tuple[str, str, str]]:
    """So many rows of text (line, day, number), no two alike, sorted by nothing."""
    return [
        (f"line-{n % 7}", (TODAY - timedelta(n % 30)).isoformat(), str((n * 7919 + seed) % 1_000_003))
        for n in range(count)
    ]


def _scope(source: Source) -> Scope:
    return Scope(TODAY, TODAY - timedelta(60), TODAY) if source.needs_range else OPEN


class SourceConformance(SpecConformance):
    """Inherit, set `spec`, and override the hooks; a hook that makes no sense for a source may skip, and say why."""

    columns = ("line", "day", "scrap")

    # ------------------------------------------------------------ to be overridden

    def source_of(self, rows: Sequence[Sequence[str]]) -> Source:
        """Put these rows, in these `columns`, where a source finds them, in place of those put there before."""
        raise NotImplementedError

    def source_with_other_lines(self, rows: Sequence[Sequence[str]]) -> tuple[Source, int]:
        """The same with lines between the rows that are none (blank, totals, damaged), and how many of them."""
        skip("every line of this source is a row")

    def source_with_range(self) -> Source:
        """A source that cannot be read without dates."""
        skip("this source never needs dates")

    def broken_sources(self) -> Mapping[str, Source]:
        """Sources that cannot be read as configured, by what is wrong with them: missing, damaged, cut off midway."""
        raise NotImplementedError

    def look(self) -> object:
        """What stands at the source, past the adapter: bytes of files, rows of tables; to be compared."""
        raise NotImplementedError

    def as_text(self, cell: object) -> str:
        """A cell as `source_of` was given it."""
        return str(cell)

    # ------------------------------------------------------------ dates

    def test_a_source_that_needs_no_range_is_read_without_dates(self) -> None:
        source = self.source_of(sample_rows(3))
        if source.needs_range:
            skip("this source always needs dates")
        assert len(Reading().take(source).rows) == 3, "without dates, not all rows were read"

    def test_a_source_that_cannot_be_read_without_dates_says_so(self) -> None:
        assert self.source_with_range().needs_range is True, "needs_range is not True"

    # ------------------------------------------------------------ rows

    def test_rows_come_in_their_own_order(self) -> None:
        given = sample_rows(300)
        read = list(dict.fromkeys(self._texts(self._read(given))))
        assert read == [row for row in given if row in set(read)], "the rows come in another order than they stand"

    def test_each_row_comes_once(self) -> None:
        given = sample_rows(300)
        read = Counter(self._texts(self._read(given)))
        assert read == Counter(given), f"lost, doubled or changed: {list((read - Counter(given)) or given)[:3]}"

    def test_rows_are_read_lazily(self) -> None:
        _, few, many = self._peak(10), self._peak(_FEW), self._peak(_MANY)  # the first one imports libraries
        assert many < 3 * few, f"{_FEW} rows take {few} bytes and {_MANY} rows {many}: they are held in memory"

    def test_each_row_says_the_line_that_it_begins_at(self) -> None:
        lines = [row.line for row in self._read(sample_rows(50)).rows]
        assert lines[0] >= 1, f"lines are counted from 1, not from {lines[0]}"
        assert all(one < next for one, next in pairwise(lines)), f"lines go back: {lines}"

    def test_each_row_has_a_cell_for_every_column(self) -> None:
        reading = self._read(sample_rows(5))
        (table,) = reading.tables
        assert table.columns == self.columns, f"the columns are {table.columns}, not {self.columns}"
        assert all(len(row.cells) == len(self.columns) for row in reading.rows), "a row has too few or too many cells"

    def test_cells_are_text_or_typed(self) -> None:
        strange = {type(cell).__name__ for row in self._read(sample_rows(5)).rows for cell in row.cells} - {
            kind.__name__ for kind in _CELLS
        }
        assert not strange, f"cells are of types that nobody reads: {', '.join(sorted(strange))}"

    # ------------------------------------------------------------ the account

    def test_every_row_counts_as_read(self) -> None:
        read = self._read(sample_rows(300)).intake.read
        assert read == 300, f"300 rows, and {read} of them are counted in intake.read"

    def test_every_line_that_is_not_a_row_is_entered(self) -> None:
        source, others = self.source_with_other_lines(sample_rows(10))
        intake = Reading().take(source).intake
        entered = intake.skipped.total() + len(intake.rejections)
        assert entered == others, f"of {others} lines that are no rows, {entered} are entered in the intake"
        assert intake.read == 10, f"10 rows, and {intake.read} of them are counted in intake.read"

    def test_what_was_read_is_named_once_its_rows_are_used_up(self) -> None:
        source, intake = self.source_of(sample_rows(5)), Intake()
        for table in source.read(_scope(source), intake):
            rows = len(list(table.rows))
            assert intake.origins.get(table.origin), (
                f"after {rows} rows, intake.origins says nothing of {table.origin!r}"
            )

    def test_hashes_are_the_origins_that_a_reading_has(self) -> None:
        source = self._rereadable(sample_rows(50))
        hashes, origins = dict(source.hashes()), Reading().take(source).intake.origins  # type: ignore[attr-defined]
        assert hashes == origins, f"hashes() says {hashes}, and a reading {origins}"

    def test_rows_are_the_same_again_as_long_as_the_hashes_are(self) -> None:
        source = self._rereadable(sample_rows(50))
        first, second = Reading().take(source), Reading().take(source)
        assert first.intake.origins == second.intake.origins, "nothing changed, but the hashes differ"
        assert first.rows == second.rows, "the hashes are the same, but the rows differ"

    def test_other_rows_have_other_hashes(self) -> None:
        before = Reading().take(self._rereadable(sample_rows(50))).intake.origins
        after = Reading().take(self._rereadable(sample_rows(50, seed=1))).intake.origins
        assert before != after, "other rows, but the same hashes: their change would not be seen"

    def test_a_survey_shows_which_rows_changed(self) -> None:
        rows = sample_rows(50)
        before = self._written(rows)
        after = self._written([(line, day, "1" if line == "line-3" else number) for line, day, number in rows])
        changed = {cell for cell in before | after if before.get(cell) != after.get(cell)}
        assert changed == {"line-3"}, f"only rows of line-3 changed, and the survey shows it of {changed}"

    def test_passing_rows_over_leaves_all_others_and_the_account(self) -> None:
        source, whole, some = self._surveyable(sample_rows(50)), Reading(), Intake()
        whole.take(source)
        tables = source.read_without(self.columns[0], lambda cell: cell == "line-3", some)
        found = [row for table in tables for row in table.rows if row.cells[0] != "line-3"]
        assert found == [row for row in whole.rows if row.cells[0] != "line-3"], (
            "other rows than those passed over differ"
        )
        assert (some.read, some.origins) == (whole.intake.read, whole.intake.origins), "the account differs"

    # ------------------------------------------------------------ what cannot be read

    def test_what_cannot_be_read_as_configured_is_a_source_error(self) -> None:
        broken = self.broken_sources()
        assert broken, "broken_sources names none"
        for what, source in broken.items():
            error = raised(SourceError, lambda source=source: Reading().take(source).rows, what)  # type: ignore[misc]
            assert error.where, f"{what}: {str(error)!r} does not say where"
            check_words(error, what)

    def test_what_broke_off_is_not_named_as_read(self) -> None:
        for what, source in self.broken_sources().items():
            reading = Reading()
            raised(SourceError, lambda source=source, reading=reading: reading.take(source), what)  # type: ignore[misc]
            origin = reading.broke_in.origin if reading.broke_in else None
            assert origin not in reading.intake.origins, f"{what}: intake.origins names {origin} as read to its end"

    def test_nothing_at_the_source_is_changed(self) -> None:
        source = self.source_of(sample_rows(50))
        before = self.look()
        Reading().take(source)
        assert self.look() == before, "reading changed something at the source"

    # ------------------------------------------------------------ inside

    def _read(self, rows: Sequence[Sequence[str]]) -> Reading:
        source = self.source_of(rows)
        return Reading().take(source, _scope(source))

    def _texts(self, reading: Reading) -> list[tuple[str, ...]]:
        return [tuple(self.as_text(cell) for cell in row.cells) for row in reading.rows]

    def _rereadable(self, rows: Sequence[Sequence[str]]) -> Source:
        source = self.source_of(rows)
        if not isinstance(source, Rereadable):
            skip("this source does not promise to yield the same rows again")
        return source

    def _surveyable(self, rows: Sequence[Sequence[str]]) -> Surveyable:
        source = self.source_of(rows)
        if not isinstance(source, Surveyable):
            skip("this source does not tell rows apart before it parses them")
        return source

    def _written(self, rows: Sequence[Sequence[str]]) -> dict[object, bytes]:
        """What a survey shows of each cell of the first column."""
        written: dict[object, bytes] = {}
        for run in self._surveyable(rows).survey(self.columns[0], Intake()):
            written[run.cell] = written.get(run.cell, b"") + run.layout + run.text
        return written

    def _peak(self, count: int) -> int:
        """The most bytes that a reading takes whose rows nobody keeps."""
        source, intake = self.source_of(sample_rows(count)), Intake()
        tracemalloc.start()
        try:
            for table in source.read(_scope(source), intake):
                for _ in table.rows:
                    pass
            return tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()
