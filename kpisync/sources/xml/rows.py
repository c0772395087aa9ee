"""Elements as a parser meets them → the rows among them, one at a time; what stands around them is passed over."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple
from xml.etree.ElementTree import Element, TreeBuilder

from kpisync.errors import SourceError
from kpisync.sources.xml.paths import Step, local_name
from kpisync.tables.account import Account

MOST_DEEP = 200  # elements within elements
MOST_IN_ROW = 1 << 24  # characters; an element counts as some
_PER_ELEMENT = 100
_SHOWN_PATHS = 8

Values = Sequence[Element | str]  # what a path leads to: elements, or the texts of attributes


class Found(NamedTuple):
    """A row: the line in which its tag begins, its element, and what each field from around it was until its end."""

    line: int
    element: Element
    around: Sequence[Values]


@dataclass
class Watch:
    """Looks for a field that does not stand in the row, but above it in an element that the row lies in.

    `steps` begin at the document. The first `shared` of them lead to the element that field and row both lie in.
    """

    name: str
    steps: Sequence[Step]
    shared: int
    attribute: str | None
    found: list[Element | str] = field(default_factory=list)
    given: bool = False  # to a row
    matched: int = 0  # so many steps fit the open elements
    builder: TreeBuilder | None = None

    def start(self, depth: int, name: str, attributes: dict[str, str], place: Callable[[], str]) -> None:
        if self.builder is not None:
            self.builder.start(name, attributes)
        elif self.matched == depth - 1 and depth <= len(self.steps) and self.steps[depth - 1].fits(name, attributes):
            self.matched = depth
            if depth == self.shared:
                self.found, self.given = [], False
            if depth == len(self.steps) and (self.attribute is None or self.attribute in attributes):
                self._take(name, attributes, place)

    def _take(self, name: str, attributes: dict[str, str], place: Callable[[], str]) -> None:
        if self.given:
            raise SourceError(
                f"the field {self.name} stands below rows that should have it",
                where=place(),
                hint="It is read from its top down: take it from above the rows, or with ../ from what holds the row",
            )
        if self.attribute is not None:
            self.found.append(attributes[self.attribute])
        else:
            self.builder = TreeBuilder()
            self.builder.start(name, attributes)

    def text(self, text: str) -> None:
        if self.builder is not None:
            self.builder.data(text)

    def end(self, depth: int, name: str) -> None:
        if self.builder is not None:
            self.builder.end(name)
            if self.matched == depth:
                self.found.append(self.builder.close())
                self.builder = None
        self.matched = min(self.matched, depth - 1)


class RowFinder:
    """Told of each element as it begins and ends; what it found is taken by `take`.

    `steps` lead from the document to the rows; `line` is the line where the parser is.
    """

    def __init__(
        self, steps: Sequence[Step], watches: Sequence[Watch], line: Callable[[], int], account: Account
    ) -> None:
        self.count = 0
        self.seen: dict[str, None] = {}  # paths of the first elements, for messages
        self.namesake = ""  # an element called as a row is, in another namespace
        self.deepest = 0  # so many steps led somewhere
        self._steps, self._watches = steps, watches
        self._line, self._account = line, account
        self._open: list[str] = []
        self._matched = self._begun = self._size = 0
        self._builder: TreeBuilder | None = None
        self._rows: list[Found] = []

    def take(self) -> list[Found]:
        """The rows that ended since it was last called."""
        rows, self._rows = self._rows, []
        return rows

    def place(self) -> str:
        return self._account.at(self._line())

    def start(self, name: str, attributes: dict[str, str]) -> None:
        self._open.append(name)
        depth = len(self._open)
        if depth > MOST_DEEP:
            what = f"more than {MOST_DEEP} elements within one another"
            raise SourceError(what, where=self.place(), hint="This is no table; check it")
        for watch in self._watches:
            watch.start(depth, name, attributes, self.place)
        if self._builder is not None:
            self._grow(_PER_ELEMENT)
            self._builder.start(name, attributes)
        elif not self._fits(depth, name, attributes):
            self._remember(name)
        elif depth == len(self._steps):
            self._begun, self._size = self._line(), 0
            self._builder = TreeBuilder()
            self._builder.start(name, attributes)

    def _fits(self, depth: int, name: str, attributes: Mapping[str, str]) -> bool:
        if self._matched < depth - 1 or depth > len(self._steps) or not self._steps[depth - 1].fits(name, attributes):
            return False
        self._matched = depth
        self.deepest = max(self.deepest, depth)
        return True

    def _remember(self, name: str) -> None:
        if not self.count and len(self.seen) < _SHOWN_PATHS:
            self.seen["/".join(["", *map(local_name, self._open)])] = None
        wanted = self._steps[-1].name
        if name != wanted and local_name(name) == local_name(wanted):
            self.namesake = name

    def text(self, text: str) -> None:
        for watch in self._watches:
            watch.text(text)
        if self._builder is not None:
            self._grow(len(text))
            self._builder.data(text)

    def end(self, name: str) -> None:
        depth = len(self._open)
        for watch in self._watches:
            watch.end(depth, name)
        if self._builder is not None:
            self._builder.end(name)
            if self._matched == depth:
                self._finish(self._builder.close())
                self._builder = None
        self._matched = min(self._matched, depth - 1)
        self._open.pop()

    def _finish(self, element: Element) -> None:
        self.count += 1
        self._rows.append(Found(self._begun, element, [watch.found for watch in self._watches]))
        for watch in self._watches:
            watch.given = True

    def _grow(self, size: int) -> None:
        self._size += size
        if self._size > MOST_IN_ROW:
            what = "the row that begins here is larger than any row"
            hint = "Check rows: it should lead to single rows"
            raise SourceError(what, where=self._account.at(self._begun), hint=hint)
