"""Where a value stands in the files, and the list of problems that grows while they are checked."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from kpisync.config.problems import Problem, Trail, clean, owner_of
from kpisync.config.secrets import Secrets
from kpisync.config.yaml import Document, Fault, Mark


def inside(value: object, part: str | int) -> object:
    """An entry of a mapping or list; None where there is none."""
    if isinstance(value, dict):
        return value.get(part)
    return value[part] if isinstance(value, list) and isinstance(part, int) and part < len(value) else None


@dataclass(frozen=True)
class Node:
    """A value and its place. `main` is False in the files of jobs/ and catalog/."""

    document: Document
    trail: Trail = ()
    value: object = None
    main: bool = True

    def at(self, *parts: str | int) -> Node:
        """The node further in; its value is None where the file has nothing."""
        value = self.value
        for part in parts:
            value = inside(value, part)
        return Node(self.document, (*self.trail, *parts), value, self.main)

    def children(self) -> Iterator[tuple[str, Node]]:
        """The entries of a mapping; none for anything else."""
        if isinstance(self.value, dict):
            for key in self.value:
                yield key, self.at(key)

    def __contains__(self, key: str) -> bool:
        return isinstance(self.value, dict) and key in self.value

    def has_fault_below(self) -> bool:
        """True if a value in here has a fault, so that what is said of the whole may only follow from that."""
        return any(trail[: len(self.trail)] == self.trail for trail in self.document.broken)

    def line(self) -> str:
        """`file:line` of the key."""
        return f"{self.document.file}:{self.document.mark(self.trail, key=True).line}"

    def place(self, *, key: bool = False) -> str:
        return _place(self.document, self.document.mark(self.trail, key=key))

    @property
    def owner(self) -> tuple[str, ...]:
        owner = owner_of(self.trail)
        # A file of its own harms nobody else, except by a catalog that is missing: ids, intervals and units hang on it.
        if not self.main and len(owner) < 2:
            return () if self.document.file.parent.name == "catalog" else ("files", str(self.document.file))
        return owner


@dataclass
class Findings:
    """The problems found so far, free of secrets, each value with a fault complained of once.

    `read` are the files that the configuration names and that belong to it, there or not.
    """

    secrets: Secrets = field(default_factory=Secrets)
    problems: list[Problem] = field(default_factory=list)
    read: set[Path] = field(default_factory=set)

    def add(self, node: Node, message: str, hint: str | None = None, *, key: bool = False) -> None:
        """Note a problem at a value, or at its key; not at a value that has a fault already."""
        if any(node.trail[:end] in node.document.broken for end in range(1, len(node.trail) + 1)):
            return
        self._note(node.place(key=key), message, hint, node.owner)

    def add_fault(self, node: Node, fault: Fault) -> None:
        """Note what the YAML of the node's document has wrong."""
        owner = Node(node.document, fault.trail, main=node.main).owner
        self._note(_place(node.document, fault.mark), fault.message, fault.hint, owner)

    def quote(self, text: object) -> str:
        """A text of the user as it may stand in a message: struck out if secret, then cut, then in quotes."""
        return f'"{clean(self.secrets.redact(str(text)))}"'

    def touching(self, needs: set[tuple[str, ...]]) -> tuple[Problem, ...]:
        return tuple(problem for problem in self.problems if problem.touches(needs))

    def _note(self, place: str, message: str, hint: str | None, owner: tuple[str, ...]) -> None:
        redact = self.secrets.redact
        self.problems.append(Problem(place, redact(message), hint and redact(hint), owner))


def _place(document: Document, mark: Mark) -> str:
    return f"{document.file}:{mark.line}:{mark.column}"
