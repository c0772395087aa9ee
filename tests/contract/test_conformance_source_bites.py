"""The suite for sources is worth something: each of its rules catches an adapter that breaks it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import pytest
from conformance_rules import check, rules_of
from memory_source import ORIGIN, MemorySource, MemorySourceConformance

from kpisync.errors import SourceError
from kpisync.model import Intake, Row, Run, Scope, Table
from kpisync.testing.conformance_spec import SpecConformance


class TestMemorySource(MemorySourceConformance):
    """A sound one keeps them all."""


class GivesUpWithoutDates(MemorySource):
    def read(self, scope: Scope, intake: Intake) -> Iterator[Table]:
        if scope.first is None:
            raise SourceError("no dates", where=ORIGIN, hint="Give some")
        return super().read(scope, intake)


@dataclass
class NeverNeedsDates(MemorySource):
    def __post_init__(self) -> None:
        self.needs_range = False


class Changed(MemorySource):
    """Yields its one table with other rows; `change` is told by each subclass."""

    def read(self, scope: Scope, intake: Intake) -> Iterator[Table]:
        for table in super().read(scope, intake):
            yield replace(table, rows=self.change(table.rows))

    def change(self, rows: Iterator[Row]) -> Iterator[Row]:
        raise NotImplementedError


class Sorts(Changed):
    def change(self, rows: Iterator[Row]) -> Iterator[Row]:
        return iter(sorted(rows, key=lambda row: str(row.cells)))


class Repeats(Changed):
    def change(self, rows: Iterator[Row]) -> Iterator[Row]:
        for row in rows:
            yield from (row, row)


class HoldsAll(Changed):
    def change(self, rows: Iterator[Row]) -> Iterator[Row]:
        return iter(list(rows))


class CountsFromNought(Changed):
    def change(self, rows: Iterator[Row]) -> Iterator[Row]:
        return (Row(row.line - 1, row.cells) for row in rows)


class CutsCells(Changed):
    def change(self, rows: Iterator[Row]) -> Iterator[Row]:
        return (Row(row.line, row.cells[:2]) for row in rows)


class MakesObjects(Changed):
    def change(self, rows: Iterator[Row]) -> Iterator[Row]:
        return (Row(row.line, [object(), *row.cells[1:]]) for row in rows)


class Accounts(MemorySource):
    """Enters its rows in another intake, and then `enter`s some of that in the right one."""

    def read(self, scope: Scope, intake: Intake) -> Iterator[Table]:
        own = Intake()
        for table in super().read(scope, own):
            yield replace(table, rows=self._entered(table.rows, own, intake))

    def _entered(self, rows: Iterator[Row], own: Intake, intake: Intake) -> Iterator[Row]:
        yield from rows
        self.enter(own, intake)

    def enter(self, own: Intake, intake: Intake) -> None:
        intake.read, intake.skipped, intake.origins = own.read, own.skipped, own.origins


class CountsNothing(Accounts):
    def enter(self, own: Intake, intake: Intake) -> None:
        intake.skipped, intake.origins = own.skipped, own.origins


class SkipsInSilence(Accounts):
    def enter(self, own: Intake, intake: Intake) -> None:
        intake.read, intake.origins = own.read, own.origins


class NamesNothing(Accounts):
    def enter(self, own: Intake, intake: Intake) -> None:
        intake.read, intake.skipped = own.read, own.skipped


class HashesSomethingElse(MemorySource):
    def read(self, scope: Scope, intake: Intake) -> Iterator[Table]:
        yield from super().read(scope, intake)
        intake.origins[ORIGIN] = "sha256:0"


class ShrinksUnseen(MemorySource):
    def hashes(self) -> dict[str, str]:
        self.shelf = self.shelf[1:]
        return {ORIGIN: "sha256:0"}


class NamesAllAlike(Accounts):
    def enter(self, own: Intake, intake: Intake) -> None:
        intake.origins[ORIGIN] = "always the same"


class SurveysInSilence(MemorySource):
    def survey(self, column: str, intake: Intake) -> Iterator[Run]:
        return (run._replace(text=b"") for run in super().survey(column, intake))


class PassesAllOver(MemorySource):
    def read_without(self, column: str, passed: Callable[[object], bool], intake: Intake) -> Iterator[Table]:
        for table in super().read_without(column, passed, intake):
            yield replace(table, rows=(row for row in table.rows if passed(row.cells[0])))


class EndsQuietly(MemorySource):
    def read(self, scope: Scope, intake: Intake) -> Iterator[Table]:
        if self.broken != 0:
            yield from super().read(scope, intake)


class NamesTheBroken(MemorySource):
    def read(self, scope: Scope, intake: Intake) -> Iterator[Table]:
        intake.origins[ORIGIN] = "sha256:0"
        return super().read(scope, intake)


class UsesUpItsShelf(MemorySource):
    def read(self, scope: Scope, intake: Intake) -> Iterator[Table]:
        yield from super().read(scope, intake)
        self.shelf.clear()


BITES: dict[str, type[MemorySource]] = {
    "test_a_source_that_needs_no_range_is_read_without_dates": GivesUpWithoutDates,
    "test_a_source_that_cannot_be_read_without_dates_says_so": NeverNeedsDates,
    "test_rows_come_in_their_own_order": Sorts,
    "test_each_row_comes_once": Repeats,
    "test_rows_are_read_lazily": HoldsAll,
    "test_each_row_says_the_line_that_it_begins_at": CountsFromNought,
    "test_each_row_has_a_cell_for_every_column": CutsCells,
    "test_cells_are_text_or_typed": MakesObjects,
    "test_every_row_counts_as_read": CountsNothing,
    "test_every_line_that_is_not_a_row_is_entered": SkipsInSilence,
    "test_what_was_read_is_named_once_its_rows_are_used_up": NamesNothing,
    "test_hashes_are_the_origins_that_a_reading_has": HashesSomethingElse,
    "test_rows_are_the_same_again_as_long_as_the_hashes_are": ShrinksUnseen,
    "test_other_rows_have_other_hashes": NamesAllAlike,
    "test_a_survey_shows_which_rows_changed": SurveysInSilence,
    "test_passing_rows_over_leaves_all_others_and_the_account": PassesAllOver,
    "test_what_cannot_be_read_as_configured_is_a_source_error": EndsQuietly,
    "test_what_broke_off_is_not_named_as_read": NamesTheBroken,
    "test_nothing_at_the_source_is_changed": UsesUpItsShelf,
}


@pytest.mark.parametrize(("rule", "adapter"), BITES.items())
def test_a_source_that_breaks_a_rule_is_caught(rule: str, adapter: type[MemorySource]) -> None:
    suite = MemorySourceConformance()
    suite.adapter = adapter
    with pytest.raises((AssertionError, SourceError)):
        check(suite, rule)


def test_every_rule_of_a_source_is_shown_to_bite() -> None:
    assert rules_of(MemorySourceConformance) - rules_of(SpecConformance) == BITES.keys()
