"""What must never be seen in any output, and how it is struck out."""

from __future__ import annotations

import base64
import html
import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import cached_property
from urllib.parse import quote, quote_plus, unquote

MASK = "***"
_SHORT = 4  # shorter secrets are struck out only where they stand alone, or whole words would vanish
_USERINFO = re.compile(r"://([^/\s?#]*)@")
_URL_QUERY = re.compile(r"[?&;](?:password|passwd|pwd|token|access_token|api_?key|secret|sig)=([^&;#\s]+)", re.I)


@dataclass(frozen=True, repr=False)
class Secrets:
    """Secret texts, and pairs of user and password as HTTP Basic sends them."""

    values: frozenset[str] = frozenset()
    pairs: frozenset[tuple[str, str]] = field(default_factory=frozenset)

    def redact(self, text: str) -> str:
        """The text with every secret replaced by `***`, also where it stands percent-, base64- or JSON-escaped."""
        for form in self._long_forms:
            if form in text:
                text = text.replace(form, MASK)
        return self._short_forms.sub(MASK, text) if self._short_forms else text

    def __repr__(self) -> str:
        return f"Secrets({len(self.values)} of them)"

    @cached_property
    def _long_forms(self) -> tuple[str, ...]:
        found = {form for value in self.values if len(value) >= _SHORT for form in _forms(value)}
        found |= {form for user, password in self.pairs for form in _base64_forms(f"{user}:{password}")}
        return tuple(sorted(found, key=lambda form: (-len(form), form)))

    @cached_property
    def _short_forms(self) -> re.Pattern[str] | None:
        found = {form for value in self.values if 0 < len(value) < _SHORT for form in _forms(value)}
        longest_first = sorted(found, key=lambda form: (-len(form), form))
        return re.compile(rf"(?<!\w)(?:{'|'.join(map(re.escape, longest_first))})(?!\w)") if found else None


def _forms(value: str) -> Iterator[str]:
    yield value
    yield from _percent_forms(value)
    yield from _base64_forms(value)
    for ascii_only in (True, False):
        yield json.dumps(value, ensure_ascii=ascii_only)[1:-1]
    yield repr(value)[1:-1]
    escaped = html.escape(value)
    yield escaped
    yield escaped.replace("&#x27;", "&#39;").replace("&quot;", "&#34;")


def _percent_forms(value: str) -> Iterator[str]:
    raw = value.encode("utf-8", "surrogatepass")
    # What is left unescaped differs: nothing, the slash, RFC 3986's sub-delimiters, and those of HTTP libraries.
    for safe in ("", "/", "!$&'()*+,;=", "!$&'()*+,;=:@/?", "!$&'()*+,;=:/?#[]@~"):
        yield from _both_cases(quote(raw, safe=safe))
    yield from _both_cases(quote_plus(raw))


def _both_cases(text: str) -> tuple[str, str]:
    return text, re.sub("%[0-9A-F]{2}", lambda match: match[0].lower(), text)


def _base64_forms(value: str) -> Iterator[str]:
    raw = value.encode("utf-8", "surrogatepass")
    for encode in (base64.b64encode, base64.urlsafe_b64encode):
        text = encode(raw).decode("ascii")
        yield text
        yield text.rstrip("=")


def in_url(text: str) -> Iterator[str]:
    """The passwords that a text carries as part of a URL, as written and unescaped."""
    for match in _USERINFO.finditer(text):
        password = match[1].partition(":")[2]
        yield from _as_written_and_meant(password)
    for match in _URL_QUERY.finditer(text):
        yield from _as_written_and_meant(match[1])


def _as_written_and_meant(password: str) -> Iterator[str]:
    if password:
        yield password
        yield unquote(password)


def in_urls(value: object) -> Iterator[str]:
    """The same for every text in a document."""
    if isinstance(value, str):
        if "://" in value:
            yield from in_url(value)
    elif isinstance(value, dict):
        for item in value.values():
            yield from in_urls(item)
    elif isinstance(value, list):
        for item in value:
            yield from in_urls(item)


def collected(values: Iterable[str], pairs: Iterable[tuple[str, str]]) -> Secrets:
    """Secrets of these values; empty ones are none."""
    return Secrets(frozenset(value for value in values if value), frozenset(pairs))
