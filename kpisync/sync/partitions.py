"""Periods of a source whose rows did not change since all of them was confirmed: recognised by a digest, not mapped.

The digest of a period covers its rows as the reader hands them on (after fill-down, before mapping) and, as its key,
all that decides what becomes of them. It is kept only after a run in which every row of the period was mapped and
every value confirmed, and forgotten before anything of the period is sent again.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from hashlib import blake2b
from itertools import groupby, islice
from operator import itemgetter

from kpisync.mapping.apply import Mapper
from kpisync.model import Intake, KpiValue, Partition, Row, Table
from kpisync.ports import State
from kpisync.tables.columns import find_column

_SIZE = 16  # bytes
_ALL = 1 << (8 * _SIZE)
_CHUNK = 4096  # rows hashed together at most
_CELL, _ROW = "\x1f", "\x1e"
WHOLE = date.min  # the partition of what cannot be told apart by period
FILES = date.max  # not a period: the files themselves, when all that stands in them was confirmed


@dataclass
class Survey:
    """A first reading of a source: a digest of each period's rows, found by the cells of the date column."""

    mapper: Mapper
    key: bytes
    sums: dict[object, int] = field(default_factory=dict)  # date cell → sum of the digests of its runs of rows

    def take(self, tables: Iterable[Table], told: Callable[[], None]) -> None:
        """Read all rows; `told` is called now and then."""
        for table in tables:
            index = find_column(table.columns, self.mapper.options.date.column, table.origin)
            for count, (cell, run) in enumerate(groupby(map(itemgetter(1), table.rows), itemgetter(index))):
                if count % _CHUNK == 0:
                    told()
                while rows := list(islice(run, _CHUNK)):
                    self.sums[cell] = (self.sums.get(cell, 0) + self._digest(rows)) % _ALL

    def _digest(self, rows: Sequence[Sequence[object]]) -> int:
        text = blake2b(_written(rows).encode("utf-8", "surrogatepass"), digest_size=_SIZE, key=self.key)
        return int.from_bytes(text.digest())

    def periods(self) -> tuple[dict[object, date], dict[date, bytes]]:
        """(date cell → period, for cells within the scope; period → digest of its rows)."""
        cells: dict[object, date] = {}
        sums: Counter[date] = Counter()
        for cell, sum_of_cell in self.sums.items():
            period = self.mapper.period_of(cell)
            if period is not None:
                cells[cell] = period
                sums[period] += sum_of_cell
        return cells, {period: (total % _ALL).to_bytes(_SIZE) for period, total in sums.items()}


def _written(rows: Sequence[Sequence[object]]) -> str:
    """Rows as one text that no other rows are written as."""
    try:
        text = _ROW.join(map(_CELL.join, rows))  # type: ignore[arg-type]
    except TypeError:
        return repr(rows)
    if text.count(_ROW) != len(rows) - 1 or text.count(_CELL) != sum(map(len, rows)) - len(rows):
        return repr(rows)
    return text


@dataclass
class Changed:
    """The periods that a run has to map, and what it finds out about them."""

    cells: Mapping[object, date]  # date cell → period, of these periods only
    digests: Mapping[date, bytes]
    unchanged: int  # values of the other periods, all of them known and confirmed
    same: frozenset[date]  # those other periods
    files: bytes  # a digest of the source's files
    spoilt: set[date] = field(default_factory=set)  # with a row or value that was rejected

    def holds(self, period: date) -> bool:
        """Whether a period, or all of the source, did not change: what it states stands there."""
        return period in self.same or WHOLE in self.same

    def only(self, table: Table, date_column: str, intake: Intake) -> Table:
        index = find_column(table.columns, date_column, table.origin)
        return replace(table, rows=self._rows(table.rows, index, intake))

    def _rows(self, rows: Iterator[Row], index: int, intake: Intake) -> Iterator[Row]:
        period_of = self.cells.get
        for row in rows:
            period = period_of(row[1][index])
            if period is not None:
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
    return Changed({}, {}, whole.values, frozenset({WHOLE}), files)


def changed(survey: Survey, remembered: Mapping[date, Partition], files: bytes) -> Changed:
    """Compare a survey with what is remembered."""
    cells, digests = survey.periods()
    same = frozenset(
        period for period, digest in digests.items() if period in remembered and remembered[period].digest == digest
    )
    return Changed(
        {cell: period for cell, period in cells.items() if period not in same},
        {period: digest for period, digest in digests.items() if period not in same},
        sum(remembered[period].values for period in same),
        same,
        files,
    )


def keep(state: State, job: str, mapper: Mapper, changes: Changed, values: Sequence[KpiValue], intake: Intake) -> None:
    """After a run: remember the periods that were mapped whole and are confirmed whole, and the files if all are."""
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
    if len(good) == len(changes.digests) and not intake.rejections:
        good[FILES] = Partition(changes.files, sum(counts.values()) + changes.unchanged, intake.read)
    if good:
        state.keep_partitions(job, good)


def _span(values: Sequence[KpiValue]) -> tuple[date, date]:
    periods = {value.key.record.period for value in values}
    return min(periods), max(periods)
