"""Where posting adds, nothing is ever posted twice, and nothing that a person entered is deleted."""

from __future__ import annotations

import random
from dataclasses import replace
from decimal import Decimal

import pytest

from kpisync.model import Change, Reply, ReplyKind, RunStatus
from kpisync.sync.report import Report
from kpisync.testing import shelf
from kpisync.testing.destination import Fault
from kpisync.testing.disturbance import Disturbance
from kpisync.testing.shelf import MemoryShelf
from kpisync.testing.walk import walk
from kpisync.testing.world import World, value

ACTUAL = value("actual")


def world_with(number: Decimal | None = None) -> tuple[World, MemoryShelf]:
    world = World(apart=True)
    assert isinstance(world.board, MemoryShelf)
    if number is not None:
        world.source_states(ACTUAL, number)
        world.run("actuals")
    return world, world.board


def numbers(board: MemoryShelf) -> list[Decimal]:
    return [snapshot.number for snapshot in board.shelf.get(ACTUAL, [])]


@pytest.mark.parametrize("seed", range(150))
def test_whatever_happens_nothing_stands_twice(seed: int) -> None:
    walk(World(apart=True), random.Random(seed))


def test_a_changed_number_takes_the_place_of_ours() -> None:
    world, board = world_with(Decimal(1))
    world.source_states(ACTUAL, Decimal(2))
    assert world.run("actuals").updated == 1  # type: ignore[union-attr]
    assert numbers(board) == [2]


@pytest.mark.parametrize("fault", [Fault.DROP_AFTER, Fault.LATE, Fault.FAIL_AFTER])
def test_a_post_without_an_answer_is_found_and_not_repeated(fault: Fault) -> None:
    world, board = world_with()
    world.source_states(ACTUAL, Decimal(1))
    report = world.run("actuals", Disturbance(puts={1: fault}))
    assert report and (report.status, report.confirmed) == (RunStatus.OK, 1)
    assert (numbers(board), board.requests["PUT"]) == ([1], 1)


def test_a_post_that_is_refused_after_its_delete_is_a_hole_that_is_filled_whatever_the_source_says_then() -> None:
    world, board = world_with(Decimal(1))
    world.source_states(ACTUAL, Decimal(2))
    report = world.run("actuals", Disturbance(puts={1: Fault.REFUSE}))
    assert report and report.status is RunStatus.PARTIAL and numbers(board) == []
    world.source_states(ACTUAL, Decimal(1))
    world.clock.sleep(1000)
    world.run("actuals")
    assert numbers(board) == [1]


def correct_a_number_of_another_hand() -> tuple[Report | None, MemoryShelf]:
    """A person entered the number that the source states, and the source changes its mind."""
    world, board = world_with()
    world.hand_edits(ACTUAL, Decimal(1))
    world.source_states(ACTUAL, Decimal(1))
    world.run("actuals")
    world.source_states(ACTUAL, Decimal(2))
    return world.run("actuals"), board


def test_a_number_that_a_person_entered_is_adopted_if_equal_and_never_deleted() -> None:
    report, board = correct_a_number_of_another_hand()
    assert report and len(report.conflicts) == 1 and numbers(board) == [1]


def test_a_platform_that_tells_no_ids_is_asked_for_them() -> None:
    world, board = world_with()
    board.tells_ids = False
    world.source_states(ACTUAL, Decimal(1))
    world.run("actuals")
    world.source_states(ACTUAL, Decimal(2))
    world.run("actuals")
    assert numbers(board) == [2]


class Blind(MemoryShelf):
    """Takes a post without an answer for one that was not stored."""

    def write(self, change: Change) -> Reply:
        reply = super().write(change)
        return replace(reply, kind=ReplyKind.BUSY) if reply.kind is ReplyKind.UNKNOWN else reply


def test_a_build_that_repeats_posts_blindly_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("kpisync.testing.world.MemoryShelf", Blind)
    with pytest.raises(AssertionError, match="posted twice"):
        for seed in range(300):
            walk(World(apart=True), random.Random(seed))


def test_a_build_that_deletes_what_it_did_not_create_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shelf.MemoryShelf, "may_replace", lambda self, key, remote: True)
    monkeypatch.setattr("kpisync.sync.reconcile._ours", lambda wanted, stands, apart: apart.remote_id(wanted.key))
    with pytest.raises(AssertionError, match="a person's number was deleted"):
        correct_a_number_of_another_hand()
