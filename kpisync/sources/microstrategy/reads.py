"""What is asked of MicroStrategy for a cube, a report, a visualization or a KPI, until its data is there."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import suppress
from decimal import Decimal
from typing import Any
from urllib.parse import quote

from kpisync.errors import HeldError, SourceError
from kpisync.sources.microstrategy.failures import items, misread, part
from kpisync.sources.microstrategy.grid import Grid
from kpisync.sources.microstrategy.options import DashboardOptions, MicroStrategyOptions, is_object_id, with_dates
from kpisync.sources.microstrategy.prompts import answered
from kpisync.sources.microstrategy.session import Session, SessionEnded
from kpisync.support.json import loads

# EnumDSSXMLStatus; what is neither ready, waiting for a prompt nor failed is still on its way.
_READY, _PROMPT, _FAILED = 1, 2, 3
_RUNNING = frozenset({0, 4, 5, 6, 7, 8, 9, 10, 13, 14, 15, 16, 17, 19})
_PAUSES = (1.0, 2.0, 4.0, 8.0, 15.0)  # seconds between two looks; the last one is repeated
_MOST_ROUNDS = 20  # of prompts, which may depend on one another


def project_id(session: Session, project: str) -> str:
    """The id of a project by its id, name or alias."""
    if is_object_id(project):
        return project.upper()
    listed = items(session.get("/projects", "listing the projects"))
    found = [each for each in listed if project in (part(each, "name"), part(each, "alias"))]
    if len(found) != 1:
        names = ", ".join(sorted(str(part(each, "name")) for each in listed)[:30]) or "none"
        what = f"there is no project {project!r} for this login" if not found else f"several projects are {project!r}"
        raise SourceError(what, where=session.where, hint=f"It sees {names}; or write the project's id")
    return str(part(found[0], "id"))


def path_of(options: MicroStrategyOptions) -> str:
    """Where what is read is asked for."""
    if options.kpi:
        return f"/insight/KPIs/{options.kpi}"
    if options.dashboard:
        return f"/dossiers/{options.dashboard.id}"
    return f"/v2/cubes/{options.cube}/instances" if options.cube else f"/v2/reports/{options.report}/instances"


def body_of(options: MicroStrategyOptions, dates: Mapping[str, str]) -> dict[str, Any]:
    """What is asked for of a cube or report; nothing named means everything."""
    body: dict[str, Any] = {}
    if options.metrics is not None:
        parts = {"attributes": options.attributes or {}, "metrics": options.metrics}
        body["requestedObjects"] = {name: [{"id": id} for id in ids.values()] for name, ids in parts.items()}
    if options.view_filter is not None:
        body["viewFilter"] = with_dates(loads(options.view_filter), dict(dates))
    if options.page_by:
        body["currentPageBy"] = [{"id": id} for id in options.page_by]
    return body


def kpi(session: Session, options: MicroStrategyOptions) -> Any:
    return session.get(path_of(options), "reading the KPI", dataRangeUnit=options.kpi_range)


# ---------------------------------------------------------------- grids


def cube_or_report(session: Session, options: MicroStrategyOptions, dates: Mapping[str, str]) -> Iterator[Any]:
    """Its pages. The instance that is made for it ends with the session."""
    kind, path = "cube" if options.cube else "report", path_of(options)
    doing = f"executing the {kind}"
    window = {"offset": "0", "limit": str(options.page_size)}
    prefer = {"Prefer": "respond-async"} if options.respond_async else {}
    document = session.create(path, body_of(options, dates), doing, prefer, **window)
    instance = str(part(document, "instanceId") or "").strip()
    if not instance:
        raise misread(doing, "the answer names no instance", session.where)

    def page(offset: int) -> Any:
        return session.get(f"{path}/{instance}", f"reading the {kind}", offset=str(offset), limit=window["limit"])

    waiting, rounds = _Waiting(session, options, kind), 0
    while (status := _status(document)) != _READY or part(document, "data") is None:
        if status == _READY:
            document = page(0)
            if _status(document) == _READY and part(document, "data") is None:
                raise misread(doing, "it is ready, and has no data", session.where)
        elif status == _PROMPT and options.report and rounds < _MOST_ROUNDS:
            answered(session, options.report, instance, options.prompts, dates)
            document, rounds = page(0), rounds + 1
        else:
            waiting.pause(status, document)
            document = page(0)
    if len(Grid(document, session.where).page_by) and not options.page_by:
        names = ", ".join(Grid(document, session.where).page_by)
        what = f"the report has a page-by ({names}), and one page of it would be all that is read"
        raise SourceError(what, where=session.where, hint="Choose a page by page_by, or take the page-by out of it")
    yield from _pages(session, document, page, options.max_rows)


def visualization(session: Session, options: MicroStrategyOptions, dashboard: DashboardOptions) -> Iterator[Any]:
    """Its pages, of an instance of the whole dashboard."""
    chapter, key = _found(session, dashboard)
    doing = "executing the dashboard"
    document = session.create(f"/dossiers/{dashboard.id}/instances", {}, doing, {})
    instance = str(part(document, "mid") or "").strip()
    if not instance:
        raise misread(doing, "the answer names no instance", session.where)
    of_documents = f"/documents/{dashboard.id}/instances/{instance}"
    waiting = _Waiting(session, options, "dashboard")
    while (status := _status(document)) != _READY:
        if status == _PROMPT:
            hint = "Save the dashboard with its prompts answered, or read the report or cube behind it"
            raise SourceError("the dashboard asks for answers to prompts", where=session.where, hint=hint)
        waiting.pause(status, document)
        document = session.get(f"{of_documents}/status", doing)

    def page(offset: int) -> Any:
        shown = f"chapters/{quote(chapter, safe='')}/visualizations/{quote(key, safe='')}"
        path = f"/v2/dossiers/{dashboard.id}/instances/{instance}/{shown}"
        window = {"offset": str(offset), "limit": str(options.page_size)}
        return session.get(path, "reading the visualization", **window)

    yield from _pages(session, page(0), page, options.max_rows)
    with suppress(SourceError, SessionEnded):  # the end of the session frees it too
        session.delete(of_documents, "freeing the dashboard")


def _found(session: Session, wanted: DashboardOptions) -> tuple[str, str]:
    """The keys of chapter and visualization, each given by key or name."""
    doing = "looking for the visualization"
    document = session.get(f"/dossiers/{wanted.id}/definition", doing)
    places = [
        (chapter, page, each)
        for chapter in items(document, "chapters")
        for page in items(chapter, "pages")
        for each in items(page, "visualizations")
    ]

    def is_called(thing: Any, text: str | None) -> bool:
        return text is None or text in (part(thing, "key"), part(thing, "name"))

    found = [
        (chapter, page, each)
        for chapter, page, each in places
        if is_called(each, wanted.visualization) and is_called(page, wanted.page) and is_called(chapter, wanted.chapter)
    ]
    if len(found) == 1:
        chapter, _, each = found[0]
        return str(part(chapter, "key")), str(part(each, "key"))
    listed = [" / ".join(str(part(thing, "name")) for thing in each) for each in found or places]
    names = "; ".join(listed[:30]) + (f" and {len(listed) - 30} more" if len(listed) > 30 else "")
    if found:
        what = f"{len(found)} visualizations are called {wanted.visualization!r}"
        raise SourceError(what, where=session.where, hint=f"Add its page and chapter, or give its key: {names}")
    what = f"there is no visualization {wanted.visualization!r}"
    raise SourceError(what, where=session.where, hint=f"The dashboard has (chapter / page / name): {names or 'none'}")


# ---------------------------------------------------------------- waiting, and pages


class _Waiting:
    """For something that is being executed, until its time is over."""

    def __init__(self, session: Session, options: MicroStrategyOptions, kind: str) -> None:
        self._session, self._kind, self._looks = session, kind, 0
        self._most = options.execution_timeout.total_seconds()
        self._end = session.now + self._most

    def pause(self, status: int, document: Any) -> None:
        """Raises SourceError where there is nothing to wait for, or no time left."""
        where = self._session.where
        if status == _PROMPT:
            what = f"the {self._kind} asks for answers to prompts again and again"
            raise SourceError(what, where=where, hint="Answer all of its prompts")
        if status == _FAILED:
            words = str(part(document, "message") or "").strip()
            what = f"the execution of the {self._kind} failed (status 3){': ' + words if words else ''}"
            raise SourceError(what, where=where, hint="Open it in MicroStrategy with the same login; it shows why")
        if status not in _RUNNING:
            raise misread(f"executing the {self._kind}", f"its status is {status}, which is not known", where)
        wait = _PAUSES[min(self._looks, len(_PAUSES) - 1)]
        if self._session.now + wait > self._end:
            what = f"the {self._kind} was still running after {self._most:g} s (status {status})"
            raise SourceError(what, where=where, hint="Run again, or raise execution_timeout")
        self._looks += 1
        self._session.sleep(wait)


def _status(document: Any) -> int:
    """Of an instance; without one it counts as running, as an answer that comes at once and without data is."""
    status = part(document, "status")
    return int(status) if isinstance(status, Decimal) else _READY if part(document, "data") is not None else 0


def _pages(session: Session, document: Any, page: Any, most: int) -> Iterator[Any]:
    """Each page, until there are as many rows as were promised: no more, and no fewer."""
    where, offset = session.where, 0
    promised = _count(document, "total", where)
    if promised > most:
        hint = "Ask for fewer attributes, or raise max_rows"
        raise HeldError(f"there are {promised} rows, which is taken for a mistake", where=where, hint=hint)
    while True:
        total, current, begins = (_count(document, name, where) for name in ("total", "current", "offset"))
        rows = Grid(document, where).row_count
        if begins != offset or total != promised or current != rows or offset + rows > total:
            why = f"from row {offset} on, {rows} rows came (offset {begins}, current {current}, total {total})"
            raise misread("reading page by page", f"{why}, and {promised} were promised in all", where)
        yield document
        offset += rows
        if offset == promised:
            return
        if not rows:
            why = f"after {offset} of {promised} rows, a page is empty"
            raise misread("reading page by page", why, where)
        document = page(offset)


def _count(document: Any, name: str, where: str) -> int:
    number = part(document, "data", "paging", name)
    if not isinstance(number, Decimal) or number < 0:
        raise misread("reading page by page", f"paging.{name} is missing", where)
    return int(number)
