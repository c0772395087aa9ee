"""Numbers that stand on the first of several rows, and would be counted once for each of them."""

from __future__ import annotations

from kpisync.config.checks import Mapped
from kpisync.config.findings import Findings, Node
from kpisync.mapping.value_options import Aggregate
from kpisync.tables.cells import as_name
from kpisync.tables.options import ReaderOptions

_ADDING = (Aggregate.SUM, Aggregate.MEAN, Aggregate.COUNT)


def check_totals(here: Node, mapped: Mapped, source: object, findings: Findings) -> None:
    """No column that is filled down is summed, averaged, counted or part of a ratio."""
    if not isinstance(source, ReaderOptions):
        return
    filled = {as_name(name) for block in source.fill_blocks for name in block}
    for index, value in mapped.values.items():
        adds = value.aggregate in _ADDING or value.is_ratio
        for column in value.columns if adds else ():
            if as_name(column) in filled:
                message = f"column {findings.quote(column)} is filled down, so its number would count once a row"
                hint = "Take it out of fill_down: it then stands on the first row alone, and counts once."
                findings.add(here.at("values", index), message, hint)
