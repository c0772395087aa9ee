"""`discover`: what a platform has becomes a catalog, and what people wrote in it stays as it is."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from kpisync.config.yaml import parse
from kpisync.sandbox.server import Sandbox
from kpisync.sandbox.settings import Fault
from tests.acceptance.conftest import ACTUAL, CATALOG, LINE_1, LINE_2, SCRAP, TARGET

if TYPE_CHECKING:
    from tests.acceptance.conftest import Project

OTHER = "11111111-1111-1111-1111-111111111111"
FOUND = {
    "teams": {"line-1": LINE_1, "line-2": LINE_2},
    "kpis": {"scrap": {"id": SCRAP, "interval": "day", "values": {"actual": ACTUAL, "target": TARGET}}},
}


def value_of(project: Project, text: str) -> Any:
    document = parse(text.encode(), project.folder / "catalog.yaml")
    assert document.faults == ()
    return document.value


def written(project: Project, text: str, *arguments: str) -> tuple[str, str]:
    """A catalog file after `discover --write`, and what was told."""
    file = project.folder / "catalog.yaml"
    file.write_bytes(text.encode())
    outcome = project.call("discover", "board", "--write", str(file), *arguments)
    assert outcome.code == 0, outcome.err
    return file.read_bytes().decode(), outcome.err


def shown_as(board: Sandbox, path: str, document: object) -> None:
    """Let the board answer a read with this, for ever."""
    board.faults = [Fault(kind="garbage", method="GET", path=path, times=None, body=json.dumps(document))]


def test_the_catalog_is_printed_as_yaml_and_nothing_else_is_on_stdout(project: Project) -> None:
    outcome = project.call("discover", "board")
    assert outcome.code == 0
    assert value_of(project, outcome.out) == {"catalog": {"board": FOUND}}


def test_a_file_that_is_not_there_is_written_whole(project: Project) -> None:
    file = project.folder / "new" / "board.yaml"
    assert project.call("discover", "board", "--write", str(file)).code == 0
    assert value_of(project, file.read_text()) == {"catalog": {"board": FOUND}}
    assert [each.name for each in file.parent.iterdir()] == ["board.yaml"]


def test_what_people_wrote_stays_and_only_what_is_new_is_added(project: Project) -> None:
    before = f"""\
# Our board.
catalog:            # by hand
  board:
    teams: {{Press shop: {LINE_1}}}   # the old names
    kpis:
      # Ask Ms. Weber before you touch this.
      Scrap of the presses:
        id: {SCRAP}   # in capitals on the board
        values:
          Ist: {ACTUAL}

  # the other plant
  other:
    teams: {{}}
