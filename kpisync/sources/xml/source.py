"""XML files: the elements that a path leads to are rows, read as they come."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from itertools import chain, islice
from typing import Annotated, Self
from xml.etree.ElementTree import Element

from pydantic import AfterValidator, Field, model_validator

from kpisync.errors import SourceError
from kpisync.model import Table
from kpisync.places.files import Files
from kpisync.places.options import FileOptions
from kpisync.ports import AdapterSpec, Source, Surroundings
from kpisync.sources.every_file import EveryFile
from kpisync.sources.named import NamedOptions, named_table
from kpisync.sources.xml.document import found_rows, steps_to
from kpisync.sources.xml.paths import Path, Step, local_name, parse_path, parse_rows
from kpisync.sources.xml.rows import Found, Values, Watch
from kpisync.support.files import open_observed
from kpisync.support.text import check_encoding
from kpisync.tables.account import Account
from kpisync.tables.cells import as_name, shown
from kpisync.tables.grid import Refused

_XSI = "http://www.w3.org/2001/XMLSchema-instance}"
_NIL = ("true", "1")
_SHOWN = 3


def _row_path(text: str) -> str:
    parse_rows(text)
    return text


def _field_path(text: str) -> str:
    parse_path(text)
    return text


class XmlOptions(NamedOptions, FileOptions):
    rows: Annotated[str, AfterValidator(_row_path)] = Field(
        description="the path to the elements that are rows, below the root element: IDOC/LINE[@SEGMENT='1']; with a "
        "leading / it begins with the root element"
    )
    fields: dict[str, Annotated[str, AfterValidator(_field_path)]] = Field(
        {},
        description="columns by name, each a path within the row (QTY, @date, LINE/@unit, PART[2]/NO), above it "
        "(../HEAD/PLANT) or from the root element (/ORDERS/HEAD/PLANT); without it the first row's attributes and "
        "elements",
    )
    namespaces: dict[str, str] = Field(
        {}, description='the namespaces that prefixes in paths stand for; "" for names without a prefix'
    )
    encoding: Annotated[str, AfterValidator(check_encoding)] | None = Field(
        None, description="instead of the one that the document declares"
    )

    @model_validator(mode="after")
    def _paths_lead_somewhere(self) -> Self:
        steps = steps_to(parse_rows(self.rows).resolved(self.namespaces))
        for name, text in self.fields.items():
            path = parse_path(text).resolved(self.namespaces)
            if path.up is not None and path.up >= len(steps):
                raise ValueError(f"fields.{name}: there are not so many elements above a row")
            if path.up != 0 and any(step.nth for step in path.steps):
                raise ValueError(f"fields.{name}: a [number] is for paths within the row")
        names = set(map(as_name, self.fields))
        if "" in names or len(names) < len(self.fields):
            raise ValueError("the names under fields must not be blank, and all different")
        return self


def _table(options: XmlOptions, path: str, account: Account) -> Table | None:
    """None for a document without rows if nothing says what its columns would be."""
    steps = steps_to(parse_rows(options.rows).resolved(options.namespaces))
    chosen = {name: parse_path(text).resolved(options.namespaces) for name, text in options.fields.items()}
    watches = [_watch(name, each, steps) for name, each in chosen.items() if each.up != 0]
    rows = _numbered(_rows(path, steps, watches, options, account), account)
    if chosen:
        columns = Columns(chosen)
    else:
        first = next(rows, None)
        if first is None:
            return None
        columns = Columns.of_first(*first, account)
        rows = chain([first], rows)
    records = ((line, columns.cells(found)) for line, found in rows)
    return named_table(list(columns.paths), records, options, account)


def _watch(name: str, path: Path, rows: Sequence[Step]) -> Watch:
    shared = 0 if path.up is None else len(rows) - path.up
    return Watch(name, (*rows[:shared], *path.steps), shared, path.attribute)


def _rows(
    path: str, steps: Sequence[Step], watches: Sequence[Watch], options: XmlOptions, account: Account
) -> Iterator[Found]:
    with open_observed(path, account.origin) as file:
        yield from found_rows(file, steps, watches, options.encoding, account)
        account.intake.origins[account.origin] = file.finish()


def _numbered(rows: Iterator[Found], account: Account) -> Iterator[tuple[int, Found]]:
    """Rows with the lines that they begin in; where these do not tell them apart, with their numbers from 1."""
    first = list(islice(rows, 2))
    if len(first) < 2 or first[0].line < first[1].line:
        yield from ((found.line, found) for found in chain(first, rows))
        return
    account.note("several rows in a line, so rows are named by their numbers")
    yield from enumerate(chain(first, rows), 1)


# ---------------------------------------------------------------- the cells of a row


class _NoCell(Exception):
    pass


class Columns:
    """The columns and where in a row, or around it, each stands; `known` are the only ones that a row may have."""

    def __init__(self, paths: Mapping[str, Path], known: frozenset[str] | None = None, line: int = 0) -> None:
        self.paths = paths
        self._known, self._line = known, line

    @classmethod
    def of_first(cls, line: int, first: Found, account: Account) -> Columns:
        """The attributes and elements of the first row. Raises SourceError where they do not make columns."""
        element = first.element
        names = _parts(element)
        doubled = sorted({name for name in names if names.count(name) > 1})
        if doubled or not names or any(len(child) for child in element):
            why = f"several {doubled[0]}" if doubled else "elements within elements" if names else "no elements within"
            raise SourceError(
                f"the first row has {why}, so it does not tell the columns",
                where=account.at(line),
                hint="Name the columns under fields, such as {Line: LINE/@code, Part: PART[1]}",
            )
        paths = {f"@{local_name(name)}": Path(0, (), name) for name in element.attrib if not name.startswith(_XSI)}
        paths |= {local_name(child.tag): Path(0, (Step(child.tag),)) for child in element}
        return cls(paths, frozenset(names), line)

    def cells(self, found: Found) -> Sequence[object]:
        """None where a row has no such element, and blank where it is empty."""
        if self._known is not None and (
            unknown := next((n for n in _parts(found.element) if n not in self._known), "")
        ):
            reason = f"the row has {unknown}, which row {self._line} with the names of the columns has not"
            return Refused("unknown-field", f"{reason}; name the columns under fields")
        around = iter(found.around)
        try:
            return [
                _cell(name, _within(found.element, path) if path.up == 0 else next(around))
                for name, path in self.paths.items()
            ]
        except _NoCell as no_cell:
            return Refused("no-cell", str(no_cell))


def _parts(element: Element) -> list[str]:
    """The names of what a row has: attributes as @name."""
    return [
        *(f"@{local_name(name)}" for name in element.attrib if not name.startswith(_XSI)),
        *(local_name(child.tag) for child in element),
    ]


def _within(row: Element, path: Path) -> Values:
    elements = path.elements(row)
    if path.attribute is None:
        return elements
    return [text for element in elements if (text := element.get(path.attribute)) is not None]


def _cell(name: str, found: Values) -> str | None:
    if not found:
        return None
    if len(found) > 1:
        texts = ", ".join(shown(_text(name, each)) for each in found[:_SHOWN])
        more = "" if len(found) <= _SHOWN else ", …"
        raise _NoCell(f"column {name} has {len(found)} values: {texts}{more}; let its path lead to one, as [1] does")
    return _text(name, found[0])


def _text(name: str, found: Element | str) -> str | None:
    if isinstance(found, str):
        return found
    if len(found):
        within = ", ".join(dict.fromkeys(local_name(child.tag) for child in found))
        raise _NoCell(f"column {name}: {local_name(found.tag)} holds {shown(within)}, not a text; lead its path there")
    return None if found.get(f"{_XSI}nil") in _NIL else found.text or ""


def build(options: XmlOptions, surroundings: Surroundings) -> Source:
    return EveryFile(Files(options, surroundings), partial(_table, options))


SPEC: AdapterSpec[Source] = AdapterSpec("XML documents", XmlOptions, build)
