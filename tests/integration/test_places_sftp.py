"""Files of an SFTP server: found and fetched as files here are, from a server that is who it says it is."""

from __future__ import annotations

import gzip
import os
import socket
import threading
from collections.abc import Iterator
from multiprocessing.pool import ThreadPool
from pathlib import Path
from typing import Any

import asyncssh
import fetched
import pytest
from fetched import TABLE, contents, refusal
from sftp_server import PASSWORD, SftpServer
from structlog.contextvars import bound_contextvars, get_contextvars

from kpisync.errors import NothingToRead, SourceError
from kpisync.places import sftp
from kpisync.places.address import parse
from kpisync.places.copies import Copies
from kpisync.places.files import Files
from kpisync.places.login import Login
from kpisync.places.remote import Steps, remote
from kpisync.ports import Surroundings
from kpisync.testing.clock import NOON, FakeClock

HOUR = 3600.0
KEY = asyncssh.generate_private_key("ssh-ed25519").export_public_key().decode().strip()


@pytest.fixture
def server(tmp_path: Path) -> Iterator[SftpServer]:
    root = tmp_path / "root"
    root.mkdir()
    with SftpServer(root) as running:
        yield running


def put(server: SftpServer, name: str, content: bytes = TABLE, age: float = HOUR) -> Path:
    path = server.root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    changed = NOON.timestamp() - age
    os.utime(path, (changed, changed))
    return path


def files(server: SftpServer, path: str, login: dict[str, str] | None = None, **given: Any) -> Files:
    login = {"password": PASSWORD, "host_key": server.host_key} if login is None else login
    return fetched.files(server.url(path), login, FakeClock(), **given)


# ---------------------------------------------------------------- what is read


def test_files_that_match_are_fetched_in_the_order_of_their_names(server: SftpServer) -> None:
    for name in ("out/b.csv", "out/a.csv", "out/.c.csv", "out/d.txt"):
        put(server, name, name.encode())
    assert list(contents(files(server, "/out/*.csv")).items()) == [
        (server.origin("/out/a.csv"), b"out/a.csv"),
        (server.origin("/out/b.csv"), b"out/b.csv"),
    ]


def test_two_stars_stand_for_any_folders_and_one_for_a_part_of_a_name(server: SftpServer) -> None:
    for name in ("a.csv", "2026/b.csv", "2026/11/c.csv", ".hidden/d.csv"):
        put(server, name)
    origin = server.origin
    assert list(contents(files(server, "/**/*.csv"))) == [
        origin("/2026/11/c.csv"),
        origin("/2026/b.csv"),
        origin("/a.csv"),
    ]
    assert list(contents(files(server, "/20*/*.csv"))) == [origin("/2026/b.csv")]


def test_a_large_file_comes_whole(server: SftpServer) -> None:
    content = os.urandom(3_000_000)
    put(server, "a.csv", content)
    assert contents(files(server, "/a.csv")) == {server.origin("/a.csv"): content}


def test_an_empty_file_is_fetched_as_it_is(server: SftpServer) -> None:
    put(server, "a.csv", b"")
    assert contents(files(server, "/a.csv")) == {server.origin("/a.csv"): b""}


def test_a_file_is_fetched_once_and_all_readings_see_it_as_it_was(server: SftpServer) -> None:
    put(server, "a.csv")
    found = files(server, "/a.csv")
    before = found.hashes()
    put(server, "a.csv", b"other")
    assert (found.hashes(), contents(found)) == (before, {server.origin("/a.csv"): TABLE})
    assert server.logins == ["maria"]


def test_a_link_is_followed_to_its_file(server: SftpServer) -> None:
    put(server, "a.csv")
    (server.root / "b.csv").symlink_to("a.csv")
    assert list(contents(files(server, "/*.csv"))) == [server.origin("/a.csv"), server.origin("/b.csv")]


def test_links_that_go_round_in_circles_end_nothing(server: SftpServer) -> None:
    put(server, "in/a.csv")
    (server.root / "in/again").symlink_to(".")
    assert list(contents(files(server, "/**/*.csv"))) == [server.origin("/in/a.csv")]


def test_pick_and_max_age_go_by_the_time_on_the_server(server: SftpServer) -> None:
    put(server, "a.csv", age=HOUR)
    put(server, "b.csv", age=30 * HOUR)
    assert list(contents(files(server, "/*.csv", pick="newest", max_age="26h"))) == [server.origin("/a.csv")]
    error = refusal(files(server, "/b.csv", max_age="26h"))
    assert error.what == "the newest file is 30 h old, and max_age is 26 h"


