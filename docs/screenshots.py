"""Makes the pictures in docs/images, from the plant that the browser tests show. Run by hand, in the checkout:

python -m docs.screenshots
"""

from __future__ import annotations

from pathlib import Path

from playwright.sync_api import Browser, sync_playwright

from tests.browser.page_server import served
from tests.browser.plant_views import RUN, Plant, path_of

IMAGES = Path(__file__).parent / "images"
VALUE = f"/value?path={path_of('scrap', 'line-1', '2026-11-19')}"
DESK, PHONE = (1080, 1180), (390, 844)
PICTURES = (
    ("overview", "/", DESK, "light", "en-GB"),
    ("board", "/board", DESK, "light", "en-GB"),
    ("run", f"/runs/{RUN}", DESK, "light", "en-GB"),
    ("value", VALUE, DESK, "light", "en-GB"),
    ("phone", "/", PHONE, "dark", "de-DE"),
)


def main() -> None:
    IMAGES.mkdir(exist_ok=True)
    with served(Plant()) as address, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path="/usr/bin/chromium")
        for name, path, (width, height), scheme, locale in PICTURES:
            picture(browser, address + path, IMAGES / f"{name}.png", width, height, scheme, locale)
        browser.close()


def picture(browser: Browser, url: str, file: Path, width: int, height: int, scheme: str, locale: str) -> None:
    context = browser.new_context(
        viewport={"width": width, "height": height},
        color_scheme="dark" if scheme == "dark" else "light",
        locale=locale,
    )
    page = context.new_page()
    page.goto(url)
    page.wait_for_load_state("networkidle")
    page.screenshot(path=file)
    context.close()


if __name__ == "__main__":
    main()
