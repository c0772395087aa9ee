"""YAML text, extended: entries are added in their places, and not a character of what stood there is changed.

Where each entry stands is what the parser says; what it does not understand whole is refused, and the outcome is read
back and compared, so that a file is extended as meant or not at all.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from kpisync.catalogs.scalars import scalar
from kpisync.config.yaml import parse
from kpisync.errors import ConfigError

_STEP = 2
_ENDS = ("\n", "\r", "\x85", "\u2028", "\u2029")
_BREAKS = re.compile("[^\n\r\x85\u2028\u2029]*(?:\r\n|[\n\r\x85\u2028\u2029]|$)")


@dataclass(frozen=True)
class Entry:
    """A value under its key: a text or further entries; `above` are lines of comment to stand before it."""

    value: str | Mapping[str, Entry]
    above: tuple[str, ...] = ()


Tree = Mapping[str, Entry]


def plain(tree: Tree) -> dict[str, object]:
    """A tree as the values that a parser makes of it."""
    return {key: each.value if isinstance(each.value, str) else plain(each.value) for key, each in tree.items()}


def rendered(tree: Tree, column: int = 0, step: int = _STEP) -> Iterator[str]:
    """A tree as lines in block style, without line breaks."""
    for key, entry in tree.items():
        blank = " " * column
        yield from (f"{blank}# {line}" for line in entry.above)
        if isinstance(entry.value, str):
            yield f"{blank}{scalar(key)}: {scalar(entry.value)}"
        elif entry.value:
            yield f"{blank}{scalar(key)}:"
            yield from rendered(entry.value, column + step, step)
        else:
            yield f"{blank}{scalar(key)}: {{}}"


def _flow(tree: Tree) -> str:
    """A tree inside braces, without the outer ones; comments have no place there."""
    parts = (
        f"{scalar(key)}: {scalar(each.value) if isinstance(each.value, str) else '{' + _flow(each.value) + '}'}"
        for key, each in tree.items()
    )
    return ", ".join(parts)


def grafted(text: str, file: Path, tree: Tree, remarks: Mapping[tuple[str, ...], str] | None = None) -> str:
    """The text with the entries of `tree` that it lacks, and with remarks above the keys that they name.

    A remark that stands above its key already is not repeated. Raises ConfigError, naming the place, where the text is
    not understood.
    """
    before = _values(text, file)
    root = yaml.compose(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))
    work = _Surgery(text, file)
    if root is None or _is_empty(root):
        work.append(tree)
    else:
        work.graft(root, tree, 0)
        for path, remark in (remarks or {}).items():
            work.remark(root, path, remark)
    after = work.outcome()
    if _values(after, file) != _merged(before, tree):
        raise ConfigError("the entries cannot be added without harm", where=str(file), hint="Add them by hand")
    return after


def _values(text: str, file: Path) -> dict[str, Any]:
    document = parse(text.encode(), file)
    if document.faults:
        fault = document.faults[0]
        place = f"{file}:{fault.mark.line}:{fault.mark.column}"
        raise ConfigError(fault.message, where=place, hint=fault.hint or "Correct it first")
    if not isinstance(document.value, dict | None):
        raise ConfigError("the file does not hold a mapping", where=str(file), hint="Name another file")
    return document.value or {}


def _merged(before: Mapping[str, Any], tree: Tree) -> dict[str, Any]:
    merged = dict(before)
    for key, entry in tree.items():
        if isinstance(entry.value, str):
            merged.setdefault(key, entry.value)
        else:
            merged[key] = _merged(merged.get(key) or {}, entry.value)
    return merged


def _is_empty(node: Any) -> bool:
    return isinstance(node, yaml.ScalarNode) and node.value == "" and not node.style


@dataclass
class _Surgery:
    """Pieces of text to be put into one file, each at a line and column."""

    text: str
    file: Path
    cuts: list[tuple[int, int, str]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.lines = [line for line in _BREAKS.findall(self.text) if line]
        self.end = "\r\n" if self.lines and self.lines[0].endswith("\r\n") else "\n"

    def outcome(self) -> str:
        """Pieces for one place keep the order in which they came."""
        lines = list(self.lines)
        if lines and not lines[-1].endswith(_ENDS) and any(cut[0] >= len(lines) for cut in self.cuts):
            lines[-1] += self.end
        places = sorted(((line, column), number) for number, (line, column, _) in enumerate(self.cuts))
        for (line, column), number in reversed(places):
            piece = self.cuts[number][2]
            if line >= len(lines):
                lines.append("")
            lines[line] = lines[line][:column] + piece + lines[line][column:]
        return "".join(lines)

    def append(self, tree: Tree) -> None:
        self._insert_lines(len(self.lines), list(rendered(tree)))

    def graft(self, node: Any, tree: Tree, column: int) -> None:
        """Add to a mapping what it lacks; `column` is where its keys would stand if it had any."""
        if not isinstance(node, yaml.MappingNode):
            place = f"{self.file}:{node.start_mark.line + 1}:{node.start_mark.column + 1}"
            raise ConfigError("a mapping was expected", where=place, hint="Correct it first")
        known = {key.value: (key, value) for key, value in node.value}
        missing = {name: entry for name, entry in tree.items() if name not in known}
        for name, entry in tree.items():
            if name in known and not isinstance(entry.value, str) and entry.value:
                self._graft_below(*known[name], entry.value, self._step(node))
        if not missing:
            return
        if node.flow_style:
            self._insert_flow(node, missing)
        else:
            column = node.value[0][0].start_mark.column if node.value else column
            self._insert_lines(_last_line(node) + 1, list(rendered(missing, column, self._step(node))))

    def _graft_below(self, key: Any, value: Any, tree: Tree, step: int) -> None:
        column = key.start_mark.column + step
        if _is_empty(value):
            self._insert_lines(key.end_mark.line + 1, list(rendered(tree, column, step)))
        else:
            self.graft(value, tree, column)

    def _step(self, node: Any) -> int:
        """By how much the file indents here."""
        for key, value in node.value:
            if isinstance(value, yaml.MappingNode) and not value.flow_style and value.value:
                return int(value.value[0][0].start_mark.column - key.start_mark.column)
        return _STEP

    def _insert_flow(self, node: Any, tree: Tree) -> None:
        if node.value:
            last = node.value[-1][1].end_mark
            self.cuts.append((last.line, last.column, f", {_flow(tree)}"))
        else:
            self.cuts.append((node.end_mark.line, node.end_mark.column - 1, _flow(tree)))

    def _insert_lines(self, line: int, pieces: list[str]) -> None:
        self.cuts.append((line, 0, "".join(f"{piece}{self.end}" for piece in pieces)))

    def remark(self, root: Any, path: tuple[str, ...], remark: str) -> None:
        """A line of comment above a key that begins its line; nothing where it cannot stand."""
        key, node = None, root
        for name in path:
            if not isinstance(node, yaml.MappingNode) or node.flow_style:
                return
            key, node = next(((each, below) for each, below in node.value if each.value == name), (None, None))
        if key is None:
            return
        line, column = key.start_mark.line, key.start_mark.column
        comment = f"{self.lines[line][:column]}# {remark}"
        if not self.lines[line][:column].strip() and (line == 0 or self.lines[line - 1].rstrip() != comment.rstrip()):
            self.cuts.append((line, 0, f"{comment}{self.end}"))


def _last_line(node: Any) -> int:
    """The last line with something of a node; a block's own end lies behind the comments that follow it."""
    if isinstance(node, yaml.ScalarNode) or node.flow_style or not node.value:
        if getattr(node, "style", None) in ("|", ">"):
            return int(node.end_mark.line) - 1
        return int(node.end_mark.line)
    last = node.value[-1]
    return max(_last_line(last[0]), _last_line(last[1])) if isinstance(last, tuple) else _last_line(last)