def test_a_file_that_changed_just_now_is_waited_for_there_too(server: SftpServer) -> None:
    put(server, "a.csv", age=20)
    assert contents(files(server, "/a.csv", settle="1m")) == {server.origin("/a.csv"): TABLE}


def test_a_file_in_an_archive_there_is_read(server: SftpServer) -> None:
    put(server, "a.csv.gz", gzip.compress(TABLE))
    assert contents(files(server, "/*.gz", archive={})) == {server.origin("/a.csv.gz/a.csv"): TABLE}


# ---------------------------------------------------------------- what is missing or not to be read


@pytest.mark.parametrize("path", ["/out/*.csv", "/out/today.csv"])
def test_no_file_is_an_error_unless_it_may_be_missing(server: SftpServer, path: str) -> None:
    put(server, "out/a.txt")
    assert refusal(files(server, path)).what == "no file matches"
    with pytest.raises(NothingToRead):
        list(files(server, path, on_missing="skip"))


@pytest.mark.parametrize("path", ["/gone/*.csv", "/gone/today.csv"])
def test_a_folder_that_is_missing_is_an_error_even_where_no_file_may_be(server: SftpServer, path: str) -> None:
    error = refusal(files(server, path, on_missing="skip"))
    assert not isinstance(error, NothingToRead)
    assert error.what == "there is no such file or folder"


def test_a_folder_is_no_file(server: SftpServer) -> None:
    put(server, "out/a.csv")
    assert refusal(files(server, "/*")).what == refusal(files(server, "/out")).what == "not a regular file"


def test_a_broken_link_is_never_passed_over(server: SftpServer) -> None:
    (server.root / "a.csv").symlink_to("gone.csv")
    error = refusal(files(server, "/*.csv"))
    assert (error.what, error.where) == ("there is no such file or folder", server.origin("/a.csv"))


def test_a_file_that_may_not_be_read_is_an_error(server: SftpServer) -> None:
    put(server, "forbidden.csv")
    assert refusal(files(server, "/*.csv")).what == "the user may not read it"


def test_a_file_that_grows_while_it_is_fetched_is_refused(server: SftpServer) -> None:
    path = put(server, "a.csv", TABLE * 10)

    def grow() -> None:
        server.on_read = lambda: None
        with path.open("ab") as stream:
            stream.write(TABLE)

    server.on_read = grow
    assert "changed while it was fetched" in refusal(files(server, "/a.csv")).what


def rewrite(server: SftpServer) -> None:
    put(server, "a.csv", TABLE[::-1], age=5)


def test_a_file_that_is_rewritten_in_its_length_while_it_is_fetched_is_refused(server: SftpServer) -> None:
    put(server, "a.csv")
    server.on_read = lambda: rewrite(server)
    assert "changed while it was fetched" in refusal(files(server, "/a.csv")).what


# ---------------------------------------------------------------- who is who


def known_hosts(tmp_path: Path, line: str) -> str:
    path = tmp_path / "known_hosts"
    path.write_text(line + "\n")
    return str(path)


def test_a_server_whose_key_is_in_known_hosts_is_read(server: SftpServer, tmp_path: Path) -> None:
    put(server, "a.csv")
    known = known_hosts(tmp_path, f"[127.0.0.1]:{server.port} {server.host_key}")
    login = {"password": PASSWORD, "known_hosts": known}
    assert len(contents(files(server, "/a.csv", login))) == 1


def test_a_server_whose_key_is_not_known_is_never_told_the_password(server: SftpServer, tmp_path: Path) -> None:
    other = asyncssh.generate_private_key("ssh-ed25519").export_public_key().decode().strip()
    for login in (
        {"password": PASSWORD, "host_key": other},
        {"password": PASSWORD, "known_hosts": known_hosts(tmp_path, f"elsewhere {server.host_key}")},
        {"password": PASSWORD, "known_hosts": known_hosts(tmp_path, f"[127.0.0.1]:{server.port} {other}")},
        {"password": PASSWORD, "known_hosts": known_hosts(tmp_path, "")},
        {"password": PASSWORD, "known_hosts": known_hosts(tmp_path, f"@revoked * {server.host_key}")},
    ):
        error = refusal(files(server, "/a.csv", login))
        assert error.what == "the server's host key is not one that is known here"
        assert "ssh-keyscan" in str(error.hint)
    assert server.logins == []


