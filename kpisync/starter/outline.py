"""The elements of an XML document by their paths: how often each occurs, and what it holds."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from xml.parsers import expat

from kpisync.starter.reading import ExportFile
from kpisync.support.files import open_observed

_MOST_BYTES = 20_000_000
_MOST_DEEP = 50
_XSI = "http://www.w3.org/2001/XMLSchema-instance}"


@dataclass
class Element:
    """All elements at one path. `most`: so many of them stand within one parent at most; names are `uri}local`."""

    name: str
    count: int = 0
    most: int = 0
    texts: int = 0  # so many of them hold text
    attributes: Counter[str] = field(default_factory=Counter)
    children: dict[str, Element] = field(default_factory=dict)

    @property
    def uri(self) -> str:
        return self.name.rpartition("}")[0]

    @property
    def local(self) -> str:
        return self.name.rpartition("}")[2]

    def below(self) -> Iterator[Element]:
        for child in self.children.values():
            yield child
            yield from child.below()


def outline(export: ExportFile) -> Element | None:
    """The root of what the beginning of a document shows; None for one that is damaged or has a DOCTYPE."""
    finder = _Finder()
    parser = expat.ParserCreate(namespace_separator="}")
    parser.buffer_text = True
    parser.StartElementHandler, parser.EndElementHandler = finder.start, finder.end
    parser.CharacterDataHandler, parser.StartDoctypeDeclHandler = finder.text, finder.refuse
    try:
        with open_observed(export.found.path, export.found.origin) as file:
            while (piece := file.read()) and file.position <= _MOST_BYTES:
                parser.Parse(piece, False)
            if not piece:
                parser.Parse(b"", True)
    except (expat.ExpatError, ValueError, LookupError):  # the latter of expat, for an encoding it cannot be told of
        return None
    return next(iter(finder.top.children.values()), None)


class _Finder:
    """Told of elements as they come."""

    def __init__(self) -> None:
        self.top = Element("")
        self._open: list[tuple[Element, Counter[str]]] = [(self.top, Counter())]
        self._text: list[str] = []

    def start(self, name: str, attributes: dict[str, str]) -> None:
        parent, seen = self._open[-1]
        if len(self._open) > _MOST_DEEP:
            raise ValueError("nested too deeply")
        element = parent.children.setdefault(name, Element(name))
        seen[name] += 1
        element.count += 1
        element.most = max(element.most, seen[name])
        element.attributes.update(each for each in attributes if not each.startswith(_XSI))
        self._open.append((element, Counter()))
        self._text.clear()

    def text(self, text: str) -> None:
        self._text.append(text)

    def end(self, name: str) -> None:
        element, _ = self._open.pop()
        text = "".join(self._text).strip()
        if text and not element.children:
            element.texts += 1
        self._text.clear()

    def refuse(self, *declared: object) -> None:
        raise ValueError("a DOCTYPE")
