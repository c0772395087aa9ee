"""Files on a share of Windows or Samba."""

from __future__ import annotations

import errno
import re
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

from kpisync.places.address import Address
from kpisync.places.drives import LATE, SECONDS, Drive, Stream, Trouble
from kpisync.places.entries import Entry
from kpisync.places.login import Login

_PORT = 445
_GIVE_UP = 2  # seconds for a goodbye


class _SmbDrive:
    """Connections are kept here and not in the library, which would share them with everybody in the process."""

    def __init__(self, address: Address, login: Login) -> None:
        import smbclient  # type: ignore[import-untyped]

        self._client: Any = smbclient
        self._host, self._port, self._root = address.host, address.port or _PORT, address.root
        self._connections: dict[str, Any] = {}
        self._login: dict[str, Any] = {
            "username": _user(address, login),
            "password": login.password.get_secret_value() if login.password else None,
            "port": self._port,
            "connection_cache": self._connections,
        }
        smbclient.register_session(self._host, connection_timeout=SECONDS, **self._login)

    def entries(self, folder: str) -> list[Entry]:
        with _named(folder), self._client.scandir(self._unc(folder), **self._login) as found:
            return [self._listed(folder, one.smb_info) for one in found]

    def look(self, path: str) -> Entry:
        with _named(path):
            seen = self._client.stat(self._unc(path), **self._login)
        changed = datetime.fromtimestamp(seen.st_mtime, UTC)
        return Entry(path, self._root + path, seen.st_size, changed, folder=stat.S_ISDIR(seen.st_mode))

    def open(self, path: str) -> Stream:
        sharing = "rwd"  # with less, who writes the file could not go on while we read
        with _named(path):
            stream: Stream = self._client.open_file(self._unc(path), "rb", share_access=sharing, **self._login)
        return stream

    def close(self) -> None:
        self._client.delete_session(self._host, port=self._port, connection_cache=self._connections, timeout=_GIVE_UP)

    def _unc(self, path: str) -> str:
        return rf"\\{self._host}" + path.replace("/", "\\")

    def _listed(self, folder: str, seen: Any) -> Entry:
        path = f"{folder}/{seen.file_name}"
        is_folder = bool(seen.file_attributes & stat.FILE_ATTRIBUTE_DIRECTORY)
        return Entry(path, self._root + path, seen.end_of_file, seen.last_write_time, folder=is_folder)


@contextmanager
def _named(path: str) -> Iterator[None]:
    """The library's errors are of one class, whatever is wrong."""
    try:
        yield
    except OSError as error:
        if error.errno == errno.ENOENT:
            raise FileNotFoundError(path) from error
        raise


def connect(address: Address, login: Login) -> Drive:
    """Without a user, the Kerberos ticket of this one is used, if there is one."""
    return _SmbDrive(address, login)


def _user(address: Address, login: Login) -> str | None:
    user = address.user or login.username
    return rf"{login.domain}\{user}" if login.domain and user else user


def failures() -> tuple[type[Exception], ...]:
    import smbclient  # noqa: F401 - it is part of what must be installed
    from smbprotocol.exceptions import SMBException  # type: ignore[import-untyped]
    from spnego.exceptions import SpnegoError

    return SMBException, SpnegoError, ValueError  # the last one if it cannot connect


def trouble(error: Exception) -> Trouble | None:
    from smbprotocol import exceptions  # type: ignore[import-untyped]
    from smbprotocol.header import NtStatus  # type: ignore[import-untyped]
    from spnego.exceptions import SpnegoError

    if isinstance(error, exceptions.SMBAuthenticationError | exceptions.LogonFailure | SpnegoError):
        hint = "Check login.username, login.password and login.domain; a Windows account may be locked or expired"
        return Trouble("the server refuses the login", hint)
    if isinstance(error, exceptions.BadNetworkName):
        return Trouble("there is no such share", "Check the first part of the path")
    status = getattr(error, "ntstatus", None)
    if isinstance(error, exceptions.AccessDenied) or status == NtStatus.STATUS_ACCESS_DENIED:
        return Trouble("the user may not read it", "Ask who runs the server for the right to list and to read there")
    if status == NtStatus.STATUS_SHARING_VIOLATION:
        return Trouble("another program keeps the file to itself", "Run again when the export has ended")
    if isinstance(error, exceptions.SMBConnectionClosed):
        return Trouble("the connection broke off", "Run again; if it stays so, ask who runs the server")
    if isinstance(error, ValueError) and (match := re.search(r"\[Errno [^\]]*\] (.*)", str(error))):
        return LATE if "timed out" in match[1] else None
    return None
