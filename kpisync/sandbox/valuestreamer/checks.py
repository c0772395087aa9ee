"""What the stand-in of ValueStreamer refuses; each check raises `Refusal` with the status and a sentence."""

from __future__ import annotations

import base64
import calendar
import hmac
from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from typing import Any

from kpisync.model import Interval
from kpisync.sandbox.platform import Refusal, Request
from kpisync.sandbox.settings import SandboxSettings

MEDIA_TYPE = "application/vs.v2.0+json"
_MOST_DAYS = 31  # of a daily KPI in one list, both ends counted
_MOST_MONTHS = 6  # of a weekly or monthly one


def log_in(request: Request, settings: SandboxSettings) -> None:
    scheme, _, given = request.headers.get("Authorization", "").partition(" ")
    expected = base64.b64encode(f"{settings.username}:{settings.password}".encode())
    right = hmac.compare_digest(given.strip().encode("utf-8", "replace"), expected)
    if scheme.lower() != "basic" or not right:
        challenge = ("WWW-Authenticate", 'Basic realm="kpisync sandbox"')
        raise Refusal(401, "Log in with the user name and password of the sandbox.", (challenge,))


def check_media_type(given: str, settings: SandboxSettings) -> None:
    if settings.media_type == "strict" and given.partition(";")[0].strip().lower() != MEDIA_TYPE:
        raise Refusal(415, f"The Content-Type must be {MEDIA_TYPE}.")


def check_alignment(day: date, interval: Interval, settings: SandboxSettings) -> None:
    if interval is Interval.DAY or settings.date_rule == "accept":
        return
    if interval is Interval.WEEK and day.weekday() != calendar.MONDAY:
        raise Refusal(400, f"{day} is not a Monday, and this KPI is weekly.")
    if interval is not Interval.WEEK and day.day != 1:
        raise Refusal(400, f"{day} is not the first of a month, and this KPI is of interval {interval}.")


def check_window(first: date, last: date, interval: Interval) -> None:
    if last < first:
        raise Refusal(400, f"from {first} is later than to {last}.")
    if interval is Interval.DAY and (last - first).days >= _MOST_DAYS:
        raise Refusal(400, f"At most {_MOST_DAYS} days of a daily KPI may be read at once.")
    if interval is not Interval.DAY and last >= _months_later(first, _MOST_MONTHS):
        raise Refusal(400, f"At most {_MOST_MONTHS} months of a weekly or monthly KPI may be read at once.")


def _months_later(day: date, months: int) -> date:
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    if year > date.max.year:
        return date.max
    return date(year, month + 1, min(day.day, calendar.monthrange(year, month + 1)[1]))


def parsed_item(item: Any) -> tuple[str, Decimal]:
    if not isinstance(item, dict) or item.keys() != {"kpiValueId", "value"}:
        raise Refusal(400, "Each item of values must have kpiValueId and value, and nothing else.")
    id, number = item["kpiValueId"], item["value"]
    if not isinstance(id, str) or not isinstance(number, Decimal):
        raise Refusal(400, "kpiValueId must be a text and value a JSON number.")
    return id, number


def check_integers(sent: Mapping[str, Decimal]) -> None:
    fraction = next((number for number in sent.values() if number != number.to_integral_value()), None)
    if fraction is not None:
        raise Refusal(400, f"{fraction} is not whole, and this KPI holds integers.")
