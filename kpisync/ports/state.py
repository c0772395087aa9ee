"""What the engine asks of the state store."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Protocol

from kpisync.model import Doubt, Intent, Known, Partition, Rejection, Settled, Stands, ValueKey


class State(Protocol):
    """The state store as the engine sees it. What a method has returned from is on disk."""

    def known(self, destination: str, first: date, last: date) -> Mapping[ValueKey, Known]:
        """Every value known of a destination whose period lies in the range, both ends inclusive."""

    def in_doubt(self, destination: str) -> Sequence[Doubt]:
        """Every intent that is not settled, of all jobs, oldest first."""

    def intend(self, run: str, intents: Sequence[Intent], settles: datetime) -> None:
        """Record intents as in doubt until `settles`; an older unsettled intent of the same key is superseded."""

    def settle(self, run: str, outcomes: Sequence[Settled]) -> None:
        """Close the open intents of these keys.

        CONFIRMED and SENT make `number` the known one; WITHDRAWN forgets it; REFUSED leaves what was known; IN_DOUBT
        keeps the intent open and only notes the answer.
        """

    def adopt(self, run: str, values: Mapping[ValueKey, Stands]) -> None:
        """Take numbers that the platform holds as known and confirmed, with the source cell that states them.

        Open intents of these keys are closed as confirmed.
        """

    def reject(self, run: str, rejections: Sequence[Rejection]) -> None:
        """Keep what was rejected in a run."""

    def partitions(self, job: str) -> Mapping[date, Partition]:
        """The periods of a job's source that were confirmed whole, by their first day."""

    def keep_partitions(self, job: str, partitions: Mapping[date, Partition]) -> None:
        """Remember periods as confirmed whole, in place of what was remembered of them."""

    def forget_partitions(self, job: str, periods: Collection[date]) -> None:
        """Remember these periods no longer."""

    def undone(self, destination: str) -> Mapping[ValueKey, Decimal | None]:
        """Numbers that were undone, and are not sent again while the source states them; None: a withdrawal."""

    def keep_undone(self, values: Mapping[ValueKey, Decimal | None]) -> None:
        """Remember numbers as undone, in place of what was remembered of their keys."""

    def forget_undone(self, keys: Collection[ValueKey]) -> None:
        """Remember nothing of these keys as undone."""
