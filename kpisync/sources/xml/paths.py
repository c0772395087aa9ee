"""Paths to elements and attributes of XML: a small part of XPath 1.0, with the meaning that it has there.

    path   = ["/" | "../"… | "./"] step {"/" step} ["/@" name]  |  ["../"…] "@" name  |  "."
    step   = name {"[@" name "]" | "[@" name "='" text "']"} ["[" number "]"]
    name   = [prefix ":"] name

A name without a prefix is one without a namespace, unless `namespaces` gives one to the empty prefix; that of an
attribute never has one.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import NamedTuple
from xml.etree.ElementTree import Element

_NAME = r"(?:[^\W\d][\w.\-]*:)?[^\W\d][\w.\-]*"
_TEST = rf"\[\s*@(?P<attribute>{_NAME})\s*(?:=\s*(?:'(?P<single>[^']*)'|\"(?P<double>[^\"]*)\"))?\s*\]"
_TESTS = rf"(?P<tests>(?:{re.sub('[?]P<[a-z]+>', '?:', _TEST)})*)"
_STEP = re.compile(rf"(?P<name>{_NAME}){_TESTS}(?:\[\s*(?P<nth>[1-9][0-9]{{0,8}})\s*\])?")
_KNOWN = "a path is names with / between them, such as IDOC/LINE[@SEGMENT='1']/QTY or LINE/@unit"


_EXCEL_2003 = "urn:schemas-microsoft-com:office:spreadsheet}"
_INDEX, _MERGED = f"{_EXCEL_2003}Index", f"{_EXCEL_2003}MergeAcross"
ANY = "*"  # a name that fits each; none that a user can write


class Test(NamedTuple):
    """An attribute that an element must have, and its text unless any will do."""

    attribute: str
    text: str | None


@dataclass(frozen=True, slots=True)
class Step:
    """A child, by its name; names as expat gives them once `Path.resolved` is done: `uri}name`."""

    name: str
    tests: tuple[Test, ...] = ()
    nth: int | None = None  # of the children that fit otherwise; in a workbook of Excel 2003, its column

    def fits(self, name: str, attributes: Mapping[str, str]) -> bool:
        if name != self.name and self.name != ANY:
            return False
        return not self.tests or all(
            attribute in attributes and text in (None, attributes[attribute]) for attribute, text in self.tests
        )


@dataclass(frozen=True, slots=True)
class Path:
    """`up`: so many elements above where it begins, None from the document; `attribute` of the last element."""

    up: int | None
    steps: tuple[Step, ...]
    attribute: str | None = None

    def resolved(self, namespaces: Mapping[str, str]) -> Path:
        """With names as expat gives them. Raises ValueError for an unknown prefix."""
        steps = tuple(
            Step(
                _expanded(step.name, namespaces, namespaces.get("", "")),
                tuple(Test(_expanded(test.attribute, namespaces, ""), test.text) for test in step.tests),
                step.nth,
            )
            for step in self.steps
        )
        return Path(self.up, steps, self.attribute and _expanded(self.attribute, namespaces, ""))

    def elements(self, start: Element) -> list[Element]:
        """The elements below one that the steps lead to."""
        found = [start]
        for step in self.steps:
            found = [child for element in found for child in _chosen(element, step)]
        return found


def _chosen(element: Element, step: Step) -> Iterable[Element]:
    fitting = [child for child in element if step.fits(child.tag, child.attrib)]
    return fitting if step.nth is None else _at(fitting, step.nth)


def _at(elements: Iterable[Element], nth: int) -> Iterable[Element]:
    """The one in that place; a workbook's cells are counted by their columns, for blank ones are left out there."""
    place = 0
    for element in elements:
        index = element.get(_INDEX, "")
        place = int(index) if index.isdecimal() else place + 1
        if place == nth:
            yield element
        merged = element.get(_MERGED, "")
        place += int(merged) if merged.isdecimal() else 0


def parse_path(text: str) -> Path:
    """Raises ValueError that says from where on it is not understood."""
    rest = text.strip()
    up: int | None = 0
    if rest.startswith("/"):
        up, rest = None, rest[1:]
    elif rest in (".", "..") or rest.startswith(("./", "../")):
        parts = re.match(r"(?:\./)?(?P<up>(?:\.\.(?:/|$))*)(?:\.$)?", rest)
        assert parts is not None  # noqa: S101 - it matches the empty text
        up, rest = parts["up"].count(".."), rest[parts.end() :]
        if not rest:
            return Path(up, ())
    steps: list[Step] = []
    while rest:
        if attribute := re.fullmatch(f"@({_NAME})", rest):
            return Path(up, tuple(steps), attribute[1])
        match = _STEP.match(rest)
        if match is None or rest[match.end() :][:1] not in ("", "/") or rest[match.end() :] == "/":
            raise ValueError(f"{rest!r} is not understood; {_KNOWN}")
        steps.append(Step(match["name"], tuple(_tests(match["tests"])), int(match["nth"]) if match["nth"] else None))
        rest = rest[match.end() + 1 :]
    if not steps:
        raise ValueError(f"{text!r} is no path; {_KNOWN}")
    return Path(up, tuple(steps))


def _tests(text: str) -> Iterable[Test]:
    for match in re.finditer(_TEST, text):
        yield Test(match["attribute"], match["single"] if match["double"] is None else match["double"])


def parse_rows(text: str) -> Path:
    """A path to the rows of a document: below the root element, or with a leading / from the document."""
    path = parse_path(text)
    if path.up or not path.steps or path.attribute is not None or any(step.nth for step in path.steps):
        raise ValueError("rows leads to elements below the root element: without .., @name at its end, and [number]")
    return path


def _expanded(name: str, namespaces: Mapping[str, str], default: str) -> str:
    prefix, colon, local = name.rpartition(":")
    if colon and prefix not in namespaces:
        raise ValueError(f"the prefix {prefix} of {name} is not under namespaces")
    uri = namespaces[prefix] if colon else default
    return f"{uri}}}{local}" if uri else local


def local_name(name: str) -> str:
    """A name as expat gives it, without its namespace."""
    return name.rpartition("}")[2]
