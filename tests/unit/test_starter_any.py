"""Whatever stands in an export of any format, its proposal is sound and its source reads it."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import date, datetime, time
from pathlib import Path
from tempfile import TemporaryDirectory
from xml.sax.saxutils import escape, quoteattr

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kpisync.errors import SourceError
from kpisync.starter.formats import read_export
from tests.unit.starter_builders import came, saved, workbook

TEXTS = (
    "",
    "L1",
    "Line",
    "18.11.2026",
    "1.234,5",
    "Total",
    "${env:X}",
    "a: b",
    "#N/A",
    "@1",
    "a#2",
    "*",
    "é'\"{",
    " x ",
)
TYPED = (0, 46346, -1.5, 0.798, True, date(2026, 11, 18), datetime(2026, 11, 18, 6, 0), time(6, 0), None)  # noqa: DTZ001
NAMES = st.sampled_from(["line", "a b", "x.y", "${q}", "@id", "0", "datum", "Line"])
CHECK = settings(max_examples=80, deadline=None, suppress_health_check=list(HealthCheck))


def is_read(make: Callable[[], bytes]) -> None:
    """Or refused as a whole, by one clear error, before anything is proposed."""
    with TemporaryDirectory() as name:
        file = Path(name, "export")
        file.write_bytes(make())
        try:
            read_export(str(file))
        except SourceError:
            return
        came(Path(name), file.read_bytes())


@CHECK
@given(st.lists(st.lists(st.sampled_from([*TEXTS, *TYPED]), min_size=1, max_size=5), min_size=1, max_size=7))
def test_any_workbook(rows: list[list[object]]) -> None:
    is_read(lambda: saved(workbook(*map(tuple, rows), Other="hidden")))


OBJECT = st.recursive(
    st.sampled_from([*TEXTS, 1, 1.5, None, True]),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(NAMES, inner, max_size=4),
    max_leaves=30,
)


@CHECK
@given(st.lists(OBJECT, max_size=4) | st.dictionaries(NAMES, OBJECT, max_size=4), st.booleans())
def test_any_json(document: object, as_lines: bool) -> None:
    rows = document if isinstance(document, list) else [document]
    text = "".join(f"{json.dumps(row)}\n" for row in rows) if as_lines else json.dumps(document)
    is_read(text.encode)


TAGS = st.sampled_from(["a", "b", "LINE", "n:q", "dat-um"])


def element(tag: str, attributes: dict[str, str], inner: list[str]) -> str:
    told = "".join(f" {name}={quoteattr(text)}" for name, text in attributes.items())
    return f"<{tag}{told}>{''.join(inner)}</{tag}>"


ELEMENTS = st.recursive(
    st.sampled_from(TEXTS).map(escape),
    lambda inner: st.builds(
        element, TAGS, st.dictionaries(TAGS, st.sampled_from(TEXTS), max_size=2), st.lists(inner, max_size=4)
    ),
    max_leaves=20,
)


@CHECK
@given(st.lists(ELEMENTS, max_size=6))
def test_any_xml(inner: list[str]) -> None:
    is_read(lambda: f'<root xmlns:n="urn:n">{"".join(inner)}</root>'.encode())


WORDS = st.sampled_from(["L1", "L222", "18.11.2026", "1,5", "-12", "see below", "", "Line", "|", "* 3", "\t"])


@CHECK
@given(st.lists(st.lists(WORDS, min_size=2, max_size=4), min_size=1, max_size=12), st.integers(4, 12))
def test_any_lines_of_fixed_width(rows: list[list[str]], width: int) -> None:
    is_read(lambda: "".join(f"{' '.join(word.ljust(width) for word in row)}\n" for row in rows).encode())


@CHECK
@given(st.lists(st.lists(WORDS, min_size=2, max_size=4), min_size=1, max_size=12), st.booleans())
def test_any_list_with_bars(rows: list[list[str]], closed: bool) -> None:
    lines = [f"|{'|'.join(row)}|" for row in rows]
    is_read(lambda: "\n".join(["-----", *lines[:1], "-----", *lines[1:], *(["-----"] * closed), ""]).encode())
