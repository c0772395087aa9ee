"""Where ValueStreamer keeps records, and how many of them one list shows."""

from __future__ import annotations

from datetime import date, timedelta
from urllib.parse import quote

from kpisync.model import Interval, RecordKey

LISTS = "/exchange/kpi-data"
_DAILY_SPAN = timedelta(days=30)  # 31 days inclusive: the vendor's limit for daily KPIs
_MONTHS_SPAN = 5  # the vendor's limit for weekly and monthly KPIs is 6 months; stay off the edge


def record_path(key: RecordKey) -> str:
    parts = [key.period.isoformat(), key.team or "", key.kpi, *([key.sub_tile] if key.sub_tile else [])]
    return f"{LISTS}/" + "/".join(quote(part, safe="") for part in parts)


def last_of_span(first: date, interval: Interval) -> date:
    """The last day of the longest list read that begins on a day."""
    try:
        if interval is Interval.DAY:
            return first + _DAILY_SPAN
        month = first.month - 1 + _MONTHS_SPAN
        return date(first.year + month // 12, month % 12 + 1, 1) - timedelta(days=1)
    except (OverflowError, ValueError):  # behind the last year that there is
        return date.max
