"""REST sources: the rows of JSON that a URL answers with, page by page."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from datetime import date, timedelta
from urllib.parse import urlencode

from kpisync.errors import ConfigError
from kpisync.model import Intake, Scope, Table
from kpisync.ports import AdapterSpec, Source, Surroundings
from kpisync.sources.rest.client import Client
from kpisync.sources.rest.options import RestOptions
from kpisync.sources.rest.pages import Pages
from kpisync.support.addresses import place
from kpisync.tables.account import Account
from kpisync.tables.objects import Numbered, read_objects


@dataclass(frozen=True, slots=True)
class RestSource:
    """One table: the rows of all pages."""

    options: RestOptions
    around: Surroundings

    @property
    def needs_range(self) -> bool:
        return bool(self.options.dates)

    def read(self, scope: Scope, intake: Intake) -> Iterator[Table]:
        host = place(self.options.url)
        dates = _dates(self.options.dates, scope, host)
        path, query = self.options.target(dates)
        account = Account(self.around.redact(f"{host}{path}"), intake)
        rows = _rows(self.options, self.around, path, query, account)
        account.intake.notes += [f"{account.origin}: {name} {day}" for name, day in sorted(dates.items())]
        yield read_objects(rows, self.options, account)


def _dates(names: set[str], scope: Scope, where: str) -> dict[str, date]:
    until = None if scope.last is None else scope.last + timedelta(days=1)
    known = {"from": scope.first, "to": scope.last, "until": until}
    dates = {name: day for name in names if (day := known[name]) is not None}
    for name in sorted(names - dates.keys()):
        raise ConfigError(
            f"the URL or its query uses {{{name}}}, but the run has no such date",
            where=where,
            hint="Set a lookback for the job, or run with --from and --to",
        )
    return dates


def _rows(
    options: RestOptions, around: Surroundings, path: str, query: Mapping[str, str], account: Account
) -> Iterator[Numbered]:
    pages = Pages(options, path, query, account.origin)
    with closing(Client(options, around, account.origin)) as client:
        yield from pages.rows_of(client.get)
    account.intake.origins[account.origin] = _fingerprint(f"GET {options.origin}{path}?{urlencode(query)}")
    account.note(f"{pages.rows} rows on {pages.read} pages")


def _fingerprint(question: str) -> str:
    """Of what was asked for, without its login: the answer to it may be another one each time."""
    return f"sha256:{hashlib.sha256(question.encode()).hexdigest()}"


def build(options: RestOptions, surroundings: Surroundings) -> Source:
    return RestSource(options, surroundings)


SPEC: AdapterSpec[Source] = AdapterSpec("JSON from a REST interface", RestOptions, build)
