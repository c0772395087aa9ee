"""What the pages need: pictures to show, and the few things that a person may set going from them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Protocol
from zoneinfo import ZoneInfo

from kpisync.watch.model import DestinationHealth, Grid, Overview, RejectRow, RunPage, Trouble, ValuePage


@dataclass(frozen=True, slots=True)
class Readiness:
    """Whether the daemon can do its work. `troubles` are all there are; those that stop it are why it is not ready."""

    ready: bool
    troubles: tuple[Trouble, ...]


class Views(Protocol):
    """Pictures of now, read from the state store and the daemon; secrets are struck out of every text.

    Every method raises StateError while the store cannot be used, but `readiness`, which says so, and `alive`.
    """

    def alive(self) -> bool:
        """Whether the scheduler still looks."""

    def readiness(self) -> Readiness:
        """Asks the store; raises nothing."""

    def timezone(self) -> ZoneInfo:
        """The plant's."""

    def overview(self) -> Overview:
        """May be a few seconds old."""

    def board(
        self, destination: str | None = None, until: date | None = None, periods: int = 14, job: str | None = None
    ) -> tuple[Grid, ...]:
        """The completeness grids of one destination or of all, a grid for each rhythm of KPIs; `until` None: today.

        With `job`, its fields alone: that costs little, however large the board is.
        """

    def runs(self, job: str | None = None, limit: int = 50, before: str | None = None) -> Sequence[Mapping[str, Any]]:
        """The newest runs first, as `kpisync history --json` shows them; `before` a run's id: those older than it."""

    def run(self, run_id: str) -> RunPage:
        """Raises ConfigError if there is no such run."""

    def value(self, path: str) -> ValuePage:
        """Raises ConfigError for a path that names no value."""

    def rejects(self, job: str | None = None) -> tuple[RejectRow, ...]:
        """What is open, by job."""

    def destinations(self) -> tuple[DestinationHealth, ...]:
        """Every configured one, by name."""

    def metrics(self) -> bytes:
        """What Prometheus reads, in its text format. Raises nothing: without a store, what is known without it."""


class Actions(Protocol):
    """Each returns at once; what comes of it is in the pictures. Raises ConfigError if it cannot be meant."""

    def run_now(self, job: str) -> None:
        """As `kpisync run JOB`."""

    def retry(self, job: str) -> None:
        """As `kpisync rejects JOB --retry`."""

    def reload(self) -> None:
        """Read the configuration again."""
