"""The first rows of a job as read and as mapped, and what became of the others; only the source is contacted."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from kpisync.config.loaded import JobConfig
from kpisync.errors import NothingToRead
from kpisync.jobs import JobBuilder, Request
from kpisync.mapping.collect import Collector
from kpisync.model import Intake, KpiValue, Row, Scope, Table
from kpisync.ports import Progress, Source, Traffic

_SILENT = 3  # examples


@dataclass
class Preview:
    """What a reading of the whole source came to; `tables` and `values` hold the first ones.

    `silent` rows state no value without anything being wrong with them: their date lies outside of what is looked at,
    their period is still open, or their cell is empty.
    """

    rows: int
    intake: Intake = field(default_factory=Intake)
    tables: list[tuple[Table, list[Row]]] = field(default_factory=list)
    values: list[KpiValue] = field(default_factory=list)
    stated: int = 0
    silent: int = 0
    silent_examples: list[str] = field(default_factory=list)


def preview(builder: JobBuilder, config: JobConfig, request: Request, rows: int, progress: Progress) -> Preview:
    """Read and map as a run does, and keep the first rows and values. Raises what reading raises."""
    source = builder.source(config, Traffic())
    mapper = builder.mapper(config, request, builder.scope(config, request, source.needs_range))
    shown = Preview(rows)
    collector = Collector.of(mapper)
    for table in _tables(source, mapper.to_read, shown.intake):
        watch = _Watch(shown, table)
        seen = replace(table, rows=watch.rows())
        for count, reading in enumerate(mapper.readings(seen, shown.intake, collector.presence)):
            collector.add(reading, table.origin)
            watch.readings = count + 1
            if count % 10_000 == 0:
                progress("reading", shown.intake.read, None)
    values = collector.values(shown.intake)
    shown.stated, shown.values = len(values), values[:rows]
    return shown


def _tables(source: Source, scope: Scope, intake: Intake) -> Iterator[Table]:
    try:
        yield from source.read(scope, intake)
    except NothingToRead as nothing:
        intake.notes.append(str(nothing))


@dataclass
class _Watch:
    """Looks at the rows of a table as they go by."""

    shown: Preview
    table: Table
    readings: int = 0

    def rows(self) -> Iterator[Row]:
        """Between one row and the next, whoever takes them does all that comes of it."""
        room = self.shown.rows - sum(len(rows) for _, rows in self.shown.tables)
        first: list[Row] = []
        if room > 0:
            self.shown.tables.append((self.table, first))
        rejections = self.shown.intake.rejections
        for row in self.table.rows:
            if len(first) < room:
                first.append(row)
            before = (self.readings, len(rejections))
            yield row
            if before == (self.readings, len(rejections)):
                self._silent(row)

    def _silent(self, row: Row) -> None:
        self.shown.silent += 1
        if len(self.shown.silent_examples) < _SILENT:
            self.shown.silent_examples.append(f"{self.table.origin}:{row.line}")
