"""A file written whole or not at all."""

from __future__ import annotations

import os
from pathlib import Path

from kpisync.errors import ConfigError


def write_text(path: Path, text: str) -> None:
    """Put a text in a file's place: whoever reads it meanwhile sees the old one or the new one. Raises ConfigError.

    A link stays one, and the file keeps its permissions.
    """
    target = path.resolve()
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        _replace(target, text.encode())
    except OSError as error:
        raise ConfigError(
            f"cannot be written: {error.strerror or error}", where=str(path), hint="Check the folder, or name another"
        ) from None


def _replace(target: Path, content: bytes) -> None:
    draft = target.with_name(f".{target.name}.{os.getpid()}.part")
    mode = target.stat().st_mode & 0o7777 if target.exists() else None
    draft.unlink(missing_ok=True)  # of a process that was killed
    descriptor = os.open(draft, os.O_CREAT | os.O_EXCL | os.O_WRONLY | getattr(os, "O_BINARY", 0), 0o666)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        if mode is not None:
            draft.chmod(mode)
        draft.replace(target)
        _sync_folder(target.parent)
    finally:
        draft.unlink(missing_ok=True)


def _sync_folder(folder: Path) -> None:
    """So that the new name outlives a power failure, where the system lets folders be synced."""
    if os.name == "posix":
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
