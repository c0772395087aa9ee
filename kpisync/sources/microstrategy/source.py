"""MicroStrategy (Strategy): the rows of a cube, a report or a visualization, or the points of an Insight KPI.

All pages are fetched first, in one session that is as short as it can be, and kept compressed; rows are made of them as
they are taken. So no session stays open while rows are mapped, and none is left behind by whoever stops in the middle.
"""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from kpisync.errors import ConfigError, SourceError
from kpisync.model import Intake, Scope, Table
from kpisync.ports import AdapterSpec, Source, Surroundings
from kpisync.sources.microstrategy import reads
from kpisync.sources.microstrategy.failures import misread, part
from kpisync.sources.microstrategy.grid import Attribute, Grid, lines_of
from kpisync.sources.microstrategy.options import MicroStrategyOptions
from kpisync.sources.microstrategy.session import Session, SessionEnded, session
from kpisync.support.addresses import place
from kpisync.support.json import dumps, loads
from kpisync.tables.account import Account
from kpisync.tables.grid import Record, in_blocks
from kpisync.tables.options import HeaderOptions
from kpisync.tables.reader import read_table

_KPI_COLUMNS: tuple[str, ...] = ("kpi", "at", "value")


_NO_CELL = "which is neither a number nor a text; look at it in MicroStrategy"


@dataclass
class Fetched:
    """What was read in one session: documents, packed, and what they have in common."""

    project: str = ""
    pages: list[bytes] = field(default_factory=list)
    rows: int = 0
    attributes: dict[str, Attribute] = field(default_factory=dict)
    metrics: dict[str, str] = field(default_factory=dict)
    instance: str = ""

    def take(self, document: Any, where: str) -> None:
        grid = Grid(document, where)
        if self.pages and grid.attributes != self.attributes:
            raise misread("reading page by page", "the attributes of one page are not those of another", where)
        self.attributes = grid.attributes
        self.metrics |= grid.metrics
        self.rows += grid.row_count
        self.instance = self.instance or str(part(document, "instanceId") or "")
        data = part(document, "data")
        values = {"raw": part(data, "metricValues", "raw")}
        kept = {"headers": part(data, "headers"), "metricValues": values}
        self.pages.append(_packed({"definition": part(document, "definition"), "data": kept}, where))


@dataclass(frozen=True, slots=True)
class MicroStrategySource:
    """One table. Not rereadable: what a cube holds may change at any time."""

    options: MicroStrategyOptions
    around: Surroundings

    @property
    def needs_range(self) -> bool:
        return bool(self.options.dates)

    def read(self, scope: Scope, intake: Intake) -> Iterator[Table]:
        origin = _origin(self.options)
        dates = _dates(self.options, scope, origin)
        fetched = self._fetched(dates, origin, intake)
        account = Account(origin, intake)
        if self.options.kpi:
            columns = _KPI_COLUMNS
            records = _points(_unpacked(fetched.pages[0]), self.options, account)
        else:
            chosen = _chosen(self.options, fetched, origin)
            columns, records = tuple(chosen.columns), _rows(fetched, chosen, account)

        if not columns:
            hint = "Open it in MicroStrategy with the same login, and add what is to be read"
            raise SourceError("it shows neither attributes nor metrics", where=origin, hint=hint)

        def all_records() -> Iterator[Record]:
            yield from records
            intake.origins[origin] = _fingerprint(self.options, fetched, dates)

        named = self.options.model_copy(update={"header": HeaderOptions(names=list(columns))})
        yield read_table(in_blocks(all_records()), named, account)

    def _fetched(self, dates: Mapping[str, str], origin: str, intake: Intake) -> Fetched:
        """All of it. A session that ended in the middle is begun anew, once: everything in it only reads."""
        for last in (False, True):
            try:
                with session(self.options, self.around, origin, intake.notes) as opened:
                    fetched = _fetch(opened, self.options, dates)
            except SessionEnded as ended:
                if last:
                    raise ended.error from None
            else:
                instance = f", instance {fetched.instance}" if fetched.instance else ""
                intake.notes.append(f"{origin}: pages {len(fetched.pages)}, project {fetched.project}{instance}")
                return fetched
        raise AssertionError("the second try returns or raises")


def _fetch(session: Session, options: MicroStrategyOptions, dates: Mapping[str, str]) -> Fetched:
    fetched = Fetched(reads.project_id(session, options.project))
    session.use_project(fetched.project)
    if options.kpi:
        fetched.pages.append(_packed(reads.kpi(session, options), session.where))
        return fetched
    if options.dashboard:
        pages = reads.visualization(session, options, options.dashboard)
    else:
        pages = reads.cube_or_report(session, options, dates)
    for document in pages:
        fetched.take(document, session.where)
    return fetched


def _packed(document: Any, where: str) -> bytes:
    try:
        return zlib.compress(dumps(document).encode(), 1)
    except ValueError as error:
        raise misread("reading", str(error), where) from None


def _unpacked(page: bytes) -> Any:
    return loads(zlib.decompress(page))


# ---------------------------------------------------------------- rows of a grid


@dataclass(frozen=True, slots=True)
class Chosen:
    """The columns: attributes with the names of their columns, and metrics (name by id)."""

    attributes: list[tuple[Attribute, list[str]]]
    metrics: dict[str, str]

    @property
    def columns(self) -> list[str]:
        return [name for _, names in self.attributes for name in names] + list(self.metrics.values())

    def name(self, id: str) -> str:
        """Of an attribute or metric, for a message."""
        named = {attribute.id: attribute.name for attribute, _ in self.attributes}
        return {**named, **self.metrics}.get(id, id)


