"""Targets in Quantive: one projection a day, whose id is looked up where it is not known."""

from __future__ import annotations

from decimal import Decimal

from quantive_account import account, key

from kpisync.model import ReplyKind

TARGET = "target"


def test_a_target_is_a_projection_on_the_first_day_of_its_period() -> None:
    with account() as okr:
        made = okr.create(5, value=TARGET)
        assert made.remote == okr.id_of(TARGET)
        assert okr.update(5, 7, made.remote, value=TARGET).remote == made.remote
        assert okr.holds() == {TARGET: Decimal(7)}
        assert okr.withdraw(7, made.remote, value=TARGET).kind is ReplyKind.ACCEPTED
        assert okr.holds() is None
        assert [method for method in okr.methods if method != "GET"] == ["POST", "PATCH", "DELETE"]


def test_a_target_may_stand_on_the_last_day_of_its_period() -> None:
    with account(projection_day="last") as okr:
        okr.create(5, value=TARGET)
        assert okr.read(key()) == {key(): {TARGET: Decimal(5)}}
        assert okr.holds(key("2026-11-15")) == {TARGET: Decimal(5)}


def test_a_target_that_turns_out_to_be_there_is_changed() -> None:
    with account() as okr:
        okr.by_hand(3, value=TARGET)
        assert okr.create(5, value=TARGET).kind is ReplyKind.ACCEPTED
        assert okr.methods == ["POST", "GET", "PATCH"]
        assert okr.holds() == {TARGET: Decimal(5)}


def test_a_target_without_a_known_id_is_looked_up() -> None:
    with account() as okr:
        okr.by_hand(3, value=TARGET)
        assert okr.update(3, 5, None, value=TARGET).kind is ReplyKind.ACCEPTED
        assert okr.withdraw(5, None, value=TARGET).kind is ReplyKind.ACCEPTED
        assert okr.withdraw(5, None, value=TARGET).kind is ReplyKind.ACCEPTED
        assert okr.holds() is None


def test_a_target_that_is_gone_is_created_again() -> None:
    with account() as okr:
        assert okr.update(3, 5, "0" * 24, value=TARGET).kind is ReplyKind.ACCEPTED
        assert okr.holds() == {TARGET: Decimal(5)}
