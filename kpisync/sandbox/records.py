"""The records of a stand-in, and what becomes of the values that a write leaves out."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date, timedelta
from decimal import Decimal
from typing import NamedTuple

from kpisync.sandbox.settings import PartialSets

_ZERO = Decimal(0)


class Key(NamedTuple):
    """One record; ids in lower case."""

    kpi: str
    team: str
    sub_tile: str | None
    day: date


Values = dict[str, Decimal]
Series = dict[date, Values]


class Records:
    """Records by series (KPI, team, sub-tile) and day. Not thread-safe: its owner locks."""

    def __init__(self) -> None:
        self._kpis: dict[str, dict[tuple[str, str | None], Series]] = {}
        self._order: dict[Key, None] = {}  # oldest write first

    def get(self, key: Key) -> Values | None:
        return self._series(key).get(key.day)

    def put(self, key: Key, values: Values) -> None:
        self._kpis.setdefault(key.kpi, {}).setdefault((key.team, key.sub_tile), {})[key.day] = values
        self._order.pop(key, None)
        self._order[key] = None

    def delete(self, key: Key) -> bool:
        """False if there was none."""
        self._order.pop(key, None)
        return self._series(key).pop(key.day, None) is not None

    def clear(self) -> None:
        self._kpis.clear()
        self._order.clear()

    def window(self, kpi: str, first: date, last: date, team: str | None) -> list[tuple[Key, Values]]:
        """One KPI's records of the days from `first` to `last`, of one team or of all, by day, team and sub-tile."""
        days = [first + timedelta(n) for n in range((last - first).days + 1)]
        chosen = [
            (Key(kpi, series_team, sub_tile, day), series[day])
            for (series_team, sub_tile), series in self._kpis.get(kpi, {}).items()
            if team in (None, series_team)
            for day in days
            if day in series
        ]
        return sorted(chosen, key=lambda record: (record[0].day, record[0].team, record[0].sub_tile or ""))

    def earlier(self, key: Key, value: str) -> Decimal | None:
        """The value in the latest record of the series before this one that holds it."""
        series = self._series(key)
        days = [day for day, values in series.items() if day < key.day and value in values]
        return series[max(days)][value] if days else None

    def __iter__(self) -> Iterator[tuple[Key, Values]]:
        """All records, oldest write first."""
        return ((key, self._series(key)[key.day]) for key in self._order)

    def newest(self) -> Iterator[tuple[Key, Values]]:
        """All records, newest write first."""
        return ((key, self._series(key)[key.day]) for key in reversed(self._order))

    def _series(self, key: Key) -> Series:
        return self._kpis.get(key.kpi, {}).get((key.team, key.sub_tile), {})


def after_put(
    records: Records, key: Key, sent: Mapping[str, Decimal], targets: tuple[str, ...], behaviour: PartialSets
) -> Values:
    """What a record holds after a PUT of `sent`.

    The public documents contradict one another on what is left out; each behaviour is one reading of them.
    """
    if behaviour == "replace-all":
        return dict(sent)
    merged = {**(records.get(key) or {}), **sent}
    if behaviour == "merge-keep":
        return merged
    for target in targets:
        if target not in sent:
            historical = records.earlier(key, target) if behaviour == "merge-target-historical" else None
            merged[target] = _ZERO if historical is None else historical
    return merged
