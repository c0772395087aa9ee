"""`kpisync serve` as a user runs it: a process of its own that is told by signals, files and the state of its store."""

from __future__ import annotations

import http.client
import json
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from datetime import UTC, datetime, timedelta
from queue import SimpleQueue
from threading import Thread
from typing import IO, TYPE_CHECKING, Any

import pytest

from kpisync.ports import SystemClock
from kpisync.state.dues import meet
from kpisync.state.open import open_store
from tests.acceptance.conftest import CONFIG

if TYPE_CHECKING:
    from tests.acceptance.conftest import Project

YEARLY = CONFIG.replace("  scrap-daily:\n", '  scrap-daily:\n    schedule: "0 0 1 1 *"\n')
ROWS = [f"L1;{day:02}.{month:02}.2026;{day}" for month in (1, 2, 3) for day in range(1, 29)]
LATENCY = timedelta(milliseconds=50)
PATIENCE = 60.0  # seconds that a busy machine may need


class Daemon:
    """A process, what it says on stderr, and its page."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        assert process.stdout is not None
        assert process.stderr is not None
        self.process = process
        self.lines = SimpleQueue[str]()
        self.said: list[str] = []
        Thread(target=self._listen, args=(process.stderr,), daemon=True).start()
        self.first = process.stdout.readline()

    def _listen(self, stream: IO[str]) -> None:
        for line in stream:
            self.lines.put(line)

    def hears(self, event: str) -> dict[str, Any]:
        """The next line of the log that says so."""
        until = time.monotonic() + PATIENCE
        while True:
            line = self.lines.get(timeout=max(0.1, until - time.monotonic()))
            self.said.append(line)
            found: dict[str, Any] = json.loads(line) if line.startswith("{") else {}
            if found.get("event") == event:
                return found

    def get(self, path: str) -> tuple[int, str]:
        host, _, port = self.first.split("//")[1].strip().rpartition(":")
        with closing(http.client.HTTPConnection(host, int(port), timeout=PATIENCE)) as connection:
            connection.request("GET", path)
            answer = connection.getresponse()
            return answer.status, answer.read().decode()

    def ends(self, number: int) -> int:
        """The exit code after a signal."""
        self.process.send_signal(number)
        return self.process.wait(PATIENCE)


@contextmanager
def serving(*arguments: str) -> Iterator[Daemon]:
    command = [sys.executable, "-m", "kpisync", "serve", "--port", "0", *arguments]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=pipe, stderr=pipe, text=True) as process:
        try:
            yield Daemon(process)
        finally:
            process.kill()


def missed(project: Project) -> None:
    """The job was due since it was last seen."""
    with closing(open_store(f"sqlite:///{project.folder}/state/kpisync.db", SystemClock())) as store:
        meet(store, [("scrap-daily", datetime(2020, 1, 1, tzinfo=UTC))], datetime.now(UTC))


@pytest.fixture
def plant(project: Project) -> Project:
    project.config(YEARLY)
    project.source("L1;19.11.2026;7")
    return project


def slow(project: Project) -> None:
    project.board.settings = project.board.settings.model_copy(update={"latency": LATENCY})


# ---------------------------------------------------------------- life


def test_it_says_where_it_serves_and_is_ready(plant: Project) -> None:
    with serving() as daemon:
        assert daemon.first.startswith("kpisync serves on http://127.0.0.1:")
        daemon.hears("daemon started")
        assert daemon.get("/livez")[0] == 200
        assert json.loads(daemon.get("/readyz")[1]) == {"ready": True, "troubles": []}
        assert daemon.ends(signal.SIGTERM) == 143


def test_it_makes_good_what_was_missed_and_the_page_shows_it(plant: Project) -> None:
    missed(plant)
    with serving() as daemon:
        assert daemon.hears("run ended")["status"] == "ok"
        assert "scrap-daily" in daemon.get("/")[1]
        assert daemon.ends(signal.SIGINT) == 130
    assert plant.records() == {("2026-11-19", "line-1"): {"actual": "7", "target": "0"}}
    assert len(plant.call("history", "--json").json["runs"]) == 1


def test_three_at_once_meet_a_due_time_once(plant: Project) -> None:
    missed(plant)
    with ExitStack() as stack:
        daemons = [stack.enter_context(serving()) for _ in range(3)]
        for daemon in daemons:
            daemon.hears("daemon started")
        wait_for(lambda: any(run["status"] for run in plant.call("history", "--json").json["runs"]))
        assert [daemon.ends(signal.SIGTERM) for daemon in daemons] == [143] * 3
    runs = plant.call("history", "--json").json["runs"]
    assert [run["status"] for run in runs] == ["ok"]


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)], ids=["SIGTERM", "SIGINT"])
def test_a_signal_finishes_what_is_in_flight_and_the_next_start_completes_it(
    plant: Project, number: int, code: int
) -> None:
    plant.source(*ROWS)
    missed(plant)
    slow(plant)
    with serving() as daemon:
        daemon.hears("run started")
        wait_for(lambda: plant.board.requests["PUT"] >= 3)
        begun = time.monotonic()
        assert daemon.ends(number) == code
        assert time.monotonic() - begun < 10
    (run,) = plant.call("history", "--json").json["runs"]
    assert (run["status"], run["exit_code"]) == ("failed", 143)
    stored = len(plant.records())
    assert 0 < stored < len(ROWS)
    assert run["confirmed"] + run["in_doubt"] == stored
    with serving() as daemon:
        daemon.hears("run ended")
        daemon.ends(signal.SIGTERM)
    assert len(plant.records()) == len(ROWS)


def test_a_second_signal_ends_it_at_once(plant: Project) -> None:
    plant.board.settings = plant.board.settings.model_copy(update={"latency": timedelta(seconds=1.8)})
    missed(plant)
    with serving() as daemon:
        wait_for(lambda: plant.board.requests["GET"] > 0)
        daemon.process.send_signal(signal.SIGTERM)
        daemon.hears("asked to end: finishing what is in flight; once more ends at once")
        assert daemon.ends(signal.SIGTERM) == -signal.SIGTERM


# ---------------------------------------------------------------- configuration


def test_on_sighup_it_reads_the_configuration_again(plant: Project) -> None:
    with serving() as daemon:
        daemon.hears("daemon started")
        plant.config(YEARLY.replace("column: Ausschuss", "colum: Ausschuss"))
        daemon.process.send_signal(signal.SIGHUP)
        found = daemon.hears("configuration read again")
        assert (found["jobs"], found["broken"], found["kept"]) == (0, 1, 1)
        ready, said = daemon.get("/readyz")
        assert (ready, "its last good version goes on" in said) == (200, True)


def test_a_changed_file_is_read_without_being_asked_for(plant: Project) -> None:
    with serving() as daemon:
        daemon.hears("daemon started")
        plant.config(YEARLY.replace("  scrap-daily:", "  renamed:"))
        assert daemon.hears("configuration read again")["jobs"] == 1


def test_a_broken_job_does_not_keep_the_others_from_running(plant: Project) -> None:
    broken = (
        YEARLY[YEARLY.index("  scrap-daily:") :].replace("scrap-daily", "broken").replace("column: Aus", "colum: Aus")
    )
    plant.config(YEARLY + broken)
    missed(plant)
    with serving() as daemon:
        assert daemon.hears("run ended")["job"] == "scrap-daily"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("version: 2\n", "the configuration cannot be used"),
        (YEARLY + "serve: {prt: 1}\n", 'did you mean "port"?'),
        (YEARLY + "serve: {host: 0.0.0.0}\n", "so serve needs a token"),
    ],
    ids=["the file", "its section", "no token"],
)
def test_a_configuration_that_cannot_be_served_is_refused(plant: Project, text: str, said: str) -> None:
    plant.config(text)
    refused = plant.call("serve", "--port", "0")
    assert refused.code == 2
    assert said in refused.err
    assert refused.out == ""


def test_another_host_than_this_machine_needs_a_token(plant: Project) -> None:
    refused = plant.call("serve", "--host", "0.0.0.0", "--port", "0")
    assert refused.code == 2
    assert "0.0.0.0 is reachable from other machines, so the page needs a token" in refused.err


def test_a_port_that_is_taken_is_named(plant: Project) -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as other:
        port = other.getsockname()[1]
        refused = plant.call("serve", "--port", str(port))
    assert refused.code == 2
    assert f"127.0.0.1:{port} cannot be served on: Address already in use. Name another one with --port" in refused.err


def test_a_host_that_is_none_is_named(plant: Project) -> None:
    plant.config(YEARLY + "serve: {host: no.such.host.invalid, token: s3cret/canary}\n")
    refused = plant.call("serve", "--port", "0")
    assert refused.code == 2
    assert "there is no address no.such.host.invalid to serve on" in refused.err


# ---------------------------------------------------------------- the store


def test_without_a_store_it_starts_and_is_not_ready_until_there_is_one(plant: Project) -> None:
    blocked = plant.folder / "state"
    blocked.write_text("no folder")
    with serving() as daemon:
        daemon.hears("the state store cannot be used")
        assert daemon.get("/livez")[0] == 200
        status, said = daemon.get("/readyz")
        assert (status, json.loads(said)["ready"]) == (503, False)
        blocked.unlink()
        daemon.hears("the state store can be used again")
        assert daemon.get("/readyz")[0] == 200


def test_no_secret_is_said(plant: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BOARD_PASSWORD", "s3cret/canary")
    missed(plant)
    with serving() as daemon:
        assert daemon.hears("run failed")["exit_code"] == 4
        said = daemon.get("/")[1] + daemon.get("/metrics")[1] + "".join(daemon.said)
        assert "scrap-daily" in said
        assert "canary" not in said


def test_traces_are_set_up_as_for_every_command(plant: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTEL_TRACES_EXPORTER", "zipkin")
    with serving() as daemon:
        told = daemon.hears("traces are not sent, everything else goes on")
        assert "OTEL_TRACES_EXPORTER is zipkin" in told["problem"]


# ---------------------------------------------------------------- waiting


def wait_for(happened: Callable[[], bool]) -> None:
    until = time.monotonic() + PATIENCE
    while not happened():
        assert time.monotonic() < until, "it did not happen"
        time.sleep(0.005)
