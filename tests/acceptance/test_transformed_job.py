"""A job with a transform: its rows are summed before they are mapped, and a mistake is told at its line."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.acceptance.conftest import CONFIG

if TYPE_CHECKING:
    from tests.acceptance.conftest import Project

SUMMED = "SELECT Linie, Datum, SUM(Ausschuss) AS Ausschuss FROM source GROUP BY Linie, Datum"


def with_transform(query: str) -> str:
    return CONFIG.replace("    map:\n", f"    transform: |\n      {query}\n    map:\n")


def actual(project: Project) -> dict[str, str]:
    return {team: values["actual"] for (_, team), values in project.records().items()}


def test_rows_are_summed_and_a_second_run_makes_no_request(project: Project) -> None:
    project.config(with_transform(SUMMED))
    project.source(*["L1;19.11.2026;0,1"] * 10, "L2;19.11.2026;3")
    run = project.run()
    assert (run["exit"], run["rows"], run["created"], run["confirmed"]) == (0, 11, 2, 2)
    assert actual(project) == {"line-1": "1", "line-2": "3"}
    again = project.run()
    assert (again["exit"], again["unchanged"], again["requests"]) == (0, 2, {})


def test_a_row_more_changes_the_sum_that_it_belongs_to(project: Project) -> None:
    project.config(with_transform(SUMMED))
    project.source("L1;19.11.2026;1", "L2;19.11.2026;3")
    project.run()
    project.source("L1;19.11.2026;1", "L1;19.11.2026;1,5", "L2;19.11.2026;3")
    plan = project.call("plan", "--json").json["jobs"][0]
    (change,) = plan["changes"]
    assert (change["team"], change["values"][0]["old"], change["values"][0]["new"]) == ("line-1", 1, 2.5)
    assert change["values"][0]["source"].startswith("scrap.csv: transform:")


def test_another_query_is_carried_out_over_the_same_file(project: Project) -> None:
    project.source("L1;19.11.2026;1", "L1;19.11.2026;2")
    project.config(with_transform(SUMMED))
    project.run()
    project.config(with_transform(SUMMED.replace("SUM", "AVG")))
    run = project.run()
    assert (run["updated"], actual(project)) == (1, {"line-1": "1.5"})


def test_what_sql_divides_has_six_decimals(project: Project) -> None:
    project.config(with_transform(SUMMED.replace("SUM(Ausschuss)", "SUM(Ausschuss) / 3")))
    project.source("L1;19.11.2026;2")
    project.run()
    assert actual(project) == {"line-1": "0.666667"}


def test_a_cell_that_is_no_number_stops_the_job_and_is_named(project: Project) -> None:
    project.config(with_transform(SUMMED))
    project.source("L1;19.11.2026;1", "L2;19.11.2026;n/a")
    run = project.run()
    assert (run["exit"], run["status"], project.records()) == (4, "failed", {})
    assert "scrap.csv:3: 'n/a' is not a number" in run["error"]


def test_a_rejected_row_stops_the_job_and_is_named(project: Project) -> None:
    project.config(with_transform(SUMMED))
    project.source("L1;19.11.2026;1", "L2;19.11.2026")
    run = project.run()
    assert (run["exit"], project.records()) == (4, {})
    assert "a row was rejected" in run["error"] and "scrap.csv:3" in run["error"]


def test_a_mistake_in_the_query_is_told_at_its_line_before_anything_runs(project: Project) -> None:
    project.config(with_transform("DELETE FROM source"))
    checked = project.call("check")
    assert checked.code == 2
    assert "kpisync.yaml:24:16: " in checked.err
    assert "is not one SELECT (or WITH … SELECT) over source" in checked.err


def test_preview_shows_the_result_as_rows(project: Project) -> None:
    project.config(with_transform(SUMMED))
    project.source("L1;19.11.2026;1", "L1;19.11.2026;2")
    (table,) = project.call("preview", "scrap-daily", "--json").json["tables"]
    assert table["columns"] == ["Linie", "Datum", "Ausschuss"]
    assert [row["line"] for row in table["rows"]] == [1]
