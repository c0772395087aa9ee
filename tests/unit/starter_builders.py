"""Exports of all formats, what a look at them finds, and what a job reads that has only what is proposed."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from io import BytesIO
from pathlib import Path
from typing import Any

import openpyxl

from kpisync.config.load import load
from kpisync.model import Intake, Scope
from kpisync.ports import Surroundings
from kpisync.starter.delimited import delimited
from kpisync.starter.export import Column, Export, look
from kpisync.starter.formats import read_export
from kpisync.starter.proposal import proposal
from kpisync.starter.text import Text

TODAY = date(2026, 11, 20)


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


@dataclass(frozen=True)
class Came:
    """`text` is the whole proposal, `source` its section without comments; `rows` are line and cells as read by it."""

    text: str
    source: dict[str, Any]
    columns: tuple[str, ...]
    rows: list[tuple[int, list[object]]]
    intake: Intake

    @property
    def cells(self) -> list[list[object]]:
        return [cells for _, cells in self.rows]

    @property
    def comments(self) -> str:
        """On one line."""
        return " ".join(line.strip().lstrip("# ") for line in self.text.splitlines() if line.strip().startswith("#"))


def came(folder: Path, content: bytes, name: str = "export") -> Came:
    """Propose, load without a problem, and read: the name of the file says nothing of its format."""
    file, config = folder / name, folder / "kpisync.yaml"
    file.write_bytes(content)
    text = proposal(look(read_export(str(file))), name, name, "export")
    config.write_text(text, encoding="utf-8")
    loaded = load(config, {})
    assert loaded.problems == ()
    source = loaded.jobs["export"].source
    intake, rows, columns = Intake(), [], ()
    for table in source.spec.build(source.options, Surroundings()).read(Scope(TODAY), intake):
        columns = table.columns
        rows += [(row.line, list(row.cells)) for row in table.rows]
    told = source.options.model_dump(exclude_unset=True, mode="json", by_alias=True)
    return Came(text, {key: value for key, value in told.items() if key != "path"}, columns, rows, intake)


def workbook(*rows: tuple[object, ...], sheet: str = "Data", **others: str) -> openpyxl.Workbook:
    """A workbook with a sheet of these rows; `others` are sheets without a table, by their state."""
    book = openpyxl.Workbook()
    active = book.worksheets[0]
    active.title = sheet
    for row in rows:
        active.append(row)
    for name, state in others.items():
        book.create_sheet(name).sheet_state = state
        book[name].append(["note"])
    return book


def saved(book: openpyxl.Workbook) -> bytes:
    held = BytesIO()
    book.save(held)
    return held.getvalue()
