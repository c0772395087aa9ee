"""Objects of JSON → a table: which part of a document are its rows, and which parts of a row its cells."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from decimal import Decimal
from itertools import chain
from typing import Any, Protocol, Self

from pydantic import Field, model_validator

from kpisync.errors import SourceError
from kpisync.model import Table
from kpisync.support.expressions import Expression, Unfit, compiled
from kpisync.support.json import dumps
from kpisync.tables.account import Account
from kpisync.tables.cells import as_name, shown
from kpisync.tables.grid import Record, Refused, in_blocks
from kpisync.tables.options import OF_LINES, HeaderOptions, ReaderOptions
from kpisync.tables.reader import read_table

_DEEPEST = 3  # keys within keys that are looked through for lists
_MOST_LISTS = 5

Numbered = tuple[int, object]  # a row's number, from 1, and what it is; a `Refused` is rejected in its turn


class ObjectOptions(ReaderOptions):
    """What is said of rows that are objects."""

    rows: Expression | None = Field(
        None,
        description="a JMESPath expression for the list of rows, such as data.items; without it the document is it",
    )
    fields: dict[str, Expression] = Field(
        {},
        description="columns by name, each a JMESPath expression within a row, such as line.code; without it the keys "
        "of the first row",
    )

    @model_validator(mode="after")
    def _no_lines(self) -> Self:
        for name in OF_LINES:
            if name in self.model_fields_set:
                raise ValueError(f"{name} is for text with lines and a header; name the columns under fields")
        names = set(map(as_name, self.fields))
        if "" in names or len(names) < len(self.fields):
            raise ValueError("the names under fields must not be blank, and all different")
        return self


# ---------------------------------------------------------------- the rows of a document


def rows_in(document: object, expression: str | None, where: str) -> list[Any]:
    """The list that the expression finds; without one, the document is it. Raises SourceError."""
    if expression is None:
        if isinstance(document, list):
            return document
        what = f"the document is {_kind(document)}, not a list of rows"
    else:
        try:
            found = compiled(expression)(document)
        except Unfit as unfit:
            raise SourceError(f"rows: {unfit}", where=where, hint="Correct rows") from None
        if isinstance(found, list):
            return found
        what = f"rows: {expression} finds {'nothing' if found is None else _kind(found) + ', not a list'}"
    lists = list(_lists(document))
    named = f"Lists are at {', '.join(lists[:_MOST_LISTS])}; say under rows which is meant"
    raise SourceError(what, where=where, hint=named if lists else "There is no list in it; check what wrote it")


def _lists(document: object, path: str = "", depth: int = _DEEPEST) -> Iterator[str]:
    """Expressions for the lists within objects."""
    if not isinstance(document, dict) or not depth:
        return
    for key, value in document.items():
        named = key if re.fullmatch("[A-Za-z_][A-Za-z0-9_]*", key) else json.dumps(key)
        if isinstance(value, list):
            yield path + named
        yield from _lists(value, f"{path}{named}.", depth - 1)


def _kind(value: object) -> str:
    if isinstance(value, dict):
        return "an object"
    if isinstance(value, list):
        return "a list"
    if isinstance(value, str):
        return f"the text {shown(value)}"
    return shown_json(value)


# ---------------------------------------------------------------- the cells of a row


def read_objects(rows: Iterable[Numbered], options: ObjectOptions, account: Account) -> Table:
    """A table of rows; `rows` is used up by the rows of the table.

    Without `fields`, the keys of the first object name the columns; a later row may lack some, but has no others.
    Raises SourceError if there is no such object.
    """
    rows = iter(rows)
    if options.fields:
        columns: Columns = Chosen(options.fields)
        records = _records(rows, columns)
        named = options.model_copy(update={"header": HeaderOptions(names=list(columns.names))})
        return read_table(in_blocks(records), named, account)
    refused, first = _first_object(rows, account)
    keyed = Keys(*first)
    header: Record = (first[0], keyed.names)
    records = chain([header], refused, _records(chain([first], rows), keyed))
    return read_table(in_blocks(records), options, account)


def _first_object(rows: Iterator[Numbered], account: Account) -> tuple[list[Record], tuple[int, Any]]:
    """The first row that names columns, and those before it, which do not."""
    before: list[Record] = []
    for line, row in rows:
        cells: Sequence[object] = ()
        try:
            if any(map(as_name, _flat(row))):
                return before, (line, row)
        except _NoRow as no_row:
            cells = no_row.refused
        before.append((line, cells))
    what = "there are no rows, so the columns are not known"
    if before:
        line, cells = before[0]
        why = cells.reason if isinstance(cells, Refused) else "the row is empty"
        what = f"no row is an object with keys, so the columns are not known (row {line}: {why})"
    raise SourceError(what, where=account.origin, hint="Name the columns under fields")


def _records(rows: Iterable[Numbered], columns: Columns) -> Iterator[Record]:
    for line, row in rows:
        try:
            yield line, columns.cells(row)
        except _NoRow as no_row:
            yield line, no_row.refused


class _NoRow(Exception):
    def __init__(self, refused: Refused) -> None:
        self.refused = refused
        super().__init__(refused.reason)


def _no_row(code: str, reason: str) -> _NoRow:
    return _NoRow(Refused(code, reason))


def _not_an_object(row: object) -> _NoRow:
    return _NoRow(row if isinstance(row, Refused) else Refused("no-object", f"the row is {_kind(row)}, not an object"))


class Columns(Protocol):
    """What makes cells of a row."""

    @property
    def names(self) -> Sequence[str]: ...

    def cells(self, row: object) -> Sequence[object]:
        """One cell for each name; None where the row has none. Raises _NoRow."""


class Chosen:
    """The columns that the job names, each by its expression; a row may be a list too."""

    def __init__(self, fields: Mapping[str, str]) -> None:
        self.names = tuple(fields)
        self._find: list[tuple[str, Callable[[object], Any]]] = [
            (name, compiled(field)) for name, field in fields.items()
        ]

    def cells(self, row: object) -> Sequence[object]:
        if not isinstance(row, dict | list):
            raise _not_an_object(row)
        return [self._cell(name, find, row) for name, find in self._find]

    def _cell(self, name: str, find: Callable[[object], Any], row: object) -> object:
        try:
            cell = find(row)
        except Unfit as unfit:
            raise _no_row("no-cell", f"column {name}: {unfit}") from None
        if cell is None or isinstance(cell, str | Decimal | int):
            return _encodable(cell, name)
        raise _no_row("no-cell", f"column {name} is {_kind(cell)}, not one cell: {shown_json(cell)}; correct its field")


class Keys:
    """The keys of the first row, those of an object within it as `line.code`; a list is a cell with its JSON."""

    def __init__(self, line: int, row: object) -> None:
        self.names = tuple(_flat(row))
        self._line, self._known = line, frozenset(self.names)

    def cells(self, row: object) -> Sequence[object]:
        found = _flat(row)
        if not found.keys() <= self._known:
            for key, cell in found.items():
                if key not in self._known and cell is not None:
                    raise _no_row(
                        "unknown-key",
                        f"the row has the key {shown(key)}, which row {self._line} with the names of the columns has "
                        "not; name the columns under fields",
                    )
        return [found.get(name) for name in self.names]


def _flat(row: object) -> dict[str, object]:
    if not isinstance(row, dict):
        raise _not_an_object(row)
    found: dict[str, object] = {}
    try:
        _flatten(row, "", found)
    except RecursionError:
        raise _no_row("no-cell", "the row is nested too deeply; name the columns under fields") from None
    return found


def _flatten(row: Mapping[str, object], prefix: str, found: dict[str, object]) -> None:
    for key, value in row.items():
        name = prefix + key
        if isinstance(value, dict):
            _flatten(value, f"{name}.", found)
        elif name in found:
            raise _no_row("unknown-key", f"two keys lead to a column {shown(name)}; name the columns under fields")
        else:
            found[_encodable(name, name)] = _encodable(dumps(value) if isinstance(value, list) else value, name)


def _encodable(cell: Any, name: str) -> Any:
    """The cell; half a surrogate pair, which JSON can write and nothing can store, makes the row none."""
    if isinstance(cell, str) and not cell.isascii():
        try:
            cell.encode()
        except UnicodeEncodeError:
            raise _no_row("no-cell", f"column {shown(name)} has half a character in {shown(cell)}") from None
    return cell


def shown_json(value: object, most: int = 60) -> str:
    """A part of a document for a message."""
    try:
        text = dumps(value)
    except (TypeError, ValueError, RecursionError):
        return type(value).__name__
    return text if len(text) <= most else f"{text[:most]}…"
