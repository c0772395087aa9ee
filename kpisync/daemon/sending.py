"""Sending by apprise, from a thread that waits for nobody, and without a word of the addresses, which are secrets."""

from __future__ import annotations

import inspect
import logging
import re
import sys
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from threading import get_ident
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from kpisync.config.schema import AlertOptions

if TYPE_CHECKING:
    from apprise import AppriseAsset

_INSTALL = "pip install 'kpisync[alerts]'"
ABSENT = f"alerts.urls is set, and apprise is not installed, so nobody is told. Install it with `{_INSTALL}`"
_HOSTED = ("json", "xml", "form", "mailto", "ntfy", "http")
_SHORT = 4  # parts of an address that are shorter are no secrets

Send = Callable[[str, str, str], str | None]  # the address, a subject and a body → why it did not arrive, or None


def installed() -> bool:
    return find_spec("apprise") is not None


def addresses(options: AlertOptions) -> dict[str, str]:
    """Each address once, with a name for it that may be shown: `the 1st of alerts.urls (mailto)`; no empty ones."""
    named: dict[str, str] = {}
    for place, secret in enumerate(options.urls, 1):
        if url := secret.get_secret_value().strip():
            named.setdefault(url, f"address {place} of alerts.urls ({_scheme(url)})")
    return named


def unknown_addresses(options: AlertOptions) -> list[str]:
    """The names of addresses that apprise does not understand; nothing is sent. It is installed."""
    _load()
    from apprise import Apprise

    with _heard():
        return [name for url, name in addresses(options).items() if not Apprise(asset=_asset()).add(url)]


def send_by_apprise(url: str, subject: str, body: str) -> str | None:
    """Send to one address; returns why it did not arrive. It may take a minute; every step of it ends by itself."""
    _load()
    from apprise import Apprise, NotifyFormat

    with _heard() as words:
        one = Apprise(asset=_asset())
        if not one.add(url):
            return f"apprise does not know this kind of address, or a part of it is missing{_tail(words, url)}"
        if one.notify(body=body, title=subject, body_format=NotifyFormat.TEXT):
            return None
    return f"the message was not taken{_tail(words, url)}"


def _load() -> None:
    """Its services are modules that it imports when it first needs one; some of them use what Python deprecates."""
    if "apprise.plugins.email" in sys.modules:
        return
    with warnings.catch_warnings(), _heard():
        warnings.simplefilter("ignore")
        from apprise import Apprise

        Apprise.instantiate("json://localhost", suppress_exceptions=True)


def _asset() -> AppriseAsset:
    """Without a time limit apprise works in the caller's thread; its own threads would keep the process from ending."""
    from apprise import AppriseAsset

    options: dict[str, Any] = {"app_id": "kpisync", "app_desc": "kpisync", "async_mode": False}
    if "service_timeout" in inspect.signature(AppriseAsset).parameters:  # since apprise 2
        options["service_timeout"] = 0
    return AppriseAsset(**options)


# ---------------------------------------------------------------- its words


class _Ear(logging.Handler):
    """Keeps the warnings of one thread."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.words: list[str] = []
        self._thread = get_ident()

    def emit(self, record: logging.LogRecord) -> None:
        if record.thread == self._thread:
            self.words.append(record.getMessage())


@contextmanager
def _heard() -> Iterator[list[str]]:
    """What apprise logs goes nowhere else: its lines, and those of its HTTP library, name addresses."""
    log, ear = logging.getLogger("apprise"), _Ear()
    log.propagate = False
    log.setLevel(logging.WARNING)
    logging.getLogger("urllib3").setLevel(logging.CRITICAL)
    log.addHandler(ear)
    try:
        yield ear.words
    finally:
        log.removeHandler(ear)


def _tail(words: list[str], url: str) -> str:
    said = " ".join((words[-1] if words else "").split()).rstrip(".")
    return f": {without_address(said, url)[:200]}" if said else ""


def without_address(text: str, url: str) -> str:
    """The text without the parts of an address but its host: users, passwords, tokens in a path or a query."""
    scheme, _, rest = url.partition("://")
    if scheme.lower().removesuffix("s") in _HOSTED:  # elsewhere the host is a token
        login, _, rest = rest.rpartition("@")
        rest = login + re.sub(r"^[^/?]*", "", rest)
    parts = {each for each in re.split(r"[/?&=:@,+]", rest) if len(each) >= _SHORT}
    parts |= {unquote(each) for each in parts}
    for part in sorted(parts, key=len, reverse=True):
        text = text.replace(part, "***")
    return text


def _scheme(url: str) -> str:
    found = re.match(r"([a-z][a-z0-9]{1,19})s?://", url, re.IGNORECASE)
    return found[1].lower() if found else "no kind"
