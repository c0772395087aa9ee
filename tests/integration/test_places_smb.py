"""Files on a share of Samba, where it is installed, and servers that refuse."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import smbclient
from fetched import SECRET, TABLE, contents, files, refusal

from kpisync.errors import NothingToRead
from kpisync.places.files import Files
from kpisync.testing.clock import NOON, FakeClock

SMBD = shutil.which("smbd") or shutil.which("smbd", path="/usr/sbin")
HOUR = 3600.0
CONFIGURATION = """
[global]
  workgroup = PLANT
  server role = standalone server
  smb ports = {port}
  bind interfaces only = yes
  interfaces = lo
  private dir = {folder}/own
  lock directory = {folder}/own
  state directory = {folder}/own
  cache directory = {folder}/own
  pid directory = {folder}/own
  ncalrpc dir = {folder}/own/ncalrpc
  log file = {folder}/own/log
  passdb backend = smbpasswd:{folder}/own/smbpasswd
  map to guest = never
  load printers = no
  disable spoolss = yes
[plant]
  path = {folder}/share
  read only = no
[closed]
  path = {folder}/share
  valid users = nobody
"""


class Share:
    """`plant`, whose files lie in a folder here."""

    def __init__(self, folder: Path, port: int) -> None:
        self.root, self.port, self.place = folder / "share", port, f"smb://127.0.0.1:{port}"

    def put(self, name: str, content: bytes = TABLE, age: float = HOUR) -> Path:
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        os.utime(path, (NOON.timestamp() - age,) * 2)
        return path

    def files(self, path: str, login: dict[str, str] | None = None, **given: Any) -> Files:
        login = login or {"username": "root", "password": SECRET}
        return files(f"{self.place}{path}", login, FakeClock(), **given)


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port: int = taken.getsockname()[1]
    return port


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, int]]:
    if SMBD is None or not shutil.which("smbpasswd"):
        pytest.skip("smbd (Debian package samba) is not installed")
    if os.geteuid() != 0:
        pytest.skip("smbd serves users of this machine, so it needs root")
    folder, port = tmp_path_factory.mktemp("samba"), free_port()
    (folder / "own").mkdir()
    (folder / "share").mkdir()
    configuration = folder / "smb.conf"
    configuration.write_text(CONFIGURATION.format(folder=folder, port=port))
    command = ["smbpasswd", "-c", str(configuration), "-s", "-a", "root"]
    subprocess.run(command, input=f"{SECRET}\n{SECRET}\n", text=True, check=True, capture_output=True)
    command = [SMBD, "--foreground", "-s", str(configuration), "--debug-stdout"]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        try:
            _wait_for(port)
            yield folder, port
        finally:
            process.terminate()


def _wait_for(port: int) -> None:
    for _ in range(200):
        try:
            socket.create_connection(("127.0.0.1", port)).close()
        except ConnectionRefusedError:
            time.sleep(0.05)
        else:
            return
    raise AssertionError("smbd does not listen")


@pytest.fixture
def share(server: tuple[Path, int]) -> Iterator[Share]:
    made = Share(*server)
    yield made
    for entry in made.root.iterdir():
        shutil.rmtree(entry) if entry.is_dir() else entry.unlink()


def test_files_that_match_are_fetched_in_the_order_of_their_names(share: Share) -> None:
    for name in ("out/b.csv", "out/a.csv", "out/.c.csv", "out/d.txt", "out/done/e.csv"):
        share.put(name, name.encode())
    assert list(contents(share.files("/plant/out/*.csv")).items()) == [
        (f"{share.place}/plant/out/a.csv", b"out/a.csv"),
        (f"{share.place}/plant/out/b.csv", b"out/b.csv"),
    ]


@pytest.mark.parametrize("size", [0, 1, 3_000_000])
def test_a_file_comes_whole_whatever_its_size(share: Share, size: int) -> None:
    share.put("Größe 1.csv", b"x" * size)
    assert contents(share.files("/plant/Größe 1.csv")) == {f"{share.place}/plant/Größe 1.csv": b"x" * size}


def test_two_stars_stand_for_any_folders(share: Share) -> None:
    for name in ("a.csv", "2026/b.csv", "2026/11/c.csv"):
        share.put(name)
    found = contents(share.files("/plant/**/*.csv"))
    assert [origin.rpartition("/plant/")[2] for origin in found] == ["2026/11/c.csv", "2026/b.csv", "a.csv"]


def test_pick_age_and_settling_go_by_the_time_on_the_server(share: Share) -> None:
    share.put("a.csv", age=30)
    share.put("b.csv", age=30 * HOUR)
    assert list(contents(share.files("/plant/*.csv", pick="newest", max_age="26h", settle="1m"))) == [
        f"{share.place}/plant/a.csv"
    ]
    assert "30 h old" in refusal(share.files("/plant/b.csv", max_age="26h")).what


def test_the_domain_goes_with_the_user(share: Share) -> None:
    share.put("a.csv")
    login = {"username": "root", "password": SECRET, "domain": "PLANT"}
    assert len(contents(share.files("/plant/a.csv", login))) == 1


def test_who_writes_a_file_is_not_hindered_by_us(share: Share) -> None:
    share.put("a.csv")
    connections: dict[str, Any] = {}
    own = {"username": "root", "password": SECRET, "port": share.port, "connection_cache": connections}
    with smbclient.open_file(r"\\127.0.0.1\plant\a.csv", "ab", **own) as writer:
        assert refusal(share.files("/plant/a.csv")).what == "another program keeps the file to itself"
    with smbclient.open_file(r"\\127.0.0.1\plant\a.csv", "ab", share_access="rwd", **own) as writer:
        assert len(contents(share.files("/plant/a.csv"))) == 1
        writer.write(TABLE)
    smbclient.reset_connection_cache(connection_cache=connections)


@pytest.mark.parametrize("path", ["/plant/out/*.csv", "/plant/out/today.csv"])
def test_no_file_is_an_error_unless_it_may_be_missing(share: Share, path: str) -> None:
    (share.root / "out").mkdir()
    assert refusal(share.files(path)).what == "no file matches"
    with pytest.raises(NothingToRead):
        list(share.files(path, on_missing="skip"))


@pytest.mark.parametrize("path", ["/plant/gone/*.csv", "/plant/gone/today.csv"])
def test_a_folder_that_is_missing_is_an_error_even_where_no_file_may_be(share: Share, path: str) -> None:
    error = refusal(share.files(path, on_missing="skip"))
    assert not isinstance(error, NothingToRead)
    assert error.what == "there is no such file or folder"


def test_a_folder_is_no_file(share: Share) -> None:
    (share.root / "out").mkdir()
    assert refusal(share.files("/plant/out")).what == "not a regular file"


def test_a_share_that_is_missing_is_told_from_one_that_is_closed(share: Share) -> None:
    assert refusal(share.files("/gone/*.csv")).what == "there is no such share"
    assert refusal(share.files("/closed/*.csv")).what == "the user may not read it"


@pytest.mark.parametrize("login", [{"username": "root", "password": "x"}, {"username": "paul", "password": SECRET}])
def test_a_wrong_login_is_named(share: Share, login: dict[str, str]) -> None:
    error = refusal(share.files("/plant/*.csv", login))
    assert error.what == "the server refuses the login"
    assert "login.domain" in str(error.hint)


def test_a_port_where_nobody_listens_is_named() -> None:
    found = files(f"smb://127.0.0.1:{free_port()}/plant/*.csv", {"username": "root", "password": SECRET})
    assert refusal(found).what == "the server refuses the connection"


def test_a_host_that_nobody_knows_is_named() -> None:
    found = files("smb://nobody.invalid/plant/*.csv", {"username": "root", "password": SECRET})
    assert refusal(found).what == "the name of the server is not known here"
