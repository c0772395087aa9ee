"""Periods of a source whose rows did not change since all of them was confirmed: recognised by a digest, not mapped.

The digest of a period covers its rows, as they are written or as the reader hands them on (after fill-down, before
mapping), and, as its key, all that decides what becomes of them. It is kept only after a run in which every row of
the period was mapped and every value confirmed, and forgotten before anything of the period is sent again.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from functools import lru_cache
from hashlib import blake2b

from kpisync.mapping.apply import Mapper
from kpisync.model import Intake, KpiValue, Partition, Row, Run, Table
from kpisync.ports import State
from kpisync.tables.columns import find_column

_SIZE = 16  # bytes
_TOLD_EVERY = 4096  # runs
WHOLE = date.min  # the partition of what cannot be told apart by period
FILES = date.max  # not a period: the files themselves, when all that stands in them was confirmed


@dataclass
class Survey:
    """A first look at a source: a digest of each period's rows, found by the cells of the date column."""

    mapper: Mapper
    key: bytes
    seen: dict[date, _Rows] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.period_of = lru_cache(maxsize=10_000, typed=True)(self.mapper.period_of)
        self._everywhere = self._hasher()  # what is told apart by nothing may belong to any period

    def take(self, runs: Iterable[Run], told: Callable[[], None]) -> None:
        """Look at all rows; `told` is called now and then."""
        for count, (cell, layout, text) in enumerate(runs):
            if count % _TOLD_EVERY == 0:
                told()
            if cell is None:
                self._everywhere.update(b"%d %b%b" % (len(layout), layout, text))
                continue
            period = self.period_of(cell)
            if period is not None:
                rows = self.seen.get(period)
                if rows is None:
                    rows = self.seen[period] = _Rows(self._hasher())
                rows.add(layout, text)

    def digests(self) -> dict[date, bytes]:
        """Of each period within the scope."""
        everywhere = self._everywhere.digest()
        return {period: rows.digest(everywhere) for period, rows in self.seen.items()}

    def _hasher(self) -> blake2b:
        return blake2b(digest_size=_SIZE, key=self.key)


@dataclass(slots=True)
class _Rows:
    """The rows of one period, hashed as they come."""

    hasher: blake2b
    layout: bytes = b""

    def add(self, layout: bytes, text: bytes) -> None:
        if layout != self.layout:
            self.layout = layout
            self.hasher.update(b"\x1d%d %b" % (len(layout), layout))
        self.hasher.update(text)

    def digest(self, everywhere: bytes) -> bytes:
        whole = self.hasher.copy()
        whole.update(everywhere)
        return whole.digest()


@dataclass
class Changed:
    """The periods that a run has to map, and what it finds out about them."""

    digests: Mapping[date, bytes]
    unchanged: int  # values of the other periods, all of them known and confirmed
    same: frozenset[date]  # those other periods
    files: bytes  # a digest of the source's files
    period_of: Callable[[object], date | None] = lambda cell: None
    spoilt: set[date] = field(default_factory=set)  # with a row or value that was rejected

    def holds(self, period: date) -> bool:
        """Whether a period, or all of the source, did not change: what it states stands there."""
        return period in self.same or WHOLE in self.same

    def passed(self, cell: object) -> bool:
        """Whether a row with this date need not be mapped."""
        return self.period_of(cell) not in self.digests

    def only(self, table: Table, date_column: str, intake: Intake) -> Table:
        index = find_column(table.columns, date_column, table.origin)
        return replace(table, rows=self._rows(table.rows, index, intake))

    def _rows(self, rows: Iterator[Row], index: int, intake: Intake) -> Iterator[Row]:
        for row in rows:
            period = self.period_of(row[1][index])
            if period is not None and (period in self.digests or (period == WHOLE and WHOLE not in self.same)):
                rejected = len(intake.rejections)
                yield row
                if len(intake.rejections) > rejected:
                    self.spoilt.add(period)

    def mapped(self, gathered: Mapping[date, int], values: Sequence[KpiValue]) -> None:
        """Told what came of the rows: values gathered by period, and those that were not rejected."""
        good = Counter(value.key.record.period for value in values)
        self.spoilt |= {period for period, count in gathered.items() if good[period] != count}
        if self.spoilt:
            self.spoilt.add(WHOLE)


def files_digest(mapper: Mapper, key: bytes, hashes: Mapping[str, str]) -> bytes:
    """Of the source's files, and of the dates that a run looks at if they matter to what it does."""
    scope = mapper.scope
    dates = None if mapper.looks_at_all else (scope.first, scope.last, scope.today)
    return blake2b(repr((sorted(hashes.items()), dates)).encode(), digest_size=_SIZE, key=key).digest()


def unchanged_files(files: bytes, remembered: Mapping[date, Partition]) -> Changed | None:
    """If nothing at all changed: that."""
    whole = remembered.get(FILES)
    if whole is None or whole.digest != files:
        return None
    return Changed({}, whole.values, frozenset({WHOLE}), files)


def changed(survey: Survey, remembered: Mapping[date, Partition], files: bytes) -> Changed:
    """Compare a survey with what is remembered."""
    digests = survey.digests()
    same = frozenset(
        period for period, digest in digests.items() if period in remembered and remembered[period].digest == digest
    )
    return Changed(
        {period: digest for period, digest in digests.items() if period not in same},
        sum(remembered[period].values for period in same),
        same,
        files,
        survey.period_of,
    )


def forget(state: State, job: str, periods: Iterable[date]) -> None:
    """Periods that are not what was confirmed any more; nor then is all of the source."""
    state.forget_partitions(job, {WHOLE, FILES, *periods})


def keep(
    state: State, job: str, mapper: Mapper, changes: Changed, values: Sequence[KpiValue], intake: Intake, clean: bool
) -> None:
    """After a run: remember the periods that were mapped whole and are confirmed whole, and the files if all are.

    `clean` says whether nothing is left to be done, such as a value that could not be withdrawn.
    """
    counts: Counter[date] = Counter()
    loose: set[date] = set()  # with a value that is not known to stand as the source states it
    doubtful = {doubt.intent.key for doubt in state.in_doubt(mapper.destination)}
    known = state.known(mapper.destination, *_span(values)) if values else {}
    apart = mapper.tells_periods_apart
    for value in values:
        period = value.key.record.period if apart else WHOLE
        counts[period] += 1
        found = known.get(value.key)
        if found is None or found.number != value.number or found.job != job or value.key in doubtful:
            loose.add(period)
    good = {
        period: Partition(digest, counts[period])
        for period, digest in changes.digests.items()
        if period not in changes.spoilt and period not in loose and mapper.closed(period)
    }
    if clean and len(good) == len(changes.digests):
        good[FILES] = Partition(changes.files, sum(counts.values()) + changes.unchanged, intake.read)
    if good:
        state.keep_partitions(job, good)


def _span(values: Sequence[KpiValue]) -> tuple[date, date]:
    periods = {value.key.record.period for value in values}
    return min(periods), max(periods)