def test_without_known_hosts_nothing_is_contacted(
    server: SftpServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    error = refusal(files(server, "/a.csv", {"password": PASSWORD}))
    assert error.where == str(tmp_path / ".ssh/known_hosts")
    assert "login.host_key" in str(error.hint)
    assert server.logins == []


def test_known_hosts_that_cannot_be_understood_are_an_error(server: SftpServer, tmp_path: Path) -> None:
    broken = known_hosts(tmp_path, "@nonsense * ssh-ed25519 AAAA")
    assert "cannot be read" in refusal(files(server, "/a.csv", {"password": PASSWORD, "known_hosts": broken})).what


def test_nothing_in_the_users_own_ssh_configuration_matters(
    server: SftpServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / ".ssh").mkdir()
    (tmp_path / ".ssh/config").write_text("Host *\n  ProxyCommand false\n  UserKnownHostsFile /dev/null\n")
    monkeypatch.setenv("HOME", str(tmp_path))
    put(server, "a.csv")
    assert len(contents(files(server, "/a.csv"))) == 1


def test_a_wrong_password_is_told_once_and_said_to_be_wrong(server: SftpServer) -> None:
    error = refusal(files(server, "/a.csv", {"password": "wrong", "host_key": server.host_key}))
    assert (error.what, server.logins) == ("the server refuses the login", ["maria"])


@pytest.mark.parametrize("phrase", [None, "open sesame"])
def test_a_private_key_logs_in(server: SftpServer, tmp_path: Path, phrase: str | None) -> None:
    put(server, "a.csv")
    key = asyncssh.generate_private_key("ssh-ed25519")
    server.user_key = key.convert_to_public()
    key.write_private_key(tmp_path / "id", "pkcs8-pem", passphrase=phrase)
    login = {"key_file": str(tmp_path / "id"), "host_key": server.host_key}
    assert len(contents(files(server, "/a.csv", login | ({"key_passphrase": phrase} if phrase else {})))) == 1


def test_a_private_key_that_cannot_be_used_is_named(server: SftpServer, tmp_path: Path) -> None:
    key = asyncssh.generate_private_key("ssh-ed25519")
    key.write_private_key(tmp_path / "locked", "pkcs8-pem", passphrase="open sesame")
    (tmp_path / "rubbish").write_text("rubbish")
    for name in ("locked", "rubbish", "gone"):
        login = {"key_file": str(tmp_path / name), "host_key": server.host_key}
        error = refusal(files(server, "/a.csv", login))
        assert error.where == str(tmp_path / name)
        assert "login.key_file" in str(error.hint)


# ---------------------------------------------------------------- a network that fails


def test_a_connection_that_breaks_off_is_an_error(server: SftpServer) -> None:
    put(server, "a.csv")
    server.on_read = lambda: server.connections[-1].abort()
    assert refusal(files(server, "/a.csv")).what == "the connection broke off"


def test_a_port_where_nobody_listens_is_named() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    found = fetched.files(f"sftp://127.0.0.1:{port}/a.csv", {"host_key": KEY})
    assert "refuses the connection" in refusal(found).what


def test_a_host_that_nobody_knows_is_named() -> None:
    found = fetched.files("sftp://nobody.invalid/a.csv", {"host_key": KEY})
    assert "name of the server is not known" in refusal(found).what


def test_a_server_without_sftp_is_named(tmp_path: Path) -> None:
    with SftpServer(tmp_path, sftp=False) as server:
        assert "does not offer SFTP" in refusal(files(server, "/a.csv")).what


def test_a_server_that_speaks_something_else_is_an_error() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def answer() -> None:
            connection, _ = listener.accept()
            with connection:
                connection.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")
                connection.recv(1000)

        thread = threading.Thread(target=answer, daemon=True)
        thread.start()
        path = f"sftp://127.0.0.1:{listener.getsockname()[1]}/a.csv"
        assert refusal(fetched.files(path, {"host_key": KEY})).where == path
        thread.join(10)


def test_a_server_that_hangs_is_given_up(server: SftpServer) -> None:
    put(server, "a.csv")
    server.hangs = True
    login = Login.model_validate({"password": PASSWORD, "host_key": server.host_key})
    with remote(parse(server.url("/a.csv")), login, Surroundings(), seconds=0.3) as place:
        (entry,) = place.entries()
        with pytest.raises(SourceError, match="did not answer in time"):
            place.copy(entry, Copies())


def test_what_is_logged_while_a_file_is_fetched_says_which_run_it_is_of() -> None:
    with bound_contextvars(run="01JRUN"), ThreadPool(1) as pool:
        assert Steps(sftp, str, pool, 60.0).take("there", get_contextvars) == {"run": "01JRUN"}
