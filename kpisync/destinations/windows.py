"""Which records are read together: those of one KPI, over as long a span as the platform answers in one read."""

from __future__ import annotations

from collections.abc import Callable, Collection
from datetime import date

from kpisync.model import RecordKey
from kpisync.ports import Window


def windows_of(keys: Collection[RecordKey], last_of: Callable[[str, date], date]) -> list[Window]:
    """`last_of(kpi, first)` is the latest that a period may begin in a window of that KPI that begins with `first`."""
    chunks: list[list[RecordKey]] = []
    last = date.min
    for key in sorted(keys, key=lambda key: (key.kpi, key.period)):
        if not chunks or chunks[-1][0].kpi != key.kpi or key.period > last:
            chunks.append([])
            last = last_of(key.kpi, key.period)
        chunks[-1].append(key)
    return [Window(chunk[0].kpi, chunk[0].period, chunk[-1].period, frozenset(chunk)) for chunk in chunks]
