"""Whether a list reply is only a part of one.

No source says that ValueStreamer pages, so every usual sign of it is looked for.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any

_MORE = re.compile(
    r"next(page|link|pagelink|pageurl|pagetoken|cursor|token)?|odatanextlink|continuationtoken"
    r"|has(more|next|nextpage)|more|(is)?truncated|incomplete"
)
_WHOLE = re.compile(r"total(count|elements|items|records|results|rows|size|entries)?|(odata|result|item|record)?count")
_PAGES = re.compile(r"(total|num)pages|pagecount|pages|lastpage")
_RECORDS = re.compile(
    r"data|items|records|results?|content|entries|elements|rows|list|value|objects|(kpi)?datapoints|kpidata"
)


def fold(name: str) -> str:
    """A name in lower case without hyphens and the like: `team-id` is `teamId`."""
    return "".join(char for char in name.lower() if char.isalnum())


def names_records(name: str) -> bool:
    """Whether a list of this name in a reply would hold the records, so that an empty one means that there are none."""
    return _RECORDS.fullmatch(fold(name)) is not None


def is_part(parsed: Any, headers: Mapping[str, str], count: int) -> bool:
    """Whether a reply, or its headers, say that there is more than the `count` records in it."""
    return any(_says_more(name, value, count) for name, value in _members(parsed)) or _header_says_more(headers, count)


def _members(parsed: Any) -> Iterator[tuple[str, Any]]:
    """The members of an object and of the objects in it, but not of those in lists."""
    waiting = [parsed] if isinstance(parsed, Mapping) else []
    while waiting:
        for name, value in waiting.pop().items():
            yield fold(name), value
            if isinstance(value, Mapping):
                waiting.append(value)


def _says_more(name: str, value: Any, count: int) -> bool:
    if _MORE.fullmatch(name):
        return bool(value)
    if name == "last":  # of a page: whether it is the last one
        return value is False
    if not isinstance(value, Decimal):
        return False
    return bool((_WHOLE.fullmatch(name) and value > count) or (_PAGES.fullmatch(name) and value > 1))


def _header_says_more(headers: Mapping[str, str], count: int) -> bool:
    total = headers.get("x-total-count", headers.get("x-total", ""))
    whole = re.fullmatch(r".*/\s*([0-9]{1,18})\s*", headers.get("content-range", ""))
    return (
        re.search(r"rel\s*=\s*\"?[^\",;]*\bnext\b", headers.get("link", ""), re.IGNORECASE) is not None
        or bool(headers.get("x-next-page", "").strip())
        or (re.fullmatch(r"[0-9]{1,18}", total) is not None and int(total) > count)
        or (whole is not None and int(whole[1]) > count)
    )
