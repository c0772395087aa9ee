"""A page of a grid is read as documented or not at all: no answer, however damaged, gives a row that was not there."""

from __future__ import annotations

import copy
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kpisync.errors import SourceError
from kpisync.sources.microstrategy.grid import Grid, Line, lines_of

D = Decimal


def unit(id: str, *texts: Any, forms: int = 1) -> dict[str, Any]:
    """An attribute; None stands for a total."""
    elements = [
        {"formValues": ["Total"], "subtotal": True} if each is None else {"formValues": list(each), "id": f"h;{id}"}
        for each in texts
    ]
    return {
        "id": id,
        "name": id,
        "type": "attribute",
        "forms": [{"name": f"F{n}"} for n in range(forms)],
        "elements": elements,
    }


def metrics(*ids: str) -> dict[str, Any]:
    return {"type": "templateMetrics", "id": "0", "name": "Metrics", "elements": [{"id": id, "name": id} for id in ids]}


def document(
    rows: list[Any], columns: list[Any], headers: list[Any], across: list[Any], raw: list[Any]
) -> dict[str, Any]:
    """Numbers as the reader of JSON gives them."""

    def exact(value: Any) -> Any:
        return (
            [exact(each) for each in value]
            if isinstance(value, list)
            else D(value)
            if isinstance(value, int)
            else value
        )

    data = {"headers": {"rows": exact(headers), "columns": exact(across)}, "metricValues": {"raw": exact(raw)}}
    return {"definition": {"grid": {"rows": rows, "columns": columns}}, "data": data}


def lines(*pages: dict[str, Any]) -> list[Line]:
    return list(lines_of(Grid(page, "cube") for page in pages))


PLAIN = document([unit("A", ["x"], ["y"])], [metrics("M", "N")], [[0], [1]], [[0, 1]], [[1, 2], [3, None]])


def error(page: dict[str, Any]) -> str:
    with pytest.raises(SourceError) as caught:
        lines(page)
    assert caught.value.hint
    return caught.value.what


def test_a_cell_belongs_to_the_elements_that_its_headers_name() -> None:
    assert lines(PLAIN) == [Line({"A": ("x",)}, {"M": D(1), "N": D(2)}), Line({"A": ("y",)}, {"M": D(3), "N": None})]


def test_the_numbers_of_elements_are_those_of_their_page_alone() -> None:
    other = document([unit("A", ["z"])], [metrics("M", "N")], [[0]], [[0, 1]], [[5, 6]])
    assert [line.attributes["A"] for line in lines(PLAIN, other)] == [("x",), ("y",), ("z",)]


def test_metrics_are_told_by_their_place_in_the_headers_not_by_their_order() -> None:
    turned = document([unit("A", ["x"])], [metrics("M", "N")], [[0]], [[1, 0]], [[5, 6]])
    assert lines(turned) == [Line({"A": ("x",)}, {"N": D(5), "M": D(6)})]


def test_an_element_with_fewer_texts_than_forms_is_a_total() -> None:
    page = document(
        [unit("A", ["x", "X"], ["Total"], forms=2)],
        [metrics("M")],
        [[0], [1]],
        [
            [
                0,
            ]
        ],
        [[1], [2]],
    )
    assert [line.is_total for line in lines(page)] == [False, True]


def test_a_total_on_the_columns_is_no_row_either() -> None:
    page = document([unit("A", ["x"])], [unit("B", ["b"], None), metrics("M")], [[0]], [[0, 1], [0, 0]], [[1, 2]])
    assert lines(page) == [Line({"A": ("x",), "B": ("b",)}, {"M": D(1)}), Line({}, {}, is_total=True)]


def test_a_negative_number_stands_for_a_blank_element() -> None:
    page = document([unit("A", ["x"])], [metrics("M")], [[-1]], [[0]], [[1]])
    assert lines(page) == [Line({"A": (None,)}, {"M": D(1)})]


def test_metrics_on_rows_that_came_the_other_way_round_are_turned() -> None:
    rows = [unit("A", ["x"], ["y"]), metrics("M", "N")]
    headers = [[0, 0], [0, 1], [1, 0], [1, 1]]
    there = [Line({"A": ("x",)}, {"M": D(1), "N": D(2)}), Line({"A": ("y",)}, {"M": D(3), "N": D(4)})]
    assert lines(document(rows, [], headers, [], [[1], [2], [3], [4]])) == there
    assert lines(document(rows, [], headers, [], [[1, 2, 3, 4]])) == there


def test_two_elements_with_one_text_stay_two_rows() -> None:
    page = document([unit("A", ["x"], ["x"])], [metrics("M")], [[0], [1]], [[0]], [[1], [2]])
    assert [line.metrics["M"] for line in lines(page)] == [D(1), D(2)]
    on_rows = document([unit("A", ["x"], ["x"]), metrics("M")], [], [[0, 0], [1, 0]], [], [[1], [2]])
    assert [line.metrics["M"] for line in lines(on_rows)] == [D(1), D(2)]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"headers": [[0], [2]]}, "an element of A is missing"),
        ({"headers": [[0], []]}, "0 numbers for 1 units"),
        ({"headers": [[0], ["1"]]}, "an element of A is missing"),
        ({"headers": [[0]]}, "not 1 rows of 2"),
        ({"across": [[0, 1], [0]]}, "not equally long"),
        ({"across": [[0, 0]]}, "two of its columns are alike"),
        ({"raw": [[1, 2], [3]]}, "not 2 rows of 2"),
        ({"raw": [[1, 3], [2, 4], [5, 6]]}, "not 2 rows of 2"),
        ({"raw": []}, "not 2 rows of 2"),
        ({"rows": [unit("A", ["x", "too many"], ["y"])]}, "2 texts for 1 forms"),
        ({"rows": [unit("A", ["x"], ["y"]) | {"headerCount": D(2)}]}, "several columns of headers"),
        ({"columns": [metrics("M", "N"), metrics("M")]}, "the metrics stand in two places"),
    ],
)
def test_a_page_that_contradicts_itself_is_an_error(change: dict[str, Any], words: str) -> None:
    parts: dict[str, Any] = {
        "rows": [unit("A", ["x"], ["y"])],
        "columns": [metrics("M", "N")],
        "headers": [[0], [1]],
        "across": [[0, 1]],
        "raw": [[1, 2], [3, 4]],
    }
    page = document(**(parts | change))
    with pytest.raises(SourceError, match=words):
        _ = (Grid(page, "cube").attributes, Grid(page, "cube").metrics, lines(page))


_JSON = st.recursive(
    st.none() | st.booleans() | st.sampled_from(["", "x", D(0), D(-1), D(7), D("0.5")]),
    lambda inner: (
        st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from(["id", "elements", "rows"]), inner, max_size=2)
    ),
    max_leaves=4,
)


def _places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return (
        [path, *(place for key, each in inner for place in _places(each, (*path, key)))]
        if path
        else [place for key, each in inner for place in _places(each, (key,))]
    )


@given(st.data())
def test_a_damaged_page_gives_rows_or_an_error_and_never_a_traceback(data: st.DataObject) -> None:
    page = copy.deepcopy(PLAIN)
    place = data.draw(st.sampled_from(_places(page)))
    holder: Any = page
    for key in place[:-1]:
        holder = holder[key]
    holder[place[-1]] = data.draw(_JSON)
    try:
        grid = Grid(page, "cube")
        _ = (grid.attributes, grid.metrics, grid.row_count, grid.page_by)
        for line in lines(page):
            assert line.is_total or line.attributes.keys() == grid.attributes.keys()
    except SourceError as refused:
        assert refused.hint
