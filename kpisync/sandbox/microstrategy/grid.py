"""Grids as the stand-in of MicroStrategy answers them: what was asked for of a dataset, arranged and cut into pages."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from kpisync.sandbox.microstrategy.content import Attribute, Dataset, Metric

_METRICS_UNIT = "0" * 32
Element = tuple[str, ...]  # the texts of its forms; empty for a total


@dataclass(frozen=True)
class Asked:
    """The parts of a dataset that an instance shows, by their places in it."""

    attributes: tuple[int, ...]
    metrics: tuple[int, ...]

    @classmethod
    def all_of(cls, dataset: Dataset) -> Asked:
        return cls(tuple(range(len(dataset.attributes))), tuple(range(len(dataset.metrics))))


def grid(dataset: Dataset, asked: Asked, offset: int, limit: int) -> dict[str, Any]:
    """`definition` and `data` of one page; -1 is no limit."""
    return _Grid(dataset, asked).page(offset, limit)


class _Grid:
    def __init__(self, dataset: Dataset, asked: Asked) -> None:
        self._dataset = dataset
        self._attributes = [dataset.attributes[number] for number in asked.attributes]
        self._metrics = [dataset.metrics[number] for number in asked.metrics]
        across = min(dataset.across, len(self._attributes)) if asked == Asked.all_of(dataset) else 0
        self._down = len(self._attributes) - across
        self._on_rows = dataset.metrics_on == "rows" and bool(self._metrics)
        self._cells: dict[tuple[tuple[Element, ...], tuple[Element, ...]], list[Any]] = {}
        for elements, numbers in _facts(dataset, asked):
            self._cells[elements[: self._down], elements[self._down :]] = numbers

    def page(self, offset: int, limit: int) -> dict[str, Any]:
        metrics = [(number,) for number in range(len(self._metrics))]
        rows: list[tuple[Any, ...]] = [(key,) for key in dict.fromkeys(key for key, _ in self._cells)]
        columns: list[tuple[Any, ...]] = [(key,) for key in dict.fromkeys(key for _, key in self._cells)]
        if not columns and self._down == len(self._attributes):
            columns = [((),)]
        if self._on_rows:
            rows = [row + metric for row in rows for metric in metrics]
        elif metrics:
            columns = [column + metric for column in columns for metric in metrics]
        shown = rows[offset:] if limit < 0 else rows[offset : offset + limit]
        raw = [[self._value(row, column) for column in columns] for row in shown] if metrics else []
        paging = {"total": len(rows), "current": len(shown), "offset": offset, "limit": limit}
        down, row_headers = _axis(self._attributes[: self._down], self._metrics if self._on_rows else [], shown)
        side, column_headers = _axis(self._attributes[self._down :], [] if self._on_rows else self._metrics, columns)
        position = {"axis": "rows", "index": len(down) - 1} if self._on_rows else {"axis": "columns", "index": 0}
        return {
            "definition": {
                "grid": {
                    "crossTab": len(side) > 1,
                    "metricsPosition": position,
                    "rows": down,
                    "columns": side,
                    "pageBy": [_unit(attribute, ()) for attribute in self._dataset.page_by],
                    "subtotals": {"defined": self._dataset.total, "visible": True},
                }
            },
            "data": {
                "currentPageBy": [],
                "paging": paging,
                "headers": {
                    "rows": row_headers if down else [],
                    "columns": [list(numbers) for numbers in zip(*column_headers, strict=True)],
                },
                "metricValues": {"raw": raw, "formatted": [[f"~{cell}" for cell in row] for row in raw]},
            },
        }

    def _value(self, row: tuple[Any, ...], column: tuple[Any, ...]) -> Any:
        numbers = self._cells.get((row[0], column[0]))
        return None if numbers is None else numbers[row[1] if self._on_rows else column[1]]


def _facts(dataset: Dataset, asked: Asked) -> Iterable[tuple[tuple[Element, ...], list[Any]]]:
    """Rows over the attributes that were asked for: added up where these are fewer than there are."""
    grouped: dict[tuple[Element, ...], list[list[Any]]] = {}
    first = len(dataset.attributes)
    if not asked.attributes and not asked.metrics:
        return
    for row in dataset.rows:
        elements = tuple(dataset.forms(row, number) for number in asked.attributes)
        grouped.setdefault(elements, []).append([row[first + number] for number in asked.metrics])
    for elements, rows in grouped.items():
        yield elements, [_sum(cells) for cells in zip(*rows, strict=True)]
    if dataset.total and asked.attributes:
        everything = [row for rows in grouped.values() for row in rows]
        yield ((),) * len(asked.attributes), [_sum(cells) for cells in zip(*everything, strict=True)]


def _sum(cells: Sequence[Any]) -> Any:
    numbers = [cell for cell in cells if isinstance(cell, Decimal | int) and not isinstance(cell, bool)]
    if len(cells) == 1 or not numbers:
        return cells[0]
    return sum(numbers)


def _axis(
    attributes: Sequence[Attribute], metrics: Sequence[Metric], keys: Sequence[tuple[Any, ...]]
) -> tuple[list[dict[str, Any]], list[list[int]]]:
    """The units of an axis, with those elements alone that its keys need, and the numbers of each key."""
    tables: list[dict[Element, int]] = [{} for _ in attributes]
    headers = []
    for key in keys:
        numbers = [table.setdefault(element, len(table)) for table, element in zip(tables, key[0], strict=True)]
        headers.append(numbers + (list(key[1:]) if metrics else []))
    units = [_unit(attribute, table) for attribute, table in zip(attributes, tables, strict=True)]
    if metrics:
        elements = [
            {"name": metric.name, "id": metric.id, "type": "metric", "dataType": "double"} for metric in metrics
        ]
        units.append({"name": "Metrics", "id": _METRICS_UNIT, "type": "templateMetrics", "elements": elements})
    return units, headers


def _unit(attribute: Attribute, elements: Iterable[Element]) -> dict[str, Any]:
    forms = [
        {"id": f"{number:032X}", "name": form, "dataType": "varChar"} for number, form in enumerate(attribute.forms)
    ]
    return {
        "name": attribute.name,
        "id": attribute.id,
        "type": "attribute",
        "forms": forms,
        "elements": [
            {"formValues": list(element), "id": f"h{element[0]};{attribute.id}"}
            if element
            else {"formValues": ["Total"], "subtotal": True}
            for element in elements
        ],
    }
