"""A disk in memory, as SQLite's VFS: at a power loss it forgets what was not synced, or a random part of that."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from itertools import count

import apsw

_SECTOR = 512
_names = count()
Change = tuple[int, bytes] | int  # bytes at an offset, or a new length


class Inode:
    """A file's bytes as they are seen, as they are on the platter, and what lies between."""

    def __init__(self, content: bytes = b"") -> None:
        self.seen = bytearray(content)
        self.durable = bytes(content)
        self.pending: list[Change] = []
        self.is_new = not content

    def change(self, what: Change) -> None:
        _apply(self.seen, what)
        self.pending.append(what)

    def sync(self) -> None:
        self.durable, self.pending, self.is_new = bytes(self.seen), [], False

    def survivor(self, dice: random.Random) -> bytes:
        content = bytearray(self.durable)
        share = dice.choice((0.0, 0.5, 1.0, dice.random()))
        for what in self.pending:
            for part in _sectors(what):
                if dice.random() < share:
                    _apply(content, part)
        return bytes(content)


def _apply(content: bytearray, what: Change) -> None:
    if isinstance(what, int):
        del content[what:]
        return
    offset, data = what
    content.extend(bytes(max(0, offset - len(content))))
    content[offset : offset + len(data)] = data


def _sectors(what: Change) -> list[Change]:
    """A write reaches the platter in sectors, each or none of them."""
    if isinstance(what, int):
        return [what]
    offset, data = what
    return [(offset + at, data[at : at + _SECTOR]) for at in range(0, len(data), _SECTOR)]


class Disk:
    """Files by name. Before each change, `watch` is told its number and may take a look at what would survive.

    With `keeps_unlinks` a file that was removed is gone at once; otherwise only when its directory was synced, which
    the first sync of a new file does too.
    """

    def __init__(self, files: Mapping[str, bytes] | None = None, keeps_unlinks: bool = True) -> None:
        self.directory = {name: Inode(content) for name, content in (files or {}).items()}
        self.durable = dict(self.directory)
        self.keeps_unlinks = keeps_unlinks
        self.changes = 0
        self.watch: Callable[[int], None] = lambda change: None
        self._vfs = _Vfs(f"forgetful-{next(_names)}", self)

    def connect(self) -> apsw.Connection:
        return apsw.Connection("store.db", vfs=self._vfs.name)

    def changing(self) -> None:
        self.changes += 1
        self.watch(self.changes)

    def sync_directory(self) -> None:
        self.durable = dict(self.directory)

    def survivors(self, dice: random.Random) -> dict[str, bytes]:
        """What the machine would find if the power went now."""
        files = {}
        for name in sorted({*self.directory, *self.durable}):
            entry = dice.choice((self.directory, self.durable)).get(name)
            if entry is not None:
                files[name] = entry.survivor(dice)
        return files


class _Vfs(apsw.VFS):
    def __init__(self, name: str, disk: Disk) -> None:
        self.name, self._disk = name, disk
        super().__init__(name, "")

    def xOpen(self, name: str | apsw.URIFilename | None, flags: list[int]) -> _File:  # type: ignore[override]
        path = name.filename() if isinstance(name, apsw.URIFilename) else name or f"temporary-{next(_names)}"
        inode = self._disk.directory.get(path)
        if inode is None:
            self._disk.changing()
            inode = self._disk.directory[path] = Inode()
        flags[1] = flags[0]
        return _File(self._disk, inode)

    def xDelete(self, name: str, sync_directory: bool) -> None:
        self._disk.changing()
        self._disk.directory.pop(name, None)
        if sync_directory:
            self._disk.sync_directory()
        elif self._disk.keeps_unlinks:
            self._disk.durable.pop(name, None)

    def xAccess(self, name: str, flags: int) -> bool:
        return name in self._disk.directory

    def xFullPathname(self, name: str) -> str:
        return name


class _File:
    def __init__(self, disk: Disk, inode: Inode) -> None:
        self._disk, self._inode = disk, inode

    def xRead(self, amount: int, offset: int) -> bytes:
        return bytes(self._inode.seen[offset : offset + amount])

    def xWrite(self, data: bytes, offset: int) -> None:
        self._disk.changing()
        self._inode.change((offset, bytes(data)))

    def xTruncate(self, size: int) -> None:
        self._disk.changing()
        self._inode.change(size)

    def xSync(self, flags: int) -> None:
        self._disk.changing()
        if self._inode.is_new:
            self._disk.sync_directory()
        self._inode.sync()

    def xFileSize(self) -> int:
        return len(self._inode.seen)

    def xCheckReservedLock(self) -> bool:
        return False

    def xFileControl(self, op: int, pointer: int) -> bool:
        return False

    def xSectorSize(self) -> int:
        return _SECTOR

    def xDeviceCharacteristics(self) -> int:
        return 0

    def xClose(self) -> None:
        """Nothing is synced by it."""

    def xLock(self, level: int) -> None:
        """There is one connection."""

    xUnlock: Callable[[_File, int], None] = xLock
