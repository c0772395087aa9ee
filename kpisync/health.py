"""`python -m kpisync.health`: whether a container is fit to work, told in milliseconds by the standard library alone.

Sound are a configuration that can be read, and a state store that can be opened. The store is the file that
$KPISYNC_STATE names; one that is not there yet, is being written to, or lies on a server is not held against it.
"""

from __future__ import annotations

import os
import sqlite3
import sys
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path

_BUSY_SECONDS = 1.0
_DEFAULT_CONFIG = "config/kpisync.yaml"
_IN_USE = ("SQLITE_BUSY", "SQLITE_LOCKED")


def trouble(environ: Mapping[str, str]) -> str | None:
    """Why work would fail, in one sentence; None if nothing speaks against it."""
    return _config_trouble(environ.get("KPISYNC_CONFIG") or _DEFAULT_CONFIG) or _store_trouble(
        environ.get("KPISYNC_STATE", "")
    )


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
    if found := trouble(os.environ):
        sys.exit(found)
