"""The status page served over real HTTP: to anybody, and to whom has the token."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.unit.web_views import TOKEN, Page, served


@pytest.fixture(scope="module")
def served_page() -> Iterator[Page]:
    with served() as page:
        yield page


@pytest.fixture
def page(served_page: Page) -> Page:
    return served_page.renewed()


@pytest.fixture(scope="module")
def served_guarded() -> Iterator[Page]:
    with served(token=TOKEN, host="0.0.0.0") as page:
        yield page


@pytest.fixture
def guarded(served_guarded: Page) -> Page:
    return served_guarded.renewed()
