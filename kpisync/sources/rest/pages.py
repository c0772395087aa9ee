"""From one page of a REST source to the next, and whether all of them came."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any
from urllib.parse import urlencode, urljoin, urlsplit

from kpisync.errors import SourceError
from kpisync.sources.rest.client import Answer
from kpisync.sources.rest.options import RestOptions
from kpisync.support.addresses import place
from kpisync.support.expressions import Unfit, compiled, is_number
from kpisync.support.statuses import plain
from kpisync.tables.objects import Numbered, rows_in

_LINK = re.compile(r'<([^>]*)>((?:\s*;\s*[\w*-]+\s*(?:=\s*(?:"[^"]*"|[^\s",;]*))?)*)')
_REL_NEXT = re.compile(r';\s*rel\s*=\s*(?:"(?:[^"]*\s)?next(?:\s[^"]*)?"|next(?=[\s;]|$))', re.IGNORECASE)
_ODATA = "@odata.nextLink"  # OData 4.01 JSON, 4.5.5: the answer holds a part of the rows
_LONGEST_LINK = 8000  # characters
_MOST_ROWS = 10**15
_PORTS = {"http": 80, "https": 443}


class Pages:
    """The pages of one question. `path` and `query` are those of the first, `where` is what messages name.

    At most two pages are held at a time. Raises SourceError.
    """

    def __init__(self, options: RestOptions, path: str, query: Mapping[str, str], where: str) -> None:
        self._options, self._path, self._query, self._where = options, path, dict(query), where
        self.read = self.rows = 0  # pages, and rows in them
        self._promised: int | None = None

    def rows_of(self, get: Callable[[str], Answer]) -> Iterator[Numbered]:
        """All rows, numbered from 1 over all pages."""
        target: str | None = self._target(self._parameters())
        asked: set[str] = set()
        before: list[Any] = []
        while target is not None:
            asked.add(target)
            answer = get(target)
            rows = rows_in(answer.document, self._options.rows, self._where)
            if rows and rows == before:
                what = "two pages hold the same rows, so the server may take no notice of the parameter"
                raise self._error(what, "Check pages")
            start, before = self.rows + 1, rows if self._counted else []
            self.read, self.rows = self.read + 1, self.rows + len(rows)
            self._note_total(answer)
            yield from enumerate(rows, start)
            target = self._following(answer, target, last=not rows or self.rows == self._promised)
            self._check(target, asked)
        if self._promised is not None and self.rows < self._promised:
            what = f"{self._promised} rows were promised (total), but {self.rows} came"
            raise self._error(what, "Check pages; if rows changed meanwhile, run again")

    @property
    def _counted(self) -> bool:
        """Whether pages are asked for by a number that we count; else the answers say where they go on."""
        pages = self._options.pages
        return pages is not None and (pages.page or pages.offset) is not None

    def _check(self, target: str | None, asked: set[str]) -> None:
        if target in asked:
            raise self._error("the next page is one that was read already", "Check pages")
        if target is not None and self.read == self._options.max_pages:
            raise self._error(f"there are more than {self.read} pages", "Ask for less, or raise max_pages")

    # ------------------------------------------------------------ which page

    def _following(self, answer: Answer, target: str, *, last: bool) -> str | None:
        """The page after this one; `last` says whether pages that are counted end here."""
        pages = self._options.pages
        if pages is None:
            self._refuse_a_part(answer)
            return None
        if pages.link:
            return self._linked(_next_link(answer), target)
        if pages.next is None:
            return None if last else self._target(self._parameters())
        found = self._find(pages.next, answer, "pages.next")
        if found is None or found is False or found == "":
            return None
        if pages.param is None:
            return self._linked(found, target)
        if not isinstance(found, str) and not is_number(found):
            raise self._error(f"pages.next: {pages.next} finds no token", "Correct pages.next")
        return self._target({pages.param: found if isinstance(found, str) else f"{found:f}"})

    def _parameters(self) -> dict[str, str]:
        """Of the page that comes next, where pages are counted."""
        pages = self._options.pages
        if pages and pages.page:
            page = pages.page
            size = {page.size_param: str(page.size)} if page.size_param else {}
            return {page.param: str(page.first + self.read), **size}
        if pages and pages.offset:
            return {pages.offset.param: str(self.rows), pages.offset.limit_param: str(pages.offset.limit)}
        return {}

    def _target(self, parameters: Mapping[str, str]) -> str:
        query = urlencode({**self._query, **parameters})
        return f"{self._path}?{query}" if query else self._path

    def _linked(self, link: object, target: str) -> str | None:
        """Path and query of a link; one to another host is refused, for the login would travel there."""
        if link is None:
            return None
        base = self._options.origin
        try:
            if not isinstance(link, str) or not link.isprintable() or len(link) > _LONGEST_LINK:
                raise ValueError
            whole = urljoin(base + target, link)
            same = _authority(whole) == _authority(base)
        except ValueError:
            raise self._error("the link to the next page is no URL", "Check pages") from None
        if not same:
            elsewhere = plain(place(whole), str) or "elsewhere"
            what = f"the next page lies at {urlsplit(whole).scheme}://{elsewhere}, not at {base}; it is not followed"
            raise self._error(what, "Correct url, or page by page or offset")
        parts = urlsplit(whole)
        return (parts.path or "/") + (f"?{parts.query}" if parts.query else "")

    def _refuse_a_part(self, answer: Answer) -> None:
        hint = None
        if _next_link(answer) is not None:
            hint = "Declare pages: {link: header}"
        elif isinstance(answer.document, dict) and answer.document.get(_ODATA):
            hint = f"Declare pages: {{next: '\"{_ODATA}\"'}}"
        if hint:
            raise self._error("the answer is one page of several", hint)

    # ------------------------------------------------------------ how many rows

    def _note_total(self, answer: Answer) -> None:
        """The latest page knows best; one that does not say leaves what an earlier one said."""
        if self._options.total is None:
            return
        found = self._find(self._options.total, answer, "total")
        if found is None and self.read > 1:
            return
        if not is_number(found) or not 0 <= found < _MOST_ROWS or found != int(found):
            raise self._error(f"total: {self._options.total} finds no number of rows", "Correct total")
        self._promised = int(found)

    def _find(self, expression: str, answer: Answer, option: str) -> Any:
        try:
            return compiled(expression)(answer.document)
        except Unfit as unfit:
            raise self._error(f"{option}: {unfit}", f"Correct {option}") from None

    def _error(self, what: str, hint: str) -> SourceError:
        return SourceError(what, where=self._where, hint=hint)


def _next_link(answer: Answer) -> str | None:
    """The target of `rel="next"` in the Link header (RFC 8288, 3)."""
    links = _LINK.findall(answer.headers.get("link", ""))
    return next((target for target, parameters in links if _REL_NEXT.search(parameters)), None)


def _authority(url: str) -> tuple[str, str, int | None, str]:
    parts = urlsplit(url)
    user, at, _ = parts.netloc.rpartition("@")
    return parts.scheme, parts.hostname or "", parts.port or _PORTS.get(parts.scheme), user + at
