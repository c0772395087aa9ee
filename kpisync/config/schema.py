"""What the configuration file may hold, but for the options of adapters: each adapter brings its own."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo, available_timezones

from cronsim import CronSim, CronSimError
from pydantic import AfterValidator, Field, SecretStr, WithJsonSchema, model_validator

from kpisync.fields import Duration, Options
from kpisync.mapping.catalog_options import CalendarOptions, CatalogOptions
from kpisync.mapping.options import Empty, Lookback, LookbackSpan, LookupFile, MapOptions, OpenPeriods
from kpisync.mapping.value_options import UnitTable
from kpisync.mapping.workdays import WorkdaysOptions
from kpisync.registry import suggestion
from kpisync.sync.options import Absent, GuardOptions
from kpisync.transform.query import one_select

LOOPBACK = ("127.0.0.1", "::1", "localhost")
NAME = r"[^\W_][\w.-]{0,79}"  # of jobs, destinations and lookups: fit for file names, metrics and the command line
_MAX_MONTHS = 1200


def time_zone(name: str) -> ZoneInfo:
    """The zone of an IANA name. Raises ValueError."""
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        raise ValueError(f"not an IANA time zone{suggestion(name, available_timezones())}") from None


def _zone_name(name: str) -> str:
    return time_zone(name).key


def _cron(text: str) -> str:
    if len(text) > 200 or len(text.split()) != 5:
        raise ValueError("not a cron line: minute, hour, day, month and weekday, such as 15 6 * * 1-5")
    try:
        CronSim(text, datetime(2026, 1, 1, tzinfo=UTC))
    except CronSimError as error:
        raise ValueError(f"not a cron line such as 15 6 * * 1-5: {str(error)[:80].lower()}") from None
    return text


def _reachable(span: LookbackSpan | None) -> LookbackSpan | None:
    months = {"d": 1 / 30, "w": 7 / 30, "m": 1}
    if span and span.number * months[span.unit] > _MAX_MONTHS:
        raise ValueError("a lookback of more than 100 years; all means everything")
    return span


def _state_url(text: str) -> str:
    scheme = text.partition("://")[0].partition("+")[0]
    if "://" not in text or scheme not in ("sqlite", "postgresql"):
        near = suggestion(scheme, ("sqlite", "postgresql")) if "://" in text else ""
        raise ValueError(f"not sqlite:///FILE or postgresql://USER@HOST/NAME{near}")
    path = text.partition("://")[2].partition("?")[0]
    if scheme == "sqlite" and (not re.match("/.", path) or ":memory:" in path):
        raise ValueError("a state store that would forget: sqlite:///FILE names a file")
    return text


def _a_day_at_least(span: timedelta) -> timedelta:
    if span < timedelta(days=1):
        raise ValueError("too short; keep history for 1d at least")
    return span


def _a_minute_at_least(span: timedelta) -> timedelta:
    if span < timedelta(minutes=1):
        raise ValueError("too short; give a run 1m at least")
    return span


TimeZoneName = Annotated[str, AfterValidator(_zone_name)]
Cron = Annotated[str, AfterValidator(_cron)]
SaneLookback = Annotated[Lookback, AfterValidator(_reachable), WithJsonSchema({"type": "string", "examples": ["14d"]})]
StateUrl = Annotated[str, AfterValidator(_state_url)]
Keep = Annotated[Duration, AfterValidator(_a_day_at_least)]
Deadline = Annotated[Duration, AfterValidator(_a_minute_at_least)]


class CatchUp(StrEnum):
    ONCE = "once"
    NONE = "none"


class ScheduleDefaults(Options):
    timezone: TimeZoneName | None = Field(None, description="IANA name; default: that of the whole file")
    catch_up: CatchUp = Field(CatchUp.ONCE, description="runs missed while kpisync was down: once for all, or none")


class ScheduleOptions(ScheduleDefaults):
    """When a job runs by itself."""

    cron: Cron = Field(description="minute, hour, day, month and weekday")


class Behaviour(Options):
    """How a job treats what it reads; each key may stand in the job or in `defaults`."""

    enabled: bool = Field(True, description="false: the daemon leaves it alone")
    lookback: SaneLookback = Field(
        None, description="only periods this recent, unless a range is given: 14d, 5w, 3m, all"
    )
    open_periods: OpenPeriods | None = Field(
        None, description="a period that has not ended: send | skip (the default where values are aggregated)"
    )
    empty: Empty = Field(Empty.SKIP, description="an empty cell: skip it, or reject it")
    absent: Absent = Field(Absent.KEEP, description="a value that the source no longer has: keep or withdraw it")
    guard: GuardOptions = Field(default_factory=GuardOptions, description="what a run may do without being asked")
    deadline: Deadline = Field(
        timedelta(hours=2), description="how long a run of the daemon may take; then it is ended"
    )


class DefaultOptions(Behaviour):
    """For every job that does not say otherwise."""

    schedule: ScheduleDefaults = Field(default_factory=ScheduleDefaults)


class JobOptions(Behaviour):
    """One way from a source to a destination."""

    schedule: Cron | ScheduleOptions | None = Field(None, description="cron line; without it the job runs by hand")
    source: dict[str, Any] = Field(description="where the rows come from; `type` says what else it takes")
    transform: Annotated[str, AfterValidator(one_select)] | None = Field(
        None,
        description="one SELECT over the table source, which holds the rows that were read (needs kpisync[duckdb])",
    )
    map: MapOptions = Field(description="how a row becomes values")
    destination: str = Field(description="a name under `destinations`")
    after: list[str] = Field(default_factory=list, description="jobs that must have ended well before this one runs")


class ServeOptions(Options):
    """The status page of the daemon."""

    host: str = Field("127.0.0.1", min_length=1, description="any other than a loopback address needs a token")
    port: int = Field(8080, ge=0, le=65535)
    token: SecretStr | None = Field(None, description="asked for by every page but /livez and /readyz")

    @model_validator(mode="after")
    def _guarded(self) -> ServeOptions:
        if self.host not in LOOPBACK and not (self.token and self.token.get_secret_value()):
            raise ValueError("serve.host is reachable from other machines, so serve needs a token")
        return self


class AlertEvent(StrEnum):
    FAILED = "failed"
    HELD = "held"
    CONFLICT = "conflict"
    IN_DOUBT = "in_doubt"
    REJECTS = "rejects"
    STALE = "stale"
    RECOVERED = "recovered"


class AlertOptions(Options):
    """Who is told, and of what."""

    urls: list[SecretStr] = Field(default_factory=list, description="where alerts go; an empty one is left out")
    on: list[AlertEvent] = Field(default_factory=lambda: list(AlertEvent), description="what is told")
    rejects_above: int = Field(0, ge=0, description="a job with more open rejects than these is told as `rejects`")
    ping: SecretStr | None = Field(None, description="asked for after each good run, for a dead man's switch")


class RetentionOptions(Options):
    """How long history is kept; never the last confirmed value of a key, nor anything in doubt."""

    runs: Keep = Field(timedelta(days=400), description="how long runs are remembered, such as 400d")


class Head(Options):
    """What holds for the whole file."""

    version: Literal[1] = Field(description="of this file format")
    timezone: TimeZoneName = Field("UTC", description='IANA name; decides "today" and the schedules')
    state: StateUrl = Field("sqlite:///state/kpisync.db", description="or postgresql://user@host/name")


class Config(Head):
    """A kpisync configuration."""

    destinations: dict[str, dict[str, Any]] = Field(default_factory=dict, description="where values go, by name")
    catalog: dict[str, CatalogOptions] = Field(default_factory=dict, description="what each destination has")
    calendars: dict[str, CalendarOptions] = Field(default_factory=dict, description="fiscal calendars, for KPIs")
    lookups: dict[str, dict[str, str] | LookupFile] = Field(
        default_factory=dict, description="the source's codes → catalog names or ids"
    )
    workdays: dict[str, WorkdaysOptions] = Field(default_factory=dict, description="the days on which plants work")
    units: dict[str, UnitTable] = Field(default_factory=dict, description="units → factors, for jobs that share them")
    jobs: dict[str, JobOptions] = Field(default_factory=dict)
    defaults: DefaultOptions = Field(default_factory=DefaultOptions)
    serve: ServeOptions = Field(default_factory=ServeOptions)
    alerts: AlertOptions = Field(default_factory=AlertOptions)
    retention: RetentionOptions = Field(default_factory=RetentionOptions)
