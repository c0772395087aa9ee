"""The health check of the image: right about configuration and state store, and light."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from kpisync.health import trouble

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


def test_it_ends_with_1_and_a_sentence(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "kpisync.health"]
    done = subprocess.run(command, cwd=tmp_path, env={}, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert done.stderr.startswith("config/kpisync.yaml: the configuration cannot be read")


def test_it_imports_nothing_heavy() -> None:
    program = "import sys, kpisync.health; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert [name for name in HEAVY if name in done.stdout.split()] == []
