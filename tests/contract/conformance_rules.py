"""Which rules a suite has, and whether one of them holds, for tests of the suites themselves."""

from __future__ import annotations

from typing import Any


def rules_of(suite: type) -> set[str]:
    return {name for name in dir(suite) if name.startswith("test_")}


def check(suite: Any, rule: str) -> None:
    """One test of a suite, as pytest would call it."""
    suite.setup_method()
    getattr(suite, rule)()
