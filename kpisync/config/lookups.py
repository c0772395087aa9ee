"""A lookup, inline or from a CSV file → codes and what they stand for."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator
from pathlib import Path

from pydantic import RootModel

from kpisync.config.findings import Findings, Node
from kpisync.config.validate import validate
from kpisync.mapping.options import LookupFile
from kpisync.mapping.parse import code_text
from kpisync.registry import suggestion

MAX_LOOKUP_BYTES = 50_000_000


class _Inline(RootModel[dict[str, str]]):
    model_config = {"coerce_numbers_to_str": True}


class _BadLookup(Exception):
    def __init__(self, message: str, hint: str | None = None) -> None:
        self.message, self.hint = message, hint


def load_lookup(node: Node, findings: Findings) -> dict[str, str] | None:
    """The lookup of a node, its codes as `code_text` has them; None and problems if it is not sound.

    A mapping with a key `file` is a lookup file; a code of that name must stand in such a file itself.
    """
    if "file" not in node:
        inline = validate(_Inline, node, findings)
        pairs: Iterable[tuple[str, str, str]] = (
            (key, text, node.at(key).line()) for key, text in (inline.root.items() if inline else ())
        )
        return _collected(pairs, node, findings) if inline else None
    options = validate(LookupFile, node, findings)
    if options:
        findings.read.add(Path(options.file))
    return _collected(_rows(options), node, findings) if options else None


def _collected(pairs: Iterable[tuple[str, str, str]], node: Node, findings: Findings) -> dict[str, str] | None:
    found: dict[str, tuple[str, str]] = {}
    try:
        for raw_key, raw_text, place in pairs:
            key, text = code_text(raw_key), code_text(raw_text)
            if not text:
                raise _BadLookup(
                    f"code {findings.quote(key)} in {place} stands for nothing", "Name what it stands for."
                )
            if key in found and found[key][0] != text:
                raise _BadLookup(
                    f"code {findings.quote(key)} stands for {findings.quote(found[key][0])} in {found[key][1]} "
                    f"and for {findings.quote(text)} in {place}",
                    "Delete one of them.",
                )
            found.setdefault(key, (text, place))
    except _BadLookup as error:
        findings.add(node, error.message, error.hint, key=True)
        return None
    return {key: text for key, (text, _) in found.items()}


def _rows(options: LookupFile) -> Iterator[tuple[str, str, str]]:
    """Key, value and place of each line. Raises `_BadLookup`."""
    path = Path(options.file)
    try:
        if not path.is_file():
            raise _BadLookup(f"there is no file {path}")
        if path.stat().st_size > MAX_LOOKUP_BYTES:
            raise _BadLookup(f"the file {path} is larger than {MAX_LOOKUP_BYTES:,} bytes")
        with path.open(encoding=options.encoding, newline="") as file:
            yield from _cells(csv.reader(file, delimiter=options.delimiter, strict=True), options)
    except LookupError:
        raise _BadLookup(f"there is no encoding {options.encoding[:40]}", "Such as utf-8, cp1252 or utf-16.") from None
    except UnicodeError:
        raise _BadLookup(f"the file {path} is not {options.encoding}", "Name its `encoding`, such as cp1252.") from None
    except OSError as error:
        raise _BadLookup(f"the file {path} cannot be read: {error.strerror or error}") from None
    except (csv.Error, ValueError, TypeError) as error:
        raise _BadLookup(f"the file {path} cannot be read as CSV: {error}") from None


def _cells(reader: Iterator[list[str]], options: LookupFile) -> Iterator[tuple[str, str, str]]:
    header = [name.strip() for name in next(reader, [])]
    key, value = (_index(header, name, options) for name in (options.key, options.value))
    for line, row in enumerate(reader, start=2):
        if not any(cell.strip() for cell in row):
            continue
        if len(row) <= max(key, value):
            raise _BadLookup(f"{options.file}:{line} has {len(row)} cells, fewer than the header line")
        yield row[key], row[value], f"{options.file}:{line}"


def _index(header: list[str], name: str, options: LookupFile) -> int:
    if header.count(name) != 1:
        state = "no column" if name not in header else "more than one column"
        raise _BadLookup(
            f'{state} "{name[:60]}" in {options.file}{suggestion(name, header) if name not in header else ""}',
            f"Its columns are {', '.join(header)[:200] or 'none'}; delimiter is {options.delimiter!r}.",
        )
    return header.index(name)
