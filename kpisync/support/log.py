"""Logs on stderr, one event a line, with the run and job they belong to and without secrets.

What libraries log, and what Python warns of, goes the same way. `structlog.contextvars.bound_contextvars(job=…, run=…)`
gives every event within it these two.
"""

from __future__ import annotations

import logging
import os
import re
import sys
import threading
from collections.abc import Callable, Iterator, Mapping, MutableMapping
from contextlib import contextmanager
from typing import Any

import structlog
from structlog.typing import Processor

from kpisync.errors import ConfigError
from kpisync.support.stderr import Lines

LEVELS = ("debug", "info", "warning", "error")
FORMATS = ("console", "json")

_TALKATIVE = ("httpx", "httpcore", "apscheduler", "sqlalchemy", "uvicorn", "apprise", "asyncio")
_FIRST = ("timestamp", "level", "event", "job", "run")
_WHOLE_TEXTS = ("exception", "stack")  # of several lines
_LONGEST = 32_768  # characters of one text
_DEEPEST = 6
_UNSEEN = re.compile(r"[\x00-\x1f\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")
_UNSAYABLE = (ArithmeticError, AttributeError, LookupError, RuntimeError, TypeError, ValueError)  # of a foreign object

Event = MutableMapping[str, Any]


def configure(level: str, redact: Callable[[str], str], as_json: bool) -> None:
    """Set up the logs of the process; lines for people unless `as_json`, over which KPISYNC_LOG_FORMAT stands.

    May be called again, for other secrets. Of libraries nothing below a warning is shown, whatever the level: what
    they tell beyond that is their insides, with addresses, headers and values. Raises ConfigError for a format of
    another name.
    """
    processors = _processors(redact, _is_json(as_json))
    lines = Lines(sys.stderr, lambda count: _rendered(processors, "warning", _lost(count)))
    number = getattr(logging, level.upper())
    structlog.configure(
        processors=processors,
        wrapper_class=structlog.make_filtering_bound_logger(number),
        logger_factory=lambda *_: _Log(lines),
        cache_logger_on_first_use=False,
    )
    root = logging.getLogger()
    for handler in [each for each in root.handlers if isinstance(each, _Foreign)]:
        root.removeHandler(handler)
    root.addHandler(_Foreign(processors, lines))
    for name in ("", *_TALKATIVE):
        logging.getLogger(name).setLevel(max(number, logging.WARNING))
    logging.captureWarnings(True)


@contextmanager
def strays() -> Iterator[None]:
    """What ends a thread, or fails where nothing can be raised, is an event too, and no bare traceback on stderr."""
    log = structlog.get_logger()

    def ended(what: threading.ExceptHookArgs) -> None:
        thread = what.thread.name if what.thread else None
        log.error("a bug in kpisync has ended a thread", thread=thread, exc_info=what.exc_value)

    def failed(what: Any) -> None:
        log.error("a failure that nobody took", of=repr(what.object), exc_info=what.exc_value)

    kept = threading.excepthook, sys.unraisablehook
    threading.excepthook, sys.unraisablehook = ended, failed
    try:
        yield
    finally:
        threading.excepthook, sys.unraisablehook = kept


def _is_json(default: bool) -> bool:
    chosen = os.environ.get("KPISYNC_LOG_FORMAT", "").strip().lower()
    if chosen and chosen not in FORMATS:
        raise ConfigError(f"KPISYNC_LOG_FORMAT is {chosen}", hint=f"Set it to one of {', '.join(FORMATS)}")
    return chosen == "json" if chosen else default


def _lost(count: int) -> dict[str, Any]:
    return {"event": "events were not written: stderr was full, closed or not read", "events": count}


# ---------------------------------------------------------------- where events come from


class _Log:
    """What structlog gives its lines to."""

    def __init__(self, lines: Lines) -> None:
        self.debug = self.info = self.warning = self.error = self.critical = lines.write


class _Foreign(logging.Handler):
    """What libraries log with the standard library."""

    def __init__(self, processors: list[Processor], lines: Lines) -> None:
        super().__init__()
        self._processors, self._lines = processors, lines

    def emit(self, record: logging.LogRecord) -> None:
        event: dict[str, Any] = {"event": _message(record), "logger": record.name}
        if record.exc_info:
            event["exc_info"] = record.exc_info
        if record.stack_info:
            event["stack"] = record.stack_info
        self._lines.write(_rendered(self._processors, record.levelname.lower(), event))


def _message(record: logging.LogRecord) -> str:
    """What a library says; if its arguments do not fit, what it was about to say."""
    try:
        return record.getMessage()
    except _UNSAYABLE:
        return str(record.msg)


# ---------------------------------------------------------------- what becomes of them


def _processors(redact: Callable[[str], str], as_json: bool) -> list[Processor]:
    """Exceptions become text before secrets are struck out: they may stand in either."""

    def strike_out(logger: Any, name: str, event: Event) -> Event:
        return {key: _plain(value, redact) for key, value in event.items()}

    plain = structlog.dev.plain_traceback
    return [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.StackInfoRenderer(),
        structlog.processors.format_exc_info,
        strike_out,
        _in_order if as_json else _harmless,
        structlog.processors.JSONRenderer()
        if as_json
        else structlog.dev.ConsoleRenderer(colors=False, exception_formatter=plain),
    ]


def _rendered(processors: list[Processor], name: str, event: Any) -> str:
    for processor in processors:
        event = processor(None, name, event)
    return str(event)


def _in_order(logger: Any, name: str, event: Event) -> Event:
    """What is looked for first, first."""
    return {key: event[key] for key in (*_FIRST, *event) if key in event}


def _harmless(logger: Any, name: str, event: Event) -> Event:
    """A text of a stranger must not move the cursor of a terminal, or pretend to be another line."""
    return {key: _seen(value, key) if isinstance(value, str) else value for key, value in event.items()}


def _seen(text: str, key: str) -> str:
    kept = "\n\t" if key in _WHOLE_TEXTS else ""
    return _UNSEEN.sub(lambda found: found[0] if found[0] in kept else repr(found[0])[1:-1], text)


def _plain(value: Any, redact: Callable[[str], str], depth: int = 0) -> Any:
    """The same as JSON has it, without secrets, however deep they stand."""
    if isinstance(value, str):
        return _cut(redact(value))
    if depth < _DEEPEST and isinstance(value, Mapping):
        return {_cut(redact(_said(key))): _plain(item, redact, depth + 1) for key, item in value.items()}
    if depth < _DEEPEST and isinstance(value, list | tuple | set | frozenset):
        return [_plain(item, redact, depth + 1) for item in value]
    said = _said(value)
    shown = redact(said)
    if shown == said and (value is None or isinstance(value, bool | int) or _is_number(value)):
        return value
    return _cut(shown)


def _is_number(value: Any) -> bool:
    """JSON has no word for infinity."""
    return isinstance(value, float) and abs(value) < float("inf")


def _said(value: Any) -> str:
    """Bytes as the text that they mostly are: escaped, a secret would not be recognised."""
    if isinstance(value, bytes | bytearray):
        return value.decode("utf-8", "backslashreplace")
    try:
        return str(value)
    except _UNSAYABLE:
        return f"<{type(value).__name__}>"


def _cut(text: str) -> str:
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}… ({len(text):,} characters)"
