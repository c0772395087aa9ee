"""Every page can be read on a phone, by keyboard, by screen reader, in the dark, in both languages."""

from __future__ import annotations

import pytest

from tests.browser.conftest import OpenPage
from tests.browser.look import faint_texts, faults_of_structure, overhang, reached_by_tab, stops
from tests.browser.plant_views import HELD_RUN, RUN, Plant, path_of
from tests.browser.rough_plant import Rough

VALUE = f"/value?path={path_of('scrap', 'line-1', '2026-11-19')}"
PAGES = (
    "/",
    "/board",
    "/runs",
    f"/runs/{RUN}",
    f"/runs/{HELD_RUN}",
    VALUE,
    "/rejects",
    "/destinations",
    "/jobs/scrap-daily",
)
LOCALES = ("en-GB", "de-DE")


@pytest.mark.parametrize("locale", LOCALES)
@pytest.mark.parametrize("path", PAGES)
def test_a_page_fits_a_phone_and_is_well_built(open_page: OpenPage, path: str, locale: str) -> None:
    page = open_page(path, locale, width=360)

    assert page.locator("html").get_attribute("lang") == locale[:2]
    assert "‹" not in page.locator("body").inner_text()  # a key without a text
    assert overhang(page) == 0
    assert faults_of_structure(page) == []


@pytest.mark.parametrize("path", PAGES)
def test_a_text_stands_out_from_its_ground_by_day_and_night(open_page: OpenPage, path: str) -> None:
    page = open_page(path, reduced_motion="reduce", color_scheme="light")
    by_day = faint_texts(page)
    page.emulate_media(color_scheme="dark")

    assert (by_day, faint_texts(page)) == ([], [])


def test_a_page_is_dark_where_the_reader_has_it_dark(open_page: OpenPage) -> None:
    grounds = [
        open_page("/", color_scheme=scheme).evaluate("getComputedStyle(document.body).backgroundColor")
        for scheme in ("light", "dark")
    ]

    assert grounds == ["rgb(255, 255, 255)", "rgb(17, 22, 27)"]


@pytest.mark.parametrize("path", ["/", "/runs", VALUE, "/rejects", "/destinations", "/jobs/scrap-daily"])
def test_everything_is_reached_by_tab_and_seen_when_it_is(open_page: OpenPage, path: str) -> None:
    page = open_page(path)
    most = stops(page)

    assert reached_by_tab(page, most) == (most, True)


def test_the_first_tab_leads_past_the_head(open_page: OpenPage) -> None:
    page = open_page("/board")

    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")

    assert page.evaluate("document.querySelector('main').contains(document.activeElement)")


def test_nothing_moves_for_who_wants_no_motion(open_page: OpenPage) -> None:
    page = open_page("/", reduced_motion="reduce")

    durations = page.evaluate(
        "[...document.querySelectorAll('*')].map((each) => getComputedStyle(each).transitionDuration)"
    )

    assert set(durations) == {"0s"}


@pytest.mark.parametrize("width", [360, 1280])
def test_the_newest_due_column_is_in_sight(open_page: OpenPage, width: int) -> None:
    page = open_page("/board", width=width)

    box = page.locator("thead .due").first.bounding_box()

    assert box is not None
    assert box["x"] >= 0
    assert box["x"] + box["width"] <= width


def test_a_field_says_in_words_what_its_sign_says(open_page: OpenPage) -> None:
    page = open_page("/board")

    field = page.get_by_role("link", name="in doubt: oee, line-1, 2026-11-19")

    assert field.get_attribute("href") == "/value?path=board/oee/line-1/actual/2026-11-19"
    assert "board/oee/line-1/target/2026-11-19: 2.5 (confirmed)" in (field.get_attribute("title") or "")


def test_rows_without_gaps_can_be_left_out(open_page: OpenPage) -> None:
    page = open_page("/board")

    page.get_by_label("Only rows with gaps").check()

    rows = page.locator(".grid tbody tr:not(.kpi):visible th")
    assert rows.all_inner_texts() == ["line-2", "line-3", "line-1", "line-1", "line-2", "line-3"]


class TestNamesThatNobodyMeantWell:
    @pytest.fixture
    def plant(self) -> Plant:
        return Rough()

    @pytest.mark.parametrize(
        "path", ["/", "/board", "/rejects", "/destinations", Rough.job_page, Rough.run_page, Rough.value_page]
    )
    def test_they_are_shown_as_text_and_break_nothing(self, open_page: OpenPage, path: str) -> None:
        page = open_page(path, width=360)

        assert page.locator("img, main script:not([type])").count() == 0
        assert overhang(page) == 0
        assert "<script>" in page.locator("main").inner_text()
