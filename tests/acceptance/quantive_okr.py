"""A job into Quantive from a CSV file of weeks, in the folder and before the sandbox of a `Project`."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import date
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pytest

    from kpisync.sandbox.server import Sandbox
    from tests.acceptance.conftest import Outcome, Project

SCRAP = "5e8c27e3dcdddaa4addbdee8"
UNITS = "5e8ed44adcddda0da9eab365"
CONFIG = f"""\
version: 1
timezone: Europe/Berlin
destinations:
  okr:
    type: quantive
    url: ${{env:OKR_URL}}
    account: 5be26318e5274a0007f17f61
    token: ${{env:OKR_TOKEN}}
    rate_limit: none
    settle: 200ms
    timeout: 2s
catalog:
  okr:
    kpis:
      scrap: {{id: {SCRAP}, interval: week, aggregation: last, utc_offset: "+1"}}
      units: {{id: {UNITS}, interval: week, aggregation: sum}}
jobs:
  weekly:
    source: {{type: csv, path: weeks.csv, delimiter: ";"}}
    map:
      date: {{column: Montag}}
      values:
        - {{kpi: units, value: actual, column: Menge}}
    destination: okr
"""


@dataclass
class Account:
    """What a user has, and a look at what stands in the account."""

    project: Project
    _asked: Counter[str] = field(default_factory=Counter)

    @property
    def sandbox(self) -> Sandbox:
        return self.project.board

    def config(self, text: str = CONFIG) -> None:
        self.project.config(text)

    def call(self, *arguments: str) -> Outcome:
        return self.project.call(*arguments)

    def source(self, **weeks: Any) -> None:
        """`w46=5`: the number of a week of 2026."""
        rows = (f"{date.fromisocalendar(2026, int(week[1:]), 1)};{number}" for week, number in weeks.items())
        self.project.source(*rows, name="weeks.csv", header="Montag;Menge")

    def run(self, *arguments: str) -> Any:
        return self.project.run("--yes-over-guard", *arguments)

    def snapshots(self) -> dict[str, str]:
        """Monday → the aggregate of what stands there."""
        records = self.sandbox.records("quantive")
        return {key.period.isoformat(): str(values["actual"]) for key, values in records.items() if key.kpi == UNITS}

    def by_hand(self, monday: str, number: int) -> None:
        self.sandbox.put_by_hand(date.fromisoformat(monday), None, UNITS, None, {"actual": number}, "quantive")

    def requests(self) -> dict[str, int]:
        """Since the last time it was asked."""
        before, self._asked = self._asked, self.sandbox.requests
        return dict(self._asked - before)


def account_of(project: Project, monkeypatch: pytest.MonkeyPatch) -> Account:
    """The account that CONFIG names."""
    monkeypatch.setenv("OKR_URL", project.board.platform_url("quantive"))
    monkeypatch.setenv("OKR_TOKEN", "sandbox")
    project.config(CONFIG)
    return Account(project)
