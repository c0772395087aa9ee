"""The health check of the image: right about daemon, configuration and state store, and light."""

from __future__ import annotations

import socket
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from kpisync.health import first_process, trouble

HEAVY = ("pydantic", "sqlalchemy", "yaml", "typer", "rich", "httpx", "structlog", "alembic")


@pytest.fixture
def environ(tmp_path: Path) -> dict[str, str]:
    """A container whose first run is still to come."""
    (tmp_path / "kpisync.yaml").write_text("version: 1\n", encoding="utf-8")
    return {
        "KPISYNC_CONFIG": str(tmp_path / "kpisync.yaml"),
        "KPISYNC_STATE": f"sqlite:///{tmp_path.as_posix()}/kpisync.db",
    }


@pytest.fixture
def store(tmp_path: Path) -> Path:
    file = tmp_path / "kpisync.db"
    with closing(sqlite3.connect(file)) as connection, connection:
        connection.execute("CREATE TABLE runs (id TEXT)")
    return file


def test_a_container_that_has_not_run_yet_is_sound(environ: dict[str, str]) -> None:
    assert trouble(environ) is None


def test_a_store_that_opens_is_sound_and_left_as_it_is(environ: dict[str, str], store: Path) -> None:
    before = store.read_bytes()
    assert trouble(environ) is None
    assert store.read_bytes() == before
    assert [file.name for file in store.parent.iterdir() if file.name.startswith("kpisync.db-")] == []


def test_a_directory_of_configuration_is_sound(environ: dict[str, str], tmp_path: Path) -> None:
    assert trouble({**environ, "KPISYNC_CONFIG": str(tmp_path)}) is None


def test_a_configuration_that_is_not_mounted_is_told(environ: dict[str, str], tmp_path: Path) -> None:
    told = trouble({**environ, "KPISYNC_CONFIG": str(tmp_path / "other.yaml")})
    assert told is not None
    assert told.startswith(f"{tmp_path / 'other.yaml'}: the configuration cannot be read")
    assert "KPISYNC_CONFIG" in told


def test_a_damaged_store_is_told(environ: dict[str, str], store: Path) -> None:
    store.write_bytes(b"no database" * 1000)
    told = trouble(environ)
    assert told is not None
    assert told.startswith(f"{store}: the state store cannot be opened")


def test_a_store_that_is_being_written_to_is_sound(
    environ: dict[str, str], store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("kpisync.health._BUSY_SECONDS", 0.0)
    with closing(sqlite3.connect(store, isolation_level=None)) as writer:
        writer.execute("BEGIN EXCLUSIVE")
        assert trouble(environ) is None
        writer.execute("ROLLBACK")


def test_a_store_on_a_server_is_not_its_affair(environ: dict[str, str]) -> None:
    assert trouble({**environ, "KPISYNC_STATE": "postgresql://kpisync@db.example/kpisync"}) is None


# ---------------------------------------------------------------- the daemon


@contextmanager
def answering(answer: bytes) -> Iterator[tuple[int, list[bytes]]]:
    """(port, requests) of a server that says the same to everybody."""
    requests: list[bytes] = []

    def serve() -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            with connection:
                requests.append(connection.recv(65536))
                connection.sendall(answer)

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield listener.getsockname()[1], requests
        finally:
            listener.shutdown(socket.SHUT_RDWR)
            thread.join(5)


def serve_command(port: int) -> bytes:
    return b"\0".join([b"/opt/kpisync/bin/python", b"/opt/kpisync/bin/kpisync", b"serve", b"--port", b"%d" % port, b""])


def test_a_daemon_that_answers_is_sound_whatever_becomes_of_its_files() -> None:
    with answering(b"HTTP/1.1 200 OK\r\n\r\nalive") as (port, requests):
        assert trouble({"KPISYNC_CONFIG": "/nowhere/kpisync.yaml"}, serve_command(port)) is None
    assert len(requests) == 1
    assert requests[0].startswith(b"GET /livez HTTP/1.0\r\nHost: 127.0.0.1:")


def test_a_daemon_whose_schedule_stands_still_is_told(environ: dict[str, str]) -> None:
    with answering(b"HTTP/1.1 503 Service Unavailable\r\n\r\n") as (port, _):
        told = trouble(environ, serve_command(port))
    assert told == f"http://127.0.0.1:{port}/livez: the daemon answers 503: its schedule stands still. Start it again"


@pytest.mark.parametrize("answer", [b"", b"SSH-2.0-OpenSSH_9.2\r\n", b"HTTP/1.1"], ids=["nothing", "other", "cut off"])
def test_an_answer_that_is_none_is_told(environ: dict[str, str], answer: bytes) -> None:
    with answering(answer) as (port, _):
        told = trouble(environ, serve_command(port))
    assert told is not None
    assert told.startswith(f"http://127.0.0.1:{port}/livez: the daemon answers nothing")


def test_a_daemon_that_does_not_listen_is_told(environ: dict[str, str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    told = trouble(environ, serve_command(port))
    assert told is not None
    assert told.startswith(f"http://127.0.0.1:{port}/livez: the daemon does not answer (Connection refused)")


def test_a_daemon_that_hangs_is_told(environ: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("kpisync.health._ANSWER_SECONDS", 0.05)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        told = trouble(environ, serve_command(port))
    assert told == f"http://127.0.0.1:{port}/livez: the daemon does not answer (timed out). Its log says more"


@pytest.mark.parametrize(
    "command",
    [
        b"kpisync\0serve\0--port=%d\0",
        b"/sbin/docker-init\0--\0kpisync\0serve\0--port\0%d\0",
        b"sh\0-c\0kpisync serve --port %d\0",
    ],
    ids=["alone", "with an init", "in a shell"],
)
def test_a_daemon_is_known_however_it_was_started(environ: dict[str, str], command: bytes) -> None:
    with answering(b"HTTP/1.1 200 OK\r\n\r\n") as (port, requests):
        assert trouble(environ, command % port) is None
    assert len(requests) == 1


def test_the_usual_port_is_that_of_the_program_and_of_the_image(environ: dict[str, str]) -> None:
    from kpisync.config.schema import ServeOptions

    dockerfile = (Path(__file__).parent.parent.parent / "Dockerfile").read_text(encoding="utf-8")
    with pytest.MonkeyPatch.context() as patch:
        asked: list[int] = []
        patch.setattr("kpisync.health._asked", lambda port: asked.append(port) or b"200")
        assert trouble(environ, b"kpisync\0serve\0") is None
    assert asked == [ServeOptions().port]
    assert f"\nEXPOSE {asked[0]}\n" in dockerfile


@pytest.mark.parametrize("command", [b"kpisync\0run\0", b"kpisync\0-c\0/etc/serve/a.yaml\0plan\0", b""])
def test_another_command_is_asked_for_no_page(environ: dict[str, str], command: bytes) -> None:
    assert trouble(environ, command) is None


def test_a_system_that_tells_no_first_process_is_taken_for_one_without_a_daemon(tmp_path: Path) -> None:
    assert first_process(tmp_path / "cmdline") == b""


# ---------------------------------------------------------------- the program


def test_it_ends_with_1_and_a_sentence(tmp_path: Path) -> None:
    if b"serve" in first_process():
        pytest.skip("the first process of this machine looks like a daemon of ours")
    command = [sys.executable, "-m", "kpisync.health"]
    done = subprocess.run(command, cwd=tmp_path, env={}, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert done.stderr.startswith("config/kpisync.yaml: the configuration cannot be read")


def test_it_imports_nothing_heavy() -> None:
    program = "import sys, kpisync.health; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert [name for name in HEAVY if name in done.stdout.split()] == []
