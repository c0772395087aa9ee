"""From a source to its values: all of it, or only what may have changed since it was confirmed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from hashlib import blake2b

from kpisync.errors import NothingToRead, SourceError
from kpisync.mapping.apply import Mapper
from kpisync.mapping.collect import Collector
from kpisync.model import Intake, KpiValue, Partition, Run, Scope, Table
from kpisync.ports import Progress, Rereadable, Source, State, Surveyable
from kpisync.sync.partitions import FILES, Changed, Survey, changed, files_digest, unchanged_files
from kpisync.tables.runs import runs_of

_TOLD_EVERY = 10_000  # readings


@dataclass
class Extract:
    """What a source states: values to be compared, and what did not change beside them."""

    intake: Intake
    values: list[KpiValue]
    changes: Changed | None = None  # None: every row was mapped, and nothing is remembered of it
    nothing: bool = False  # there was nothing to read, and that is no statement

    @property
    def unchanged(self) -> int:
        return self.changes.unchanged if self.changes else 0


@dataclass(frozen=True)
class Extraction:
    """One reading of a job's source; it is read to its end before anything else happens."""

    job: str
    source: Source
    mapper: Mapper
    fingerprint: str  # of all that decides what becomes of a row; without one, every row is mapped
    state: State
    progress: Progress

    def extract(self) -> Extract:
        """All that the source states within the scope. Raises SourceError."""
        try:
            return self._extract()
        except NothingToRead as nothing:
            return Extract(Intake(notes=[str(nothing)]), [], nothing=True)

    def _extract(self) -> Extract:
        if not self._skips or not isinstance(self.source, Rereadable):
            intake = Intake()
            return Extract(intake, self._mapped(intake, None))
        key = blake2b(self.fingerprint.encode()).digest()
        remembered = self.state.partitions(self.job)
        files = files_digest(self.mapper, key, self.source.hashes())
        if unchanged := unchanged_files(files, remembered):
            notes = ["not read: its files are those that were confirmed whole"]
            return Extract(Intake(read=remembered[FILES].rows, notes=notes), [], unchanged)
        return self._changed_only(Survey(self.mapper, key), remembered, files)

    @property
    def _skips(self) -> bool:
        """A run that looks at some KPIs or teams only passes over nothing: it says nothing of the others."""
        some = self.mapper.kpis is not None or self.mapper.teams is not None
        return bool(self.fingerprint) and not some and self.mapper.periods_stand_alone

    def _changed_only(self, survey: Survey, remembered: Mapping[date, Partition], files: bytes) -> Extract:
        first, intake = Intake(), Intake()
        survey.take(self._runs(first), lambda: self.progress("reading", first.read, None))
        changes = changed(survey, remembered, files)
        values = self._mapped(intake, changes)
        if any(files_digest(self.mapper, survey.key, seen.origins) != files for seen in (first, intake)):
            what = "the source changed while it was read"
            raise SourceError(what, where=f"job {self.job}", hint="Run again once it is complete")
        return Extract(intake, values, changes)

    def _runs(self, intake: Intake) -> Iterator[Run]:
        if isinstance(self.source, Surveyable):
            return self.source.survey(self._date_column, intake)
        return runs_of(self.source.read(self._scope, intake), self._date_column)

    def _tables(self, intake: Intake, changes: Changed | None) -> Iterator[Table]:
        """The tables of a reading; of changed periods alone, if it is known which."""
        if changes is None:
            yield from self.source.read(self._scope, intake)
            return
        if isinstance(self.source, Surveyable):
            tables = self.source.read_without(self._date_column, changes.passed, intake)
        else:
            tables = self.source.read(self._scope, intake)
        for table in tables:
            yield changes.only(table, self._date_column, intake)

    @property
    def _date_column(self) -> str:
        return self.mapper.options.date.column

    @property
    def _scope(self) -> Scope:
        return self.mapper.to_read

    def _mapped(self, intake: Intake, changes: Changed | None) -> list[KpiValue]:
        collector = Collector.of(self.mapper)
        for table in self._tables(intake, changes):
            for count, reading in enumerate(self.mapper.readings(table, intake, collector.presence)):
                collector.add(reading, table.origin)
                if count % _TOLD_EVERY == 0:
                    self.progress("reading", intake.read, None)
        if changes is None:
            return collector.values(intake)
        gathered = collector.keys_by_period()
        values = collector.values(intake)
        changes.mapped(gathered, values)
        return values
