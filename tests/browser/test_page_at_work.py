"""What a person does on the pages, and what they do by themselves: renew, draw, ask, run, retry, log in."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

import kpisync.web
from kpisync.errors import StateError
from kpisync.watch.model import Overview
from tests.browser.conftest import OpenPage
from tests.browser.page_server import served
from tests.browser.plant_views import Plant, all_well, path_of

VALUE = f"/value?path={path_of('scrap', 'line-1', '2026-11-19')}"
VENDOR = Path(kpisync.web.__file__).parent / "static" / "vendor"
A_WHILE = 11_000  # milliseconds; more than it takes until a page is renewed
DRAWN = """() => {
  const canvas = document.querySelector("#chart canvas");
  return canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height).data.some((each) => each);
}"""


def test_the_first_page_says_whether_the_board_is_complete(open_page: OpenPage) -> None:
    page = open_page("/")

    assert page.locator(".answer .big span:last-child").all_inner_texts() == ["3 of 24 numbers are missing", "complete"]


def test_a_page_that_stays_open_is_renewed(open_page: OpenPage, plant: Plant) -> None:
    page = open_page("/", own_time=True)
    plant.overview_now = all_well().overview_now

    page.clock.fast_forward(A_WHILE)

    page.get_by_text("All 24 numbers that are due are there.").wait_for()
    page.get_by_text("Nothing. All is well.").wait_for()
    assert page.locator("html").count() == 1  # a part of a page, not a page within a page
    assert page.locator("#live h1").count() == 0


def test_what_someone_types_is_not_taken_away(open_page: OpenPage, plant: Plant) -> None:
    page = open_page("/", own_time=True)
    asked: list[str] = []
    page.get_by_label("Name contains").fill("scr")
    page.on("request", lambda request: asked.append(request.url))

    page.clock.fast_forward(A_WHILE)
    page.keyboard.press("Enter")
    page.wait_for_url("**/?q=scr")

    assert [url for url in asked if url.endswith("page=1")] == []
    assert page.locator("#live table").first.locator("tbody th").all_inner_texts() == [
        "scrap-daily",
        "scrap-weekly-okr",
    ]


def test_a_renewed_page_keeps_to_what_was_asked_for(open_page: OpenPage, plant: Plant) -> None:
    page = open_page("/?q=scrap&word=partial", own_time=True)
    plant.overview_now = replace(plant.overview_now, troubles=())

    page.clock.fast_forward(A_WHILE)

    page.get_by_text("no message could be sent").wait_for(state="detached")
    assert page.locator("#live table").first.locator("tbody th").all_inner_texts() == ["scrap-daily"]


def test_a_page_says_when_it_is_old(open_page: OpenPage, complaints: list[str]) -> None:
    page = open_page("/", own_time=True)
    old = page.get_by_text("kpisync does not answer. What you see is old, of 2026-11-20 06:30.")
    assert old.is_hidden()

    page.context.set_offline(True)
    page.clock.fast_forward(A_WHILE)
    old.wait_for(state="visible")
    page.context.set_offline(False)
    page.clock.fast_forward(A_WHILE)
    old.wait_for(state="hidden")

    complaints.clear()  # the browser's own about the missing network


class TestALostStateStore:
    @pytest.fixture
    def plant(self) -> Plant:
        return Losing()

    def test_a_renewed_page_shows_it_in_place_of_old_numbers(
        self, open_page: OpenPage, plant: Losing, complaints: list[str]
    ) -> None:
        page = open_page("/", own_time=True)

        plant.lost = True
        page.clock.fast_forward(A_WHILE)
        page.get_by_text("the disk is full").wait_for()
        assert page.get_by_text("3 of 24 numbers are missing").count() == 0

        plant.lost = False
        page.clock.fast_forward(A_WHILE)
        page.get_by_text("3 of 24 numbers are missing").first.wait_for()
        complaints.clear()  # the browser's own about the status 503


class Losing(Plant):
    lost = False

    def overview(self) -> Overview:
        if self.lost:
            raise StateError("the disk is full", where="state/kpisync.db", hint="Free some space.")
        return super().overview()


def test_a_value_is_drawn_and_told_in_a_table(open_page: OpenPage) -> None:
    page = open_page(VALUE)

    page.locator("#chart canvas").wait_for()
    page.wait_for_function(DRAWN)
    page.get_by_text("The same as a table").click()

    assert page.locator(".read").inner_text() == "2026-11-19: 19.0"
    assert page.locator(".numbers tbody tr").first.inner_text().split() == [
        "2026-11-19",
        "19.0",
        "→",
        "sent",
        "exports/scrap_19.csv:14",
    ]


@pytest.mark.parametrize("width", [360, 1280])
def test_a_drawing_is_as_wide_as_its_page(open_page: OpenPage, width: int) -> None:
    page = open_page(VALUE, width=1000)
    page.locator("#chart canvas").wait_for()

    page.set_viewport_size({"width": width, "height": 800})

    page.wait_for_function(
        "document.querySelector('#chart .uplot').clientWidth <= document.getElementById('chart').clientWidth"
    )
    assert page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")


def test_a_point_of_the_drawing_leads_to_its_value(open_page: OpenPage) -> None:
    page = open_page(VALUE)
    page.locator("#chart canvas").wait_for()

    page.locator("#chart .u-over").click(position={"x": 2, "y": 50})

    page.wait_for_url("**/value?path=*2026-09-21")


def test_rejects_are_retried_by_a_button(open_page: OpenPage, plant: Plant) -> None:
    page = open_page("/rejects")

    page.get_by_role("button", name="Retry what was rejected of job scrap-daily").click()

    page.get_by_role("status").get_by_text("What was rejected is asked for again.").wait_for()
    assert plant.done == [("retry", "scrap-daily")]


@pytest.mark.parametrize("scripts", [True, False])
def test_a_job_runs_only_after_a_question_with_and_without_scripts(
    open_page: OpenPage, plant: Plant, scripts: bool
) -> None:
    page = open_page("/jobs/scrap-daily", java_script_enabled=scripts)
    sure = page.get_by_role("button", name="Yes, run it")
    assert sure.is_hidden()

    page.get_by_text("Run now").click()
    assert plant.done == []
    sure.click()

    page.get_by_text("The job is asked to run.").wait_for()
    assert plant.done == [("run", "scrap-daily")]


def test_the_configuration_is_read_again_by_a_button(open_page: OpenPage, plant: Plant) -> None:
    page = open_page("/")

    page.get_by_role("button", name="Read the configuration again").click()

    page.get_by_text("The configuration is read again.").wait_for()
    assert plant.done == [("reload", "")]


def test_the_language_is_chosen_by_a_button_and_kept(open_page: OpenPage) -> None:
    page = open_page("/board?periods=7")

    page.get_by_role("button", name="Deutsch").click()

    page.get_by_role("heading", name="Tafel").wait_for()
    assert page.url.endswith("/board?periods=7")
    page.get_by_role("link", name="Läufe").click()
    page.get_by_role("heading", name="Läufe").wait_for()


def test_a_grid_is_chosen_by_destination_and_length(open_page: OpenPage) -> None:
    page = open_page("/board")

    page.get_by_label("Destination").select_option("board")
    page.get_by_label("Periods").fill("7")
    page.get_by_role("button", name="Show").click()
    page.wait_for_url("**periods=7")

    assert page.locator(".grid").count() == 1
    assert page.locator(".grid thead th").count() == 8


class TestAPageWithAToken:
    @pytest.fixture
    def address(self, plant: Plant) -> Iterator[str]:
        with served(plant, "open sesame") as address:
            yield address

    def test_it_lets_in_who_knows_it_and_back_out(self, open_page: OpenPage, complaints: list[str]) -> None:
        page = open_page("/runs")
        assert page.get_by_role("navigation").count() == 0

        page.get_by_label("Token").fill("guessed")
        page.get_by_role("button", name="Log in").click()
        page.get_by_role("alert").get_by_text("This is not the token.").wait_for()
        complaints.clear()  # the browser's own about the status 401

        page.get_by_label("Token").fill("open sesame")
        page.get_by_role("button", name="Log in").click()
        page.get_by_role("heading", name="Runs").wait_for()

        page.get_by_role("button", name="Log out").click()
        page.get_by_role("heading", name="Log in").wait_for()

    def test_an_open_page_asks_for_it_again_once_it_must(self, open_page: OpenPage) -> None:
        page = open_page("/", own_time=True)
        page.get_by_label("Token").fill("open sesame")
        page.get_by_role("button", name="Log in").click()
        page.get_by_text("3 of 24 numbers are missing").first.wait_for()

        page.context.clear_cookies()
        page.clock.fast_forward(A_WHILE)

        page.get_by_role("heading", name="Log in").wait_for()


def test_code_of_others_is_what_its_list_says() -> None:
    listed = dict(re.findall(r"^(\S+\.(?:js|css)) .* ([0-9a-f]{64})$", (VENDOR / "README").read_text(), re.MULTILINE))

    found = {file.name: hashlib.sha256(file.read_bytes()).hexdigest() for file in VENDOR.glob("*.min.*")}

    assert found == listed
