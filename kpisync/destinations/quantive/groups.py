"""How Quantive names a period (its group), and where a day begins."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from string import Formatter

from kpisync.mapping.catalog_options import group_name
from kpisync.model import Catalog, CatalogKpi, Interval

WEEK = "{iso_year}-W{iso_week:02}"  # 2022-W36, the only group that the vendor's pages show


@dataclass(frozen=True)
class Groups:
    """The periods of one KPI in the platform's words."""

    kpi: CatalogKpi

    @property
    def template(self) -> str:
        """Empty where nobody knows how they are named."""
        return self.kpi.group or (WEEK if self.kpi.interval is Interval.WEEK else "")

    @property
    def time_zone(self) -> str:
        """`UTC+1`: the pages show no other form. Daylight saving cannot be told in it."""
        return f"UTC{self.kpi.utc_offset:+}"

    @property
    def why_unknown(self) -> str:
        return (
            f"KPI {self.kpi.name} has interval {self.kpi.interval}, and nobody documents how Quantive names one; in "
            'the catalog, give it interval: week, or a group such as "{year}-{month:02}"'
        )

    def name(self, first: date) -> str:
        return group_name(self.template, first)

    def form(self) -> re.Pattern[str]:
        """What every group of this KPI looks like."""
        return re.compile("".join(_patterns(self.template)))

    def is_future(self, first: date, now: datetime) -> bool:
        """Whether a period has not begun where the KPI is at home."""
        return first > (now.astimezone(UTC) + timedelta(hours=self.kpi.utc_offset)).date()


def groups_of(catalog: Catalog, kpi: str) -> Groups:
    return Groups(catalog.kpi(kpi) or CatalogKpi(kpi, kpi))


def _patterns(template: str) -> Iterator[str]:
    for text, name, width, _ in Formatter().parse(template):
        yield re.escape(text)
        if name is not None:
            yield f"[0-9]{{{int(width)}}}" if width else "[0-9]{4}" if name.endswith("year") else "[0-9]{1,2}"
