"""An SFTP server on loopback: asyncssh's own, over a folder, that can be told to misbehave."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any, Self

import asyncssh

USER, PASSWORD = "maria", "hunter22"


class _Door(asyncssh.SSHServer):
    def __init__(self, server: SftpServer) -> None:
        self._server = server

    def connection_made(self, connection: asyncssh.SSHServerConnection) -> None:
        self._server.connections.append(connection)

    def begin_auth(self, username: str) -> bool:
        return True

    def password_auth_supported(self) -> bool:
        return True

    def validate_password(self, username: str, password: str) -> bool:
        self._server.logins.append(username)
        return (username, password) == (USER, PASSWORD)

    def public_key_auth_supported(self) -> bool:
        return self._server.user_key is not None

    def validate_public_key(self, username: str, key: asyncssh.SSHKey) -> bool:
        return username == USER and key == self._server.user_key


class _Room(asyncssh.SFTPServer):
    def __init__(self, channel: asyncssh.SSHServerChannel[bytes], server: SftpServer) -> None:
        super().__init__(channel, chroot=str(server.root).encode())
        self._server = server

    async def read(self, file_obj: object, offset: int, size: int) -> bytes:
        self._server.on_read()
        while self._server.hangs:
            await asyncio.sleep(0.01)
        piece: bytes = super().read(file_obj, offset, size)
        return piece

    def open(self, path: bytes, pflags: int, attrs: asyncssh.SFTPAttrs) -> object:
        if path.endswith(b"forbidden.csv"):
            raise asyncssh.SFTPPermissionDenied("not for you")
        return super().open(path, pflags, attrs)


class SftpServer:
    """Serves `root` to one user; `on_read` is called before each piece is read."""

    def __init__(self, root: Path, *, sftp: bool = True) -> None:
        self.root, self._sftp = root, sftp
        self.key = asyncssh.generate_private_key("ssh-ed25519")
        self.user_key: asyncssh.SSHKey | None = None
        self.logins: list[str] = []
        self.on_read: Callable[[], None] = lambda: None
        self.hangs = False  # at the next read
        self.connections: list[asyncssh.SSHServerConnection] = []
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)

    @property
    def host_key(self) -> str:
        return self.key.export_public_key().decode().strip()

    def url(self, path: str) -> str:
        return f"sftp://{USER}@127.0.0.1:{self.port}{path}"

    def origin(self, path: str) -> str:
        return f"sftp://127.0.0.1:{self.port}{path}"

    def __enter__(self) -> Self:
        self._thread.start()
        self._acceptor = self._do(self._listen())
        self.port: int = self._acceptor.get_port()
        return self

    def __exit__(self, *_: object) -> None:
        self._do(self._close())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()

    def _do(self, work: Coroutine[Any, Any, Any]) -> Any:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(10)

    async def _listen(self) -> asyncssh.SSHAcceptor:
        return await asyncssh.create_server(
            lambda: _Door(self),
            "127.0.0.1",
            0,
            server_host_keys=[self.key],
            sftp_factory=(lambda channel: _Room(channel, self)) if self._sftp else None,
        )

    async def _close(self) -> None:
        self._acceptor.close()
        await self._acceptor.wait_closed()
        self.hangs = False
        for connection in self.connections:
            connection.abort()
            await connection.wait_closed()
        await asyncio.gather(*asyncio.all_tasks() - {asyncio.current_task()}, return_exceptions=True)
