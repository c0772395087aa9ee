"""The sound build, imported once for all tests of a process."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from shop_floor import Build


@pytest.fixture(scope="session")
def sound() -> Iterator[Build]:
    with Build() as build:
        yield build
