"""Exports as text, and what a look at them finds."""

from __future__ import annotations

from pathlib import Path

from kpisync.starter.export import Column, Export, look
from kpisync.starter.proposal import proposal
from kpisync.starter.reading import Text, read_export


def looked(*lines: str, cut: bool = False) -> Export:
    """What is found in these lines."""
    return look(Text("\n".join(lines) + ("" if cut else "\n"), None, ()))


def of_bytes(folder: Path, content: bytes) -> Export:
    file = folder / "export.csv"
    file.write_bytes(content)
    return look(read_export(str(file)))


def column(export: Export, address: str) -> Column:
    return next(column for column in export.columns if column.address == address)


def proposed(export: Export) -> str:
    return proposal(export, "export.csv", "export.csv", "export")


def as_cells(*texts: str) -> dict[str, int]:
    """The cells of a column, each in a line of its own, from line 2."""
    return {text: line for line, text in enumerate(texts, 2)}
