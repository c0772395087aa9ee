"""JSON: which list of a document holds the rows, or an object a line."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from typing import Any

from kpisync.errors import SourceError
from kpisync.sources.json import SPEC, JsonOptions
from kpisync.starter.named import Given, named_reading
from kpisync.starter.reading import ExportFile, Reading
from kpisync.support.files import open_observed
from kpisync.support.json import loads

_BEGINS = re.compile(r'\s*(\{\s*["}]|\[\s*[\[{])')
_PLAIN = re.compile("[A-Za-z_][A-Za-z0-9_]*")
_DEEPEST = 5  # keys within keys
_SAMPLE = 1_000  # rows whose keys are compared
_LARGEST = 100 << 20  # bytes of a document; the source takes no more
_MOST_FIELDS = 60
_FEWEST = 2  # objects in lines of their own that make it JSON Lines, whatever follows


def json_documents(export: ExportFile) -> Reading | None:
    """None for another file. Raises SourceError as the source does."""
    if not _BEGINS.match(export.beginning):
        return None
    lines = _first_lines(export)
    given = _of_lines(export, lines) if lines else _of_document(export)
    return named_reading("json", SPEC, export, given, "line" if lines else "row")


# ---------------------------------------------------------------- JSON Lines


def _first_lines(export: ExportFile) -> list[Any]:
    """The objects of the first lines, if the first two are some; a later line that is none will be rejected."""
    found: list[Any] = []
    with open_observed(export.found.path, export.found.origin) as file:
        raw = b"".join(islice(iter(file.read, b""), 32))
    texts = _decoded(raw).split("\n")
    for text in texts[: -1 if len(texts) > 1 else None][:_SAMPLE]:
        if not text.strip():
            continue
        row = _object(text)
        if row is not None:
            found.append(row)
        elif len(found) < _FEWEST:
            return []
    if len(found) == 1 and any(True for _ in _lists(found[0])):
        return []  # a document on one line
    return found


def _object(text: str) -> dict[str, Any] | None:
    try:
        row = loads(text)
    except ValueError:
        return None
    return row if isinstance(row, dict) else None


def _decoded(raw: bytes) -> str:
    return raw.decode(json.detect_encoding(raw[:4]), "ignore").removeprefix("\ufeff")


def _of_lines(export: ExportFile, rows: Sequence[Any]) -> Given:
    by_name = JsonOptions.model_validate(export.given).is_lines
    fields = _fields(rows)
    return Given({**({} if by_name else {"lines": True}), **fields}, ("JSON Lines: an object a line", *_why(fields)))


# ---------------------------------------------------------------- a document


def _of_document(export: ExportFile) -> Given:
    document = _document(export)
    options: dict[str, object] = {}
    if JsonOptions.model_validate(export.given).is_lines:
        options["lines"] = False
    if isinstance(document, list):
        path, rows, notes = "", document, [f"the document is a list of {len(document)} rows"]
    else:
        found = sorted(
            _lists(document), key=lambda each: (-sum(isinstance(row, dict) for row in each[1]), -len(each[1]))
        )
        if not found:
            hint = "Name the document that has them; an object a line is JSON Lines"
            raise SourceError("no list of rows is in the document", where=export.found.origin, hint=hint)
        path, rows = found[0]
        others = [f"{other} ({len(each)})" for other, each in found[1:4]]
        also = f"; there are also {', '.join(others)}" if others else ""
        notes = [f"{'DECIDE: ' if _is_even(found) else ''}rows: {path} is a list of {len(rows)} rows{also}"]
        options["rows"] = path
    fields = _fields(rows[:_SAMPLE])
    return Given({**options, **fields}, (*notes, *_why(fields)))


def _document(export: ExportFile) -> Any:
    """Raises what the source says of a document that it cannot read."""
    with open_observed(export.found.path, export.found.origin) as file:
        raw = b"".join(iter(file.read, b"")) if file.size <= _LARGEST else b""
    try:
        return loads(raw.decode(json.detect_encoding(raw[:4])).removeprefix("\ufeff"))
    except ValueError as error:
        named_reading("json", SPEC, export, Given({"lines": False}), "row")
        raise SourceError(f"not JSON: {error}", where=export.found.origin, hint="Check what wrote it") from None


def _is_even(found: Sequence[tuple[str, list[Any]]]) -> bool:
    """Whether another list has as many rows, so that their number does not tell."""
    return len(found) > 1 and len(found[0][1]) == len(found[1][1])


def _lists(document: object, path: str = "", depth: int = _DEEPEST) -> Iterator[tuple[str, list[Any]]]:
    """The lists of objects or of lists, each by its expression."""
    if not isinstance(document, dict) or not depth:
        return
    for key, item in document.items():
        named = f"{path}{_quoted(key)}"
        if isinstance(item, list) and item and isinstance(item[0], dict | list):
            yield named, item
        yield from _lists(item, f"{named}.", depth - 1)


def _quoted(key: str) -> str:
    return key if _PLAIN.fullmatch(key) else json.dumps(key)


# ---------------------------------------------------------------- the columns


def _fields(rows: Sequence[Any]) -> dict[str, object]:
    """What `fields` has to say; nothing where the keys of the first row are those of all."""
    lists = [row for row in rows if isinstance(row, list)]
    if lists:
        return {"fields": {f"column-{nth + 1}": f"[{nth}]" for nth in range(max(map(len, lists)))}}
    found: dict[tuple[str, ...], None] = {}
    for row in rows:
        found |= dict.fromkeys(_keys(row) if isinstance(row, dict) else ())
    first = set(_keys(rows[0])) if rows and isinstance(rows[0], dict) else set()
    if found.keys() <= first or len(found) > _MOST_FIELDS:
        return {}
    return {"fields": {".".join(path): ".".join(map(_quoted, path)) for path in found}}


def _keys(row: Mapping[str, Any], path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """The paths to single cells; a list is none."""
    for key, item in row.items():
        if isinstance(item, dict):
            yield from _keys(item, (*path, key))
        elif not isinstance(item, list):
            yield (*path, key)


def _why(fields: Mapping[str, object]) -> Iterator[str]:
    if fields:
        yield "fields: the first row does not name all columns"
