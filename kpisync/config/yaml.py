"""Strict YAML 1.2: plain values that stay what they look like, with the line and column of each key and value."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from decimal import Decimal
from pathlib import Path
from typing import Any, NamedTuple

import yaml

from kpisync.config.problems import Trail, clean

_Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

MAX_BYTES = 1_000_000
MAX_DEPTH = 50
MAX_DIGITS = 30

_INT = re.compile(r"-?(0|[1-9][0-9]*)")
_DECIMAL = re.compile(r"-?(0|[1-9][0-9]*)\.[0-9]+")
_WORDS = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL"), None),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}
_UNPRINTABLE = re.compile("[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_CRON = re.compile(r"^\*(/[0-9]+)?( +[0-9*/,-]+){4}")
_QUOTE = "If it is meant as text, put it in quotes."


class Mark(NamedTuple):
    """Line and column, both from 1."""

    line: int
    column: int


_TOP = Mark(1, 1)


class Fault(NamedTuple):
    """Something that the YAML itself, or a reference in it, has wrong."""

    trail: Trail
    mark: Mark
    message: str
    hint: str | None = None


@dataclass(frozen=True)
class Document:
    """One file as plain values: dict, list, str, int, Decimal, bool, None; the keys of a dict are always text.

    `broken` values have a fault already and say nothing; `referenced` ones came from outside the file.
    """

    file: Path
    value: object
    keys: dict[Trail, Mark] = field(default_factory=dict)
    values: dict[Trail, Mark] = field(default_factory=dict)
    faults: tuple[Fault, ...] = ()
    referenced: frozenset[Trail] = frozenset()
    readable: bool = True

    @property
    def broken(self) -> frozenset[Trail]:
        return frozenset(fault.trail for fault in self.faults if fault.trail)

    def mark(self, trail: Trail, *, key: bool = False) -> Mark:
        """Where a value stands, or its key; for what the file does not have, the nearest thing around it."""
        first, second = (self.keys, self.values) if key else (self.values, self.keys)
        while trail:
            if found := first.get(trail) or second.get(trail):
                return found
            trail = trail[:-1]
        return _TOP


class _Unreadable(Exception):
    def __init__(self, fault: Fault) -> None:
        self.fault = fault


def parse(content: bytes, file: Path) -> Document:
    """Parse one file. Never raises: what is wrong becomes faults, and what cannot be parsed at all has `value` None."""
    try:
        text = _decode(content)
        return _Builder(file, text).document()
    except _Unreadable as error:
        return Document(file, None, faults=(error.fault,), readable=False)


def _decode(content: bytes) -> str:
    if len(content) > MAX_BYTES:
        raise _Unreadable(Fault((), _TOP, f"the file is larger than {MAX_BYTES:,} bytes", "Split it: jobs/*.yaml."))
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        before = content[: error.start].decode("utf-8-sig", "replace")
        raise _Unreadable(Fault((), _end_of(before), "the file is not UTF-8", "Save it as UTF-8.")) from None
    if found := _UNPRINTABLE.search(text):
        message = f"the character U+{ord(found[0]):04X} is not allowed in YAML"
        raise _Unreadable(Fault((), _end_of(text[: found.start()]), message, "Delete it."))
    return text


def _end_of(text: str) -> Mark:
    return Mark(text.count("\n") + 1, len(text) - text.rfind("\n"))


class _Builder:
    """Turns parser events into values. The depth is bounded, so it may call itself; aliases never come to life."""

    def __init__(self, file: Path, text: str) -> None:
        self._file, self._text = file, text
        self._keys: dict[Trail, Mark] = {}
        self._values: dict[Trail, Mark] = {}
        self._faults: list[Fault] = []
        self._events: Iterator[Any] = iter(())

    def document(self) -> Document:
        self._events = yaml.parse(self._text, Loader=_Loader)
        try:
            value = self._whole()
        except yaml.YAMLError as error:
            raise _Unreadable(_syntax_fault(error, self._text)) from None
        finally:
            self._events.close()  # type: ignore[attr-defined]
        return Document(self._file, value, self._keys, self._values, tuple(self._faults))

    def _whole(self) -> object:
        value, documents = None, 0
        for event in self._events:
            if isinstance(event, yaml.DocumentStartEvent):
                documents += 1
                if documents > 1:
                    message = "a second document begins here, but a file holds one"
                    raise _Unreadable(Fault((), _mark(event), message, 'Delete the line "---".'))
                value = self._node(next(self._events), ())
        return value

    def _node(self, event: Any, trail: Trail) -> object:
        """The value that begins with this event."""
        self._values[trail] = _mark(event)
        self._refuse_decoration(event, trail)
        if isinstance(event, yaml.ScalarEvent):
            return self._scalar(event, trail)
        if isinstance(event, yaml.AliasEvent):
            return None
        if len(trail) >= MAX_DEPTH:
            raise _too_deep(event)
        return self._mapping(trail) if isinstance(event, yaml.MappingStartEvent) else self._sequence(trail)

    def _refuse_decoration(self, event: Any, trail: Trail) -> None:
        if isinstance(event, yaml.AliasEvent):
            self._fault(trail, event, "an alias (*name) is not supported")
        elif event.anchor is not None:
            self._fault(trail, event, "an anchor (&name) is not supported")
        elif event.tag is not None:
            self._fault(trail, event, "a tag (!name) is not supported")

    def _fault(self, trail: Trail, event: Any, message: str, hint: str = _QUOTE) -> None:
        self._faults.append(Fault(trail, _mark(event), message, hint))

    def _scalar(self, event: Any, trail: Trail) -> object:
        text: str = event.value
        if not event.implicit[0]:
            return text
        if text in _WORDS:
            return _WORDS[text]
        kind = int if _INT.fullmatch(text) else Decimal if _DECIMAL.fullmatch(text) else None
        if kind is None:
            return text
        if len(text) > MAX_DIGITS:
            self._fault(trail, event, f"a number of more than {MAX_DIGITS} digits")
            return None
        return kind(text)

    def _sequence(self, trail: Trail) -> list[object]:
        items: list[object] = []
        for event in self._events:
            if isinstance(event, yaml.SequenceEndEvent):
                break
            items.append(self._node(event, (*trail, len(items))))
        return items

    def _mapping(self, trail: Trail) -> dict[str, object]:
        found: dict[str, object] = {}
        for event in self._events:
            if isinstance(event, yaml.MappingEndEvent):
                break
            key = self._key(event, trail, found)
            if key is None:
                self._skip(next(self._events))
                continue
            below = (*trail, key)
            self._keys[below] = _mark(event)
            found[key] = self._node(next(self._events), below)
        return found

    def _key(self, event: Any, trail: Trail, found: dict[str, object]) -> str | None:
        """The text of a key; None if it cannot be one, so that its value is to be skipped."""
        if not isinstance(event, yaml.ScalarEvent):
            self._fault(trail, event, "a key must be a plain text")
            self._skip(event)
            return None
        text = str(event.value)
        if text == "<<" and event.implicit[0]:
            self._fault((*trail, text), event, "merge keys (<<) are not supported", "Write the keys out.")
            return None
        if event.anchor is not None or event.tag is not None:
            self._fault((*trail, text), event, "a key must be a plain text, without anchor or tag")
        if text in found:
            first = self._keys[(*trail, text)].line
            message = f'duplicate key "{clean(text)}"; the first is in line {first}'
            self._fault((*trail, text), event, message, "Keep one of them.")
            return None
        return text

    def _skip(self, event: Any) -> None:
        """Pass over a node, whatever its depth."""
        depth = 0
        while True:
            depth += isinstance(event, yaml.CollectionStartEvent)
            depth -= isinstance(event, yaml.CollectionEndEvent)
            if depth == 0:
                return
            if depth > MAX_DEPTH:
                raise _too_deep(event)
            event = next(self._events)


def _too_deep(event: Any) -> _Unreadable:
    return _Unreadable(Fault((), _mark(event), f"nested deeper than {MAX_DEPTH} levels", "Write it flatter."))


def _mark(event: Any) -> Mark:
    return Mark(event.start_mark.line + 1, event.start_mark.column + 1)


def with_values(document: Document, value: object, faults: tuple[Fault, ...], referenced: frozenset[Trail]) -> Document:
    """The same file with other values in the same places, and with further faults."""
    return replace(document, value=value, faults=(*document.faults, *faults), referenced=referenced)


def _syntax_fault(error: yaml.YAMLError, text: str) -> Fault:
    mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
    if mark is None:
        return Fault((), _TOP, f"not valid YAML: {clean(str(error))}")
    place = Mark(mark.line + 1, mark.column + 1)
    context, problem = (str(getattr(error, name, None) or "") for name in ("context", "problem"))
    lines = text.splitlines() or [""]
    line = lines[min(mark.line, len(lines) - 1)]
    if "scanning an alias" in context or "scanning an anchor" in context:
        sign = "*" if "alias" in context else "&"
        begin = Mark(error.context_mark.line + 1, error.context_mark.column + 1)  # type: ignore[attr-defined]
        # Only a cron line is repeated: anything else may be a password.
        cron = _CRON.search(line[begin.column - 1 :])
        quotes = f'Put it in quotes: "{cron[0]}".' if cron else "Put it in quotes."
        return Fault((), begin, f'an unquoted text cannot begin with "{sign}"', quotes)
    char = line[mark.column : mark.column + 1]
    if "tab character" in problem or ("cannot start any token" in problem and char == "\t"):
        return Fault((), place, "a tab cannot be used for indentation", "Use blanks.")
    if "cannot start any token" in problem:
        return Fault((), place, f'an unquoted text cannot begin with "{char}"', "Put it in quotes.")
    return Fault((), place, f"not valid YAML: {problem or context}", _syntax_hint(problem, line))


def _syntax_hint(problem: str, line: str) -> str | None:
    if "mapping values are not allowed" in problem:
        return 'A text that contains ": " needs quotes; keys of one level begin in one column.'
    if "could not find expected ':'" in problem:
        return 'A key is followed by ":" and a blank.'
    if "expected ',' or" in problem and "${" in line:
        return "Inside [ ] and { }, put ${…} in quotes."
    if "expected ',' or" in problem:
        return "A bracket or brace is not closed."
    if "end of stream" in problem:
        return "A quote is not closed."
    return "Check the indentation of this line and of the one before."
