"""What is there from the beginning in the stand-ins of Quantive and Gtmhub: KPIs, one KPI folder, two users."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime
from typing import Any

from kpisync.model import Catalog, Interval
from kpisync.sandbox.quantive.store import Kpi

USER = "5be26318e5274a0007f17001"  # whom the token belongs to
PERSON = "5be26318e5274a0007f17002"  # who keys things in by hand
OTHER_ACCOUNT = "5be26318e5274a0007f17f62"
FOLDER = "5e8c27e3dcdddaa4addbd001"
FOLDERS = {FOLDER: "Production"}
INSIGHT = "1k42vv2z24"

SCRAP_RATE = "5e8c27e3dcdddaa4addbdee8"
UNITS_PRODUCED = "5e8ed44adcddda0da9eab365"
AVAILABILITY = "5e8ed44adcddda0da9eab366"
ENERGY = "5e8ed44adcddda0da9eab367"
OTHERS_KPI = "5e8ed44adcddda0da9eab368"

_AT_FIRST: dict[str, dict[str, Any]] = {
    SCRAP_RATE: {"name": "Scrap rate", "aggregation": "last", "targetOperator": "should_decrease", "groups": [FOLDER]},
    UNITS_PRODUCED: {"name": "Units produced", "aggregation": "sum", "groups": [FOLDER]},
    AVAILABILITY: {"name": "Availability", "aggregation": "average"},
    ENERGY: {
        "name": "Energy, from an insight",
        "aggregation": "sum",
        "insight": {"fieldName": "kwh", "insightName": INSIGHT, "settings": [], "usedDataSourceBlueprintNames": []},
    },
    OTHERS_KPI: {"name": "KPI of another account", "aggregation": "last"},
}


def is_object_id(text: str) -> bool:
    return re.fullmatch(r"[0-9a-fA-F]{24}", text) is not None


def with_defaults(attributes: dict[str, Any]) -> dict[str, Any]:
    """What a KPI holds where a client says nothing. Its aggregation then is the only one that is documented."""
    return {
        "description": "",
        "aggregation": "average",
        "targetOperator": "should_increase",
        "formatting": {"fractionSize": 2, "prefix": "", "suffix": ""},
        "groups": [],
        "ownerIds": [USER],
        **attributes,
    }


def at_first(catalog: Catalog, now: datetime) -> Iterator[Kpi]:
    """The KPIs of the catalog, and the sandbox's own; of a KPI in both, what the catalog says holds.

    A KPI whose aggregation nobody states takes the last value of a period.
    """
    known = {kpi.id.lower(): kpi for kpi in catalog.kpis.values() if is_object_id(kpi.id)}
    for id in [*_AT_FIRST, *(id for id in known if id not in _AT_FIRST)]:
        attributes = _AT_FIRST.get(id, {"aggregation": "last"})
        if id in known:
            stated = known[id].aggregation
            attributes = attributes | {"name": known[id].name} | ({"aggregation": stated.value} if stated else {})
        yield Kpi(
            id=id,
            attributes=with_defaults(attributes),
            account=OTHER_ACCOUNT if id == OTHERS_KPI else None,
            author=PERSON,
            created=now,
            changed=now,
            changed_by=PERSON,
            interval=known[id].interval if id in known else Interval.WEEK,
        )
