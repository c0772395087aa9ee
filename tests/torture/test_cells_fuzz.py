"""Whatever a cell of a source holds, it is the number that its format says, or none, or refused; never another."""

from __future__ import annotations

import csv
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date
from decimal import Decimal, InvalidOperation, localcontext
from pathlib import Path
from random import Random
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from measure import amount
from openpyxl import Workbook
from written_cells import LOCALES, REFUSED, Locale, cells, meaning

from kpisync.mapping.apply import Mapper
from kpisync.mapping.catalog_options import CatalogOptions
from kpisync.mapping.options import MapOptions
from kpisync.model import Intake, NumberFormat, Scope
from kpisync.ports import AdapterSpec, Source, Surroundings
from kpisync.sources.csv import SPEC as CSV
from kpisync.sources.excel import SPEC as EXCEL
from kpisync.tables.numbers import BadNumber, parse_number

many = settings(
    max_examples=amount(1_000, 50_000), deadline=None, suppress_health_check=[HealthCheck.too_slow], database=None
)
SEPARATORS = {" ": " \u00a0\u202f", "'": "'\u2019"}  # the ways to type one
formats = st.builds(
    NumberFormat,
    decimal=st.sampled_from(".,"),
    thousands=st.sampled_from([None, ".", ",", " ", "'"]),
    signs=st.sets(st.sampled_from(["leading", "trailing", "parentheses"])).map(tuple),
    nulls=st.sampled_from([frozenset({""}), frozenset({"", "-", "0"})]),
).filter(lambda fmt: fmt.decimal != fmt.thousands)
pieces = st.sampled_from(
    [*"0123456789", "00", "000", "123", "999", *".,.,' \u00a0\u2019", *"-+\u2212()", "e", "E-", "e+"]
)
texts = st.lists(pieces, max_size=9).map("".join) | st.text("0123456789.,-() ", max_size=12) | st.text(max_size=6)


def oracle(text: str, fmt: NumberFormat) -> Decimal:
    """What an accepted cell means: signs aside, separators out, the decimal one a point."""
    body = text.strip()
    mantissa = re.split("[eE]", body)[0] + ("" if re.search("[eE]", body) is None else body[-1:])
    negative = "(" in body or any(sign in (mantissa[:1], body[-1:]) for sign in "-\u2212")
    body = body.strip("()").strip().strip("+-\u2212")
    for char in SEPARATORS.get(fmt.thousands or "", fmt.thousands or ""):
        body = body.replace(char, "")
    with localcontext(prec=200):
        number = Decimal(body.replace(fmt.decimal, "."))
        return -number if negative else number


def check(text: str, fmt: NumberFormat) -> None:
    try:
        number = parse_number(text, fmt)
    except BadNumber as refused:
        assert str(refused).isprintable()
        return
    if number is None:
        assert text.strip() in fmt.nulls | {""}
        return
    assert number == oracle(text, fmt), (text, fmt)
    assert number.is_finite()


@many
@given(texts, formats)
def test_a_cell_is_the_number_that_it_says_or_refused(text: str, fmt: NumberFormat) -> None:
    check(text, fmt)


@many
@given(st.decimals(allow_nan=False, allow_infinity=False, min_value=-(10**15), max_value=10**15, places=3), st.data())
def test_a_damaged_number_is_another_one_only_if_it_says_so(number: Decimal, data: st.DataObject) -> None:
    fmt = data.draw(formats)
    whole, _, fraction = f"{number:,}".partition(".")
    text = whole.replace(",", fmt.thousands or "") + fmt.decimal + fraction
    at = data.draw(st.integers(0, len(text)))
    gone = data.draw(st.integers(0, 2))
    check(text[:at] + data.draw(st.just("") | pieces) + text[at + gone :], fmt)


# ---------------------------------------------------------------- through a source and the mapping


Writer = Callable[[Path, Iterable[Sequence[str]]], tuple[AdapterSpec[Source], Path]]


