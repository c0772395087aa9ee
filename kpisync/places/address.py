"""Addresses of files on other machines: what a URL says of them, and what it must not say."""

from __future__ import annotations

import re
from typing import NamedTuple

from kpisync.support.addresses import base_url

SCHEMES = ("sftp", "s3", "abfs", "smb", "https")
_BUCKETS = ("s3", "abfs")  # they name no host
_HOST = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[^\[\]:@/\\\s]+)(?::(\d{1,5}))?")


class Address(NamedTuple):
    """A URL taken apart. `path` is taken as it stands, with its pattern; of s3 and abfs it begins with the bucket."""

    scheme: str
    user: str | None
    host: str
    port: int | None
    path: str

    @property
    def root(self) -> str:
        """All before the path, without the user."""
        if self.scheme in _BUCKETS:
            return f"{self.scheme}://"
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{self.scheme}://{host}" + (f":{self.port}" if self.port else "")

    @property
    def shown(self) -> str:
        """For messages and the state store: without the user, and without a query, which may hold a secret."""
        return self.root + (self.path.partition("?")[0].partition("#")[0] if self.scheme == "https" else self.path)


def is_remote(path: str) -> bool:
    return "://" in path


def parse(url: str) -> Address:
    """Take a URL apart. Raises ValueError; its text is a sentence without the URL, which may hold a login."""
    scheme, _, rest = url.partition("://")
    scheme = scheme.lower()
    if scheme not in SCHEMES:
        known = ", ".join(f"{name}://" for name in SCHEMES)
        raise ValueError(f"files are read from {known} and, without any of these, from this machine")
    authority, slash, path = rest.partition("/")
    if not url.isprintable():
        raise ValueError("the URL holds a character that cannot be seen")
    if scheme in _BUCKETS:
        return _in_bucket(scheme, authority, path)
    user, at, place = authority.rpartition("@")
    if ":" in user or (scheme == "https" and at):
        raise ValueError(
            "a password does not belong into the URL; write it as login.password, the user as login.username"
        )
    match = _HOST.fullmatch(place)
    if not match or int(match[2] or 1) not in range(1, 65536):
        raise ValueError(f"the URL has no valid host and port; it is written {scheme}://host/path")
    if not path:
        raise ValueError(f"the URL names no file; it is written {scheme}://host/path")
    if scheme == "smb" and "/" not in path.strip("/"):
        raise ValueError("the URL names no file on the share; it is written smb://host/share/path")
    if scheme == "https":
        base_url(f"https://{authority}")
    return Address(scheme, user or None, match[1].strip("[]"), int(match[2]) if match[2] else None, slash + path)


def _in_bucket(scheme: str, bucket: str, path: str) -> Address:
    name = "bucket" if scheme == "s3" else "container"
    if "@" in bucket:
        raise ValueError(
            f"account and keys do not belong into the URL, but under login; it is written {scheme}://{name}/path"
        )
    if not bucket or not path or re.search(r"[*?\[\s:]", bucket):
        raise ValueError(f"the URL is written {scheme}://{name}/path, with a pattern at most in the path")
    return Address(scheme, None, "", None, f"{bucket}/{path}")
