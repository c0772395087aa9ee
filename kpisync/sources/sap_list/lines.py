"""The lines of an SAP list as records: rows between vertical bars, or rows with tabs.

What such lists look like was seen in exports; SAP's help describes bars, rulers and page headers of lists under
"Structure of the Standard List", and no grammar.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from kpisync.errors import SourceError
from kpisync.sources.sap_list.frame import Frame
from kpisync.sources.text_options import Lines
from kpisync.tables.account import Account
from kpisync.tables.cells import as_name, shown
from kpisync.tables.grid import Block, Record, Refused

_BARS = "|\u2502\u2503\u2551"
_RULER = re.compile("[-=_+|\u2500-\u257f]+")
_STARTS_AS_RULER = re.compile("^[-=_+\u2500-\u257f]", re.MULTILINE)
_DIGIT = re.compile(r"\d")
_NOISE = "no delimiter"
_SHOWN_LINE = 60


class Reading(NamedTuple):
    """What the options say about the lines of a list."""

    search: bool  # the job says nothing of the header
    skip_totals: bool
    accept_cut: bool


def delimiter_of(first: Sequence[str]) -> str | None:
    """The bar that stands at both ends of one of the first lines; else a tab, if one has it; else None."""
    tab = None
    for line in first:
        text = line.strip()
        if len(text) > 1 and text[0] in _BARS and text[-1] == text[0]:
            return text[0]
        if "\t" in line:
            tab = "\t"
    return tab


# ---------------------------------------------------------------- bars


def bar_blocks(chunks: Iterable[Lines], bar: str, how: Reading, account: Account) -> Iterator[Block]:
    """The rows between bars; rulers, totals and lines without a bar are skipped, broken rows are refused."""
    frame, width = Frame(account, one_line_header=how.search), 0
    for numbers, texts in chunks:
        if frame.has_rows and (cells := _between_bars(texts, bar, width)) and _all_rows(cells, width, how):
            frame.row(numbers[-1])
            yield Block(numbers, _rows(cells, width))
        elif records := list(_bar_records((numbers, texts), bar, how, frame, account)):
            width = len(records[-1][1]) or width
            yield Block(*zip(*records, strict=True))
    if not how.accept_cut:
        frame.end()


def _bar_records(lines: Lines, bar: str, how: Reading, frame: Frame, account: Account) -> Iterator[Record]:
    for number, line in zip(*lines, strict=True):
        text = line.strip()
        if not text:
            account.skip(number, "blank")
        elif _RULER.fullmatch(text) and text.strip(_BARS):
            frame.ruler()
            account.skip(number, "ruler")
        elif bar not in text:
            account.skip(number, _NOISE)
        elif not text.startswith(bar) or not text.endswith(bar):
            yield number, _broken(text, bar)
        else:
            frame.row(number)
            cells = tuple(map(str.strip, text[1:-1].split(bar)))
            if how.skip_totals and _is_total(cells):
                account.skip(number, "totals")
            else:
                yield number, cells


def _between_bars(texts: Sequence[str], bar: str, width: int) -> list[str] | None:
    """The cells of all lines in one list, if all are rows of so many cells; the interpreter's loop is avoided."""
    flat = "".join(texts).split(bar)
    outer = flat[width + 1 :: width + 1]
    if len(flat) != len(texts) * (width + 1) + 1 or flat[0] or outer.count(_line_break(texts)) != len(texts):
        return None
    del flat[:: width + 1]
    return list(map(str.strip, flat))


def _all_rows(cells: Sequence[str], width: int, how: Reading) -> bool:
    """False if there may be a ruler or a total among the rows."""
    return not _STARTS_AS_RULER.search("\n".join(cells[::width])) and not (how.skip_totals and _has_totals(cells))


def _broken(text: str, bar: str) -> Refused:
    side = "end" if text.startswith(bar) else "begin"
    return Refused(
        "broken-line",
        f"the line does not {side} with {bar!r} as the rows of this list do: {shown(text, _SHOWN_LINE)}; "
        "there may be a line break in a cell: correct the export, or leave the line out by skip_lines_matching",
    )


# ---------------------------------------------------------------- tabs


def tab_blocks(chunks: Iterable[Lines], header: int, how: Reading, account: Account) -> Iterator[Block]:
    """The rows with tabs, from the line of the header on; totals and lines without a tab are skipped."""
    width = 0
    for numbers, texts in chunks:
        if width > 1 and (cells := _between_tabs(texts, width)) and not (how.skip_totals and _has_totals(cells)):
            yield Block(numbers, _rows(cells, width))
        elif records := list(_tab_records((numbers, texts), header, how, account)):
            width = len(records[-1][1])
            yield Block(*zip(*records, strict=True))


def _tab_records(lines: Lines, header: int, how: Reading, account: Account) -> Iterator[Record]:
    for number, line in zip(*lines, strict=True):
        cells = tuple(map(str.strip, line.split("\t")))
        if number < header:
            account.skip(number, "before the header")
        elif len(cells) == 1:
            account.skip(number, _NOISE if cells[0] else "blank")
        elif how.skip_totals and _is_total(cells):
            account.skip(number, "totals")
        else:
            yield number, cells


def _between_tabs(texts: Sequence[str], width: int) -> list[str] | None:
    """The cells of all lines in one list, if all are rows of so many cells; the interpreter's loop is avoided."""
    flat = "\t".join(texts).split("\t")
    if len(flat) != len(texts) * width:
        return None
    ends = "".join(flat[width - 1 :: width])
    return list(map(str.strip, flat)) if ends.count(_line_break(texts)) == len(texts) else None


def header_line(first: Lines, account: Account) -> int:
    """The line that fills the most cells without a digit in one, the first such.

    If there is none, or a line above it fills more, it is not certain, and a SourceError.
    """
    found = [
        (number, [name for cell in line.split("\t") if (name := as_name(cell))])
        for number, line in zip(*first, strict=True)
    ]
    number, names = max((each for each in found if not any(map(_DIGIT.search, each[1]))), key=_filled, default=(0, []))
    fullest, most = max((each for each in found if each[0] <= number or not names), key=_filled)
    if 1 < len(names) == len(most):
        return number
    odd = next(filter(_DIGIT.search, most), None)
    why = "it has one cell only" if odd is None else f"it holds {shown(odd)}, and names of columns seldom hold digits"
    example = f", such as {', '.join(map(shown, names[:2]))} if that is line {number}" if len(names) > 1 else ""
    raise SourceError(
        f"it is not certain which line is the header: line {fullest} fills the most cells, but {why}",
        where=account.origin,
        hint=f"Declare header.find with names from the header{example}",
    )


def _filled(line: tuple[int, Sequence[str]]) -> int:
    return len(line[1])


# ---------------------------------------------------------------- both


def _line_break(texts: Sequence[str]) -> str:
    """That of the first line; of one without it, something that no line has."""
    return texts[0][len(texts[0].rstrip("\r\n")) :] or "\n\n"


def _rows(cells: Iterable[str], width: int) -> list[tuple[str, ...]]:
    return list(zip(*[iter(cells)] * width, strict=True))


def _is_total(cells: Iterable[str]) -> bool:
    """Whether nothing but asterisks stands in the first filled cell: the mark of SAP's totals, one for each level."""
    first = next(filter(None, cells), "")
    return bool(first) and not first.strip("*")


def _has_totals(cells: Sequence[str]) -> bool:
    """False if surely no row is one of totals."""
    return "\n*" in "\n".join(("", *cells))
