"""The source against the state store: only what differs is looked at."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

from kpisync.model import Catalog, CatalogKpi, Doubt, Intent, Known, KpiValue, Scope, Status, ValueKey
from kpisync.sync.diff import Diff, Owner, diff, supplies_all
from kpisync.testing.clock import NOON
from kpisync.testing.state import MemoryState
from kpisync.testing.world import CATALOG, TODAY, record, value

A, B = Decimal(3), Decimal(5)
OVER_BY = NOON + timedelta(seconds=120)
ALL_TIME = Scope(TODAY)


def known(number: Decimal = A, job: str = "me", key: ValueKey | None = None) -> MemoryState:
    return MemoryState(values={key or value(): Known(number, Status.CONFIRMED, job)})


def doubt(
    new: Decimal | None = B, job: str = "me", settles: float = 60, key: ValueKey | None = None
) -> dict[ValueKey, Doubt]:
    key = key or value()
    return {key: Doubt(Intent(key, A, new, "old.csv:2"), job, "run", NOON + timedelta(seconds=settles))}


def compare(state: MemoryState, *stated: tuple[ValueKey, Decimal], owner: Owner | None = None) -> Diff:
    values = [KpiValue(key, number, f"a.csv:{line}") for line, (key, number) in enumerate(stated, start=2)]
    return diff(values, state, "board", owner or Owner("me", OVER_BY, frozenset({"other"})))


def withdrawing(scope: Scope = ALL_TIME, covered: bool = True) -> Owner:
    return Owner("me", OVER_BY, withdraw_in=scope, may_withdraw=lambda key: covered)


def test_a_known_number_is_unchanged_and_not_looked_at() -> None:
    found = compare(known(A), (value(), A))
    assert (found.unchanged, found.known, found.updates, found.records) == (1, 1, 0, [])


def test_an_unknown_number_is_wanted() -> None:
    found = compare(MemoryState(), (value(), A))
    (wanted,) = found.records[0].wanted
    assert (wanted.number, wanted.expected, wanted.source) == (A, frozenset(), "a.csv:2")
    assert found.known == 0


def test_another_number_is_an_update_that_expects_the_known_one() -> None:
    found = compare(known(A), (value(), B))
    assert found.records[0].wanted[0].expected == {A}
    assert found.updates == 1
    assert [old for _, old in found.jumps] == [A]


def test_a_value_of_another_job_is_rejected_naming_it() -> None:
    found = compare(known(job="other"), (value(), B))
    assert [rejection.code for rejection in found.rejections] == ["other-job"]
    assert "job other already sends this value" in found.rejections[0].reason
    assert not found.records


def test_a_value_that_another_job_is_sending_is_rejected() -> None:
    found = compare(MemoryState(doubts=doubt(job="other")), (value(), B))
    assert [rejection.code for rejection in found.rejections] == ["other-job"]


def test_a_value_of_a_job_that_is_no_more_is_taken_over() -> None:
    found = compare(known(job="gone"), (value(), B))
    assert found.records
    assert not found.rejections


def test_a_doubt_is_looked_at_even_if_the_number_is_the_known_one() -> None:
    state = known(A)
    state.doubts = doubt(B)
    (wanted,) = compare(state, (value(), A)).records[0].wanted
    assert wanted.doubt is not None
    assert wanted.expected == {A, B}


def test_a_doubt_that_is_to_be_sent_again_was_past_the_guard_already() -> None:
    state = known(A)
    state.doubts = doubt(B)
    found = compare(state, (value(), B))
    assert (found.known, found.updates, found.jumps) == (1, 0, [])


def test_an_own_doubt_is_over_a_settle_time_after_the_start_at_the_latest() -> None:
    late, soon = doubt(settles=500), doubt(settles=10)
    assert compare(MemoryState(doubts=late), (value(), B)).records[0].settles == OVER_BY
    assert compare(MemoryState(doubts=soon), (value(), B)).records[0].settles == NOON + timedelta(seconds=10)


def test_another_jobs_doubt_in_the_record_is_waited_for_in_full() -> None:
    """That job may be running, and sends whole records as well."""
    state = MemoryState(doubts=doubt(job="other", settles=500, key=value("target")))
    work = compare(state, (value(), B)).records[0]
    assert work.settles == NOON + timedelta(seconds=500)
    assert [wanted.key for wanted in work.wanted] == [value()]


def test_the_latest_doubt_of_a_record_decides_when_it_is_looked_at() -> None:
    state = MemoryState(doubts=doubt(settles=10) | doubt(settles=90, key=value("target")))
    assert compare(state, (value(), B), (value("target"), B)).records[0].settles == NOON + timedelta(seconds=90)


def test_a_doubt_that_the_source_states_no_more_is_only_asked() -> None:
    (wanted,) = compare(MemoryState(doubts=doubt())).records[0].wanted
    assert wanted.ask_only
    assert wanted.source == "old.csv:2"


def test_another_jobs_doubt_is_its_own_affair() -> None:
    assert not compare(MemoryState(doubts=doubt(job="other"))).records


def test_what_else_is_stated_and_known_of_a_record_lies_beside_it() -> None:
    state = known(A, key=value("target"))
    state.values[value("note")] = Known(Decimal(9), Status.CONFIRMED, "other")
    work = compare(state, (value(), B), (value("target"), A), (value("note"), B)).records[0]
    assert set(work.beside) == {"v-target"}
    assert work.known == {"v-target": A, "v-note": Decimal(9)}


# ---------------------------------------------------------------- withdrawing


def test_absent_values_are_kept_unless_withdrawing_is_asked_for() -> None:
    assert not compare(known()).records


def test_an_absent_value_is_withdrawn_and_counts_for_the_guard() -> None:
    found = compare(known(), owner=withdrawing())
    (wanted,) = found.records[0].wanted
    assert (wanted.number, wanted.expected, wanted.source) == (None, frozenset({A}), "no longer in the source")
    assert (found.known, found.withdrawals) == (1, 1)


def test_a_value_is_not_withdrawn_outside_of_the_scope() -> None:
    assert not compare(known(), owner=withdrawing(Scope(TODAY, first=TODAY))).records


def test_a_value_that_the_source_need_not_state_is_not_withdrawn() -> None:
    assert not compare(known(), owner=withdrawing(covered=False)).records


def test_another_jobs_value_is_not_withdrawn() -> None:
    assert not compare(known(job="other"), owner=withdrawing()).records


def test_a_stated_value_is_not_withdrawn() -> None:
    assert not compare(known(A), (value(), A), owner=withdrawing()).records


def test_an_absent_value_in_doubt_is_withdrawn_once() -> None:
    state = known(A)
    state.doubts = doubt(B)
    (wanted,) = compare(state, owner=withdrawing()).records[0].wanted
    assert (wanted.number, wanted.expected, wanted.ask_only) == (None, frozenset({A, B}), False)


def test_a_creation_in_doubt_that_is_absent_now_is_withdrawn_but_was_never_known() -> None:
    found = compare(MemoryState(doubts=doubt()), owner=withdrawing())
    assert found.records[0].wanted[0].number is None
    assert (found.known, found.withdrawals) == (0, 0)


# ---------------------------------------------------------------- supplying all


def test_a_record_is_supplied_whole_if_every_value_kind_is_stated() -> None:
    state = known(A, key=value("target"))
    numbers = [(value(), B), (value("target"), A), (value("note"), B)]
    assert supplies_all(compare(state, *numbers).records[0], CATALOG)
    assert not supplies_all(compare(state, *numbers[:2]).records[0], CATALOG)


def test_a_kpi_of_which_no_value_kinds_are_known_is_never_supplied_whole() -> None:
    work = compare(MemoryState(), (value(), B)).records[0]
    assert not supplies_all(work, Catalog())
    assert not supplies_all(work, Catalog(kpis={"scrap": CatalogKpi("scrap", record().kpi)}))


def undone(number: Decimal | None, state: MemoryState | None = None) -> MemoryState:
    """A state in which an undo took a number back (None: a withdrawal)."""
    state = state or known(A)
    state.keep_undone({value(): number})
    return state


def test_what_was_undone_is_passed_over_while_the_source_states_it() -> None:
    found = compare(undone(B), (value(), B))
    assert (found.records, found.unchanged, found.undone, found.updates, found.restated) == ([], 1, 1, 0, [])


def test_what_was_created_and_undone_is_passed_over_too() -> None:
    found = compare(undone(B, MemoryState()), (value(), B))
    assert (found.records, found.unchanged, found.undone) == ([], 1, 1)


def test_another_number_is_sent_and_the_undo_is_over() -> None:
    found = compare(undone(B), (value(), Decimal(9)))
    assert ([wanted.number for wanted in found.records[0].wanted], found.restated) == ([9], [value()])
    assert (found.undone, found.updates) == (0, 1)


def test_a_withdrawal_that_was_undone_is_not_made_again() -> None:
    found = compare(undone(None), owner=withdrawing())
    assert (found.records, found.undone, found.withdrawals) == ([], 1, 0)


def test_a_number_that_was_undone_and_is_no_longer_stated_may_be_withdrawn() -> None:
    found = compare(undone(B), owner=withdrawing())
    assert ([wanted.number for wanted in found.records[0].wanted], found.restated) == ([None], [value()])


def test_an_undo_that_is_in_doubt_is_asked_about_and_not_turned_round() -> None:
    state = undone(B, known(B))
    state.doubts = doubt(A)
    (wanted,) = compare(state, (value(), B)).records[0].wanted
    assert (wanted.ask_only, wanted.number) == (True, A)


def test_what_was_undone_is_not_restored_with_its_record() -> None:
    target = value("target")
    found = compare(undone(B), (value(), B), (target, B))
    (work,) = found.records
    assert [wanted.key for wanted in work.wanted] == [target]
    assert work.beside == {}
