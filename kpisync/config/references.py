"""`${env:NAME}`, `${env:NAME:-default}` and `${file:/path}` inside text values, filled in after parsing."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from kpisync.config.problems import Trail
from kpisync.config.yaml import Document, Fault, with_values

MAX_SECRET = 64_000  # bytes of a secret file

_REFERENCE = re.compile(
    r"(?P<escaped>\$\$\{)"
    r"|\$\{env:(?P<env>[A-Za-z_][A-Za-z0-9_]*)(?::-(?P<default>[^}]*))?\}"
    r"|\$\{file:(?P<file>[^}]+)\}"
    r"|(?P<wrong>\$\{)"
)
_CONTROL = re.compile("[\x00-\x08\x0a-\x1f\x7f\ud800-\udfff]")


class _Unresolved(Exception):
    def __init__(self, message: str, hint: str) -> None:
        self.message, self.hint = message, hint


class Resolved(NamedTuple):
    """A document with its references filled in, the secrets that came from files, and these files."""

    document: Document
    secrets: frozenset[str]
    files: frozenset[Path]


def resolve(document: Document, environ: Mapping[str, str]) -> Resolved:
    """The document with its references filled in.

    `$${` stands for a plain `${`. What cannot be filled in becomes a fault that never shows a value.
    """
    resolver = _Resolver(document, environ)
    value = resolver.value(document.value, ())
    filled = with_values(document, value, tuple(resolver.faults), frozenset(resolver.referenced))
    return Resolved(filled, frozenset(resolver.secrets), frozenset(resolver.files))


class _Resolver:
    def __init__(self, document: Document, environ: Mapping[str, str]) -> None:
        self._document, self._environ = document, environ
        self.faults: list[Fault] = []
        self.referenced: set[Trail] = set()
        self.secrets: set[str] = set()
        self.files: set[Path] = set()

    def value(self, value: object, trail: Trail) -> object:
        if isinstance(value, dict):
            return {key: self.value(item, (*trail, key)) for key, item in value.items()}
        if isinstance(value, list):
            return [self.value(item, (*trail, index)) for index, item in enumerate(value)]
        if isinstance(value, str) and "${" in value:
            return self._text(value, trail)
        return value

    def _text(self, text: str, trail: Trail) -> str:
        self.referenced.add(trail)
        try:
            return _REFERENCE.sub(self._filled, text)
        except _Unresolved as error:
            mark = self._document.mark(trail)
            self.faults.append(Fault(trail, mark, error.message, error.hint))
            return text

    def _filled(self, match: re.Match[str]) -> str:
        if match["escaped"]:
            return "${"
        if match["env"]:
            return _variable(match["env"], match["default"], self._environ)
        if match["file"]:
            path = self._document.file.parent / match["file"]
            self.files.add(path)
            secret = _secret(path)
            self.secrets.add(secret)
            return secret
        raise _Unresolved(
            "a reference is written ${env:NAME}, ${env:NAME:-default} or ${file:/path}",
            "Write $${ where a plain ${ is meant.",
        )


def _variable(name: str, default: str | None, environ: Mapping[str, str]) -> str:
    found = environ.get(name, "")
    if not found:
        if default is not None:
            return default
        state = "is empty" if name in environ else "is not set"
        raise _Unresolved(f"the environment variable {name} {state}", f"Set it, or write ${{env:{name}:-default}}.")
    if _CONTROL.search(found):
        # A line break or control character is a slip of whoever set it, and would travel into a header.
        raise _Unresolved(f"the environment variable {name} holds a line break or a control character", "Set it anew.")
    return found


def _secret(path: Path) -> str:
    hint = "The file holds the secret and nothing else, as UTF-8 text."
    try:
        if not path.is_file():
            raise _Unresolved(f"there is no file {path}", hint)
        with path.open("rb") as file:
            content = file.read(MAX_SECRET + 1)
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else "not a file name"
        raise _Unresolved(f"the file {path} cannot be read: {reason}", hint) from None
    if len(content) > MAX_SECRET:
        raise _Unresolved(f"the file {path} is larger than {MAX_SECRET:,} bytes", hint)
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise _Unresolved(f"the file {path} is not UTF-8 text", hint) from None
    text = text.removesuffix("\n").removesuffix("\r")
    if not text:
        raise _Unresolved(f"the file {path} is empty", hint)
    return text
