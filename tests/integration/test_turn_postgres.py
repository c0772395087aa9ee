"""Turns by locks of a database server keep every rule of those by files: the same tests."""

from __future__ import annotations

import inspect

import pytest
import test_state_turn
from server_database import Database

globals().update(
    {
        name: test
        for name, test in vars(test_state_turn).items()
        if name.startswith("test_") and list(inspect.signature(test).parameters) == ["url"]
    }
)


@pytest.fixture
def url(postgres: Database) -> str:
    return postgres.plain