def _chosen(options: MicroStrategyOptions, fetched: Fetched, origin: str) -> Chosen:
    """What the job names, by the job's names; else all that came, by the platform's."""
    attributes, metrics = options.attributes, options.metrics
    named = {id: name for name, id in (attributes or {}).items()}
    if missing := [f"attribute {id}" for id in named if id not in fetched.attributes]:
        raise _missing(missing, {id: each.name for id, each in fetched.attributes.items()}, origin)
    wanted = metrics.values() if metrics is not None and fetched.rows else ()
    if missing := [f"metric {id}" for id in wanted if id not in fetched.metrics]:
        raise _missing(missing, fetched.metrics, origin)
    ids = list(named) if attributes is not None else list(fetched.attributes)
    return Chosen(
        [(fetched.attributes[id], fetched.attributes[id].columns(named.get(id))) for id in ids],
        fetched.metrics if metrics is None else {id: name for name, id in metrics.items()},
    )


def _missing(missing: list[str], known: Mapping[str, str], origin: str) -> SourceError:
    listed = ", ".join(f"{name} ({id})" for id, name in list(known.items())[:30]) or "none"
    return SourceError(f"the answer has no {missing[0]}", where=origin, hint=f"Correct the id; it has {listed}")


def _rows(fetched: Fetched, chosen: Chosen, account: Account) -> Iterator[Record]:
    """Numbered from 1 over all pages, totals among them."""
    pages = (Grid(_unpacked(page), account.origin) for page in fetched.pages)
    for number, line in enumerate(lines_of(pages), 1):
        if line.is_total:
            account.skip(number, "total")
        elif (bad := line.bad) is not None:
            account.reject(number, "cell", f"{chosen.name(bad[0])} is {str(bad[1])[:40]!r}, {_NO_CELL}")
        else:
            attributes = (cell for attribute, _ in chosen.attributes for cell in line.attributes[attribute.id])
            yield number, [*attributes, *(line.metrics.get(id) for id in chosen.metrics)]


# ---------------------------------------------------------------- points of a KPI


def _points(document: Any, options: MicroStrategyOptions, account: Account) -> Iterator[Record]:
    """The oldest first, each with its instant in UTC; with 1p the latest alone, for their order is not documented."""
    points = part(document, "data", "dataPoints")
    if not isinstance(points, list):
        raise misread("reading the KPI", "the answer has no dataPoints", account.origin)
    found: list[tuple[datetime, object]] = []
    for number, point in enumerate(points, 1):
        text = part(point, "timestamp") or part(point, "timeStamp")  # the documents have both
        at, value = _instant(text), part(point, "rawValue")
        if at is None:
            account.reject(number, "timestamp", f"{str(text)[:40]!r} is no instant such as 2026-11-20T08:00:00Z")
        elif not isinstance(value, str | Decimal | None):
            account.reject(number, "cell", f"rawValue is {str(value)[:40]!r}, {_NO_CELL}")
        else:
            found.append((at, value))
    found.sort(key=lambda point: point[0])
    older = found[:-1] if options.kpi_range == "1p" else []
    for number, (at, value) in enumerate(found, 1):
        if number <= len(older):
            account.skip(number, "an older point of the KPI")
        else:
            yield number, (str(part(document, "name")), at, value)


def _instant(text: object) -> datetime | None:
    """Z is UTC; a time without an offset is no instant."""
    try:
        at = datetime.fromisoformat(text) if isinstance(text, str) else None
    except ValueError:
        return None
    return at.astimezone(UTC) if at and at.tzinfo else None


# ---------------------------------------------------------------- what was asked for


def _origin(options: MicroStrategyOptions) -> str:
    kind = next(name for name in ("cube", "report", "kpi", "dashboard") if getattr(options, name))
    id = options.dashboard.id if options.dashboard else getattr(options, kind)
    return f"{place(options.url)} {kind} {id}"


def _dates(options: MicroStrategyOptions, scope: Scope, origin: str) -> dict[str, str]:
    until = None if scope.last is None else scope.last + timedelta(days=1)
    known = {"from": scope.first, "to": scope.last, "until": until}
    dates: dict[str, str] = {}
    for name in sorted(options.dates):
        if (day := known[name]) is None:
            what = f"the filter uses {{{name}}}, but the run has no such date"
            raise ConfigError(what, where=origin, hint="Set a lookback for the job, or run with --from and --to")
        dates[name] = day.isoformat()
    return dates


def _fingerprint(options: MicroStrategyOptions, fetched: Fetched, dates: Mapping[str, str]) -> str:
    """Of the question, as for a query; the answer has no name by which it could be had again."""
    asked = {"project": fetched.project, "path": reads.path_of(options), "range": options.kpi_range}
    if options.dashboard:
        asked["visualization"] = options.dashboard.visualization
    text = dumps({**asked, **reads.body_of(options, dates), **dates})
    return f"sha256:{hashlib.sha256(text.encode()).hexdigest()}"


def build(options: MicroStrategyOptions, surroundings: Surroundings) -> Source:
    return MicroStrategySource(options, surroundings)


SPEC: AdapterSpec[Source] = AdapterSpec(
    "Rows of a MicroStrategy cube, report or visualization, or an Insight KPI", MicroStrategyOptions, build
)
