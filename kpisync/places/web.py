"""A file of a web server, fetched by https."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from kpisync.errors import DestinationError, SourceError
from kpisync.places.address import Address
from kpisync.places.copies import Copies
from kpisync.places.entries import Entry
from kpisync.places.login import Login
from kpisync.ports import Surroundings
from kpisync.support.addresses import place
from kpisync.support.http import HttpClient, HttpOptions, Unanswered
from kpisync.support.statuses import Response, plain

SECONDS = 30.0  # without progress


class Web:
    """One file. It is fetched when it is looked at, so that what is told of it and its bytes are of one answer."""

    def __init__(self, client: HttpClient, address: Address, copies: Copies) -> None:
        self._client, self._path, self._copies = client, address.path, copies
        self._origin = address.shown

    @property
    def where(self) -> str:
        return self._origin

    def entries(self) -> list[Entry]:
        found = self._fetched()
        return [found] if found else []

    def look(self, entry: Entry) -> Entry:
        found = self._fetched()
        if found is None:
            raise SourceError("the file is gone", where=self._origin, hint="Run again when the export has ended")
        return found

    def copy(self, entry: Entry, copies: Copies) -> str:
        return entry.address

    def _fetched(self) -> Entry | None:
        with self._copies.new(self._origin) as copy:
            try:
                response = self._client.download(self._path, copy.write)
            except Unanswered as error:
                hint = "Check the URL, the network and whether the server is up; then run again"
                raise SourceError(error.reply.words, where=self._origin, hint=hint) from None
            if response.status in (404, 410):
                return None
            _check(response, self._origin)
            tag = response.headers.get("etag", "")
            return Entry(copy.path, self._origin, copy.size, _changed(response), tag)


@contextmanager
def web(address: Address, login: Login, around: Surroundings, copies: Copies) -> Iterator[Web]:
    headers = {name: value.get_secret_value() for name, value in login.headers.items()}
    if login.token:
        headers["Authorization"] = f"Bearer {login.token.get_secret_value()}"
    auth = (login.username, login.password.get_secret_value()) if login.username and login.password else None
    options = HttpOptions(address.root, headers, auth, SECONDS, connections=1, ca_file=login.ca_file)
    try:
        with closing(HttpClient(options, around)) as client:
            yield Web(client, address, copies)
    except DestinationError as error:
        raise SourceError(error.what, where=address.shown, hint="Check path and login.ca_file") from None


def _check(response: Response, origin: str) -> None:
    status = response.status
    if status == 200:
        return
    said = f": {response.words}" if response.words else ""
    if 300 <= status < 400:
        target = plain(place(response.headers.get("location", "")), str) or "another address"
        what, hint = f"the server redirects to {target}", "Redirects are never followed; write the final URL, or log in"
    elif status in (401, 403, 407):
        what, hint = f"the server refuses the login{said}", "Check username and password, token or headers under login"
    elif status >= 500 or status in (408, 429):
        what, hint = f"the server cannot serve it now{said}", "Try again later, or ask its owner"
    else:
        what, hint = f"the server does not give the file{said}", "Check the URL in a browser on this machine"
    raise SourceError(f"{what} (status {status})", where=origin, hint=hint)


def _changed(response: Response) -> datetime | None:
    try:
        told = parsedate_to_datetime(response.headers.get("last-modified", ""))
    except ValueError:
        return None
    return told.replace(tzinfo=UTC) if told.tzinfo is None else told
