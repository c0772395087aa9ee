"""What a kind of server offers to a reader of files, and what its failures are called."""

from __future__ import annotations

import errno
import socket
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, NamedTuple, Protocol

from kpisync.places.address import Address
from kpisync.places.entries import Entry
from kpisync.places.login import Login

SECONDS = 30  # without progress, then a server is given up
PIECE = 1 << 18  # bytes that are asked for at a time


class Stream(Protocol):
    """An open file there."""

    def read(self, size: int, /) -> bytes: ...

    def close(self) -> None: ...


class Drive(Protocol):
    """A connection. Its methods raise OSError and the failures of its kind; a folder has no slash at its end."""

    def entries(self, folder: str) -> list[Entry]:
        """What is in a folder, files and folders; FileNotFoundError if it is not there."""

    def look(self, path: str) -> Entry:
        """One file, links followed."""

    def open(self, path: str) -> Stream:
        """For reading, without hindering who writes it."""

    def close(self) -> None:
        """Give the connection up, whatever state it is in, and without waiting for the server."""


class Trouble(NamedTuple):
    """What failed, and what to do about it, for those who run plant and network."""

    what: str
    hint: str


class Kind(Protocol):
    """A kind of server; each is a module. `connect` raises ImportError where its extra is not installed."""

    def connect(self, address: Address, login: Login) -> Drive: ...

    def failures(self) -> tuple[type[Exception], ...]:
        """What its library raises, beside OSError."""

    def trouble(self, error: Exception) -> Trouble | None:
        """In words, where it is peculiar to this kind."""


class FsspecDrive:
    """A drive over a file system of fsspec that connects by itself and caches nothing."""

    def __init__(self, system: Any, root: str, changed: str, tag: str = "", **opening: Any) -> None:
        self.system, self._root, self._changed, self._tag, self._opening = system, root, changed, tag, opening

    def entries(self, folder: str) -> list[Entry]:
        return [self._link(found) or self._entry(found) for found in self.system.ls(folder or "/", detail=True)]

    def look(self, path: str) -> Entry:
        return self._entry(self.system.info(path))

    def open(self, path: str) -> Stream:
        stream: Stream = self.system.open(path, "rb", **self._opening)
        return stream

    def close(self) -> None:
        self.system = None  # its finalizers close what is open

    def _link(self, found: Mapping[str, Any]) -> Entry | None:
        """What a link leads to; a folder behind it is not entered, for links may go round in circles."""
        if found.get("type") != "link":
            return None
        try:
            return self.look(str(found["name"]))._replace(folder=False)
        except FileNotFoundError:
            return Entry(str(found["name"]), self._root + str(found["name"]))

    def _entry(self, found: Mapping[str, Any]) -> Entry:
        path, changed = str(found["name"]).rstrip("/"), found.get(self._changed)
        return Entry(
            path,
            self._root + path,
            found.get("size"),
            changed if isinstance(changed, datetime) else None,
            str(found.get(self._tag) or "").strip('"'),
            found.get("type") == "directory",
        )


LATE = Trouble("the server did not answer in time", "Check host, network and firewall, then run again")


def general_trouble(error: Exception, kind: Callable[[Exception], Trouble | None]) -> Trouble:
    """In words; the cause is looked for behind what a library made of it."""
    chain = [error]
    while (
        (cause := chain[-1].__cause__ or chain[-1].__context__) and isinstance(cause, Exception) and cause not in chain
    ):
        chain.append(cause)
    for words in (kind, _of_system):
        for seen in chain:
            if found := words(seen):
                return found
    said = error.strerror if isinstance(error, OSError) and error.strerror else f"{error}"
    return Trouble(f"it failed: {said or type(error).__name__}", "Check path and login, and ask who runs the server")


def _of_system(error: Exception) -> Trouble | None:
    if isinstance(error, socket.gaierror):
        return Trouble("the name of the server is not known here", "Check its spelling, and the name service (DNS)")
    if isinstance(error, ConnectionRefusedError):
        return Trouble("the server refuses the connection", "Check host and port, and whether the service is running")
    if isinstance(error, TimeoutError):
        return LATE
    if isinstance(error, ConnectionError):
        return Trouble("the connection broke off", "Run again; if it stays so, ask who runs the server")
    if isinstance(error, FileNotFoundError):
        return Trouble("there is no such file or folder", "Check the path, upper and lower case too")
    if isinstance(error, PermissionError):
        return Trouble("the user may not read it", "Ask who runs the server for the right to list and to read there")
    if isinstance(error, OSError) and error.errno in (errno.EHOSTUNREACH, errno.ENETUNREACH):
        return Trouble("there is no way to the server", "Check host, network and firewall, then run again")
    return None
