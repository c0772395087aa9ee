"""What a user of the sandbox may set: how the stand-ins behave, and what shall go wrong when."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from kpisync.fields import Duration, Options, Rate

PartialSets = Literal["merge-keep", "merge-target-zero", "merge-target-historical", "replace-all"]
FaultKind = Literal["status", "drop-before", "drop-after", "late-commit", "stall", "garbage"]


def _pattern(text: str) -> str:
    try:
        re.compile(text)
    except re.error as error:
        raise ValueError(f"not a regular expression: {error}") from None
    return text


def _headers(headers: dict[str, str]) -> dict[str, str]:
    for name, value in headers.items():
        if not re.fullmatch(r"[A-Za-z0-9-]+", name) or not re.fullmatch(r"[\t\x20-\x7e]*", value):
            raise ValueError(f"{name!r} is not a header name with a value of printable ASCII")
    return headers


Method = Annotated[str, AfterValidator(str.upper)]
Pattern = Annotated[str, AfterValidator(_pattern)]
Headers = Annotated[dict[str, str], AfterValidator(_headers)]


class Fault(Options):
    """Something that shall go wrong with the requests that match; see `kind`."""

    kind: FaultKind = Field(
        description="status: answer `status`, nothing stored; drop-before: close, nothing stored; drop-after: store, "
        "then close without an answer; late-commit: close at once, store `delay` later; stall: nothing stored, nothing "
        "sent for `delay`, then close; garbage: store, then answer 200 with `body`, which is no valid answer"
    )
    method: Method | None = Field(None, description="only requests of this method")
    path: Pattern | None = Field(None, description="only paths, query included, in which this regular expression finds")
    after: int = Field(0, ge=0, description="so many matching requests are served well first")
    times: int | None = Field(1, ge=1, description="so many requests fail; null: for ever")
    status: int = Field(500, ge=200, le=599, description="for kind status")
    body: str | None = Field(None, description="for kinds status and garbage; default: a fitting one")
    headers: Headers = Field({}, description="for kinds status and garbage; these replace the usual ones")
    delay: Duration = Field(
        timedelta(0), description="late-commit and stall: see there; the others: wait so long before answer or close"
    )


def _object_id(text: str) -> str:
    if not re.fullmatch(r"[0-9a-fA-F]{24}", text):
        raise ValueError("not 24 hexadecimal digits")
    return text.lower()


ObjectId = Annotated[str, AfterValidator(_object_id)]


class SandboxSettings(Options):
    """How the stand-ins behave; the defaults are the nastiest documented behaviour."""

    username: str = Field("sandbox", description="what a client of ValueStreamer or MicroStrategy logs in with")
    password: str = Field(
        "sandbox", repr=False, description="what a client of ValueStreamer or MicroStrategy logs in with"
    )
    token: str = Field(
        "sandbox", repr=False, description="what a client of Quantive, Gtmhub or MicroStrategy logs in with"
    )
    account: ObjectId = Field(
        "5be26318e5274a0007f17f61", description="the account of Quantive or Gtmhub that the token belongs to"
    )
    partial_sets: PartialSets = Field(
        "merge-target-zero",
        description="values of a record that a PUT leaves out: they stay (merge-keep); they stay, but a target becomes "
        "0 (merge-target-zero) or the target of the latest earlier record (merge-target-historical); they are gone "
        "(replace-all)",
    )
    latency: Duration = Field(timedelta(0), description="wait so long before a request is looked at")
    rate_limit: Rate = Field(
        None, description="more requests than this get 429 with Retry-After: 5/s, 100/m, 2000/h, or none"
    )
    rate_limiter: Literal["bucket", "window"] = Field(
        "bucket",
        description="how it counts: one second's worth is saved up for a burst (bucket), or so many are taken in each "
        "second of the clock (window)",
    )
    team_filter: Literal["optional", "required", "empty"] = Field(
        "optional",
        description="a list read without a team: all teams (optional), 400 (required), or 200 with nothing (empty)",
    )
    date_rule: Literal["reject", "accept"] = Field(
        "reject", description="a weekly date that is no Monday or a monthly date that is not the 1st: 400, or stored"
    )
    media_type: Literal["strict", "lenient"] = Field(
        "strict", description="a PUT with another media type than the versioned one: 415, or taken"
    )
    integers: Literal["reject", "accept"] = Field(
        "reject", description="a number that is not whole for one of `integer_kpis`: 400, or stored"
    )
    integer_kpis: frozenset[str] = Field(frozenset(), description="names or ids of KPIs that are said to hold integers")
    snapshots: Literal["append", "upsert"] = Field(
        "append", description="a second snapshot of a KPI and group in Quantive or Gtmhub: stands beside, or replaces"
    )
    snapshot_reply: Literal["id-200", "empty-201", "id-201"] = Field(
        "id-200", description="the answer to a posted snapshot: its id or nothing, and the status"
    )
    snapshot_shape: Literal["map", "items", "odd"] = Field(
        "map",
        description="how snapshots are read: KPI id to groups with their snapshots (map), one list of snapshots "
        "(items), or in no way that a client could understand (odd)",
    )
    foreign_snapshots: Literal["deletable", "protected"] = Field(
        "deletable", description="the deletion of a snapshot that the token's owner did not write: done, or 403"
    )
    foreign_kpi_status: Literal[404, 403] = Field(404, description="the answer for a KPI of another account")
    account_status: Literal[400, 403] = Field(400, description="the answer to an account id that is missing or none")
    kpi_filter: Literal["applied", "ignored"] = Field(
        "applied", description="the filter of a list of KPIs in Quantive or Gtmhub"
    )
    session_limit: int = Field(
        3, ge=0, description="open sessions of MicroStrategy at most; beyond, a login is refused"
    )
    session_timeout: Duration = Field(
        timedelta(minutes=30), description="a session of MicroStrategy that is not used for so long has ended"
    )
    session_cookie: Literal["required", "ignored"] = Field(
        "required", description="a token of MicroStrategy without the cookie of its login: 401, or taken"
    )
    working_set: int = Field(
        10, ge=1, description="instances that a session of MicroStrategy keeps; then the oldest goes"
    )
    polls: int = Field(
        0, ge=0, description="so often an instance of MicroStrategy says that it is running, then it is ready"
    )
    error_codes: Literal["long", "short"] = Field(
        "short", description="codes of MicroStrategy from ten on: ERR0014 as in its table, or ERR014 as in its answers"
    )
    faults: tuple[Fault, ...] = Field((), description="what shall go wrong; the first fault that is due is the one")
