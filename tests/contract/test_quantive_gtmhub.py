"""Gtmhub, the older brand: no deletion of a snapshot and no targets."""

from __future__ import annotations

from decimal import Decimal

from quantive_account import SCRAP, UNITS, account, key

from kpisync.model import ReplyKind, ValueKey

ACTUAL, TARGET = "actual", "target"


def test_gtmhub_corrects_by_a_second_post_where_the_last_number_counts() -> None:
    with account("gtmhub") as okr:
        ours = okr.create(5).remote
        assert okr.destination.may_replace(ValueKey(key(kpi=SCRAP), ACTUAL), ours)
        assert okr.update(5, 7, ours).kind is ReplyKind.ACCEPTED
        assert okr.methods == ["POST", "POST"]
        assert okr.read(key()) == {key(): {ACTUAL: Decimal(7)}}


def test_gtmhub_corrects_nothing_where_a_second_number_would_be_added() -> None:
    units = key(kpi=UNITS)
    with account("gtmhub") as okr:
        ours = okr.create(5, units).remote
        assert not okr.destination.may_replace(ValueKey(units, ACTUAL), ours)
        reply = okr.update(5, 7, ours, units)
        assert reply.kind is ReplyKind.REFUSED
        assert "here it is sum" in reply.words
        assert okr.holds(units) == {ACTUAL: Decimal(5)}


def test_gtmhub_has_no_deletion_and_no_targets() -> None:
    with account("gtmhub") as okr:
        assert "cannot delete" in okr.withdraw(5, okr.create(5).remote).words
        assert "no targets" in okr.create(5, value=TARGET).words
        assert okr.methods == ["POST"]
