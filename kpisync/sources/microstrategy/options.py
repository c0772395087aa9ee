"""What a user sets for a reading of MicroStrategy: where it is, who logs in, and what is read."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, Field, SecretStr, field_validator, model_validator

from kpisync.fields import Duration, Options
from kpisync.support.http_options import HttpAccess, Url
from kpisync.support.json import loads
from kpisync.tables.options import OF_LINES, ReaderOptions

LoginMode = Literal["standard", "ldap", "guest", "api-token", "identity-token"]
KpiRange = Literal["1p", "1d", "1w", "1m", "1qt", "1y", "ytd", "all"]
DATES = ("from", "to", "until")

_OBJECT_ID = re.compile(r"[0-9A-Fa-f]{32}")
_DATE = re.compile(r"\{(from|to|until)\}")
_NOT_HERE = (*OF_LINES, "fill_down")


def is_object_id(text: str) -> bool:
    return _OBJECT_ID.fullmatch(text) is not None


def _object_id(text: str) -> str:
    if not is_object_id(text):
        raise ValueError("not an object's id: 32 hexadecimal digits, as the properties of the object show it")
    return text.upper()


ObjectId = Annotated[str, AfterValidator(_object_id)]


def _api(url: str) -> str:
    if not url.lower().endswith("/api"):
        raise ValueError("url must end with /api, as in https://host/MicroStrategyLibrary/api")
    return url


class DashboardOptions(Options):
    """One visualization of a dashboard (formerly: dossier)."""

    id: ObjectId = Field(description="the dashboard's id")
    visualization: str = Field(description="the visualization's key or name")
    page: str | None = Field(None, description="key or name of its page, where the name stands on several")
    chapter: str | None = Field(None, description="key or name of its chapter, where the name stands in several")


class PromptAnswer(Options):
    """How one prompt of a report is answered."""

    default: bool = Field(False, description="true: by the answer that is stored with the prompt")
    value: str | None = Field(None, description="of a prompt for a value; {from}, {to} and {until} as in view_filter")
    elements: list[str] | None = Field(None, min_length=1, description="ids of attribute elements, such as h4;8D67…")
    objects: dict[ObjectId, int] | None = Field(None, min_length=1, description="ids of objects, with their types")

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        ways = (self.default or None, self.value, self.elements, self.objects)
        if sum(way is not None for way in ways) != 1:
            raise ValueError("give one of default: true, value, elements and objects")
        return self


class MicroStrategyOptions(HttpAccess, ReaderOptions):
    """Exactly one of `cube`, `report`, `dashboard` and `kpi` is read; the platform names the columns."""

    url: Annotated[Url, AfterValidator(_api)] = Field(description="https://host/MicroStrategyLibrary/api")
    login: LoginMode = Field(
        "standard",
        description="standard or ldap (username and password), guest (nothing), api-token or identity-token (token); "
        "best a user of its own, for the end of a session may end all sessions of its user",
    )
    username: str | None = Field(None, min_length=1, description="for standard and ldap")
    password: SecretStr | None = Field(None, description="for standard and ldap")
    token: SecretStr | None = Field(
        None,
        description="for api-token and identity-token; the session of an identity token belongs to whom it was made "
        "for, and is not closed",
    )
    project: str = Field(min_length=1, description="the project's id or name")
    cube: ObjectId | None = Field(None, description="the id of a cube, or of a data model")
    report: ObjectId | None = Field(None, description="the id of a report")
    dashboard: DashboardOptions | None = Field(None, description="a visualization of a dashboard")
    kpi: ObjectId | None = Field(None, description="the id of the user's own Insight KPI; columns kpi, at, value")
    kpi_range: KpiRange = Field(
        "1p", description="the points of the KPI: 1p (the latest), 1d, 1w, 1m, 1qt, 1y, ytd or all, one row each"
    )
    metrics: dict[str, ObjectId] | None = Field(
        None,
        min_length=1,
        description="ids of metrics by the names of their columns. Of a cube or report, the platform is then asked for "
        "these alone, over `attributes`; default: everything, by the platform's names",
    )
    attributes: dict[str, ObjectId] | None = Field(
        None,
        description="ids of attributes by the names of their columns (name@FORM where one has several forms); without "
        "them, a cube or report gives one number for each of `metrics`",
    )
    view_filter: str | None = Field(
        None,
        description="a filter of a cube or report, as the platform's interface writes it in JSON; in its texts {from} "
        "and {to} (inclusive) and {until} (exclusive) are the dates of the run, as yyyy-mm-dd. The platform may ignore "
        "a filter with a wrong id without a word: look at what `kpisync preview` shows",
    )
    page_by: list[str] = Field([], description="of a report with page-by: the ids of the elements whose page is read")
    prompts: dict[str, PromptAnswer] = Field({}, description="answers to the prompts of a report, by key, id or name")
    respond_async: bool = Field(
        False, description="true: ask the platform to answer at once and to be asked again, for what takes long"
    )
    execution_timeout: Duration = Field(
        timedelta(minutes=5), description="how long a cube, report or dashboard may be running"
    )
    page_size: int = Field(1000, ge=1, le=100_000, description="rows of a request")
    max_rows: int = Field(1_000_000, ge=1, description="more rows than this are taken for a mistake")

    @field_validator("view_filter")
    @classmethod
    def _filter_is_json(cls, text: str | None) -> str | None:
        if text is not None:
            try:
                found = loads(text)
            except ValueError as error:
                raise ValueError(f"not JSON: {error}") from None
            if not isinstance(found, dict):
                raise ValueError('not a JSON object such as {"operator": "In", "operands": […]}')
        return text

    @model_validator(mode="after")
    def _one_thing(self) -> Self:
        given = [name for name in ("cube", "report", "dashboard", "kpi") if getattr(self, name) is not None]
        if len(given) != 1:
            raise ValueError(f"give one of cube, report, dashboard and kpi, not {' and '.join(given) or 'none'}")
        fits = {
            "metrics": ("cube", "report", "dashboard"),
            "attributes": ("cube", "report", "dashboard"),
            "view_filter": ("cube", "report"),
            "page_by": ("report",),
            "prompts": ("report",),
            "respond_async": ("cube", "report"),
            "kpi_range": ("kpi",),
        }
        for name, kinds in fits.items():
            if name in self.model_fields_set and given[0] not in kinds:
                raise ValueError(f"{name} is for a {' or '.join(kinds)}, not for a {given[0]}")
        if self.view_filter is not None and (self.prompts or self.page_by):
            raise ValueError("the platform has no view_filter together with prompts or page_by; filter by one of them")
        if self.attributes is not None and self.metrics is None and self.dashboard is None:
            raise ValueError("attributes needs metrics: without metrics, everything is read")
        return self

    @model_validator(mode="after")
    def _login_is_whole(self) -> Self:
        wanted = {"standard": {"username", "password"}, "ldap": {"username", "password"}, "guest": set()}
        needed = wanted.get(self.login, {"token"})
        given = {name for name in ("username", "password", "token") if getattr(self, name) is not None}
        if given != needed:
            raise ValueError(f"login: {self.login} needs {' and '.join(sorted(needed, reverse=True)) or 'no more'}")
        return self

    @model_validator(mode="after")
    def _names_come_from_the_platform(self) -> Self:
        for name in _NOT_HERE:
            if name in self.model_fields_set:
                raise ValueError(f"{name} is for files; here the platform names the columns")
        return self

    @property
    def has_login(self) -> bool:
        return self.login != "guest"

    @property
    def dates(self) -> set[str]:
        """Which of {from}, {to} and {until} are used."""
        texts = [self.view_filter or "", *(answer.value or "" for answer in self.prompts.values())]
        return {name for text in texts for name in _DATE.findall(text)}

    @property
    def secrets(self) -> Iterator[str]:
        yield from (secret.get_secret_value() for secret in (self.password, self.token) if secret)


def with_dates(value: Any, dates: dict[str, str]) -> Any:
    """A JSON value, or a text, with the dates put in for their names in braces."""
    if isinstance(value, str):
        return _DATE.sub(lambda match: dates[match[1]], value)
    if isinstance(value, dict):
        return {key: with_dates(item, dates) for key, item in value.items()}
    return [with_dates(item, dates) for item in value] if isinstance(value, list) else value
