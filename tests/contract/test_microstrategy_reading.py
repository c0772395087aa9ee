"""What MicroStrategy shows arrives row by row: exact numbers, no totals, nothing invented, whatever the pages."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from microstrategy_builders import (
    CUBE,
    DASHBOARD,
    DAY,
    KPI,
    LINE,
    NOVEMBER,
    OUTPUT,
    PLANT,
    REPORT,
    SCRAP,
    Reader,
    attribute,
    cube,
    id_of,
    kpi,
    prompt,
    reader,
    report,
    shown,
)

from kpisync.errors import ConfigError, HeldError

D = Decimal
LINES = [attribute(DAY, "Day"), attribute(LINE, "Line", "ID", "DESC")]
BOTH = [{"id": SCRAP, "name": "Scrap"}, {"id": OUTPUT, "name": "Output"}]


@pytest.fixture(scope="module")
def shared() -> Iterator[Reader]:
    with reader() as source:
        yield source


# ---------------------------------------------------------------- cubes


def test_a_cube_is_read_whole_with_the_names_of_the_platform() -> None:
    with reader(cube(["2026-11-20", ["L1", "Line 1"], D(3), D(9)], attributes=LINES, metrics=BOTH)) as source:
        (table,) = source.tables(cube=CUBE)
        assert table.columns == ("Day", "Line@ID", "Line@DESC", "Scrap", "Output")
        assert [(row.line, *row.cells) for row in table.rows] == [(1, "2026-11-20", "L1", "Line 1", D(3), D(9))]
        assert source.intake.read == 1


def test_metrics_without_attributes_are_one_number_each() -> None:
    rows = [["2026-11-19", ["L1", "a"], D("1.5"), D(1)], ["2026-11-20", ["L2", "b"], D("2.25"), D(1)]]
    with reader(cube(*rows, attributes=LINES, metrics=BOTH)) as source:
        assert source.rows(cube=CUBE, metrics={"Ausschuss": SCRAP}) == [(D("3.75"),)]
        asked = json.loads(source.body("POST", "/instances"))
        assert asked == {"requestedObjects": {"attributes": [], "metrics": [{"id": SCRAP}]}}


def test_chosen_attributes_and_metrics_have_the_names_of_the_job() -> None:
    rows = [["2026-11-20", [line, line.lower()], D(2), D(7)] for line in ("L1", "L2")]
    with reader(cube(*rows, attributes=LINES, metrics=BOTH)) as source:
        options: dict[str, Any] = {"cube": CUBE, "metrics": {"n": OUTPUT, "bad": SCRAP}, "attributes": {"Linie": LINE}}
        assert source.columns(**options) == ("Linie@ID", "Linie@DESC", "n", "bad")
        assert source.rows(**options) == [("L1", "l1", D(7), D(2)), ("L2", "l2", D(7), D(2))]


def test_two_metrics_of_one_name_are_told_apart_by_their_ids() -> None:
    same = [{"id": SCRAP, "name": "Amount"}, {"id": OUTPUT, "name": "Amount"}]
    with reader(cube(["2026-11-20", D(1), D(2)], metrics=same)) as source:
        assert source.columns(cube=CUBE) == ("Day", "Amount", "Amount")
        assert source.rows(cube=CUBE, metrics={"second": OUTPUT}) == [(D(2),)]


@pytest.mark.parametrize(
    "number", ["0", "-5", "0.1", "1204.50", "11762.078000000001", "12345678901234567890.123456789"]
)
def test_numbers_are_the_raw_ones_digit_by_digit(number: str) -> None:
    with reader(cube(["2026-11-20", D(number)])) as source:
        ((_, cell),) = source.rows(cube=CUBE)
        assert str(cell) == number


def test_an_empty_metric_is_absent_and_never_zero() -> None:
    with reader(cube(["2026-11-18", None], ["2026-11-19", ""], ["2026-11-20", D(0)])) as source:
        assert source.rows(cube=CUBE) == [("2026-11-18", None), ("2026-11-19", ""), ("2026-11-20", D(0))]


def test_a_text_in_a_metric_stays_the_text_that_it_is() -> None:
    with reader(cube(["2026-11-20", "--"])) as source:
        assert source.rows(cube=CUBE) == [("2026-11-20", "--")]


@pytest.mark.parametrize("cell", [True, [1], {"rv": 1}])
def test_a_metric_that_is_no_number_and_no_text_is_rejected_with_its_row(cell: object) -> None:
    with reader(cube(["2026-11-19", D(1)], ["2026-11-20", cell])) as source:
        assert source.rows(cube=CUBE) == [("2026-11-19", D(1))]
        (rejection,) = source.intake.rejections
        assert str(rejection.source).endswith(f"cube {CUBE}:2")
        assert rejection.code == "cell"
        assert "Scrap is" in rejection.reason


def test_a_total_is_skipped_by_rule_and_counted() -> None:
    with reader(cube(["2026-11-19", D(1)], ["2026-11-20", D(2)], total=True)) as source:
        assert source.rows(cube=CUBE) == [("2026-11-19", D(1)), ("2026-11-20", D(2))]
        assert source.intake.skipped == {"total": 1}
        assert source.intake.examples["total"][0].endswith(f"cube {CUBE}:3")


def test_an_empty_cube_has_columns_and_no_rows() -> None:
    with reader(cube()) as source:
        assert source.columns(cube=CUBE) == ("Day", "Scrap")
        assert source.rows(cube=CUBE, metrics={"Ausschuss": SCRAP}) == []


def test_a_report_that_shows_attributes_alone_is_a_list_of_them() -> None:
    with reader(report(["2026-11-19"], ["2026-11-20"], metrics=[])) as source:
        assert source.rows(report=REPORT) == [("2026-11-19",), ("2026-11-20",)]


def test_what_shows_nothing_at_all_is_an_error() -> None:
    with reader(report(attributes=[], metrics=[])) as source:
        assert "neither attributes nor metrics" in source.error(report=REPORT).what


def test_the_rules_of_the_reader_hold_here_too() -> None:
    with reader(cube(["2026-11-19", D(1)], ["", D(2)], ["2026-11-20", D(3)])) as source:
        options: dict[str, Any] = {"cube": CUBE, "require": ["Tag"], "columns": {"Tag": {"from": "Day"}}}
        options["drop_rows"] = [{"column": "Tag", "matches": "19$"}]
        assert source.rows(**options) == [("2026-11-20", D(3))]
        assert source.intake.skipped == {"require Tag": 1, "drop_rows Tag": 1}


def test_a_column_that_is_not_there_is_an_error_with_those_that_are() -> None:
    with reader(cube(["2026-11-20", D(1)])) as source:
        error = source.error(cube=CUBE, require=["Daay"])
        assert str(error.where).endswith(f"cube {CUBE}")
        assert "Did you mean 'Day'" in str(error.hint)


def test_what_was_read_is_named_by_the_question_once_the_rows_are_used_up() -> None:
    with reader(cube(["2026-11-20", D(1)])) as source:
        (table,) = source.tables(cube=CUBE)
        assert source.intake.origins == {}
        assert len(list(table.rows)) == 1
        first = source.intake.origins[table.origin]
        source.rows(cube=CUBE, metrics={"Scrap": SCRAP})
        assert first.startswith("sha256:")
        assert source.intake.origins[table.origin] != first


# ---------------------------------------------------------------- shapes of a grid


def test_a_crosstab_becomes_one_row_for_each_pair() -> None:
    rows = [
        [day, [line, line], D(n), D(10 * n)] for n, (day, line) in enumerate([("19", "L1"), ("19", "L2"), ("20", "L1")])
    ]
    with reader(report(*rows, attributes=LINES, metrics=BOTH, across=1)) as source:
        assert source.rows(report=REPORT) == [
            ("19", "L1", "L1", D(0), D(0)),
            ("19", "L2", "L2", D(1), D(10)),
            ("20", "L1", "L1", D(2), D(20)),
            ("20", "L2", "L2", None, None),
        ]


@pytest.mark.parametrize("size", [1, 2, 3, 5, 1000])
def test_metrics_on_the_rows_come_together_again_also_over_two_pages(size: int) -> None:
    rows = [["18", D(1), D(2)], ["19", D(3), None], ["20", D(5), D(6)]]
    with reader(report(*rows, metrics=BOTH, metrics_on="rows")) as source:
        assert source.columns(report=REPORT, page_size=size) == ("Day", "Scrap", "Output")
        assert source.rows(report=REPORT, page_size=size) == [tuple(row) for row in rows]


def test_metrics_on_the_rows_of_a_square_are_not_guessed() -> None:
    rows = [["18", ["L1", "a"], D(1)], ["18", ["L2", "b"], D(2)], ["19", ["L1", "a"], D(3)]]
    with reader(report(*rows, attributes=LINES, metrics_on="rows", across=1)) as source:
        error = source.error(report=REPORT)
        assert "cannot be told apart" in error.what
        assert "Move the metrics to the columns" in str(error.hint)


def test_of_a_page_by_one_page_is_read_only_on_request() -> None:
    with reader(report(["2026-11-20", D(1)], page_by=[attribute(PLANT, "Plant")])) as source:
        assert "page-by (Plant)" in source.error(report=REPORT).what
        assert source.rows(report=REPORT, page_by=[f"h2;{PLANT}"]) == [("2026-11-20", D(1))]
        assert json.loads(source.body("POST", "/instances")) == {"currentPageBy": [{"id": f"h2;{PLANT}"}]}


ELEMENTS = st.lists(st.text("abcXYZ 0129ä", max_size=4), unique=True, max_size=9)
NUMBERS = st.none() | st.decimals(-(10**6), 10**6, places=3) | st.sampled_from(["", "n/a"])


@given(elements=ELEMENTS, size=st.integers(1, 12), across=st.booleans(), on_rows=st.booleans(), draw=st.data())
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_pages_of_any_size_give_the_same_rows(
    shared: Reader, elements: list[str], size: int, across: bool, on_rows: bool, draw: st.DataObject
) -> None:
    rows = [[text, ["L", "x"], draw.draw(NUMBERS), draw.draw(NUMBERS)] for text in elements]
    layout = {"across": int(across), "metrics_on": "rows" if on_rows else "columns"}
    wanted = [(text, "L", "x", *numbers) for text, _, *numbers in rows]
    shared.sandbox.put_object(report(*rows, attributes=LINES, metrics=BOTH, **layout))
    assert shared.rows(report=REPORT, page_size=size) == wanted
    assert shared.open_sessions == 0


@pytest.mark.parametrize("change", [["2026-11-21", D(9)], None])
def test_rows_that_come_or_go_between_two_pages_are_an_error(change: list[Any] | None) -> None:
    rows = [[f"2026-11-{day}", D(day)] for day in range(10, 16)]
    with reader(cube(*rows)) as source:
        held = source.sandbox

        def meddle() -> None:
            if sum(entry.method == "POST" for entry in held.journal) == 2:
                for session in held._core.platforms["microstrategy"]._sessions._open:  # type: ignore[attr-defined]
                    for instance in session.instances.values():
                        kept = instance.shows.rows[:-1] if change is None else (*instance.shows.rows, tuple(change))
                        instance.shows = instance.shows.model_copy(update={"rows": kept})

        source.wait_turn = meddle
        assert "were promised in all" in source.error(cube=CUBE, page_size=2).what


def test_more_rows_than_allowed_are_held_before_they_are_fetched() -> None:
    with reader(cube(["19", D(1)], ["20", D(2)])) as source:
        with pytest.raises(HeldError, match="there are 2 rows"):
            source.rows(cube=CUBE, max_rows=1)
        assert source.open_sessions == 0


# ---------------------------------------------------------------- filters and dates

_FILTER = (
    '{"operator": "Between", "operands": [{"value": "{from}"}, {"value": "{to}"}, {"value": "before {until}"}, 1.50]}'
)


def test_the_dates_of_the_run_stand_in_the_filter() -> None:
    with reader(cube(["2026-11-20", D(1)])) as source:
        assert source.source(cube=CUBE, view_filter=_FILTER).needs_range is True
        assert source.source(cube=CUBE, view_filter="{}").needs_range is False
        source.rows(NOVEMBER, cube=CUBE, view_filter=_FILTER)
        sent = source.body("POST", "/instances")
        values = [{"value": "2026-11-01"}, {"value": "2026-11-30"}, {"value": "before 2026-12-01"}, 1.5]
        assert json.loads(sent) == {"viewFilter": {"operator": "Between", "operands": values}}
        assert "1.50" in sent


def test_a_filter_with_dates_needs_them() -> None:
    with reader(cube()) as source, pytest.raises(ConfigError, match="lookback"):
        source.rows(cube=CUBE, view_filter=_FILTER)


# ---------------------------------------------------------------- prompts


def test_prompts_without_an_answer_are_named() -> None:
    with reader(report(["20", D(1)], prompts=[prompt("Day"), prompt("Plant", required=False)])) as source:
        error = source.error(report=REPORT)
        assert "Day (VALUE, required, key Day@0@10), Plant (VALUE, optional, key Plant@0@10)" in error.what
        assert "prompts" in str(error.hint)


@pytest.mark.parametrize(
    ("kind", "answer", "written"),
    [
        ("VALUE", {"value": "{from}T00:00:00.000+0000"}, {"answers": "2026-11-01T00:00:00.000+0000"}),
        ("VALUE", {"default": True}, {"useDefault": True}),
        ("ELEMENTS", {"elements": ["h4;A1"]}, {"answers": [{"id": "h4;A1"}]}),
        ("OBJECTS", {"objects": {DAY: 12}}, {"answers": [{"id": DAY, "type": 12}]}),
    ],
)
@pytest.mark.parametrize("name", ["Day", "Day@0@10", id_of(3)])
def test_a_prompt_is_answered_by_its_name_its_key_or_its_id(
    kind: str, answer: dict[str, Any], written: dict[str, Any], name: str
) -> None:
    with reader(report(["20", D(1)], prompts=[prompt("Day", type=kind, default=True)])) as source:
        assert source.rows(NOVEMBER, report=REPORT, prompts={name: answer}) == [("20", D(1))]
        (sent,) = json.loads(source.body("PUT", "/answers"))["prompts"]
        assert sent == {"key": "Day@0@10", "type": kind, **written}


def test_prompts_that_open_by_an_answer_are_answered_too() -> None:
    nested = [prompt("Year"), prompt("Quarter", after="Year@0@10")]
    with reader(report(["20", D(1)], prompts=nested)) as source:
        both = {"Year": {"value": "2026"}, "Quarter": {"value": "4"}}
        assert source.rows(report=REPORT, prompts=both) == [("20", D(1))]
        assert "Quarter (" in source.error(report=REPORT, prompts={"Year": {"value": "2026"}}).what


def test_an_answer_that_the_platform_refuses_is_told_in_its_words() -> None:
    with reader(report(["20", D(1)], prompts=[prompt("Day")])) as source:
        error = source.error(report=REPORT, prompts={"Day": {"default": True}})
        assert "answering the prompts of the report: the platform refuses it (status 400): ERR006" in error.what
        assert "has no default answer" in error.what


# ---------------------------------------------------------------- execution


@pytest.mark.parametrize("polls", [0, 1, 3, 7])
@pytest.mark.parametrize("respond_async", [False, True])
def test_what_is_still_running_is_asked_for_again(polls: int, respond_async: bool) -> None:
    with reader(cube(["20", D(1)]), polls=polls) as source:
        assert source.rows(cube=CUBE, respond_async=respond_async) == [("20", D(1))]
        assert source.open_sessions == 0


def test_the_wait_grows_and_ends() -> None:
    with reader(cube(["20", D(1)]), polls=1000) as source:
        error = source.error(cube=CUBE, execution_timeout="60s")
        assert "still running after 60 s" in error.what
        assert "execution_timeout" in str(error.hint)
        assert source.clock.monotonic() == 1 + 2 + 4 + 8 + 15 + 15 + 15
        assert source.open_sessions == 0


@pytest.mark.parametrize("options", [{"cube": CUBE}, {"report": REPORT}])
def test_an_execution_that_fails_is_told_in_the_words_of_the_platform(options: dict[str, Any]) -> None:
    with reader(cube(fails=True), report(fails=True)) as source:
        assert "failed (status 3): The warehouse is not reached." in source.error(**options).what


# ---------------------------------------------------------------- dashboards


def _dashboard(**more: Any) -> dict[str, Any]:
    shows = [
        {"key": "K1", "page": "Bitcoin", "chapter": "Summary", **shown(["20", D(1)], name="Price")},
        {"key": "K2", "page": "Mining", "chapter": "Chain", **shown(["20", D(2)], name="Price")},
        {"key": "K/3", **shown([D("22212.82")], name="Latest", attributes=[])},
    ]
    return {"kind": "dashboard", "id": DASHBOARD, "name": "Board", "visualizations": shows, **more}


@pytest.mark.parametrize(
    ("wanted", "row"),
    [
        ({"visualization": "K2"}, ("20", D(2))),
        ({"visualization": "Price", "page": "Bitcoin"}, ("20", D(1))),
        ({"visualization": "Price", "chapter": "Chain"}, ("20", D(2))),
        ({"visualization": "Latest"}, (D("22212.82"),)),
    ],
)
@pytest.mark.parametrize("polls", [0, 2])
def test_a_visualization_is_found_by_key_or_name(wanted: dict[str, str], row: tuple[object, ...], polls: int) -> None:
    with reader(_dashboard(), polls=polls) as source:
        assert source.rows(dashboard={"id": DASHBOARD, **wanted}) == [row]


def test_the_instance_of_a_dashboard_is_freed() -> None:
    with reader(_dashboard()) as source:
        source.rows(dashboard={"id": DASHBOARD, "visualization": "K1"})
        assert [status for method, _, status in source.asked if method == "DELETE"] == [204]


@pytest.mark.parametrize("name", ["Price", "Pirce"])
def test_a_visualization_that_is_not_one_is_an_error_with_those_that_are(name: str) -> None:
    with reader(_dashboard()) as source:
        error = source.error(dashboard={"id": DASHBOARD, "visualization": name})
        assert "Summary / Bitcoin / Price; Chain / Mining / Price" in str(error.hint)


def test_metrics_of_a_visualization_are_chosen_by_id_and_its_rows_stay() -> None:
    with reader(_dashboard()) as source:
        wanted = {"id": DASHBOARD, "visualization": "K1"}
        assert source.rows(dashboard=wanted, metrics={"n": SCRAP}) == [("20", D(1))]
        error = source.error(dashboard=wanted, metrics={"n": OUTPUT})
        assert f"no metric {OUTPUT}" in error.what
        assert f"Scrap ({SCRAP})" in str(error.hint)
        assert f"no attribute {LINE}" in source.error(dashboard=wanted, attributes={"Line": LINE}).what


@pytest.mark.parametrize(("more", "words"), [({"prompted": True}, "prompts"), ({"fails": True}, "status 3")])
def test_a_dashboard_that_cannot_be_executed_is_an_error(more: dict[str, Any], words: str) -> None:
    with reader(_dashboard(**more)) as source:
        assert words in source.error(dashboard={"id": DASHBOARD, "visualization": "K1"}).what


# ---------------------------------------------------------------- KPIs


def test_the_latest_point_of_a_kpi_is_read_with_its_instant() -> None:
    with reader(kpi(["2026-11-19T02:02:46Z", D("0.70")], ["2026-11-20T02:02:46Z", D("0.76")])) as source:
        assert source.columns(kpi=KPI) == ("kpi", "at", "value")
        at = datetime(2026, 11, 20, 2, 2, 46, tzinfo=UTC)
        assert source.rows(kpi=KPI) == [("Offer rate", at, D("0.76"))]
        assert source.asked[-2][1] == f"/insight/KPIs/{KPI}?dataRangeUnit=1p"


def test_more_points_of_a_kpi_come_oldest_first() -> None:
    points: list[list[Any]] = [["2026-11-20T00:30:00+01:00", D(2)], ["2026-11-19T23:00:00Z", None]]
    with reader(kpi(*points)) as source:
        assert source.rows(kpi=KPI, kpi_range="all") == [
            ("Offer rate", datetime(2026, 11, 19, 23, 0, tzinfo=UTC), None),
            ("Offer rate", datetime(2026, 11, 19, 23, 30, tzinfo=UTC), D(2)),
        ]


@pytest.mark.parametrize(
    ("point", "code"),
    [(["yesterday", D(1)], "timestamp"), (["2026-11-20", D(1)], "timestamp"), (["2026-11-20T00:00Z", []], "cell")],
)
def test_a_point_that_cannot_be_placed_is_rejected(point: list[Any], code: str) -> None:
    with reader(kpi(point)) as source:
        assert source.rows(kpi=KPI) == []
        assert [rejection.code for rejection in source.intake.rejections] == [code]


def test_a_kpi_without_points_has_no_rows() -> None:
    with reader(kpi()) as source:
        assert source.rows(kpi=KPI) == []


# ---------------------------------------------------------------- projects


@pytest.mark.parametrize(
    "project", ["Production", "B7CA92F04B9FAE8D941C3E9B7E0CD754", "b7ca92f04b9fae8d941c3e9b7e0cd754"]
)
def test_a_project_is_found_by_name_or_id(project: str) -> None:
    with reader(cube(["20", D(1)])) as source:
        assert source.rows(cube=CUBE, project=project) == [("20", D(1))]


def test_a_project_that_is_not_there_is_an_error_with_those_that_are() -> None:
    with reader(cube()) as source:
        error = source.error(cube=CUBE, project="Produktion")
        assert "no project 'Produktion'" in error.what
        assert "Production" in str(error.hint)
        assert "Check project" in str(source.error(cube=CUBE, project=id_of(1)).hint)
