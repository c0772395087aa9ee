"""What a user sets for a destination of Quantive, or of Gtmhub, as it was called before."""

from __future__ import annotations

import re
from enum import StrEnum
from typing import Annotated

from pydantic import AfterValidator, Field, SecretStr

from kpisync.fields import Rate
from kpisync.model import Interval
from kpisync.support.http_options import HttpDestinationOptions, Url

_IN_A_HEADER = re.compile("[!-~]+")


class SnapshotWrite(StrEnum):
    """What a second snapshot of a KPI and period does; no public source says."""

    APPEND = "append"
    UPSERT = "upsert"
    UNKNOWN = "unknown"


class ProjectionDay(StrEnum):
    FIRST = "first"
    LAST = "last"


def _versioned(url: str) -> str:
    if not url.endswith("/v1"):
        raise ValueError("url must end with the version of the API, /v1; what needs /v2 is asked there")
    return url


Address = Annotated[Url, AfterValidator(_versioned)]


def _for_a_header(text: str) -> str:
    if not _IN_A_HEADER.fullmatch(text):
        raise ValueError("it is sent in a header, so it has no blanks, and letters without accents only")
    return text


def _secret_for_a_header(secret: SecretStr) -> SecretStr:
    _for_a_header(secret.get_secret_value())
    return secret


class GtmhubOptions(HttpDestinationOptions):
    """An account of Gtmhub, with its old host and paths."""

    url: Address = Field(description="https://app.gtmhub.com/api/v1")
    account: Annotated[str, AfterValidator(_for_a_header)] = Field(description="the account's id")
    token: Annotated[SecretStr, AfterValidator(_secret_for_a_header)] = Field(description="an API token")
    rate_limit: Rate = Field(2.0, description="requests at most: 5/s, 100/m, 2000/h, or none")
    concurrency: int = Field(1, ge=1, le=16, description="requests in flight at most")
    snapshot_write: SnapshotWrite = Field(
        SnapshotWrite.UNKNOWN,
        description="what a second snapshot of one period does: append (stands beside the first), upsert (takes its "
        "place) or unknown, which is treated as append; kpisync discover --probe finds out",
    )
    group_by: dict[Interval, str] = Field(
        default_factory=dict, description="the platform's words for intervals in a read; each its own name by default"
    )
    force_insight_kpis: bool = Field(
        False, description="write to KPIs whose values come from an insight, which may overwrite them"
    )

    @property
    def identity(self) -> str:
        return f"{super().identity} {self.account.lower()}"

    @property
    def stored(self) -> str:
        if self.snapshot_write is SnapshotWrite.UPSERT:
            return super().stored
        settle = f"{self.settle.total_seconds():g} s"
        return (
            f"each value is sent once, and never again blindly: without an answer it is looked for after {settle}, "
            "and reported where that cannot tell; of snapshots, only those that we created are deleted"
        )


class QuantiveOptions(GtmhubOptions):
    """An account of Quantive Results."""

    url: Address = Field(description="https://app.quantive.com/results/api/v1, or the host of another data centre")
    projection_day: ProjectionDay = Field(
        ProjectionDay.FIRST, description="the day of its period that a target stands on: first or last"
    )
