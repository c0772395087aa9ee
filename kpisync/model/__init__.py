"""The nouns of kpisync, frozen and free of I/O; the words are those of the contract."""

from kpisync.model.doing import Action, Change, Reply, ReplyKind, RunStatus, Settled, ValueChange
from kpisync.model.knowing import (
    Catalog,
    CatalogKpi,
    Doubt,
    Intent,
    Interval,
    Known,
    KpiValue,
    Partition,
    RecordKey,
    Stands,
    Status,
    ValueKey,
    Values,
)
from kpisync.model.reading import Intake, NumberFormat, Rejection, Row, Run, Scope, Table

__all__ = [
    "Action",
    "Catalog",
    "CatalogKpi",
    "Change",
    "Doubt",
    "Intake",
    "Intent",
    "Interval",
    "Known",
    "KpiValue",
    "NumberFormat",
    "Partition",
    "RecordKey",
    "Rejection",
    "Reply",
    "ReplyKind",
    "Row",
    "Run",
    "RunStatus",
    "Scope",
    "Settled",
    "Stands",
    "Status",
    "Table",
    "ValueChange",
    "ValueKey",
    "Values",
]
