"""Exports whose columns have names of their own: what their source reads of them by the options that are proposed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from itertools import islice
from typing import NamedTuple

from kpisync.model import Intake, Scope
from kpisync.ports import AdapterSpec, Source, Surroundings
from kpisync.starter.reading import MOST_ROWS, ExportFile, Header, Reading, Record, written
from kpisync.starter.texts import kind_of
from kpisync.tables.cells import as_name, is_blank

_MOST_COLUMNS = 40  # that are listed


class Given(NamedTuple):
    """What a job says to such a source, and what the evidence for it is, ready as comments."""

    options: Mapping[str, object]
    notes: Sequence[str] = ()
    later: Sequence[str] = ()  # comments that stand below the options


def named_reading(type: str, spec: AdapterSpec[Source], export: ExportFile, given: Given, word: str) -> Reading:
    """Raises SourceError as the source does, such as for a document that is damaged."""
    options = spec.options.model_validate({**export.given, **given.options})
    intake = Intake()
    columns: tuple[str, ...] = ()
    records: list[Record] = []
    whole = True
    for table in spec.build(options, Surroundings()).read(Scope(date.max), intake):
        columns = table.columns
        records = [(row.line, row.cells) for row in islice(table.rows, MOST_ROWS)]
        whole = next(table.rows, None) is None
    lines = (
        *(f"# {note}" for note in given.notes),
        *written(given.options),
        *given.later,
        *_columns(columns, records),
        *_rejected(intake),
    )
    header = Header(0, tuple(map(as_name, columns)))
    return Reading(type, lines, header, records, has_header=False, whole=whole, word=word)


def _columns(names: Sequence[str], records: Sequence[Record]) -> Iterator[str]:
    listed = []
    for index, name in enumerate(names[:_MOST_COLUMNS]):
        kinds = Counter(kind_of(cells[index]) for _, cells in records if not is_blank(cells[index]))
        listed.append(f"{name} ({' or '.join(kind for kind, _ in kinds.most_common()) or 'empty'})")
    more = f" and {len(names) - _MOST_COLUMNS} more" if len(names) > _MOST_COLUMNS else ""
    if listed:
        yield f"# columns: {', '.join(listed)}{more}"


def _rejected(intake: Intake) -> Iterator[str]:
    if intake.rejections:
        first = intake.rejections[0]
        count = len(intake.rejections)
        yield f"# {count} row{'s are' if count > 1 else ' is'} rejected, such as {first.source}: {first.reason}"
