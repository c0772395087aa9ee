"""`adopt`: what the board holds becomes known as it is, nothing is sent, and conflicts are over."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from kpisync.sandbox.settings import Fault
from tests.acceptance.conftest import CONFIG

if TYPE_CHECKING:
    from tests.acceptance.conftest import Project

DAY = date(2026, 11, 19)
PATH = "board/scrap/line-1/actual/2026-11-19"


def by_hand(project: Project, number: str, day: date = DAY) -> None:
    project.board.put_by_hand(day, "line-1", "scrap", None, {"actual": Decimal(number)})


def adopt(project: Project, *arguments: str) -> Any:
    """What `adopt --json` shows, with the exit code."""
    outcome = project.call("adopt", "scrap-daily", "--json", *arguments)
    return {**outcome.json["adopt"], "exit": outcome.code}


def counts(adopted: Any) -> tuple[int, int, int, int, int]:
    return tuple(adopted[name] for name in ("exit", "adopted", "changing", "known", "missing"))  # type: ignore[return-value]


def test_what_the_board_holds_is_adopted_and_nothing_is_sent(project: Project) -> None:
    by_hand(project, "7.5")
    project.source("L1;18.11.2026;1", "L1;19.11.2026;12,5", "L2;19.11.2026;3")
    adopted = adopt(project)
    assert counts(adopted) == (0, 1, 1, 0, 2)
    assert set(adopted["requests"]) == {"GET"}
    known = project.call("explain", PATH, "--json").json["known"]
    assert (known["number"], known["job"], known["source"]) == (7.5, "scrap-daily", "adopted")


def test_an_adopted_number_is_no_conflict_any_more(project: Project) -> None:
    by_hand(project, "7.5")
    project.source("L1;19.11.2026;12,5")
    assert project.run()["conflicts"] == 1
    adopt(project)
    after = project.run()
    assert (after["exit"], after["updated"], after["conflicts"]) == (0, 1, 0)
    assert project.records()["2026-11-19", "line-1"]["actual"] == "12.5"


def test_a_lost_state_store_is_made_again_without_a_write(project: Project) -> None:
    project.source("L1;18.11.2026;5", "L1;19.11.2026;12,5")
    project.run()
    (project.folder / "state" / "kpisync.db").unlink()
    writes = project.board.requests["PUT"]
    assert counts(adopt(project)) == (0, 2, 0, 0, 0)
    assert project.run()["requests"] == {}
    assert project.board.requests["PUT"] == writes


def test_what_is_known_keeps_its_cell(project: Project) -> None:
    project.source("L1;19.11.2026;12,5")
    project.run()
    assert counts(adopt(project)) == (0, 0, 0, 1, 0)
    assert project.call("explain", PATH, "--json").json["known"]["source"] == "scrap.csv:2"


def test_an_edit_of_another_hand_is_accepted_and_the_next_run_looks_at_the_source_again(project: Project) -> None:
    project.source("L1;19.11.2026;12,5")
    project.run()
    by_hand(project, "7.5")
    assert counts(adopt(project)) == (0, 1, 1, 0, 0)
    assert project.run()["updated"] == 1


def test_a_range_narrows_what_is_adopted(project: Project) -> None:
    by_hand(project, "7.5")
    by_hand(project, "8.5", date(2026, 11, 18))
    project.source("L1;18.11.2026;1", "L1;19.11.2026;12,5")
    assert counts(adopt(project, "--from", "2026-11-19", "--to", "2026-11-19")) == (0, 1, 1, 0, 0)


def test_a_value_of_another_job_stays_its_own(project: Project) -> None:
    job = CONFIG[CONFIG.index("  scrap-daily:") :]
    project.config(CONFIG + job.replace("scrap-daily", "second"))
    project.source("L1;19.11.2026;12,5")
    assert project.call("run", "second").code == 0
    adopted = adopt(project)
    assert (adopted["exit"], adopted["adopted"], adopted["rejects"][0]["code"]) == (1, 0, "other-job")


def test_what_is_in_doubt_is_answered_first(project: Project) -> None:
    project.source("L1;19.11.2026;12,5")
    project.board.faults = [Fault(kind="drop-before", method="PUT", times=None)]
    project.run()
    adopted = adopt(project)
    assert (adopted["exit"], adopted["adopted"], adopted["doubtful"]) == (1, 0, [PATH])


def test_an_unreadable_source_adopts_nothing(project: Project) -> None:
    by_hand(project, "7.5")
    assert (adopt(project)["exit"], adopt(project)["adopted"]) == (4, 0)


def test_people_read_how_many_and_what_the_next_run_would_change(project: Project) -> None:
    by_hand(project, "7.5")
    project.source("L1;19.11.2026;12,5")
    outcome = project.call("adopt", "scrap-daily")
    assert "1 values: 1 adopted, 0 known already, 0 that the platform does not hold" in outcome.out
    assert "of 1 adopted the source states another number; kpisync plan scrap-daily shows it" in outcome.out
    assert project.call("adopt", "nobody").code == 2
