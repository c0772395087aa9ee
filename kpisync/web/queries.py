"""What the addresses of pages may ask for, read strictly: what cannot be meant is said, not guessed."""

from __future__ import annotations

import re
from datetime import date

from starlette.requests import Request

from kpisync.watch.model import Word
from kpisync.web.problems import bad_query

PERIODS, FEWEST, MOST = 14, 7, 62
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
_WHOLE = re.compile(r"\d{1,6}", re.ASCII)
_FIRST, _LAST = date(1970, 1, 1), date(2200, 12, 31)  # beyond, counting periods back or on may leave the calendar


def text(request: Request, name: str) -> str | None:
    """None: it is not asked for, or left empty as forms do."""
    return request.query_params.get(name, "").strip() or None


def whole(request: Request, name: str, default: int, least: int, most: int) -> int:
    """Raises Problem for anything else than a number between the two."""
    said = text(request, name)
    if said is None:
        return default
    if not _WHOLE.fullmatch(said) or not least <= int(said) <= most:
        raise bad_query(name, f"{least}–{most}")
    return int(said)


def day(request: Request, name: str) -> date | None:
    """Raises Problem for what is no date, such as 2026-02-30."""
    said = text(request, name)
    if said is None:
        return None
    try:
        found = date.fromisoformat(said) if _DATE.fullmatch(said) else None
    except ValueError:
        found = None
    if found is None or not _FIRST <= found <= _LAST:
        raise bad_query(name, f"{_FIRST} – {_LAST}")
    return found


def word(request: Request, name: str) -> Word | None:
    """Raises Problem for what is no health of a job."""
    said = text(request, name)
    if said is None:
        return None
    if said not in list(Word):
        raise bad_query(name, ", ".join(Word))
    return Word(said)
