"""`python -m kpisync.health`: whether a container is fit to work, told in milliseconds by the standard library alone.

What is asked depends on what the container was started for, which its first process tells. `kpisync serve` is sound if
its page answers /livez; what else troubles it, it says itself, and a new start would not cure it. For any other command
sound are a configuration that can be read, and a state store that can be opened. The store is the file that
$KPISYNC_STATE names; one that is not there yet, is being written to, or lies on a server is not held against it.
"""

from __future__ import annotations

import os
import re
import socket
import sqlite3
import sys
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path

_FIRST_PROCESS = Path("/proc/1/cmdline")
_SERVES = re.compile(rb"(?:^|[\0 ])serve(?:[\0 ]|$)")
_PORT = re.compile(rb"--port[\0 =](\d+)")
_USUAL_PORT = 8080
_ANSWER_SECONDS = 3.0  # less than the image gives its health check
_BUSY_SECONDS = 1.0
_DEFAULT_CONFIG = "config/kpisync.yaml"
_IN_USE = ("SQLITE_BUSY", "SQLITE_LOCKED")


def trouble(environ: Mapping[str, str], command: bytes = b"") -> str | None:
    """Why work would fail, in one sentence; None if nothing speaks against it.

    `command` is what the container was started for: its words, with NUL or blanks between them.
    """
    if _SERVES.search(command):
        named = _PORT.search(command)
        return _daemon_trouble(int(named[1]) if named else _USUAL_PORT)
    return _config_trouble(environ.get("KPISYNC_CONFIG") or _DEFAULT_CONFIG) or _store_trouble(
        environ.get("KPISYNC_STATE", "")
    )


def first_process(file: Path = _FIRST_PROCESS) -> bytes:
    """Its command line; nothing where the system does not tell."""
    try:
        return file.read_bytes()
    except OSError:
        return b""


def _daemon_trouble(port: int) -> str | None:
    try:
        status = _asked(port)
    except OSError as error:
        why = error.strerror or str(error)
        return f"http://127.0.0.1:{port}/livez: the daemon does not answer ({why}). Its log says more"
    if status == b"200":
        return None
    said = status.decode("ascii", "replace") or "nothing"
    return f"http://127.0.0.1:{port}/livez: the daemon answers {said}: its schedule stands still. Start it again"


def _asked(port: int) -> bytes:
    """The status of the answer to `GET /livez`. Raises OSError."""
    with socket.create_connection(("127.0.0.1", port), _ANSWER_SECONDS) as connection:
        connection.sendall(b"GET /livez HTTP/1.0\r\nHost: 127.0.0.1:%d\r\nConnection: close\r\n\r\n" % port)
        with connection.makefile("rb") as answer:
            words = answer.readline(200).split()
    return words[1] if len(words) > 1 and words[0].startswith(b"HTTP/") else b""


def _config_trouble(name: str) -> str | None:
    path = Path(name)
    file = path / "kpisync.yaml" if path.is_dir() else path
    try:
        file.open("rb").close()
    except OSError as error:
        return f"{file}: the configuration cannot be read ({error.strerror}). Mount it, or set KPISYNC_CONFIG"
    return None


def _store_trouble(url: str) -> str | None:
    scheme, _, name = url.partition(":///")
    file = Path(name)
    if scheme != "sqlite" or not name or not file.exists():
        return None
    try:
        with closing(sqlite3.connect(f"{file.absolute().as_uri()}?mode=rw", uri=True, timeout=_BUSY_SECONDS)) as store:
            store.execute("PRAGMA query_only = ON")  # not mode=ro, which cannot read past a killed writer's journal
            store.execute("SELECT count(*) FROM sqlite_master").fetchone()
    except sqlite3.Error as error:
        if error.sqlite_errorname.startswith(_IN_USE):
            return None
        return f"{file}: the state store cannot be opened ({error}). Bring back a copy with `kpisync state restore`"
    return None


if __name__ == "__main__":
    if found := trouble(os.environ, first_process()):
        sys.exit(found)