"""
    after, told = written(project, before)
    lines = iter(after.splitlines())
    changed = "    teams: {Press shop"
    assert all(line in lines for line in before.splitlines() if not line.startswith(changed))
    board = value_of(project, after)["catalog"]["board"]
    assert board["teams"] == {"Press shop": LINE_1, "line-2": LINE_2}
    assert board["kpis"]["Scrap of the presses"]["values"] == {"Ist": ACTUAL, "target": TARGET}
    assert "   # the old names" in after
    assert 'KPI Scrap of the presses is called "scrap" on the platform' in told


def test_a_second_time_nothing_is_written(project: Project) -> None:
    first, _ = written(project, "catalog: {board: {}}\n")
    second, told = written(project, first)
    assert second == first
    assert "nothing was written" in told


def test_what_the_platform_no_longer_has_is_kept_with_a_comment_once(project: Project) -> None:
    before = f"catalog:\n  board:\n    kpis:\n      old: {{id: {OTHER}}}\n"
    after, told = written(project, before)
    comment = "      # discover: the platform no longer has this KPI\n"
    assert f"{comment}      old: {{id: {OTHER}}}\n" in after
    assert "KPI old" in told
    again, _ = written(project, after)
    assert again.count(comment) == 1


def test_line_breaks_and_a_missing_last_one_are_kept_as_they_are(project: Project) -> None:
    before = f"version: 1\r\ncatalog:\r\n  board:\r\n    teams:\r\n      line-1: {LINE_1}"
    after, _ = written(project, before)
    assert after.startswith(f"{before}\r\n      line-2: {LINE_2}\r\n")
    assert after.count("\n") == after.count("\r\n")


@pytest.mark.parametrize(
    "text", ["catalog: {board: {teams: *x}}\n", "catalog: [1]\n", "catalog: {board: {tems: {}}}\n"]
)
def test_a_file_that_is_not_understood_is_left_alone(project: Project, text: str) -> None:
    file = project.folder / "catalog.yaml"
    file.write_text(text)
    outcome = project.call("discover", "board", "--write", str(file))
    assert outcome.code == 2
    assert "catalog.yaml:1:" in outcome.err
    assert file.read_text() == text


def test_names_that_yaml_would_misread_are_in_quotes(project: Project) -> None:
    teams = [{"id": LINE_1, "name": "NO"}, {"id": LINE_2, "name": 'Line: "A" #2'}, {"id": OTHER, "name": "12:30"}]
    shown_as(project.board, "/exchange/teams", teams)
    project.config(project_without_catalog())
    found = value_of(project, project.call("discover", "board").out)["catalog"]["board"]["teams"]
    assert found == {"NO": LINE_1, 'Line: "A" #2': LINE_2, "12:30": OTHER}


def test_names_that_are_not_unique_get_a_number(project: Project) -> None:
    teams = [{"id": LINE_1, "name": "Line"}, {"id": LINE_2, "name": "Line"}, {"id": OTHER, "name": " Line "}]
    shown_as(project.board, "/exchange/teams", teams)
    project.config(project_without_catalog())
    found = value_of(project, project.call("discover", "board").out)["catalog"]["board"]["teams"]
    assert found == {"Line": LINE_1, "Line (2)": LINE_2, "Line (3)": OTHER}


def project_without_catalog() -> str:
    from tests.acceptance.conftest import CONFIG

    return CONFIG[: CONFIG.index("catalog:")]


@pytest.mark.parametrize(("says", "interval"), [("Daily", "day"), ("PER_WEEK", "week"), ("monthly", "month")])
def test_the_interval_is_known_by_the_stem_of_its_word(project: Project, says: str, interval: str) -> None:
    shown_as(project.board, f"/exchange/kpi/{SCRAP}", {"id": SCRAP, "kpiValueTimeReference": says})
    found = value_of(project, project.call("discover", "board").out)["catalog"]["board"]
    assert found["kpis"]["scrap"]["interval"] == interval


@pytest.mark.parametrize("says", ["BIWEEKLY", "T3", "WEEKDAY", ""])
def test_an_interval_that_is_not_understood_is_left_to_a_person(project: Project, says: str) -> None:
    shown_as(project.board, f"/exchange/kpi/{SCRAP}", {"id": SCRAP, "kpiValueTimeReference": says})
    outcome = project.call("discover", "board")
    assert "interval" not in value_of(project, outcome.out)["catalog"]["board"]["kpis"]["scrap"]
    assert "# DECIDE: interval" in outcome.out
    assert says in outcome.err


def test_a_kpi_that_the_platform_lists_and_does_not_show_is_named_and_the_others_are_read(project: Project) -> None:
    project.board.faults = [Fault(kind="status", path=f"/exchange/kpi/{SCRAP}", status=500, body="{}", times=None)]
    outcome = project.call("discover", "board", "--json")
    assert outcome.code == 0
    assert [kpi["error"] for kpi in outcome.json["kpis"]] == ["status 500: {}"]
    assert len(outcome.json["teams"]) == 2


def test_sub_tiles_and_recording_teams_are_found_where_they_stand(project: Project) -> None:
    team = {"id": LINE_1, "name": "line-1", "subTiles": [{"id": OTHER, "name": "early"}]}
    detail = {"id": SCRAP, "kpiValueTimeReference": "DAY", "recordingTeams": [team], "kpiValues": []}
    shown_as(project.board, f"/exchange/kpi/{SCRAP}", detail)
    outcome = project.call("discover", "board")
    assert value_of(project, outcome.out)["catalog"]["board"]["kpis"]["scrap"]["sub_tiles"] == {"early": OTHER}
    assert "# recorded by line-1" in outcome.out


def test_a_refused_login_ends_it_after_one_request(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BOARD_PASSWORD", "s3cret-canary")
    outcome = project.call("discover", "board")
    assert outcome.code == 4
    assert "401" in outcome.err
    assert "s3cret-canary" not in outcome.out + outcome.err
    assert project.board.requests == {"GET": 1}


@pytest.mark.parametrize(
    "fault",
    [
        Fault(kind="drop-before", times=None),
        Fault(kind="garbage", times=None),
        Fault(kind="garbage", times=None, body='{"teams": 3}'),
        Fault(kind="garbage", times=None, body='[{"id": "x", "name": "y"}]'),
        Fault(kind="status", times=None, status=503),
        Fault(kind="status", times=None, status=302, headers={"Location": "https://login.example/"}),
    ],
)
def test_a_platform_that_cannot_be_used_leaves_the_file_as_it_is(project: Project, fault: Fault) -> None:
    project.board.faults = [fault]
    file = project.folder / "catalog.yaml"
    file.write_text("catalog: {}\n")
    outcome = project.call("discover", "board", "--write", str(file))
    assert outcome.code == 4
    assert "destination board" in outcome.err
    assert file.read_text() == "catalog: {}\n"


def test_an_unknown_destination_is_named_with_the_nearest(project: Project) -> None:
    outcome = project.call("discover", "bord")
    assert outcome.code == 2
    assert "did you mean board?" in outcome.err


def test_a_probe_is_refused_where_there_is_nothing_to_probe(project: Project) -> None:
    outcome = project.call("discover", "board", "--probe")
    assert outcome.code == 2
    assert "--probe" in outcome.err
    assert project.board.requests == {}


def test_a_file_that_the_configuration_does_not_read_is_told(project: Project) -> None:
    _, told = written(project, "")
    assert "does not read" in told


def test_json_has_everything_in_one_document(project: Project) -> None:
    document = project.call("discover", "board", "--json").json
    assert document["teams"] == [{"id": id, "name": name} for name, id in CATALOG.teams.items()]
    assert document["kpis"][0]["values"] == [{"id": ACTUAL, "name": "actual"}, {"id": TARGET, "name": "target"}]
    assert (document["file"], document["changed"]) == (None, False)
