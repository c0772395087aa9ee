"""The files beside the pages: styles, scripts, icons; under addresses that change whenever one of them does."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

_FOLDER = Path(__file__).parent / "static"
_TYPES = {
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
    ".png": "image/png",
    ".ico": "image/x-icon",
    ".woff2": "font/woff2",
}  # not from the machine, which may know none


@dataclass(frozen=True)
class Asset:
    content: bytes
    type: str


@dataclass(frozen=True)
class Assets:
    """By name below their folder, such as `vendor/htmx.min.js`; `digest` is of all of them together."""

    files: Mapping[str, Asset]
    digest: str

    def url(self, name: str) -> str:
        """Raises KeyError for a file that is not there."""
        if name not in self.files:
            raise KeyError(f"static has no file {name}")
        return f"/static/{self.digest}/{name}"

    def find(self, digest: str, name: str) -> Asset | None:
        """None where there is no such file, or it is not that one any more."""
        return self.files.get(name) if digest == self.digest else None


def assets(folder: Path = _FOLDER) -> Assets:
    """Read into memory: they are few and small, and so no path of a request reaches the disk."""
    paths = [path for path in sorted(folder.rglob("*")) if path.suffix in _TYPES]
    files = {path.relative_to(folder).as_posix(): Asset(path.read_bytes(), _TYPES[path.suffix]) for path in paths}
    digest = hashlib.sha256()
    for name, asset in files.items():
        digest.update(f"{name}\0{len(asset.content)}\0".encode() + asset.content)
    return Assets(files, digest.hexdigest()[:16])
