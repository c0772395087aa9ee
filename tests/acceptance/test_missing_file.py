"""A file that may be missing: no command takes its absence for an empty export."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.acceptance.conftest import CONFIG

if TYPE_CHECKING:
    from tests.acceptance.conftest import Project

NOTE = "scrap.csv: no file matches. Nothing was read (on_missing: skip)"


@pytest.fixture
def absent(project: Project) -> Project:
    """Everything of yesterday is on the board, and there is no file today."""
    config = CONFIG.replace('decimal: ","', 'decimal: ",", on_missing: skip').replace(
        "    destination: board\n", "    destination: board\n    absent: withdraw\n"
    )
    assert config.count("on_missing") == config.count("absent") == 1
    project.config(config)
    project.source("L1;18.11.2026;177")
    assert project.call("run").code == 0
    (project.folder / "scrap.csv").unlink()
    return project


def test_a_run_ends_well_says_so_and_sends_nothing(absent: Project) -> None:
    before = dict(absent.board.requests)
    ran = absent.call("run", "--json")
    (run,) = ran.json["runs"]
    assert (ran.code, run["status"], run["rows"], run["withdrawn"]) == (0, "ok", 0, 0)
    assert run["reading"] == [NOTE]
    assert absent.board.requests == before


@pytest.mark.parametrize("command", [["plan"], ["preview", "scrap-daily"], ["adopt", "scrap-daily"]])
def test_every_other_command_ends_well_too(absent: Project, command: list[str]) -> None:
    assert absent.call(*command).code == 0


def test_a_preview_says_so(absent: Project) -> None:
    assert NOTE in absent.call("preview", "scrap-daily").out


def test_the_next_run_with_a_file_goes_on_as_if_nothing_had_been(absent: Project) -> None:
    absent.call("run")
    absent.source("L1;18.11.2026;178")
    (run,) = absent.call("run", "--json").json["runs"]
    assert (run["updated"], run["withdrawn"]) == (1, 0)
