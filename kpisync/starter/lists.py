"""SAP lists: rows between bars, with rulers, or with tabs and a blank column before them."""

from __future__ import annotations

import io
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace

from kpisync.errors import SourceError
from kpisync.model import Intake
from kpisync.sources.sap_list.lines import Reading as How
from kpisync.sources.sap_list.lines import bar_blocks, delimiter_of, header_line, tab_blocks
from kpisync.sources.text_options import Lines
from kpisync.starter.header import find_header
from kpisync.starter.reading import Header, Reading, Record
from kpisync.starter.text import Text
from kpisync.tables.account import Account
from kpisync.tables.cells import as_name, is_blank, is_blank_row
from kpisync.tables.grid import Refused, rows_of

_WITHIN = 50  # lines by which the source knows a list
_TAB = "\t"


def sap_list(text: Text, origin: str) -> Reading | None:
    """None for text that is no such list."""
    texts = list(io.StringIO(text.text, newline=""))
    mark = delimiter_of(texts[:_WITHIN])
    if mark is None or not (_has_blank_margin(texts) if mark == _TAB else _has_bars(texts, mark)):
        return None
    lines, account = (range(1, len(texts) + 1), texts), Account(origin, Intake())
    found = list(_records(lines, mark, How(search=False, skip_totals=True, accept_cut=True), account))
    records = [record for record in found if not isinstance(record[1], Refused)]
    header = find_header(records)
    if header.at is None:
        return None
    names = header.names
    below = [record for record in records[header.at + 1 :] if tuple(map(as_name, record[1])) != names]
    options = (
        *text.encoding_options,
        f"# an SAP list with {'tabs' if mark == _TAB else 'bars'}; lines left out: {_listed(account.intake.skipped)}",
        *_broken(len(found) - len(records)),
        *_last_line(text, lines, mark, account),
    )
    line = records[header.at][0]
    if _is_found(lines, mark, header, line, account):
        header = replace(header, find=(), row=None, below="")
    elif not header.find:
        header = replace(header, row=line, below=f"DECIDE: header: is it always line {line}? The source is not certain")
    return Reading("sap-list", options, header, below, whole=text.whole)


def _has_bars(texts: Sequence[str], bar: str) -> bool:
    """Whether nearly all lines with the bar begin and end with it."""
    barred = [text.strip() for text in texts if bar in text]
    framed = sum(text.startswith(bar) and text.endswith(bar) for text in barred)
    return framed > 1 and framed >= 0.9 * len(barred)


def _has_blank_margin(texts: Sequence[str]) -> bool:
    """Whether the rows with tabs have nothing in front of the first one, as SAP's have."""
    rows = [text for text in texts if _TAB in text and not is_blank(text)]
    tabs, count = next(iter(Counter(text.count(_TAB) for text in rows).most_common(1)), (0, 0))
    return count > 1 and all(is_blank(text.partition(_TAB)[0]) for text in rows if text.count(_TAB) == tabs)


def _records(lines: Lines, mark: str, how: How, account: Account) -> Iterator[Record]:
    blocks = tab_blocks([lines], 0, how, account) if mark == _TAB else bar_blocks([lines], mark, how, account)
    return (
        (row.line, row.cells)
        for row in rows_of(blocks)
        if isinstance(row.cells, Refused) or not is_blank_row(row.cells)
    )


def _listed(skipped: Counter[str]) -> str:
    return ", ".join(f"{rule} {count}" for rule, count in skipped.most_common()) or "none"


def _broken(count: int) -> Iterator[str]:
    if count:
        yield f"# DECIDE: {count} lines have a bar on one side only, and will be rejected; correct the export"


def _last_line(text: Text, lines: Lines, mark: str, account: Account) -> Iterator[str]:
    yield from text.last_line_options
    if text.whole and not text.is_cut and (why := _refusal(lines, mark, account, accept_cut=False)):
        yield f"# DECIDE: {why}. Is that always so? Or was this file cut? Then leave it out"
        yield "last_line: accept"


def _is_found(lines: Lines, mark: str, header: Header, line: int, account: Account) -> bool:
    """Whether the source finds this header by itself."""
    if mark != _TAB:
        return header.at == 0 and not _refusal(lines, mark, account, search=True)
    try:
        return header_line((lines[0][:_WITHIN], lines[1][:_WITHIN]), account) == line
    except SourceError:
        return False


def _refusal(lines: Lines, mark: str, account: Account, *, search: bool = False, accept_cut: bool = True) -> str:
    """Why the source would not read the list; empty if it would."""
    try:
        for _ in _records(lines, mark, How(search=search, skip_totals=True, accept_cut=accept_cut), account):
            pass
    except SourceError as error:
        return error.what
    return ""
