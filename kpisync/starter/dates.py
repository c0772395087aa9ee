"""Which date format reads every cell of a column, by the parser that runs use."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime

from kpisync.mapping.formats import EXCEL, EXCEL_1904
from kpisync.mapping.parse import BadCell, parse_moment

_TIME = r"(?P<time>[ T][0-9]{1,2}:[0-9]{2}(?P<seconds>:[0-9]{2})?)?"
_SHAPES = (  # how a date looks, and the formats that it could have
    (r"[0-9]{4}[./][0-9]{1,2}[./][0-9]{1,2}", ("%Y{s}%m{s}%d", "%Y{s}%d{s}%m")),
    (r"[0-9]{1,2}[./-][0-9]{1,2}[./-][0-9]{4}", ("%d{s}%m{s}%Y", "%m{s}%d{s}%Y")),
    (r"[0-9]{1,2}[./-][0-9]{1,2}[./-][0-9]{2}", ("%d{s}%m{s}%y", "%m{s}%d{s}%y", "%y{s}%m{s}%d")),
    (r"(?:19|20)[0-9]{6}", ("%Y%m%d",)),
    (r"[0-9]{4}-W[0-9]{2}", ("%G-W%V",)),
    (r"[0-9]{4}[-./](?:0[1-9]|1[0-2])", ("%Y{s}%m",)),
    (r"(?:0[1-9]|1[0-2])[./][0-9]{4}", ("%m{s}%Y",)),
)
_ISO = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}([ T][0-9]{2}:[0-9]{2}(:[0-9]{2}([.,][0-9]{1,9})?)? ?(Z|[+-][0-9:]{2,5})?)?"
)
_PATTERNS = tuple((re.compile(f"{shape}{_TIME}"), formats) for shape, formats in _SHAPES)
_MOST_ODD = 0.1  # share of cells that may be no date, such as 00.00.0000
_ODD_SHOWN = 3
_DAY_AND_MONTH = re.compile("(0[1-9]|[12][0-9]|3[01])(0[1-9]|1[0-2])")
_CALLED_DATE = re.compile("dat(e|um|a)|day|tag|fecha|giorno|jour", re.I)
_SERIAL = re.compile(r"([0-9]{5})(?:\.[0-9]+)?")
_SERIALS = range(36526, 73051)  # 2000 to 2099 by the system of 1900


Cells = Mapping[str, str]  # a text, and the place that has it first, such as line 3


@dataclass(frozen=True)
class DateColumn:
    """`format` None: ISO or typed dates, which need none. `odd` cells are none; `year` names the column that has it."""

    format: str | None
    note: str
    undecided: bool = False
    odd: tuple[str, ...] = ()
    has_time: bool = False
    year: Mapping[str, str] = field(default_factory=dict)

    def day(self, cell: str) -> date | None:
        """A typed date is written as ISO has it, whatever the format of the texts beside it is."""
        for format in (self.format, None):
            if not self.year and _reads(cell, format):
                return _day(cell, format)
        return None


def looks_like_date(text: str) -> bool:
    text = text.strip()
    return _ISO.fullmatch(text) is not None or any(pattern.fullmatch(text) for pattern, _ in _PATTERNS)


def date_column(cells: Cells) -> DateColumn | None:
    """The format of a column's cells; None if they are no dates."""
    best: tuple[int, list[str | None]] = (0, [])
    for format in _candidates(cells):
        read = sum(_reads(cell, format) for cell in cells)
        if read > best[0]:
            best = (read, [format])
        elif read and read == best[0]:
            best[1].append(format)
    read, formats = best
    if not formats or read < (1 - _MOST_ODD) * len(cells):
        return None
    odd = tuple(f"{cell} ({place})" for cell, place in cells.items() if not _reads(cell, formats[0]))
    return _described(cells, formats, odd)


