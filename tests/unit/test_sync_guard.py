"""The guard holds a run that would do something unusual."""

from __future__ import annotations

from decimal import Decimal

import pytest

from kpisync.model import KpiValue
from kpisync.sync.diff import Diff
from kpisync.sync.guard import held
from kpisync.sync.options import GuardOptions
from kpisync.testing.world import value


def guard(**options: object) -> GuardOptions:
    return GuardOptions.model_validate(options)


def jump(old: str, new: str) -> Diff:
    return Diff(jumps=[(KpiValue(value(), Decimal(new), "a.csv:2"), Decimal(old))])


def test_a_usual_run_is_not_held() -> None:
    assert held(guard(), 5, Diff(known=100, updates=30)) is None


def test_an_empty_source_is_held() -> None:
    assert "the source has 0 rows, guard.min_rows is 1" in str(held(guard(), 0, Diff()))


def test_min_rows_0_lets_an_empty_source_pass() -> None:
    assert held(guard(min_rows=0), 0, Diff()) is None


def test_more_than_the_share_is_held_and_the_message_names_the_flag() -> None:
    reason = held(guard(), 5, Diff(known=10, updates=3, withdrawals=1))
    assert reason == (
        "4 of 10 known values would change, guard.max_changed is 30%; "
        "look at the plan, then allow it with --yes-over-guard"
    )


def test_a_share_of_fewer_than_ten_known_values_says_nothing() -> None:
    assert held(guard(), 5, Diff(known=9, updates=9)) is None


def test_a_share_that_is_just_allowed_passes() -> None:
    assert held(guard(max_changed="50%"), 5, Diff(known=10, updates=5)) is None


def test_max_changed_none_switches_it_off() -> None:
    assert held(guard(max_changed="none"), 5, Diff(known=10, updates=10)) is None


def test_a_fraction_of_a_percent_is_shown_as_written() -> None:
    assert "is 12.5%" in str(held(guard(max_changed="12.5%"), 5, Diff(known=10, updates=5)))


@pytest.mark.parametrize(("old", "new"), [("1", "10.1"), ("10.1", "1"), ("-1", "11"), ("1", "-11")])
def test_a_jump_is_held_and_names_its_cell(old: str, new: str) -> None:
    reason = str(held(guard(max_jump="10x"), 5, jump(old, new)))
    assert reason.startswith(f"a.csv:2: {old} would become {new}, guard.max_jump is 10x; ")


@pytest.mark.parametrize(("old", "new"), [("1", "10"), ("0", "1000"), ("1000", "0")])
def test_no_jump_within_the_factor_nor_from_or_to_zero(old: str, new: str) -> None:
    assert held(guard(max_jump="10x"), 5, jump(old, new)) is None


def test_without_max_jump_any_jump_passes() -> None:
    assert held(guard(), 5, jump("1", "1000000")) is None


def test_all_reasons_are_named_at_once() -> None:
    reason = str(held(guard(min_rows=5), 1, Diff(known=10, updates=10)))
    assert "guard.min_rows" in reason
    assert "guard.max_changed" in reason
