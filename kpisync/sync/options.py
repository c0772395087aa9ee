"""The limits that a user sets on a run: what it may do without being asked."""

from __future__ import annotations

from decimal import Decimal
from enum import StrEnum

from pydantic import Field

from kpisync.fields import Factor, Options, Percent


class Absent(StrEnum):
    KEEP = "keep"
    WITHDRAW = "withdraw"


class GuardOptions(Options):
    """A run that breaks one of these is held, exit 3, until it is allowed by `--yes-over-guard`."""

    min_rows: int = Field(1, ge=0, description="fewer rows than this from the source")
    max_changed: Percent = Field(
        Decimal("0.3"), description="a larger share of the known values updated or withdrawn, from ten known ones on"
    )
    max_jump: Factor = Field(None, description="a known value that grows or shrinks by more than this factor")