def csv_file(folder: Path, rows: Iterable[Sequence[str]]) -> tuple[AdapterSpec[Source], Path]:
    path = folder / "cells.csv"
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file, quoting=csv.QUOTE_ALL).writerows(rows)
    return CSV, path


def workbook(folder: Path, rows: Iterable[Sequence[str]]) -> tuple[AdapterSpec[Source], Path]:
    path = folder / "cells.xlsx"
    book = Workbook(write_only=True)
    sheet = book.create_sheet("cells")
    for row in rows:
        sheet.append(row)
    book.save(path)
    return EXCEL, path


def numbers_of(spec: AdapterSpec[Source], path: Path, options: dict[str, Any]) -> dict[int, Decimal | str]:
    """Line → the number that would be sent or REFUSED; no entry for a cell without a value."""
    source = spec.build(spec.options.model_validate({"path": str(path), **options}), Surroundings())
    catalog = CatalogOptions.model_validate({"kpis": {"scrap": {"id": "s", "values": {"actual": "a"}}}}).catalog()
    values = [{"kpi": "scrap", "value": "actual", "column": "cell"}]
    map = MapOptions.model_validate({"date": {"column": "day"}, "values": values})
    scope, intake = Scope(date(2026, 11, 20)), Intake()
    found: dict[int, Decimal | str] = {}
    for table in source.read(scope, intake):
        for reading in Mapper(map, "okr", catalog, {}, scope).readings(table, intake):
            if reading.number is not None:
                found[reading.line] = reading.number
    for rejection in intake.rejections:
        assert rejection.code == "bad-number", rejection
        line = int((rejection.source or "").rpartition(":")[2])
        assert line not in found
        found[line] = REFUSED
    return found


def wrong(texts: Sequence[str], locale: Locale, found: Mapping[int, Decimal | str]) -> list[tuple[str, object, object]]:
    """Cells that came out as something else than they say; the first cell stands in line 2."""
    expected = {line: said for line, text in enumerate(texts, 2) if (said := meaning(text, locale)) is not None}
    lines = sorted(expected.keys() | found.keys())
    return [
        (texts[line - 2], expected.get(line), found.get(line))
        for line in lines
        if expected.get(line) != found.get(line)
    ]


@pytest.mark.parametrize("write", [csv_file, workbook])
@pytest.mark.parametrize("place", sorted(LOCALES))
def test_every_cell_of_an_export_is_the_number_that_it_says(tmp_path: Path, place: str, write: Writer) -> None:
    locale = LOCALES[place]
    texts = list(cells(Random(place), locale, amount(1_000, 40_000)))
    spec, path = write(tmp_path, [("day", "cell"), *(("2026-11-19", text) for text in texts)])
    assert wrong(texts, locale, numbers_of(spec, path, locale.options)) == []


@pytest.mark.parametrize("place", sorted(LOCALES))
def test_cells_of_every_kind_are_among_those_generated(place: str) -> None:
    said = [meaning(text, LOCALES[place]) for text in cells(Random(place), LOCALES[place], 1_000)]
    numbers = [number for number in said if isinstance(number, Decimal)]
    assert len(numbers) > 500
    assert said.count(REFUSED) > 50
    assert said.count(None) > 10
    assert min(numbers) < 0 < max(numbers)


def careless(text: str, locale: Locale) -> Decimal | str | None:
    """A parser as many have it: all separators but the last one are taken out, and groups are not counted."""
    digits = re.sub(r"[^0-9.,-]", "", text).replace(locale.groups[0], "").replace(locale.decimal, ".")
    try:
        return Decimal(digits) if digits else None
    except InvalidOperation:
        return REFUSED


@pytest.mark.parametrize("place", sorted(LOCALES))
def test_a_careless_parser_is_found_out(place: str) -> None:
    locale = LOCALES[place]
    texts = list(cells(Random(place), locale, 1_000))
    found = {line: said for line, text in enumerate(texts, 2) if (said := careless(text, locale)) is not None}
    assert len(wrong(texts, locale, found)) > 20
