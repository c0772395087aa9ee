"""The compose file: what it starts can be typed, what it mounts is there, and nothing in it may write or rise."""

from __future__ import annotations

import json
import re
import shlex
from pathlib import Path
from typing import Any

import pytest
import yaml
from command_lines import parse

from kpisync.config.load import load
from kpisync.config.schema import LOOPBACK

ROOT = Path(__file__).parent.parent.parent
TEXT = (ROOT / "compose.yaml").read_text(encoding="utf-8")
DOCKERFILE = (ROOT / "Dockerfile").read_text(encoding="utf-8")
DOCUMENT: dict[str, Any] = yaml.safe_load(TEXT)
SERVICES: dict[str, Any] = DOCUMENT["services"]
DAEMON: dict[str, Any] = SERVICES["kpisync"]
SHOWN = [
    shlex.split(words, comments=True)
    for words in re.findall(r"^#   docker compose (?:run --rm kpisync|exec kpisync kpisync) (.+)$", TEXT, re.MULTILINE)
]
SERVED = ROOT / "config" / "compose" / "kpisync.yaml"


@pytest.fixture
def served(tmp_path: Path) -> Path:
    """The configuration of the daemon, with its secret where this machine has it."""
    folder = tmp_path / "compose"
    folder.mkdir()
    (tmp_path / "demo").symlink_to(ROOT / "config" / "demo")
    (tmp_path / "page_token").write_text("not-a-token\n", encoding="utf-8")
    text = SERVED.read_text(encoding="utf-8")
    assert "/run/secrets/page_token" in text
    (folder / "kpisync.yaml").write_text(
        text.replace("/run/secrets/page_token", str(tmp_path / "page_token")), encoding="utf-8"
    )
    return folder / "kpisync.yaml"


@pytest.mark.parametrize("arguments", [*(each["command"] for each in SERVICES.values()), *SHOWN], ids=" ".join)
def test_a_command_in_it_can_be_typed(arguments: list[str]) -> None:
    parse(arguments)


def test_it_shows_what_is_done_beside_the_daemon() -> None:
    assert [each[0] for each in SHOWN] == ["status", "plan"]


def test_the_configuration_that_it_serves_is_sound(served: Path) -> None:
    loaded = load(served, {"KPISYNC_STATE": "sqlite:////data/state/kpisync.db"})
    assert [str(problem) for problem in loaded.problems] == []
    assert loaded.jobs
    assert all(job.schedule for job in loaded.jobs.values())
    assert [job for job in loaded.jobs.values() if not Path(job.source.options.path).is_file()] == []  # type: ignore[attr-defined]


def test_the_page_is_open_to_the_published_port_and_asks_for_the_token(served: Path) -> None:
    loaded = load(served, {"KPISYNC_STATE": "sqlite:////data/state/kpisync.db"})
    serve = loaded.settings.serve if loaded.settings else None
    assert serve is not None
    assert serve.host not in LOOPBACK
    assert serve.token is not None
    assert serve.token.get_secret_value() == "not-a-token"
    assert f"EXPOSE {serve.port}\n" in DOCKERFILE
    assert SERVICES["sandbox"]["ports"] == [f"127.0.0.1:{serve.port}:{serve.port}"]
    assert DAEMON["network_mode"] == "service:sandbox"


def test_the_secret_comes_from_a_file_that_git_does_not_keep() -> None:
    file = Path(DOCUMENT["secrets"]["page_token"]["file"])
    assert DAEMON["secrets"] == ["page_token"]
    assert f"> {file} " in TEXT, "the first lines say how it is made"
    assert f"/{file.parent}/" in (ROOT / ".gitignore").read_text(encoding="utf-8").splitlines()


def test_what_it_mounts_and_reads_is_there() -> None:
    for service in SERVICES.values():
        for volume in service["volumes"]:
            source = volume.split(":")[0]
            assert (ROOT / source).is_dir() if source.startswith(".") else source in DOCUMENT["volumes"]
    for config in (DAEMON["environment"]["KPISYNC_CONFIG"], SERVICES["sandbox"]["command"][1]):
        assert config.startswith("/config/")
        assert (ROOT / config.removeprefix("/")).is_file()


def test_the_sandbox_knows_the_board_that_the_jobs_write_to(served: Path) -> None:
    ours = load(served, {"KPISYNC_STATE": "sqlite:////data/state/kpisync.db"}).catalogs["board"]
    its = load(ROOT / SERVICES["sandbox"]["command"][1].removeprefix("/"), {}).catalogs["board"]
    assert set(ours.teams.items()) <= set(its.teams.items())
    assert set(ours.kpis) <= set(its.kpis)
    assert all(kpi.id == its.kpis[name].id for name, kpi in ours.kpis.items())


def test_no_service_may_write_outside_its_volume_or_rise() -> None:
    for service in SERVICES.values():
        assert service["read_only"] is True
        assert service["cap_drop"] == ["ALL"]
        assert service["security_opt"] == ["no-new-privileges:true"]
        assert "privileged" not in service
        assert all(port.startswith("127.0.0.1:") for port in service.get("ports", ()))


def test_the_state_is_kept_in_the_volume() -> None:
    assert "data:/data" in DAEMON["volumes"]
    assert "KPISYNC_STATE=sqlite:////data/" in DOCKERFILE
    assert "state: ${env:KPISYNC_STATE}" in SERVED.read_text(encoding="utf-8")


def test_the_daemon_has_time_to_end_and_is_asked_how_it_is() -> None:
    assert int(DAEMON["stop_grace_period"].removesuffix("s")) > 10
    assert DAEMON["healthcheck"]["test"] == ["CMD", "python", "-m", "kpisync.health"]
    assert DAEMON["restart"] == "unless-stopped"


def test_its_log_does_not_fill_the_disk() -> None:
    assert set(DAEMON["logging"]["options"]) == {"max-size", "max-file"}


def test_it_holds_no_secret() -> None:
    assert not re.search(r"password|token=|api_?key", json.dumps(SERVICES), re.IGNORECASE)
