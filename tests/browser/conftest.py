"""Chromium over the pages of a plant; whatever a page complains of or asks of other machines fails its test."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.browser.page_server import served
from tests.browser.plant_views import Plant

if TYPE_CHECKING:
    from playwright.sync_api import Browser, ConsoleMessage, Dialog, Page, Request

CHROMIUM = Path("/usr/bin/chromium")
LOUD = ("error", "warning")
OpenPage = Callable[..., "Page"]


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    playwright_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    if not CHROMIUM.exists():
        pytest.skip(f"{CHROMIUM} is not there: apt-get install chromium")
    with playwright_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=str(CHROMIUM))
        yield browser
        browser.close()


@pytest.fixture
def plant() -> Plant:
    return Plant()


@pytest.fixture
def address(plant: Plant) -> Iterator[str]:
    with served(plant) as address:
        yield address


@pytest.fixture
def complaints() -> list[str]:
    """What the pages of a test complained of. Who expects some, clears them."""
    return []


@pytest.fixture
def open_page(browser: Browser, address: str, complaints: list[str]) -> Iterator[OpenPage]:
    """Opens a path in a window of its own; options as of a browser context.

    With `own_time` its clock is the test's. Nothing may be complained of at the end.
    """
    contexts = []

    def opened(path: str, locale: str = "en-GB", width: int = 1280, *, own_time: bool = False, **options: Any) -> Page:
        context = browser.new_context(locale=locale, viewport={"width": width, "height": 800}, **options)
        contexts.append(context)
        page = context.new_page()
        _listen(page, address, complaints)
        if own_time:
            page.clock.install()
        page.goto(address + path)
        return page

    yield opened
    for context in contexts:
        context.close()
    assert complaints == []


def _listen(page: Page, address: str, complaints: list[str]) -> None:
    def say(message: ConsoleMessage) -> None:
        if message.type in LOUD:
            complaints.append(message.text)

    def ask(dialog: Dialog) -> None:
        complaints.append(f"dialog: {dialog.message}")
        dialog.dismiss()

    def leave(request: Request) -> None:
        if not request.url.startswith((address, "data:")):
            complaints.append(request.url)

    page.on("console", say)
    page.on("dialog", ask)
    page.on("request", leave)
    page.on("pageerror", lambda error: complaints.append(str(error)))
