"""`preview`: rows as read and as mapped, and an account of the others; nothing but the source is contacted."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

from tests.acceptance.conftest import CONFIG
from tests.unit.starter_builders import saved, workbook

if TYPE_CHECKING:
    from tests.acceptance.conftest import Project


def test_rows_are_shown_as_read_and_as_mapped(project: Project) -> None:
    project.source("L1;18.11.2026;177", "L2;19.11.2026;1,5")
    document = project.call("preview", "scrap-daily", "--json").json
    assert document["tables"] == [
        {
            "origin": "scrap.csv",
            "columns": ["Linie", "Datum", "Ausschuss"],
            "rows": [
                {"line": 2, "cells": ["L1", "18.11.2026", "177"]},
                {"line": 3, "cells": ["L2", "19.11.2026", "1,5"]},
            ],
        }
    ]
    assert document["mapped"] == [
        {
            "kpi": "scrap",
            "team": "line-1",
            "value": "actual",
            "period": "2026-11-18",
            "number": 177,
            "source": "scrap.csv:2",
        },
        {
            "kpi": "scrap",
            "team": "line-2",
            "value": "actual",
            "period": "2026-11-19",
            "number": 1.5,
            "source": "scrap.csv:3",
        },
    ]


def test_nothing_is_contacted_and_no_state_is_made(project: Project) -> None:
    project.source("L1;18.11.2026;177")
    before = sorted(project.folder.iterdir())
    assert project.call("preview", "scrap-daily").code == 0
    assert project.board.requests == {}
    assert sorted(project.folder.iterdir()) == before


def test_what_was_skipped_is_told_by_its_rule_with_examples(project: Project) -> None:
    project.config(CONFIG.replace('decimal: ","', 'decimal: ",", require: [Datum]'))
    project.source("L1;18.11.2026;1", "Summe;;1", ";;")
    document = project.call("preview", "scrap-daily", "--json").json
    assert document["skipped"] == [
        {"rule": "blank", "count": 1, "examples": ["scrap.csv:4"]},
        {"rule": "require Datum", "count": 1, "examples": ["scrap.csv:3"]},
    ]
    assert "skipped by require Datum: 1 (scrap.csv:3)" in project.call("preview", "scrap-daily").out


def test_what_was_rejected_is_told_with_its_reason_and_is_no_failure(project: Project) -> None:
    project.source("L9;18.11.2026;1", "L1;18.11.2026;1")
    outcome = project.call("preview", "scrap-daily")
    assert outcome.code == 0
    assert "rejected unknown-team: scrap.csv:2: L9 is not in lookup lines" in outcome.out


def test_rows_that_state_nothing_are_counted(project: Project) -> None:
    project.source("L1;18.11.2026;1", "L1;19.11.2026;", "L1;01.01.2020;5", "L9;18.11.2026;1")
    document = project.call("preview", "scrap-daily", "--from", "2026-11-01", "--json").json
    assert document["silent"] == {"count": 2, "examples": ["scrap.csv:3", "scrap.csv:4"]}
    assert (document["rows"], document["values"], len(document["rejects"])) == (4, 1, 1)


def test_so_many_rows_and_values_are_shown_as_asked_for_and_all_are_counted(project: Project) -> None:
    project.source(*(f"L1;{day:02}.10.2026;{day}" for day in range(1, 29)))
    document = project.call("preview", "scrap-daily", "--rows", "2", "--json").json
    assert (len(document["tables"][0]["rows"]), len(document["mapped"])) == (2, 2)
    assert (document["rows"], document["values"]) == (28, 28)


def test_values_are_aggregated_as_in_a_run(project: Project) -> None:
    project.config(CONFIG.replace("column: Ausschuss}", "column: Ausschuss, aggregate: sum}"))
    project.source("L1;18.10.2026;1", "L1;18.10.2026;2,5")
    (mapped,) = project.call("preview", "scrap-daily", "--json").json["mapped"]
    assert (mapped["number"], mapped["source"]) == (3.5, "scrap.csv:2,3")


def test_an_unknown_job_is_named_with_the_nearest(project: Project) -> None:
    outcome = project.call("preview", "scrap-dialy")
    assert outcome.code == 2
    assert "did you mean scrap-daily?" in outcome.err


def test_a_broken_job_says_where(project: Project) -> None:
    project.config(CONFIG.replace("lookup: lines", "lookup: rows"))
    outcome = project.call("preview", "scrap-daily")
    assert outcome.code == 2
    assert "kpisync.yaml:" in outcome.err


def test_a_missing_column_is_exit_code_4(project: Project) -> None:
    project.source("L1;18.11.2026;1", header="Linie;Datum;Menge")
    outcome = project.call("preview", "scrap-daily")
    assert outcome.code == 4
    assert "Ausschuss" in outcome.err


def test_columns_that_do_not_fit_are_named_and_those_of_the_map_are_shown(project: Project) -> None:
    wide = ";".join(f"Spalte {number}" for number in range(30))
    project.source("L1;18.11.2026;1;" + ";".join("x" * 20 for _ in range(30)), header=f"Linie;Datum;Ausschuss;{wide}")
    out = project.call("preview", "scrap-daily").out
    assert "18.11.2026" in out
    assert "left out for their width: " in out
    assert " more (--json shows all)" in out


def test_typed_cells_are_shown_as_they_are_read_with_sheet_and_row(project: Project) -> None:
    rows = (("Linie", "Datum", "Ausschuss"), ("L1", date(2026, 11, 18), 0.798), ("L2", date(2026, 11, 19), 10))
    (project.folder / "scrap.xlsx").write_bytes(saved(workbook(*rows, sheet="Scrap")))
    of_csv = 'type: csv, path: scrap.csv, delimiter: ";", decimal: ","'
    project.config(CONFIG.replace(of_csv, "type: excel, path: scrap.xlsx").replace(', format: "%d.%m.%Y"', ""))
    document = project.call("preview", "scrap-daily", "--json").json
    assert [row["cells"] for row in document["tables"][0]["rows"]] == [
        ["L1", "2026-11-18", "0.798"],
        ["L2", "2026-11-19", "10"],
    ]
    assert [value["source"] for value in document["mapped"]] == ["scrap.xlsx!Scrap:2", "scrap.xlsx!Scrap:3"]
    assert "scrap.xlsx!Scrap:2" in project.call("preview", "scrap-daily").out


def test_columns_without_a_cell_make_room_for_others(project: Project) -> None:
    blank = ";".join(f"Leerspalte {number}" for number in range(30))
    project.source(f"L1;18.11.2026;1;{';' * 29};noted", header=f"Linie;Datum;Ausschuss;{blank};Bemerkung")
    assert "noted" in project.call("preview", "scrap-daily").out


def test_places_in_one_file_are_shown_side_by_side(project: Project) -> None:
    project.config(CONFIG.replace('decimal: ","', 'decimal: ",", require: [Datum]'))
    project.source("L1;18.11.2026;1", "Summe;;1", "Summe;;2")
    assert "skipped by require Datum: 2 (scrap.csv:3,4)" in project.call("preview", "scrap-daily").out


def test_rows_of_several_files_are_told_apart(project: Project) -> None:
    project.config(CONFIG.replace("path: scrap.csv", 'path: "scrap_*.csv"'))
    project.source("L1;18.11.2026;1", name="scrap_1.csv")
    project.source("L2;18.11.2026;1", name="scrap_2.csv")
    out = project.call("preview", "scrap-daily").out
    assert "as read: scrap_1.csv: 1 of 2 rows in all" in out
    assert "as read: scrap_2.csv: 1 of 2 rows in all" in out