def typed_dates(typed: Cells, texts: Cells, has_time: bool) -> DateColumn | None:
    """The dates of a typed column, and what the texts among them show; None if most of these are no dates."""
    found = date_column(texts) if texts else None
    if texts and found is None and len(texts) > _MOST_ODD * (len(typed) + len(texts)) + 1:
        return None
    if found is None:
        odd = tuple(f"{cell} ({place})" for cell, place in texts.items())
        return DateColumn(None, f"real dates{_but(odd)}", False, odd, has_time)
    note = f"real dates, and texts: {found.note}"
    return DateColumn(found.format, note, found.undecided, found.odd, has_time or found.has_time)


def serial_dates(name: str, cells: Cells) -> DateColumn | None:
    """Numbers in a column that is called a date, if they are serials of Excel; a person must say that they are."""
    matches = [_SERIAL.fullmatch(cell) for cell in cells]
    if not _CALLED_DATE.search(name) or not all(match and int(match[1]) in _SERIALS for match in matches):
        return None
    cell, place = next(iter(cells.items()))
    note = f"numbers: are they serials of Excel? {cell} ({place}) is then {_day(cell, EXCEL)}, "
    note += f"or {_day(cell, EXCEL_1904)} by {EXCEL_1904}"
    return DateColumn(EXCEL, note, True, (), any("." in cell for cell in cells))


def without_year(name: str, cells: Cells, year: Mapping[str, str]) -> DateColumn | None:
    """Days and months such as 3112, whose year another column tells."""
    if not year or not _CALLED_DATE.search(name) or not all(map(_DAY_AND_MONTH.fullmatch, cells)):
        return None
    return DateColumn("%d%m", f"day and month; the year comes from {year['column']}", year=year)


def _but(odd: tuple[str, ...]) -> str:
    return f"; not {', '.join(odd[:_ODD_SHOWN])}" + (" …" if len(odd) > _ODD_SHOWN else "") if odd else ""


def _candidates(cells: Cells) -> list[str | None]:
    """The formats that the shapes of the cells allow, in the order of their likelihood."""
    found: dict[str | None, None] = {}
    for cell in cells:
        if _ISO.fullmatch(cell):
            found[None] = None
        for pattern, formats in _PATTERNS:
            if match := pattern.fullmatch(cell):
                mark = re.sub("[0-9]", "", cell[: match.start("time")] if match["time"] else cell)[:1]
                time = f"{match['time'][0]}%H:%M{':%S' if match['seconds'] else ''}" if match["time"] else ""
                found |= dict.fromkeys(f"{format.format(s=mark)}{time}" for format in formats)
        if len(found) > 12:
            break
    return list(found)


def _day(cell: str, format: str | None) -> date | None:
    """Its date, whatever time of day is written beside it."""
    found = parse_moment(cell, format)
    return found.date() if isinstance(found, datetime) else found


def _reads(cell: str, format: str | None) -> bool:
    try:
        return _day(cell, format) is not None
    except BadCell:
        return False


def _described(cells: Cells, formats: list[str | None], odd: tuple[str, ...]) -> DateColumn:
    chosen = formats[0]
    has_time = "%H" in chosen if chosen else any(":" in cell for cell in cells)
    if len(formats) > 1:
        cell, place = next(item for item in cells.items() if _reads(item[0], chosen))
        readings = " or ".join(f"{_day(cell, format)} by {_said(format)}" for format in formats)
        return DateColumn(chosen, f"{cell} ({place}) is {readings}; no cell tells which", True, odd, has_time)
    proof = _proof(cells, chosen)
    note = f"{_said(chosen)} reads {'all' if not odd else 'nearly all'} cells"
    note += (f"; only it reads {proof}" if proof else "") + _but(odd)
    return DateColumn(chosen, note, False, odd, has_time)


def _said(format: str | None) -> str:
    return format or "ISO"


def _proof(cells: Cells, chosen: str | None) -> str | None:
    """A cell that the other formats of its shape do not read."""
    others = [format for format in _candidates(cells) if format != chosen]
    if not others:
        return None
    return next(
        (
            f"{cell} ({place})"
            for cell, place in cells.items()
            if _reads(cell, chosen) and not any(_reads(cell, format) for format in others)
        ),
        None,
    )
