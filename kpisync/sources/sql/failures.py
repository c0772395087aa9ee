"""What a database or its driver says when it fails, in words that tell what to do next."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from kpisync.errors import HeldError, SourceError
from kpisync.sources.sql.sessions import extra_of

if TYPE_CHECKING:
    from datetime import timedelta

    from sqlalchemy import URL

_STOPPED_STATE = "57014"  # PostgreSQL: query_canceled
_STOPPED_NUMBERS = (1969, 3024)  # MariaDB: ER_STATEMENT_TIMEOUT, MySQL: ER_QUERY_TIMEOUT
_STOPPED_WORDS = ("interrupted", "statement timeout", "execution time")


def unusable(error: Exception, url: URL, timeout: timedelta, origin: str, *, line: int | None) -> SourceError:
    """What stopped a reading. `line` is the last row that came; 0 before the first, None before the query ran."""
    from sqlalchemy.exc import NoSuchModuleError

    if isinstance(error, ImportError | NoSuchModuleError):
        return _no_driver(error, url, origin)
    cause = getattr(error, "orig", None) or error
    said = _said(cause, url)
    if _is_stopped(cause, said):
        return out_of_time(timeout, origin)
    if line is None:
        place = f"{url.drivername}://{url.host or ''}{f':{url.port}' if url.port else ''}/{url.database or ''}"
        what, hint = "the database cannot be opened", f"Check that it runs, and the url and login ({place})"
    elif line:
        what, hint = f"the database failed after {line} rows", "Nothing of them is used; run again"
    else:
        what, hint = "the database does not carry out the query", "Check its names, and what the login may read"
    return SourceError(f"{what}: {said}", where=origin, hint=hint)


def out_of_time(timeout: timedelta, origin: str) -> SourceError:
    seconds = f"{timeout.total_seconds():g}s"
    hint = f"It had {seconds}; nothing of it is used. Narrow it, or raise statement_timeout"
    return SourceError("the query was stopped, because it took too long", where=origin, hint=hint)


def too_many_rows(most: int, origin: str) -> HeldError:
    """A guard, like those of a job: somebody must say that so many rows are meant."""
    return HeldError(
        f"the query has more than {most} rows, which is taken for a mistake",
        where=origin,
        hint="Look for a join without a condition, or raise max_rows",
    )


def _no_driver(error: Exception, url: URL, origin: str) -> SourceError:
    name, extra = url.drivername, extra_of(url)
    missing = getattr(error, "name", None)
    what = f"the driver for {name} is not installed" + (f" ({missing})" if missing else "")
    if extra is None:
        return SourceError(what, where=origin, hint="Install it beside kpisync, or correct the url")
    written = f", and write the url with {url.get_backend_name()}://" if "+" in name else ""
    return SourceError(what, where=origin, hint=f"Install it with `pip install 'kpisync[{extra}]'`{written}")


def _is_stopped(cause: Any, said: str) -> bool:
    number = cause.args[0] if getattr(cause, "args", ()) else None
    return (
        getattr(cause, "sqlstate", None) == _STOPPED_STATE
        or number in _STOPPED_NUMBERS
        or any(words in said for words in _STOPPED_WORDS)
    )


def _said(cause: Any, url: URL) -> str:
    """The driver's own words: the first line, PostgreSQL's hint, no number, and never the password."""
    words = cause.args[1] if len(getattr(cause, "args", ())) == 2 and isinstance(cause.args[1], str) else str(cause)
    said = words.strip().partition("\n")[0].rstrip(".")
    if hint := getattr(getattr(cause, "diag", None), "message_hint", None):
        said = f"{said} ({str(hint).partition(chr(10))[0].rstrip('.')})"
    return said.replace(str(url.password), "***") if url.password else said
