"""Addresses: what the URL of a destination may look like, and which hosts nobody has any business with."""

from __future__ import annotations

import ipaddress
import re
import socket
from urllib.parse import SplitResult, urlsplit

Address = ipaddress.IPv4Address | ipaddress.IPv6Address

# Where cloud machines hand out their own credentials, beside the link-local range.
_METADATA: frozenset[Address] = frozenset(
    map(ipaddress.ip_address, ("100.100.100.200", "168.63.129.16", "fd00:ec2::254", "fd20:ce::254"))
)
_METADATA_NAMES = frozenset({"metadata", "metadata.google.internal", "metadata.goog", "instance-data"})
_NAT64 = ipaddress.ip_network("64:ff9b::/96")


def base_url(text: str) -> str:
    """The URL without slashes at its end. Raises ValueError, whose text is a sentence that never shows the URL."""
    if not text.isprintable() or " " in text or "\\" in text:
        raise ValueError("the URL holds a blank, a backslash or a character that cannot be seen")
    try:
        parts = urlsplit(text)
        host = _host(parts)
    except ValueError:
        raise ValueError("the URL has no valid host and port") from None
    if parts.scheme not in ("http", "https"):
        raise ValueError("the URL must start with https://")
    if "@" in parts.netloc:
        raise ValueError("the URL must not hold a user or a password; they have fields of their own")
    if not host:
        raise ValueError("the URL names no host")
    if "?" in text or "#" in text:
        raise ValueError("the URL must end with its path; a query or fragment (? or #) cannot be part of it")
    if is_forbidden(host):
        raise ValueError("the URL names an address where machines keep credentials, or none at all; it is never used")
    return text.rstrip("/")


def _host(parts: SplitResult) -> str:
    """The host as it would be resolved; raises ValueError also if the port is none."""
    if parts.port == 0:
        raise ValueError("no port")
    host = parts.hostname or ""
    if not host or ":" in host:
        return host
    name = host.encode("idna").decode("ascii")
    if not re.fullmatch(r"[A-Za-z0-9._-]+", name):
        raise ValueError("no host name")
    return name


def place(url: str) -> str:
    """Host and port of a URL for a message, or nothing if it has none."""
    try:
        parts = urlsplit(url)
        return f"{parts.hostname or ''}:{parts.port}" if parts.port else parts.hostname or ""
    except ValueError:
        return ""


def is_loopback(url: str) -> bool:
    """Whether a URL names this machine, where plain http is no danger."""
    host = urlsplit(url).hostname or ""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def is_forbidden(host: str) -> bool:
    """Whether a host, by name or address however spelled, is link-local, multicast, unspecified or a metadata one."""
    if host.lower().rstrip(".") in _METADATA_NAMES:
        return True
    address = _address(host)
    if address is None:
        return False
    if isinstance(address, ipaddress.IPv6Address):
        address = _inner(address) or address
    return address.is_link_local or address.is_multicast or address.is_unspecified or address in _METADATA


def _address(host: str) -> Address | None:
    """`169.254.169.254`, and the other spellings that resolvers take: 2852039166, 0xa9fea9fe, 0251.0376.0251.0376."""
    try:
        return ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        pass
    if not re.fullmatch(r"[0-9a-fA-FxX.]+", host):
        return None
    try:
        return ipaddress.IPv4Address(socket.inet_aton(host.rstrip(".")))
    except OSError:
        return None


def _inner(address: ipaddress.IPv6Address) -> ipaddress.IPv4Address | None:
    """The IPv4 address that an IPv6 one stands for."""
    if address in _NAT64 or (1 < int(address) < 1 << 32):
        return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    return address.ipv4_mapped or address.sixtofour
