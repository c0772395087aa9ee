"""A page of a grid as MicroStrategy's interface version 2 writes it → rows of a table.

A grid has units on its rows and on its columns: attributes, and one unit that stands for all metrics. `headers` say by
numbers which element of each unit a row or a column belongs to; the numbers are those of this page alone.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, NamedTuple

from kpisync.errors import SourceError
from kpisync.sources.microstrategy.failures import items, misread, part

METRICS_UNIT = "templateMetrics"
_AXES = ("rows", "columns")
_DOING = "reading the grid"
Cells = tuple[object, ...]


@dataclass(frozen=True, slots=True)
class Attribute:
    id: str
    name: str
    forms: tuple[str, ...]  # their names

    def columns(self, name: str | None = None) -> list[str]:
        name = name or self.name
        return [name] if len(self.forms) < 2 else [f"{name}@{form}" for form in self.forms]


@dataclass(frozen=True, slots=True)
class Total:
    """In place of cells: an element that is a total of others."""


class Header(NamedTuple):
    """What one row, or one column, of a grid stands for."""

    cells: Mapping[str, Cells | Total]  # by attribute
    metric: str | None  # its id, where the metrics stand on this axis


@dataclass(frozen=True, slots=True)
class Line:
    """One row, or one total."""

    attributes: Mapping[str, Cells]  # by id; empty for a total
    metrics: Mapping[str, object]  # by id
    is_total: bool = False

    @property
    def bad(self) -> tuple[str, object] | None:
        """A cell that is neither a number nor a text, with the id of its attribute or metric."""
        named = [(id, cell) for id, cells in self.attributes.items() for cell in cells]
        bad = (each for each in [*named, *self.metrics.items()] if not isinstance(each[1], str | Decimal | None))
        return next(bad, None)


@dataclass(frozen=True)
class Grid:
    """One page."""

    document: Mapping[str, Any]
    where: str

    def _wrong(self, why: str) -> SourceError:
        return misread(_DOING, why, self.where)

    def units(self, axis: str) -> list[Any]:
        return items(self.document, "definition", "grid", axis)

    @property
    def page_by(self) -> list[str]:
        return [str(part(unit, "name")) for unit in self.units("pageBy")]

    @property
    def attributes(self) -> dict[str, Attribute]:
        """By id, those on the rows first."""
        found = {}
        for axis in _AXES:
            for unit in self.units(axis):
                if part(unit, "type") != METRICS_UNIT:
                    if (part(unit, "headerCount") or 1) != 1:
                        raise self._wrong(f"attribute {part(unit, 'name')} has several columns of headers")
                    forms = tuple(str(part(form, "name")) for form in items(unit, "forms"))
                    id = str(part(unit, "id")).upper()
                    found[id] = Attribute(id, str(part(unit, "name")), forms)
        return found

    @property
    def metrics(self) -> dict[str, str]:
        """Name by id; where they stand on the rows, those of this page alone."""
        units = [unit for axis in _AXES for unit in self.units(axis) if part(unit, "type") == METRICS_UNIT]
        if not units and self.units("pageBy") and any(part(u, "type") == METRICS_UNIT for u in self.units("pageBy")):
            raise self._wrong("the metrics stand in the page-by; only those on rows or columns are read")
        if len(units) > 1:
            raise self._wrong("the metrics stand in two places")
        elements = items(units[0], "elements") if units else []
        return {str(part(element, "id")).upper(): str(part(element, "name")) for element in elements}

    @property
    def row_count(self) -> int:
        return len(self._row_headers())

    # ------------------------------------------------------------ cells

    def _values(self) -> list[list[Any]]:
        return items(self.document, "data", "metricValues", "raw")

    def _row_headers(self) -> list[list[Any]]:
        headers = [items(numbers) for numbers in items(self.document, "data", "headers", "rows")]
        return headers if headers or self.units("rows") else [[] for _ in self._values()]

    def _column_headers(self) -> list[Sequence[Any]]:
        """A tuple for each column; in the document, a list for each unit. Without units there is one column."""
        if not self.units("columns"):
            return [()] if self._values() else []
        columns = items(self.document, "data", "headers", "columns")
        if len({len(items(numbers)) for numbers in columns}) > 1:
            raise self._wrong("the headers of its columns are not equally long")
        return list(zip(*map(items, columns), strict=True))

    def _shaped(self, rows: int, columns: int) -> list[list[Any]]:
        """The values, a list for each row header.

        With the metrics on the rows, the sources differ on which way round they come. Where that can be told by the
        numbers of rows and columns it is, and else it is not guessed.
        """
        values = self._values()
        if not columns and not values:
            return [[] for _ in range(rows)]
        on_rows = any(part(unit, "type") == METRICS_UNIT for unit in self.units("rows"))
        if on_rows and rows == columns > 1:
            raise SourceError(
                "the metrics stand on the rows, and there are as many rows as columns, so rows and columns cannot be "
                "told apart",
                where=self.where,
                hint="Move the metrics to the columns of the report",
            )
        if len(values) == rows and all(isinstance(row, list) and len(row) == columns for row in values):
            return values
        if on_rows and len(values) == columns and all(isinstance(row, list) and len(row) == rows for row in values):
            return [list(row) for row in zip(*values, strict=True)]
        raise self._wrong(f"the values are not {rows} rows of {columns}")

    def _header(self, axis: str, numbers: Sequence[Any]) -> Header:
        units = self.units(axis)
        if len(numbers) != len(units):
            raise self._wrong(f"a header of its {axis} has {len(numbers)} numbers for {len(units)} units")
        cells: dict[str, Cells | Total] = {}
        metric = None
        for unit, number in zip(units, numbers, strict=True):
            id, elements = str(part(unit, "id")).upper(), items(unit, "elements")
            whole = int(number) if isinstance(number, Decimal) and number == int(number) else None
            blank = whole is not None and whole < 0
            element = None if whole is None or blank else part(elements, whole)
            if element is None and not blank:
                raise self._wrong(f"an element of {part(unit, 'name')} is missing")
            if part(unit, "type") == METRICS_UNIT:
                metric = str(part(element, "id")).upper()
            else:
                cells[id] = self._cells(unit, element)
        return Header(cells, metric)

    def _cells(self, unit: Any, element: Any) -> Cells | Total:
        """Of an element. A total has a mark, or fewer texts than the attribute has forms."""
        forms = max(1, len(items(unit, "forms")))
        if element is None:
            return (None,) * forms
        texts = part(element, "formValues")
        if part(element, "subtotal") or not isinstance(texts, list) or len(texts) < forms:
            return Total()
        if len(texts) > forms:
            raise self._wrong(f"an element of {part(unit, 'name')} has {len(texts)} texts for {forms} forms")
        return tuple(texts)

    def rows(self) -> Iterator[tuple[Header, list[Any]]]:
        """Each row of the grid with its values."""
        headers = self._row_headers()
        values = self._shaped(len(headers), len(self._column_headers()))
        for numbers, cells in zip(headers, values, strict=True):
            yield self._header("rows", numbers), cells

    def columns(self) -> list[Header]:
        return [self._header("columns", numbers) for numbers in self._column_headers()]


def lines_of(pages: Iterable[Grid]) -> Iterator[Line]:
    """The rows of all pages. Rows of a grid that differ in their metric alone are one, also over two pages."""
    group: _Group = {}
    before: Header | None = None
    seen: set[str] = set()
    for page in pages:
        columns = page.columns() or [Header({}, None)]
        for row, values in page.rows():
            if before is None or row.metric is None or row.metric in seen or row.cells != before.cells:
                yield from _lines(before, group)
                before, group, seen = row, {}, set()
            if row.metric is not None:
                seen.add(row.metric)
            for column, value in zip(columns, values or [None], strict=True):
                metrics = group.setdefault(tuple(column.cells.items()), {})
                metric = column.metric or row.metric
                if metric in metrics:
                    raise misread(_DOING, "two of its columns are alike", page.where)
                if metric is not None:
                    metrics[metric] = value
    yield from _lines(before, group)


_Group = dict[tuple[tuple[str, Cells | Total], ...], dict[str, object]]  # metrics by the elements of the columns


def _lines(row: Header | None, group: _Group) -> Iterator[Line]:
    for across, metrics in group.items():
        cells = {**row.cells, **dict(across)} if row else {}
        whole = {id: each for id, each in cells.items() if not isinstance(each, Total)}
        yield Line(whole, metrics) if len(whole) == len(cells) else Line({}, {}, is_total=True)
