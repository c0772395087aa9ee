"""What can go wrong, grouped by what the reader should do about it.

KpisyncError
├── ConfigError        correct the configuration or the command line         exit 2
├── HeldError          look at the plan, then allow it by the named flag      exit 3
├── SourceError        repair the source or what the job says about it        exit 4
│   └── NothingToRead  nothing: the job allows that there is no file today     a run ends well
├── DestinationError   reach the platform, or log in, or ask its owner        exit 4
│   └── LoginError     correct user, password or token                        exit 4
├── LockedError        wait for the other process                             exit 5
├── StateError         make the state store usable again                      exit 6
└── Interrupted        a signal asked for the end, or a deadline               exit 130, 143, 4

A single bad row or value is never an exception: it is a `model.Rejection`.
"""

from __future__ import annotations

from collections.abc import Iterable
from enum import IntEnum


class Exit(IntEnum):
    OK = 0
    PARTIAL = 1
    CONFIG = 2
    HELD = 3
    UNUSABLE = 4
    LOCKED = 5
    STATE = 6
    BUG = 70
    SIGINT = 130
    SIGTERM = 143


_WORST_FIRST = (
    Exit.SIGINT,
    Exit.SIGTERM,
    Exit.BUG,
    Exit.STATE,
    Exit.CONFIG,
    Exit.UNUSABLE,
    Exit.LOCKED,
    Exit.HELD,
    Exit.PARTIAL,
)


def combined(codes: Iterable[Exit]) -> Exit:
    """The exit code of several jobs: the first of 70 6 2 4 5 3 1 0 that occurred; a signal stands above all."""
    seen = set(codes)
    return next((code for code in _WORST_FIRST if code in seen), Exit.OK)


class KpisyncError(Exception):
    """A message in up to three parts: what, where, and what to do next."""

    exit_code = Exit.BUG

    def __init__(self, what: str, *, where: str | None = None, hint: str | None = None) -> None:
        self.what, self.where, self.hint = what, where, hint
        super().__init__(what)

    def __str__(self) -> str:
        text = f"{self.where}: {self.what}" if self.where else self.what
        if not self.hint:
            return text
        return f"{text} {self.hint}" if text.endswith((".", "?", "!")) else f"{text}. {self.hint}"


class ConfigError(KpisyncError):
    exit_code = Exit.CONFIG


class HeldError(KpisyncError):
    exit_code = Exit.HELD


class SourceError(KpisyncError):
    exit_code = Exit.UNUSABLE


class NothingToRead(SourceError):
    """There is nothing to read, and the job says that this may be so: it states nothing, and is not an empty source."""


class DestinationError(KpisyncError):
    exit_code = Exit.UNUSABLE


class LoginError(DestinationError):
    """Another try with the same login may lock the account."""


class LockedError(KpisyncError):
    exit_code = Exit.LOCKED


class StateError(KpisyncError):
    exit_code = Exit.STATE


class Interrupted(KpisyncError):
    """`exit_code` says by what: SIGINT, SIGTERM, or UNUSABLE where a deadline is over."""

    exit_code = Exit.SIGINT

    def __init__(self, exit_code: Exit) -> None:
        self.exit_code = exit_code
        super().__init__(f"{self.why}: what was in flight is finished and recorded")

    @property
    def why(self) -> str:
        return "interrupted" if self.exit_code in (Exit.SIGINT, Exit.SIGTERM) else "ended by its deadline"
