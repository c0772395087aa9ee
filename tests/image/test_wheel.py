"""The wheel as a stranger gets it: built, installed with what is pinned, and used from elsewhere without any rights."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import urllib.request
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parent.parent.parent
PIP = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--quiet"]
NOT_REACHED = re.compile(r"NewConnectionError|ConnectTimeout|NameResolutionError|name resolution|ProxyError")
# A mount namespace of its own: all that is on the disk may be read, and one folder written.
READ_ONLY = 'mount --bind "$1" "$1" && mount -o remount,bind,ro / && shift && exec "$@"'
NOBODY = [
    "setpriv",
    "--reuid",
    "10001",
    "--regid",
    "10001",
    "--clear-groups",
    "--no-new-privs",
    "--bounding-set",
    "-all",
]

CONFIG = """\
version: 1
timezone: Europe/Berlin
state: ${env:KPISYNC_STATE}
destinations:
  board:
    type: valuestreamer
    url: ${env:BOARD_URL:-http://127.0.0.1:8765/valuestreamer/api}
    username: sandbox
    password: ${env:BOARD_PASSWORD:-sandbox}
catalog:
  board:
    teams: {line-1: 8dca904d-9134-3bb0-95b7-3f72ae3dfacf}
    kpis:
      scrap:
        id: c3ba32c2-a13a-0000-0000-000000000000
        values: {actual: 79cf2f74-0e9c-45b5-bc4d-f437079dde7c}
jobs:
  scrap-daily:
    source: {type: csv, path: scrap.csv}
    map:
      date: {column: day}
      team: line-1
      values: [{kpi: scrap, value: actual, column: scrap}]
    destination: board
"""


@dataclass(frozen=True)
class Installed:
    """kpisync in an environment of its own, called from the root folder."""

    program: Path
    data: Path
    before: tuple[str, ...] = ()  # what stands before the program

    def start(self, *arguments: str, **variables: str) -> subprocess.Popen[str]:
        config = self.data / "kpisync.yaml"
        state = f"sqlite:///{self.data.as_posix()}/state/kpisync.db"
        own = {"PATH": os.environ["PATH"], "KPISYNC_CONFIG": str(config), "KPISYNC_STATE": state, **variables}
        return subprocess.Popen(
            [*self.before, str(self.program), *arguments],
            cwd="/",
            env=own,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def call(self, *arguments: str, **variables: str) -> str:
        with self.start(*arguments, **variables) as process:
            out, err = process.communicate()
        assert process.returncode == 0, err
        return out


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    build = ["wheel", "--no-deps", "--no-build-isolation", "--no-index", "--wheel-dir", str(folder), str(ROOT)]
    done = subprocess.run([*PIP, *build], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    (file,) = folder.glob("kpisync-*.whl")
    return file


@pytest.fixture(scope="module")
def open_folder() -> Iterator[Path]:
    """A folder that other users may read, as no temporary folder of pytest is."""
    folder = Path(tempfile.mkdtemp(prefix="kpisync-"))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder)


@pytest.fixture(scope="module")
def program(wheel: Path, open_folder: Path) -> Path:
    """`kpisync`, installed as the Dockerfile does."""
    venv = open_folder / "venv"
    subprocess.run([python_for_all(), "-m", "venv", "--without-pip", str(venv)], check=True)
    install = [*PIP, "--python", str(venv / "bin" / "python"), "install", "--no-deps"]
    pinned = ["--retries", "1", "--require-hashes", "--requirement", str(ROOT / "constraints-runtime.txt")]
    done = subprocess.run([*install, *pinned], capture_output=True, text=True, check=False)
    if NOT_REACHED.search(done.stderr):
        pytest.skip("the package registry cannot be reached, so nothing can be installed beside the wheel")
    assert done.returncode == 0, done.stderr
    subprocess.run([*install, "--no-index", str(wheel)], check=True)
    subprocess.run([*PIP, "--python", str(venv / "bin" / "python"), "check"], check=True)
    return venv / "bin" / "kpisync"


def python_for_all() -> str:
    """An interpreter that other users may start too, if there is one that is new enough."""
    own = str(Path(sys.base_prefix) / "bin" / "python3")
    for name in (own, "/usr/local/bin/python3", "/usr/bin/python3"):
        file = Path(name).resolve()
        ask = [name, "-c", "import sys; sys.exit(sys.version_info < (3, 11))"]
        is_open = file.is_file() and all(folder.stat().st_mode & 1 for folder in file.parents)
        if is_open and subprocess.run(ask, check=False).returncode == 0:
            return name
    return own


@pytest.fixture(params=["as ourselves", "as nobody, read-only"])
def kpisync(request: pytest.FixtureRequest, program: Path, open_folder: Path) -> Iterator[Installed]:
    data = Path(tempfile.mkdtemp(prefix="data-", dir=open_folder))
    (data / "kpisync.yaml").write_text(CONFIG, encoding="utf-8")
    (data / "scrap.csv").write_text("day,scrap\n2026-11-18,177\n2026-11-19,190\n", encoding="utf-8")
    yield Installed(program, data, confined(program, data) if request.param != "as ourselves" else ())


def confined(program: Path, data: Path) -> tuple[str, ...]:
    """What to put before a command, so that it runs as user 10001 and can write below `data` only."""
    if os.geteuid() != 0 or not (shutil.which("unshare") and shutil.which("setpriv")):
        pytest.skip("only root can take rights away, with unshare and setpriv")
    shutil.chown(data, 10001, 10001)
    before = ("unshare", "--mount", "sh", "-c", READ_ONLY, "sh", str(data), *NOBODY)
    done = subprocess.run([*before, str(program), "--version"], cwd="/", capture_output=True, text=True, check=False)
    if done.returncode != 0 and re.search(r"unshare|mount|setpriv", done.stderr):
        pytest.skip(f"this machine takes no rights away: {done.stderr.strip()}")
    if "ermission denied" in done.stderr:
        pytest.skip("there is no Python that other users may start")
    return before


def test_the_wheel_holds_migrations_and_no_tests(wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()
    assert {"kpisync/migrations/env.py", "kpisync/py.typed", "kpisync/cli/main.py"} <= set(names)
    revisions = {path.name for path in (ROOT / "migrations" / "versions").glob("*.py")}
    assert {f"kpisync/migrations/versions/{name}" for name in revisions} <= set(names)
    assert {"kpisync/web/static/app.css", "kpisync/web/templates/base.html", "kpisync/web/words/de.yaml"} <= set(names)
    assert [name for name in names if re.search(r"(^|/)(tests?|docs|config/demo)/|test_|\.pyc$", name)] == []
    assert {name.split("/")[0].partition("-")[0] for name in names} == {"kpisync"}


@pytest.mark.slow
def test_what_is_installed_finds_its_adapters(program: Path) -> None:
    ask = "from kpisync.registry import installed as i; r = i(); [r.source(n) for n in r.sources]; print(*r.sources)"
    python = program.with_name("python")
    done = subprocess.run([str(python), "-I", "-c", ask], cwd="/", capture_output=True, text=True, check=True)
    assert {"csv", "sql"} <= set(done.stdout.split())


@pytest.mark.slow
def test_what_is_installed_makes_a_store_by_its_migrations(program: Path) -> None:
    ask = "from kpisync.state.upgrade import migrations_folder; print(migrations_folder())"
    done = subprocess.run(
        [str(program.with_name("python")), "-I", "-c", ask], cwd="/", capture_output=True, text=True, check=True
    )
    assert done.stdout.strip().endswith("site-packages/kpisync/migrations")


@pytest.mark.slow
def test_it_says_its_version_and_checks_its_configuration(kpisync: Installed) -> None:
    version = re.search(r'^version = "(.+)"$', (ROOT / "pyproject.toml").read_text(encoding="utf-8"), re.MULTILINE)
    assert version
    assert kpisync.call("--version") == f"kpisync {version[1]}\n"
    assert "is sound. Jobs: scrap-daily" in kpisync.call("check")


@pytest.mark.slow
def test_it_delivers_once_and_only_once(kpisync: Installed) -> None:
    with kpisync.start("sandbox", "--port", "0", "--json") as sandbox:
        try:
            assert sandbox.stdout is not None
            url = json.loads(sandbox.stdout.readline())["valuestreamer"]
            first, second = (run(kpisync, url) for _ in range(2))
        finally:
            sandbox.terminate()
            sandbox.communicate()
    assert (first["status"], first["confirmed"]) == ("ok", 2)
    assert (second["unchanged"], second["requests"]) == (2, {})
    assert (kpisync.data / "state" / "kpisync.db").is_file()
    check = Installed(kpisync.program.with_name("python"), kpisync.data, kpisync.before)
    assert check.call("-m", "kpisync.health") == ""


@pytest.mark.slow
def test_it_serves_its_page_and_ends_when_it_is_asked(kpisync: Installed) -> None:
    with kpisync.start("serve", "--port", "0") as daemon:
        try:
            assert daemon.stdout is not None
            url = daemon.stdout.readline().rpartition(" ")[2].strip()
            page = fetched(url + "/")
            own = re.findall(r'(?:href|src)="(/static/[^"]+)"', page)
            assert own
            assert all(fetched(url + path) for path in own)
            assert json.loads(fetched(url + "/readyz"))["ready"] is True
            assert "scrap-daily" in page
            assert health_of(kpisync, url) == ""
        finally:
            daemon.terminate()
            _, err = daemon.communicate()
    assert daemon.returncode == 143, err
    assert (kpisync.data / "state" / "kpisync.db").is_file()


def fetched(url: str) -> str:
    assert url.startswith("http://127.0.0.1:")
    with urllib.request.urlopen(url, timeout=30) as answer:
        return str(answer.read().decode())


def health_of(kpisync: Installed, url: str) -> str:
    """What the image's health check says where this daemon is the first process."""
    command = f"b'kpisync serve --port {url.rpartition(':')[2]}'"
    ask = f"import kpisync.health as h; print(h.trouble({{}}, {command}) or '', end='')"
    return Installed(kpisync.program.with_name("python"), kpisync.data, kpisync.before).call("-I", "-c", ask)


def run(kpisync: Installed, url: str) -> Any:
    return json.loads(kpisync.call("run", "--json", BOARD_URL=url))["runs"][0]
