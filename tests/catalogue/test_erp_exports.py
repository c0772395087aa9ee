"""Exports of a real ERP (the files of the demo): orders with their lines, drafts without a number, two locales."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from csv_exports import Came, came_of

EXPORTS = Path(__file__).parents[2] / "config/demo/exports"
ENGLISH: tuple[str, dict[str, Any], dict[str, Any]] = ("default", {}, {})
GERMAN: tuple[str, dict[str, Any], dict[str, Any]] = (
    "de_cp1252",
    {"encoding": "cp1252", "delimiter": ";", "decimal": ","},
    {"format": "%d.%m.%Y"},
)
SITE = "Logistikstandort/Bezeichnung des Datensatzes"
ORDER = ["Nummer", "Referenz", "Verkaufsdatum", "Unternehmen/Bezeichnung des Datensatzes", SITE]
ORDER += ["Partei/Bezeichnung des Datensatzes", "Währung/Code", "Status"]
NET = Decimal("925833.61")  # of all orders, whatever their currency
Locale = tuple[str, dict[str, Any], dict[str, Any]]


def orders(locale: Locale, column: str, **source: Any) -> Came:
    """Sums by day and site of a column of the orders with their lines."""
    name, options, day = locale
    value = {"kpi": "scrap", "value": "actual", "column": column, "aggregate": "sum"}
    map = {
        "date": {"column": "Verkaufsdatum", **day},
        "team": {"column": SITE, "lookup": "sites"},
        "values": [value],
    }
    return came_of(EXPORTS / f"sales_with_lines_client_{name}.csv", {**options, **source}, map)


@pytest.fixture(params=[ENGLISH, GERMAN], ids=["english", "german"])
def locale(request: pytest.FixtureRequest) -> Locale:
    found: Locale = request.param
    return found


def test_the_totals_of_orders_are_those_of_their_lines_once_the_lines_join_their_order(locale: Locale) -> None:
    lines = orders(locale, "Positionen/Betrag", fill_down=[*ORDER, "Netto"])
    totals = orders(locale, "Netto", fill_down=ORDER)
    heads = orders(locale, "Netto", require=["Verkaufsdatum"])
    assert lines.total == totals.total == heads.total == NET
    assert lines.numbers == totals.numbers == heads.numbers
    assert (lines.rejects, totals.rejects, heads.rejects) == ([], [], [])


def test_every_row_is_the_first_of_an_order_or_continues_one(locale: Locale) -> None:
    assert orders(locale, "Positionen/Betrag", fill_down=ORDER).intake.read == 440
    assert orders(locale, "Netto", require=["Verkaufsdatum"]).intake.skipped == {"require Verkaufsdatum": 185}
    assert orders(locale, "Netto", require=["Nummer"]).intake.skipped == {"require Nummer": 195}


def test_a_draft_without_a_number_is_an_order_of_its_own(locale: Locale) -> None:
    """By the number alone its lines would be joined to the order above, and its date and site with them."""
    drafts = orders(locale, "Positionen/Betrag", fill_down=ORDER, drop_rows=[{"column": "Nummer", "matches": "."}])
    assert drafts.intake.skipped["drop_rows Nummer"] + drafts.intake.read == 440
    assert drafts.total == Decimal("19568.35")
    assert len(drafts.numbers) == 10


def test_both_locales_state_the_same_numbers() -> None:
    for column in ("Netto", "Positionen/Betrag", "Positionen/Menge"):
        english, german = (orders(each, column, fill_down=ORDER).numbers for each in (ENGLISH, GERMAN))
        assert english == german
        assert {key: str(number) for key, number in english.items()} == {k: str(n) for k, n in german.items()}


def test_without_the_fill_down_the_further_lines_are_rejected_and_joined_to_nothing(locale: Locale) -> None:
    came = orders(locale, "Positionen/Betrag")
    assert len(came.rejects) == 185
    assert {reject.split()[1] for reject in came.rejects} == {"no-date:"}


def test_production_orders_of_both_locales_state_the_same_output() -> None:
    columns = ["Nummer", "Referenz", "Artikel/Bezeichnung des Datensatzes", "Geplantes Datum", "Effektives Datum"]
    found = []
    for name, options, day in (ENGLISH, GERMAN):
        map = {
            "date": {"column": "Effektives Datum", **day},
            "team": "press",
            "values": [
                {
                    "kpi": "output",
                    "value": "actual",
                    "column": "Ausgangs-Materialien/Menge",
                    "aggregate": "sum",
                }
            ],
        }
        source = {**options, "fill_down": [*columns, "Status"], "require": ["Effektives Datum"]}
        came = came_of(EXPORTS / f"productions_client_{name}.csv", source, map)
        assert came.rejects == []
        found.append(came.numbers)
    assert found[0] == found[1]
    assert found[0]


def test_shipments_are_counted_by_day_in_the_encoding_of_their_byte_order_mark() -> None:
    map = {
        "date": {"column": "Effektives Datum", "format": "%d.%m.%Y"},
        "team": "press",
        "values": [{"kpi": "output", "value": "actual", "aggregate": "count"}],
    }
    came = came_of(
        EXPORTS / "shipments_out_client_de_locale.csv", {"delimiter": ";", "require": ["Effektives Datum"]}, map
    )
    assert came.rejects == []
    assert came.total == came.intake.read == 230 - came.intake.skipped["require Effektives Datum"]
