"""What stands at the platforms, by period: of which series, which numbers, and whose they are."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from datetime import date
from decimal import Decimal
from typing import Any, NamedTuple

from sqlalchemy import (
    BigInteger,
    BindParameter,
    Connection,
    Integer,
    Select,
    bindparam,
    cast,
    func,
    literal_column,
    select,
    type_coerce,
)

from kpisync.model import Status
from kpisync.state import tables
from kpisync.state.columns import as_number
from kpisync.state.numbering import Cell, Series, chunks
from kpisync.state.prepared import Words, stream
from kpisync.state.tables import VALUE_STATUS

MOST_DAYS = 62  # of a history: their bits fit into a number of the database


class History(NamedTuple):
    """On which days something stands of a series, bit by bit from the first one asked for; and the job that wrote last.

    The job is a number of `job_names`.
    """

    bits: int
    job: int


class Number(NamedTuple):
    """What stands of a series at a period; `job` is a number of `job_names`."""

    series: int
    period: date
    number: Decimal
    status: Status
    job: int


class Spot(NamedTuple):
    """A number of one series, and where it came from."""

    period: date
    number: Decimal
    status: Status
    source: str
    run: str
    job: str


def job_names(connection: Connection) -> dict[int, str]:
    return {row.id: row.name for row in connection.execute(select(tables.job.c.id, tables.job.c.name))}


def series_after(connection: Connection, number: int) -> dict[int, Series]:
    """The series whose numbers are higher than this one."""
    of = tables.series.c
    wanted = select(of.id, of.destination, of.kpi, of.team, of.sub_tile, of.value).where(of.id > number)
    return {id: (board, kpi, team, tile, value) for id, board, kpi, team, tile, value in connection.execute(wanted)}


def history(connection: Connection, first: date, last: date) -> dict[int, History]:
    """Of every series that has a number between two days, which are MOST_DAYS at most, by its number."""
    between = {"first": first.toordinal(), "last": last.toordinal()}
    return {series: History(int(bits), job) for series, bits, job in stream(connection, _history, between)}


def standing_on(connection: Connection, period: date) -> set[int]:
    """The series of which anything stands at this very period."""
    return {series for (series,) in stream(connection, _standing_on, {"period": period.toordinal()})}


def numbers_between(connection: Connection, first: date, last: date) -> Iterator[Number]:
    """Whatever stands at periods between two dates."""
    between = {"first": first.toordinal(), "last": last.toordinal()}
    for series, period, number, status, job in stream(connection, _numbers_between, between):
        yield Number(series, date.fromordinal(period), as_number(number), VALUE_STATUS.word(status), job)


def numbers_at(connection: Connection, periods: Collection[date], series: Collection[int]) -> Iterator[Number]:
    """What stands of some series at some periods; each is looked up, so that all else costs nothing."""
    of = tables.value.c
    wanted = (
        select(of.series, of.period, of.number, of.status, tables.run.c.job)
        .join(tables.run, tables.run.c.id == of.run)
        .where(of.period.in_(list(periods)))
    )
    for some in chunks(series):
        for row in connection.execute(wanted.where(of.series.in_(some))):
            yield Number(*row)


def spots(connection: Connection, series: Series, periods: Collection[date]) -> list[Spot]:
    """What stands of one series at some periods, oldest first."""
    of, key = tables.value.c, [column for column in tables.series.c if column.name != "id"]
    wanted = (
        select(of.period, of.number, of.status, of.place, tables.origin.c.name, tables.run.c.ulid, tables.job.c.name)
        .select_from(tables.value)
        .join(tables.run, tables.run.c.id == of.run)
        .join(tables.job, tables.job.c.id == tables.run.c.job)
        .outerjoin(tables.origin, tables.origin.c.id == of.origin)
        .where(of.series == select(tables.series.c.id).where(*_equal(key, series)).scalar_subquery())
        .order_by(of.period)
    )
    found: list[Spot] = []
    for some in chunks(sorted(periods)):
        for period, number, status, place, origin, run, job in connection.execute(wanted.where(of.period.in_(some))):
            found.append(Spot(period, number, status, str(Cell(origin, place)), run, job))
    return found


def doubts_of(connection: Connection, series: Series) -> set[date]:
    """The periods of one series that are in doubt."""
    of, key = tables.change.c, [column for column in tables.series.c if column.name != "id"]
    mine = select(tables.series.c.id).where(*_equal(key, series)).scalar_subquery()
    return set(connection.execute(select(of.period).where(tables.IS_IN_DOUBT, of.series == mine)).scalars())


def _equal(columns: Collection[Any], texts: Collection[str]) -> list[Any]:
    return [column == text for column, text in zip(columns, texts, strict=True)]


def _asked(name: str) -> BindParameter[int]:
    return bindparam(name, type_=Integer())


def _history(words: Words) -> Select[Any]:
    of, run = tables.value.c, tables.run.c
    day = type_coerce(of.period, Integer) - _asked("first")
    each = (
        select(
            of.series,
            func.sum(cast(literal_column("1"), BigInteger).op("<<")(day)).label("bits"),
            func.max(of.run).label("run"),
        )
        .where(type_coerce(of.period, Integer).between(_asked("first"), _asked("last")))
        .group_by(of.series)
        .subquery()
    )
    return select(each.c.series, each.c.bits, run.job).join(tables.run, run.id == each.c.run)


def _standing_on(words: Words) -> Select[Any]:
    of = tables.value.c
    return select(of.series).where(type_coerce(of.period, Integer) == _asked("period"))


def _numbers_between(words: Words) -> Select[Any]:
    of, run = tables.value.c, tables.run.c
    between = type_coerce(of.period, Integer).between(_asked("first"), _asked("last"))
    return select(of.series, of.period, of.number, of.status, run.job).join(tables.run, run.id == of.run).where(between)
