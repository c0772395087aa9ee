"""Files of an SFTP server, whose host key is always checked."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from kpisync.errors import SourceError
from kpisync.places.address import Address
from kpisync.places.drives import PIECE, SECONDS, Drive, FsspecDrive, Trouble
from kpisync.places.login import Login

_KNOWN_HOSTS = "~/.ssh/known_hosts"


class _SftpDrive(FsspecDrive):
    """Its connection is broken off at the end, or a server that hangs would keep us."""

    def close(self) -> None:
        self.system.loop.call_soon_threadsafe(self.system.client.abort)


def connect(address: Address, login: Login) -> Drive:
    """Without password and key_file, the keys of this user and of the SSH agent are offered, as ssh does."""
    import sshfs  # type: ignore[import-untyped]

    own: dict[str, Any] = {}
    if login.password or login.key_file:
        own = {"client_keys": [_key(login)] if login.key_file else None, "agent_path": None}
    system = sshfs.SSHFileSystem(
        address.host,
        port=address.port or 22,
        username=address.user or login.username or (),
        password=login.password.get_secret_value() if login.password else None,
        known_hosts=_known_hosts(login),
        config=None,  # nothing from ~/.ssh/config, which could switch checks off
        connect_timeout=SECONDS,
        login_timeout=SECONDS,
        keepalive_interval=SECONDS / 3,
        keepalive_count_max=3,
        skip_instance_cache=True,
        **own,
    )
    return _SftpDrive(system, address.root, "mtime", block_size=PIECE >> 3)


def _known_hosts(login: Login) -> Any:
    """For asyncssh; never None, for that would switch the check off."""
    import asyncssh

    if login.host_key:
        return asyncssh.import_known_hosts(f"* {login.host_key}\n")
    path = Path(login.known_hosts or Path(_KNOWN_HOSTS).expanduser())
    try:
        return asyncssh.read_known_hosts(str(path))
    except (OSError, ValueError, asyncssh.Error) as error:
        said = error.strerror if isinstance(error, OSError) else error
        raise SourceError(
            f"the keys of known servers cannot be read: {said}",
            where=str(path),
            hint="Name the file as login.known_hosts, or give the server's own (ssh-keyscan shows it): login.host_key",
        ) from None


def _key(login: Login) -> Any:
    import asyncssh

    phrase = login.key_passphrase.get_secret_value() if login.key_passphrase else None
    try:
        return asyncssh.read_private_key(str(login.key_file), phrase)
    except OSError as error:
        what, hint = f"the private key cannot be read: {error.strerror}", "Check login.key_file, and who may read it"
    except (asyncssh.KeyImportError, asyncssh.KeyEncryptionError) as error:
        what, hint = f"the private key cannot be used: {error}", "Check login.key_file and login.key_passphrase"
    raise SourceError(what, where=str(login.key_file), hint=hint)


def failures() -> tuple[type[Exception], ...]:
    import asyncssh
    import sshfs  # noqa: F401 - it is part of what must be installed

    return asyncssh.Error, ValueError  # the last one if sshfs gets no channel


def trouble(error: Exception) -> Trouble | None:
    import asyncssh

    if isinstance(error, asyncssh.HostKeyNotVerifiable):
        return Trouble(
            "the server's host key is not one that is known here",
            "Compare it with its owner (ssh-keyscan shows it), then add it to known_hosts or give it as login.host_key;"
            " if it was known before, somebody may stand in between",
        )
    if isinstance(error, asyncssh.PermissionDenied):
        return Trouble("the server refuses the login", "Check user, login.password or login.key_file")
    if isinstance(error, asyncssh.ChannelOpenError) or "SFTP connections" in str(error):
        return Trouble("the server does not offer SFTP to this user", "Ask who runs it to switch SFTP on")
    if isinstance(error, asyncssh.SFTPPermissionDenied):
        return Trouble("the user may not read it", "Ask who runs the server for the right to list and to read there")
    if isinstance(error, asyncssh.SFTPNoSuchPath | asyncssh.SFTPNoSuchFile):
        return Trouble("there is no such file or folder", "Check the path, upper and lower case too")
    if isinstance(error, asyncssh.KeyExchangeFailed):
        return Trouble(f"no encryption that both sides know: {error}", "The server is too old; ask who runs it")
    if isinstance(error, asyncssh.ConnectionLost | asyncssh.SFTPConnectionLost | asyncssh.SFTPNoConnection):
        return Trouble("the connection broke off", "Run again; if it stays so, ask who runs the server")
    return None
