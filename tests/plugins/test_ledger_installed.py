"""A third party's package, installed beside kpisync, is used from YAML as a built-in is."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any, NamedTuple

import pytest

LEDGER = Path(__file__).parent / "ledger"
LINE_1, LINE_2 = "8dca904d-9134-3bb0-95b7-3f72ae3dfacf", "6f1c0a52-2f43-4c1f-9f0e-1d8f0f6b7a10"
HEADER = "kpi,team,sub_tile,period,value,number"
COPY = """  copy:
    type: ledger
    path: copy.csv

catalog:
  copy:
    teams: {line-1: 8dca904d-9134-3bb0-95b7-3f72ae3dfacf}
    kpis: {scrap: {id: scrap, interval: day, values: {actual: actual}}}
"""
MIRROR = """
  ledger-again:
    source: {type: ledger, path: ledger.csv}
    map:
      date: {column: period}
      team: {column: team}
      values:
        - {kpi: {column: kpi}, value: {column: value}, column: number}
    destination: copy
"""


class Done(NamedTuple):
    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


Call = Callable[..., Done]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the sample installed in it, built from a copy of its sources and without any network."""
    if find_spec("pip") is None or find_spec("hatchling") is None:
        pytest.skip("pip and hatchling are needed to install the sample")
    folder = tmp_path_factory.mktemp("plugins")
    shutil.copytree(LEDGER, folder / "ledger", ignore=shutil.ignore_patterns("__pycache__"))
    install = [
        "install",
        "--quiet",
        "--no-index",
        "--no-deps",
        "--no-build-isolation",
        "--target",
        str(folder / "site"),
    ]
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", *install, str(folder / "ledger")]
    done = subprocess.run(pip, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return folder / "site"


@pytest.fixture
def project(tmp_path: Path) -> Path:
    shutil.copytree(LEDGER / "example", tmp_path / "plant")
    return tmp_path / "plant"


@pytest.fixture
def kpisync(project: Path, site: Path) -> Call:
    """The command line in a process of its own, that finds the sample and whatever else is in `site` folders given."""

    def call(*arguments: str, more: Path | None = None) -> Done:
        path = os.pathsep.join(str(folder) for folder in (site, more) if folder)
        environ = {**os.environ, "PYTHONPATH": path, "KPISYNC_CONFIG": str(project)}
        command = [sys.executable, "-m", "kpisync", *arguments]
        done = subprocess.run(command, cwd=project, env=environ, capture_output=True, text=True, check=False)
        return Done(done.returncode, done.stdout, done.stderr)

    return call


def edit(project: Path, old: str, new: str) -> None:
    file = project / "kpisync.yaml"
    text = file.read_text(encoding="utf-8")
    assert old in text
    file.write_text(text.replace(old, new, 1), encoding="utf-8")


def test_its_destination_ends_with_confirmed_values(kpisync: Call, project: Path) -> None:
    done = kpisync("run", "--json")
    assert done.code == 0, done.err
    (run,) = done.json["runs"]
    # One team is read first, which tells whether the login is good; then the other; and all once more to confirm.
    assert (run["status"], run["confirmed"], run["requests"]) == ("ok", 3, {"READ": 3, "WRITE": 3})
    assert (project / "ledger.csv").read_text(encoding="utf-8").splitlines() == [
        HEADER,
        f"scrap,{LINE_2},,2026-11-18,actual,1204.5",
        f"scrap,{LINE_1},,2026-11-18,actual,177",
        f"scrap,{LINE_1},,2026-11-19,actual,190",
    ]


def test_a_second_run_makes_no_request(kpisync: Call) -> None:
    kpisync("run")
    (run,) = kpisync("run", "--json").json["runs"]
    assert (run["unchanged"], run["requests"]) == (3, {})


def test_its_source_is_read_like_any_other(kpisync: Call, project: Path) -> None:
    kpisync("run")
    edit(project, "\ncatalog:\n", COPY)
    with (project / "kpisync.yaml").open("a", encoding="utf-8") as file:
        file.write(MIRROR)
    done = kpisync("run", "--json", "ledger-again")
    assert done.code == 0, done.out + done.err
    assert done.json["runs"][0]["confirmed"] == 3
    assert (project / "copy.csv").read_text() == (project / "ledger.csv").read_text()


def test_what_another_hand_wrote_in_the_ledger_is_held_and_survives(kpisync: Call, project: Path) -> None:
    theirs = {f"scrap,{LINE_1},,2026-11-18,actual,178", f"scrap,{LINE_1},,2026-11-19,target,2.5"}
    (project / "ledger.csv").write_text("\n".join([HEADER, *sorted(theirs), ""]), encoding="utf-8")
    done = kpisync("run", "--json")
    assert (done.code, done.json["runs"][0]["conflicts"]) == (1, 1)
    lines = set((project / "ledger.csv").read_text(encoding="utf-8").splitlines())
    assert theirs | {f"scrap,{LINE_1},,2026-11-19,actual,190"} <= lines


def test_the_schema_names_its_options(kpisync: Call) -> None:
    schema = kpisync("schema").json
    ledger = schema["$defs"]["destination-ledger"]
    assert ledger["description"] == "A ledger in a CSV file"
    assert ledger["properties"]["path"]["description"] == "the CSV file; the first write makes it"
    assert "source-ledger" in schema["$defs"]


def test_a_typo_in_its_options_is_told_at_its_place(kpisync: Call, project: Path) -> None:
    edit(project, "    path: ledger.csv", "    pth: ledger.csv")
    done = kpisync("check")
    assert done.code == 2
    assert f'{project / "kpisync.yaml"}:6:5: unknown key "pth"; did you mean "path"?' in done.err


def test_a_plug_in_that_cannot_be_imported_is_named_and_harms_no_other_job(
    kpisync: Call, project: Path, tmp_path: Path
) -> None:
    info = tmp_path / "broken" / "kpisync_broken-1.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: kpisync-broken\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[kpisync.destinations]\nbroken = kpisync_broken:SPEC\n")
    (info.parent / "kpisync_broken.py").write_text("import a_library_that_is_not_there\n")
    text = (project / "kpisync.yaml").read_text(encoding="utf-8")
    job = text[text.index("  scrap-daily:") :].replace("scrap-daily", "other").replace("books", "lost")
    edit(project, "\ncatalog:\n", "  lost: {type: broken}\n\ncatalog:\n")
    with (project / "kpisync.yaml").open("a", encoding="utf-8") as file:
        file.write(job)
    done = kpisync("run", "--json", more=info.parent)
    assert done.code == 2, done.out + done.err
    runs = {run["job"]: run for run in done.json["runs"]}
    assert (runs["scrap-daily"]["status"], runs["scrap-daily"]["confirmed"]) == ("ok", 3)
    assert (
        'kpisync.yaml:7:16: destination type "broken" of the package kpisync-broken cannot be imported: '
        "ModuleNotFoundError: No module named 'a_library_that_is_not_there'. Repair or uninstall kpisync-broken."
    ) in runs["other"]["error"]
