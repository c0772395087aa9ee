"""Columns of a source → columns of SQL: which type each has, and each cell as SQL is given it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import date, datetime, time
from decimal import Decimal

from kpisync.errors import SourceError
from kpisync.mapping.parse import code_text
from kpisync.model import NumberFormat
from kpisync.tables.cells import is_blank, shown
from kpisync.tables.numbers import BadNumber, parse_number

MOST_DIGITS = 38  # of a DECIMAL and a HUGEINT
_OF_BIGINT = 18
_CODE = re.compile(r"[+-]?0[0-9]")
_LIKE_NUMBER = re.compile(r"[-+]?[0-9][0-9.,]*-?")
_BETWEEN = 9  # decimals more, where a query looks between rows: DuckDB cuts what a DECIMAL cannot hold
_TYPED: tuple[tuple[frozenset[str], str], ...] = (
    (frozenset({"DATE"}), "DATE"),
    (frozenset({"DATE", "TIMESTAMP"}), "TIMESTAMP"),
    (frozenset({"TIMESTAMPTZ"}), "TIMESTAMPTZ"),
    (frozenset({"TIME"}), "TIME"),
    (frozenset({"BOOLEAN"}), "BOOLEAN"),
)

Given = tuple[str | None, str | None]  # a cell as text, and as the text of a number


@dataclass
class SqlColumn:
    """One column, as its cells go by.

    It is one of numbers if all its cells are numbers by the column's format and none looks like a code (00692); else
    one of text, or of dates and the like where the source is typed. A cell without a value is NULL.
    """

    name: str  # as SQL knows it
    format: NumberFormat
    kinds: set[str] = field(default_factory=set)
    decimals: int = 0
    digits: int = 0  # before the decimal point
    no_number: tuple[int, str] | None = None  # the line of the first cell that is none, and why

    def given(self, cells: Sequence[object], lines: Sequence[int]) -> tuple[list[str | None], list[str | None]]:
        """The cells as texts, and as numbers; NULL is None."""
        texts: list[str | None] = []
        numbers: list[str | None] = []
        for cell, line in zip(cells, lines, strict=True):
            text, number = self._given(cell, line)
            texts.append(text)
            numbers.append(number)
        return texts, numbers

    def _given(self, cell: object, line: int) -> Given:
        if is_blank(cell) or (isinstance(cell, str) and cell.strip() in self.format.nulls):
            return None, None
        if (typed := _typed(cell)) is not None:
            kind, text = typed
            self._is_text(kind, line, f"{shown(text)} is a {kind}, not a number")
            return text, None
        text = code_text(cell)
        if self.no_number is not None:
            self.kinds.add("VARCHAR")
            if "number" not in self.kinds and _LIKE_NUMBER.fullmatch(text):
                self._try_number(cell)
            return text, None
        if isinstance(cell, str) and _CODE.match(text):
            self._is_text("VARCHAR", line, f"{shown(text)} begins with 0, so it is a code")
            return text, None
        try:
            number = parse_number(cell, self.format)
        except BadNumber as bad:
            self._is_text("VARCHAR", line, str(bad))
            return text, None
        return (None, None) if number is None else (text, self._number(number))

    def _is_text(self, kind: str, line: int, why: str) -> None:
        self.kinds.add(kind)
        if self.no_number is None:
            self.no_number = line, why

    def _try_number(self, cell: object) -> None:
        """Numbers beside texts: most likely the texts are the mistake, which a message then says."""
        with suppress(BadNumber):
            if parse_number(cell, self.format) is not None:
                self.kinds.add("number")

    def _number(self, number: Decimal) -> str:
        self.kinds.add("number")
        written = f"{number:f}"
        whole, _, fraction = written.lstrip("-").partition(".")
        self.digits = max(self.digits, len(whole.lstrip("0")))
        self.decimals = max(self.decimals, len(fraction.rstrip("0")))
        return written

    def type(self, where: str, *, between_rows: bool) -> str:
        """Its type in SQL. Raises SourceError for numbers that no type holds."""
        if not self.kinds:
            return '"NULL"'  # which every function takes
        if self.kinds != {"number"}:
            return next((type for kinds, type in _TYPED if self.kinds <= kinds), "VARCHAR")
        if not self.decimals:
            return "BIGINT" if self.digits <= _OF_BIGINT else "HUGEINT"
        decimals = min(self.decimals + (_BETWEEN if between_rows else 0), max(self.decimals, MOST_DIGITS - self.digits))
        if self.digits + decimals > MOST_DIGITS:
            raise SourceError(
                f"the numbers of column {self.name} need more than {MOST_DIGITS} digits: {self.digits} before and "
                f"{self.decimals} behind the decimal point",
                where=where,
                hint="SQL cannot hold them exactly; correct the export, or map the column without a transform",
            )
        return f"DECIMAL({MOST_DIGITS}, {decimals})"

    @property
    def is_number(self) -> bool:
        return self.kinds == {"number"}


def _typed(cell: object) -> tuple[str, str] | None:
    """The SQL type of a typed cell that is no number, and the cell as SQL reads it."""
    if isinstance(cell, bool):
        return "BOOLEAN", str(cell).lower()
    if isinstance(cell, datetime):
        return ("TIMESTAMP" if cell.tzinfo is None else "TIMESTAMPTZ"), cell.isoformat(" ")
    if isinstance(cell, date):
        return "DATE", cell.isoformat()
    if isinstance(cell, time) and cell.tzinfo is None:
        return "TIME", cell.isoformat()
    if isinstance(cell, str | int | float | Decimal | bytes):
        return None
    return type(cell).__name__, str(cell)


def sql_names(columns: Sequence[str]) -> list[str]:
    """The names as a query writes them: the second of one name is name#2, and one without a name @5, as in a map.

    SQL does not tell upper from lower case, so `A` and `a` are two of one name.
    """
    names: list[str] = []
    taken: set[str] = set()
    for position, column in enumerate(columns, 1):
        name, nth = column or f"@{position}", 1
        while name.casefold() in taken:
            nth += 1
            name = f"{column}#{nth}"
        taken.add(name.casefold())
        names.append(name)
    return names
