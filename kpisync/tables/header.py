"""Where a table begins: the names of its columns, and what stands above them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from kpisync.errors import SourceError
from kpisync.model import Row
from kpisync.tables.account import Account
from kpisync.tables.cells import as_name, is_blank_row, shown
from kpisync.tables.columns import find_column
from kpisync.tables.options import ColumnOptions, HeaderOptions, ReaderOptions

_BEFORE = "before the header"
_MARKER = "start_after"


@dataclass(frozen=True, slots=True)
class Header:
    """The names as the source has them, and the line they stand in (None: the job names them)."""

    names: tuple[str, ...]
    line: int | None

    def where(self, account: Account) -> str:
        """The place that a message about its columns names."""
        return account.origin if self.line is None else account.at(self.line)


def find_header(rows: Iterator[Row], options: ReaderOptions, account: Account) -> Header:
    """Take rows up to the header, or to the `start_after` marker if that comes later; each is accounted for.

    Raises SourceError where there is no such line.
    """
    head, marker = options.header, options.start_after
    if head.names is not None:
        if marker is not None:
            _pass_marker(rows, marker, account)
        return Header(tuple(map(as_name, head.names)), None)
    if head.find is None and head.row is None:
        if marker is not None:
            _pass_marker(rows, marker, account)
        return _first(rows, lambda row: not is_blank_row(row.cells), account, "there is no header: every line is blank")
    header, passed = _search(rows, head, marker, account)
    if marker is not None and not passed:
        _pass_marker(rows, marker, account)
    return header


def _first(rows: Iterator[Row], is_header: Callable[[Row], bool], account: Account, otherwise: str) -> Header:
    for row in rows:
        if is_header(row):
            return Header(tuple(map(as_name, row.cells)), row.line)
        account.skip(row.line, _BEFORE)
    raise SourceError(otherwise, where=account.origin, hint="Check the export and the reader's header option")


def _search(rows: Iterator[Row], head: HeaderOptions, marker: str | None, account: Account) -> tuple[Header, bool]:
    """The header by `find` or `row`, and whether the marker stood above it."""
    wanted = {as_name(name) for name in head.find or ()}
    passed = False
    nearest: tuple[int, set[str]] | None = None  # a line with some of the names, and those that it lacks
    for looked_at, row in enumerate(rows):
        if (row.line > head.row) if head.row is not None else (looked_at >= head.within):
            break
        missing = wanted.difference(map(as_name, row.cells))
        if row.line == head.row or (wanted and not missing):
            return Header(tuple(map(as_name, row.cells)), row.line), passed
        if len(missing) < len(nearest[1] if nearest else wanted):
            nearest = row.line, missing
        passed = passed or _is_marker(row, marker)
        account.skip(row.line, _BEFORE)
    if head.row is not None:
        raise SourceError(
            f"line {head.row} should be the header, but no row begins there",
            where=account.origin,
            hint="Correct header.row, or use header.find",
        )
    listed = ", ".join(map(shown, head.find or ()))
    but = f"; line {nearest[0]} has some, but not {', '.join(map(shown, sorted(nearest[1])))}" if nearest else ""
    raise SourceError(
        f"no line among the first {head.within} has all the columns {listed}{but}",
        where=account.origin,
        hint="Compare header.find with the file, or raise header.within",
    )


def _pass_marker(rows: Iterator[Row], marker: str, account: Account) -> None:
    for row in rows:
        account.skip(row.line, _MARKER)
        if _is_marker(row, marker):
            return
    raise SourceError(
        f"no line has the start_after marker {shown(marker)}",
        where=account.origin,
        hint="Compare start_after with the file",
    )


def _is_marker(row: Row, marker: str | None) -> bool:
    return marker is not None and as_name(marker) in map(as_name, row.cells)


def rename(names: Sequence[str], columns: Mapping[str, ColumnOptions], where: str) -> tuple[str, ...]:
    """The names after those of the job's `columns`; every address is looked up among the source's own names."""
    renamed = list(names)
    taken: dict[int, str] = {}
    for new, column in columns.items():
        index = find_column(names, column.address or new, where)
        if index in taken:
            raise SourceError(
                f"columns {shown(taken[index])} and {shown(new)} are the same column {shown(names[index])}",
                where=where,
                hint="Give it one name",
            )
        taken[index], renamed[index] = new, as_name(new)
    for index, new in taken.items():
        if renamed.count(as_name(new)) > 1:
            other = next(i for i, name in enumerate(renamed) if name == as_name(new) and i != index)
            raise SourceError(
                f"columns {index + 1} and {other + 1} would both be called {shown(new)}",
                where=where,
                hint="Choose another name under columns",
            )
    return tuple(renamed)
