"""XML: which element repeats as rows do, and which parts of it, and around it, are columns."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import NamedTuple

from kpisync.errors import SourceError
from kpisync.sources.xml import SPEC
from kpisync.starter.named import Given, named_reading
from kpisync.starter.outline import Element, outline
from kpisync.starter.reading import ExportFile, Reading
from kpisync.support.files import recognise

_BEGINS = re.compile(r"\s*<(\?xml|[^\W\d])")
_MOST_FIELDS = 80
_EXCEL_2003 = "urn:schemas-microsoft-com:office:spreadsheet}Workbook"
_MOST_AROUND = 12


def xml_document(export: ExportFile) -> Reading | None:
    """None for another file. Raises SourceError as the source does."""
    text = export.beginning
    kind = None if text.lstrip().startswith("<?xml") else recognise(export.head, text)
    if kind is not None or not _BEGINS.match(text):
        return None
    root = outline(export)
    if root is not None and root.name == _EXCEL_2003:
        hint = "Save it as .xlsx; type: xml reads it too, if fields names each column, as in {Line: Cell[1]/Data}"
        raise SourceError("this is an XML spreadsheet (Excel 2003)", where=export.found.origin, hint=hint)
    if root is None:
        named_reading("xml", SPEC, export, Given({"rows": "row"}), "line")  # says what is wrong
        raise SourceError("not XML", where=export.found.origin, hint="Check what wrote it")
    return named_reading("xml", SPEC, export, _given(root, export), "line")


class _Row(NamedTuple):
    """The element that is a row, and those that it lies in, from the root on."""

    element: Element
    around: Sequence[Element]

    @property
    def is_flat(self) -> bool:
        """Whether nothing within it repeats, so that each column is one cell."""
        return all(each.most == 1 for each in self.element.below())

    @property
    def cells(self) -> int:
        return sum(each.texts + sum(each.attributes.values()) for each in (self.element, *self.element.below()))


def _given(root: Element, export: ExportFile) -> Given:
    rows = sorted(_repeated(root, ()), key=lambda row: (not row.is_flat, -row.cells))
    if not rows:
        hint = "A document with one row only: choose a larger export"
        raise SourceError("no element repeats as rows do", where=export.found.origin, hint=hint)
    row = rows[0]
    names = _Prefixes(root)
    steps = [names.of(each) for each in (*row.around[1:], row.element)]
    fields = dict(_fields(row.element, names))
    notes = [f"rows: {row.element.count} elements {row.element.local}, each with the same parts"]
    if not row.is_flat:
        many = ", ".join(sorted({each.local for each in row.element.below() if each.most > 1}))
        notes = [f"DECIDE: rows: {row.element.count} elements {row.element.local}, within which {many} repeats"]
    if len(fields) > _MOST_FIELDS:
        notes.append(f"the first {_MOST_FIELDS} of {len(fields)} columns")
    given: dict[str, object] = {"rows": "/".join(steps)}
    if names.declared:
        given["namespaces"] = names.declared
    given["fields"] = dict(list(fields.items())[:_MOST_FIELDS])
    return Given(given, notes, tuple(_around(row, names)))


def _repeated(element: Element, around: tuple[Element, ...]) -> Iterator[_Row]:
    if around and element.count > 1 and (element.attributes or element.children):
        yield _Row(element, around)
    for child in element.children.values():
        yield from _repeated(child, (*around, element))


class _Prefixes:
    """Names as paths have them: those of one namespace without a prefix, others with one."""

    def __init__(self, root: Element) -> None:
        uris = list(dict.fromkeys(each.uri for each in (root, *root.below())))
        attributes = [_split(name)[0] for each in (root, *root.below()) for name in each.attributes]
        plain = "" if "" in uris else uris[0]
        others = [uri for uri in dict.fromkeys([*uris, *attributes]) if uri and (uri != plain or uri in attributes)]
        self.declared = ({"": plain} if plain else {}) | {f"n{nth}": uri for nth, uri in enumerate(others, 1)}
        self._prefix = {uri: f"n{nth}:" for nth, uri in enumerate(others, 1)}
        self._plain = plain

    def of(self, element: Element) -> str:
        return element.local if element.uri == self._plain else self._prefix[element.uri] + element.local

    def of_attribute(self, name: str) -> str:
        uri, local = _split(name)
        return f"@{self._prefix[uri] if uri else ''}{local}"


def _split(name: str) -> tuple[str, str]:
    uri, _, local = name.rpartition("}")
    return uri, local


def _fields(element: Element, names: _Prefixes) -> Iterator[tuple[str, str]]:
    """Columns and their paths within the row; a name that occurs twice is the whole path."""
    paths = list(_leaves(element, names, ()))
    short = [_name(path) for path in paths]
    for path, name in zip(paths, short, strict=True):
        yield (name if short.count(name) == 1 else path.replace("/", ".").replace("@", "")), path


def _name(path: str) -> str:
    return path.rpartition("/")[2].lstrip("@").rpartition(":")[2]


def _leaves(element: Element, names: _Prefixes, path: tuple[str, ...]) -> Iterator[str]:
    for attribute in element.attributes:
        yield "/".join((*path, names.of_attribute(attribute)))
    if not element.children and (path or not element.attributes):
        yield "/".join(path) or "."
    for child in element.children.values():
        yield from _leaves(child, names, (*path, names.of(child) + ("[1]" if child.most > 1 else "")))


def _around(row: _Row, names: _Prefixes) -> Iterator[str]:
    """What stands in the elements around the rows, above these, and could be a column too."""
    found: list[str] = []
    lineage = [*row.around, row.element]
    for depth, (element, inner) in enumerate(pairwise(lineage), 1):
        path = "".join(f"/{names.of(each)}" for each in lineage[:depth])
        found += [f"{path}/{names.of_attribute(name)}" for name in element.attributes]
        children = list(element.children.values())
        for child in children[: children.index(inner)]:
            if child.most == 1:
                found += [f"{path}/{leaf}" for leaf in _leaves(child, names, (names.of(child),))]
    if found:
        more = f" and {len(found) - _MOST_AROUND} more" if len(found) > _MOST_AROUND else ""
        yield f"# around the rows, and columns too if fields names them: {', '.join(found[:_MOST_AROUND])}{more}"
