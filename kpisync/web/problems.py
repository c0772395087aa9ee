"""What a request can run into, as pages for people: a key of the words, a status, and what the text needs."""

from __future__ import annotations

from http import HTTPStatus

from kpisync.errors import ConfigError, KpisyncError, StateError


class Problem(Exception):
    """`problem.KEY.title`, `.text` and `.next` say what it is; `values` stand in the text."""

    def __init__(self, key: str, status: HTTPStatus, **values: object) -> None:
        self.key, self.status, self.values = key, status, values
        super().__init__(key)


def bad_query(name: str, wanted: str) -> Problem:
    """`wanted` says what is expected instead: a range, examples or a list, that needs no translation."""
    return Problem("bad_query", HTTPStatus.BAD_REQUEST, name=name, wanted=wanted)


def of_error(error: KpisyncError, said: str, *, asked: bool) -> Problem:
    """`asked`: somebody only wanted to look. `said` is the error's text without secrets."""
    if isinstance(error, StateError):
        return Problem("store", HTTPStatus.SERVICE_UNAVAILABLE, said=said)
    if isinstance(error, ConfigError):
        return (
            Problem("unknown", HTTPStatus.NOT_FOUND, said=said)
            if asked
            else Problem("refused", HTTPStatus.BAD_REQUEST, said=said)
        )
    return Problem("failed", HTTPStatus.SERVICE_UNAVAILABLE, said=said)
