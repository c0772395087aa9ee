"""The place that a path or URL means, opened for one reading."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from kpisync.places.address import is_remote, parse
from kpisync.places.copies import Copies
from kpisync.places.entries import Place
from kpisync.places.local import Local
from kpisync.places.login import Login
from kpisync.places.options import FileOptions
from kpisync.places.remote import remote
from kpisync.places.web import web
from kpisync.ports import Surroundings


@contextmanager
def open_place(options: FileOptions, around: Surroundings, copies: Copies) -> Iterator[Place]:
    """Connected until it is left. Raises SourceError where that cannot be had."""
    if not is_remote(options.path):
        yield Local(options.path)
        return
    address, login = parse(options.path), options.login or Login()
    with web(address, login, around, copies) if address.scheme == "https" else remote(address, login, around) as place:
        yield place
