"""Which date format reads every cell of a column, by the parser that runs use."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from kpisync.mapping.parse import BadCell, parse_date

_TIME = r"(?P<time>[ T][0-9]{1,2}:[0-9]{2}(?P<seconds>:[0-9]{2})?)?"
_SHAPES = (  # how a date looks, and the formats that it could have
    (r"[0-9]{4}-[0-9]{2}-[0-9]{2}", ("%Y-%m-%d",)),
    (r"[0-9]{4}[./][0-9]{1,2}[./][0-9]{1,2}", ("%Y{s}%m{s}%d", "%Y{s}%d{s}%m")),
    (r"[0-9]{1,2}[./-][0-9]{1,2}[./-][0-9]{4}", ("%d{s}%m{s}%Y", "%m{s}%d{s}%Y")),
    (r"[0-9]{1,2}[./-][0-9]{1,2}[./-][0-9]{2}", ("%d{s}%m{s}%y", "%m{s}%d{s}%y", "%y{s}%m{s}%d")),
    (r"(?:19|20)[0-9]{6}", ("%Y%m%d",)),
    (r"[0-9]{4}-W[0-9]{2}", ("%G-W%V",)),
    (r"[0-9]{4}[-./](?:0[1-9]|1[0-2])", ("%Y{s}%m",)),
    (r"(?:0[1-9]|1[0-2])[./][0-9]{4}", ("%m{s}%Y",)),
)
_PATTERNS = tuple((re.compile(f"{shape}{_TIME}"), formats) for shape, formats in _SHAPES)
_MOST_ODD = 0.1  # share of cells that may be no date, such as 00.00.0000
_ODD_SHOWN = 3


@dataclass(frozen=True)
class DateColumn:
    """`format` None: ISO, which needs none. `odd` cells are no dates."""

    format: str | None
    note: str
    undecided: bool = False
    odd: tuple[str, ...] = ()
    has_time: bool = False

    def day(self, cell: str) -> date | None:
        try:
            return parse_date(cell, self.format)
        except BadCell:
            return None


def looks_like_date(text: str) -> bool:
    return any(pattern.fullmatch(text.strip()) for pattern, _ in _PATTERNS)


def date_column(cells: Mapping[str, int]) -> DateColumn | None:
    """The format of a column's cells, each with the first line that has it; None if they are no dates."""
    best: tuple[int, list[str]] = (0, [])
    for format in _candidates(cells):
        read = sum(_reads(cell, format) for cell in cells)
        if read > best[0]:
            best = (read, [format])
        elif read and read == best[0]:
            best[1].append(format)
    read, formats = best
    if not formats or read < (1 - _MOST_ODD) * len(cells):
        return None
    odd = tuple(f"{cell} (line {line})" for cell, line in cells.items() if not _reads(cell, formats[0]))
    return _described(cells, formats, odd)


def _candidates(cells: Mapping[str, int]) -> list[str]:
    """The formats that the shapes of the cells allow, in the order of their likelihood."""
    found: dict[str, None] = {}
    for cell in cells:
        for pattern, formats in _PATTERNS:
            if match := pattern.fullmatch(cell):
                mark = re.sub("[0-9]", "", cell[: match.start("time")] if match["time"] else cell)[:1]
                time = f"{match['time'][0]}%H:%M{':%S' if match['seconds'] else ''}" if match["time"] else ""
                found |= dict.fromkeys(f"{format.format(s=mark)}{time}" for format in formats)
        if len(found) > 12:
            break
    return list(found)


def _reads(cell: str, format: str) -> bool:
    try:
        return parse_date(cell, format) is not None
    except BadCell:
        return False


def _described(cells: Mapping[str, int], formats: list[str], odd: tuple[str, ...]) -> DateColumn:
    chosen, has_time = formats[0], "%H" in formats[0]
    own = None if chosen == "%Y-%m-%d" else chosen
    if len(formats) > 1:
        cell, line = next(item for item in cells.items() if _reads(item[0], chosen))
        readings = " or ".join(f"{parse_date(cell, format)} by {format}" for format in formats)
        return DateColumn(own, f"{cell} (line {line}) is {readings}; no cell tells which", True, odd, has_time)
    proof = _proof(cells, chosen)
    note = f"{chosen} reads {'all' if not odd else 'nearly all'} cells" + (f"; only it reads {proof}" if proof else "")
    if odd:
        note += f"; not {', '.join(odd[:_ODD_SHOWN])}" + (" …" if len(odd) > _ODD_SHOWN else "")
    return DateColumn(own, note, False, odd, has_time)


def _proof(cells: Mapping[str, int], chosen: str) -> str | None:
    """A cell that the other formats of its shape do not read."""
    others = [format for format in _candidates(cells) if format != chosen]
    if not others:
        return None
    return next(
        (
            f"{cell} (line {line})"
            for cell, line in cells.items()
            if _reads(cell, chosen) and not any(_reads(cell, format) for format in others)
        ),
        None,
    )
