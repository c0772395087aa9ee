"""A platform that has enough is asked less often, by this process and by the next."""

from __future__ import annotations

from contextlib import closing
from datetime import date, timedelta
from typing import TYPE_CHECKING

from kpisync.state.open import open_readonly

if TYPE_CHECKING:
    from tests.acceptance.conftest import Project


def rate(project: Project) -> float | None:
    with closing(open_readonly(f"sqlite:///{project.folder}/state/kpisync.db")) as store:
        return store.rate("board")


def days(count: int, number: int) -> list[str]:
    return [f"L1;{date(2026, 9, 1) + timedelta(n):%d.%m.%Y};{number}" for n in range(count)]


def test_a_limit_that_was_met_is_remembered(project: Project) -> None:
    project.source(*days(3, 1))
    project.run()
    assert rate(project) is None
    project.board.settings = project.board.settings.model_copy(update={"rate_limit": 20.0})
    project.source(*days(40, 2))
    run = project.run("--yes-over-guard")
    assert (run["exit"], run["confirmed"]) == (0, 40)
    found = rate(project)
    assert found is not None
    assert 1 <= found <= 40
