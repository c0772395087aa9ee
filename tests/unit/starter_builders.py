"""Exports as text, and what a look at them finds."""

from __future__ import annotations

from pathlib import Path

from kpisync.starter.delimited import delimited
from kpisync.starter.export import Column, Export, look
from kpisync.starter.formats import read_export
from kpisync.starter.proposal import proposal
from kpisync.starter.text import Text


def looked(*lines: str, cut: bool = False) -> Export:
    """What is found in these lines."""
    return look(delimited(Text("\n".join(lines) + ("" if cut else "\n"), None, ())))


def of_bytes(folder: Path, content: bytes) -> Export:
    file = folder / "export.csv"
    file.write_bytes(content)
    return look(read_export(str(file)))


def column(export: Export, address: str) -> Column:
    return next(column for column in export.columns if column.address == address)


def option(export: Export, key: str) -> str | None:
    """What is proposed for an option of the format, as it is written."""
    return next((line.removeprefix(f"{key}: ") for line in export.reading.options if line.startswith(f"{key}: ")), None)


def questions(export: Export) -> list[str]:
    """What is left to a person of the format and the header."""
    header = export.reading.header
    notes = [line.removeprefix("# ") for line in export.reading.options]
    return [note for note in (*notes, header.below, *header.notes) if note.startswith("DECIDE")]


def proposed(export: Export) -> str:
    return proposal(export, "export.csv", "export.csv", "export")


def as_cells(*texts: str) -> dict[str, str]:
    """The cells of a column, each in a line of its own, from line 2."""
    return {text: f"line {line}" for line, text in enumerate(texts, 2)}
