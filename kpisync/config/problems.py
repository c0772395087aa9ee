"""What is wrong with a configuration, where it stands, and which jobs it touches."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

Trail = tuple[str | int, ...]  # the way from a file's top level to a value: ("jobs", "scrap", "map", "values", 0)

# Their entries stand each for itself.
NAMED_SECTIONS = ("destinations", "catalog", "lookups", "units", "workdays", "jobs")
_HARMLESS = ("serve", "alerts", "retention")  # no run depends on them
_SHOWN = 60


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing to correct. `place` is `file:line:column`, or the file alone.

    `owner` is the part of the configuration that is unusable by it: () is all of it, ("defaults",) a section,
    ("jobs", "scrap") one job, ("files", "jobs/a.yaml") a file that no other one depends on.
    """

    place: str
    message: str
    hint: str | None = None
    owner: tuple[str, ...] = ()

    @property
    def job(self) -> str | None:
        """The job that the problem stands in, if it stands in one."""
        return self.owner[1] if len(self.owner) == 2 and self.owner[0] == "jobs" else None

    def touches(self, needs: Collection[tuple[str, ...]]) -> bool:
        """True if a job that needs these owners cannot run because of it."""
        if len(self.owner) < 2:
            return not self.owner or self.owner[0] not in _HARMLESS
        return self.owner in needs

    def __str__(self) -> str:
        text = f"{self.place}: {self.message}"
        if not self.hint:
            return text
        return f"{text} {self.hint}" if text.endswith((".", "?", "!")) else f"{text}. {self.hint}"


def owner_of(trail: Trail) -> tuple[str, ...]:
    """The section, or the entry of a section of named entries, that a value belongs to."""
    head = trail[:2] if trail and trail[0] in NAMED_SECTIONS else trail[:1]
    return tuple(str(part) for part in head)


def clean(text: str) -> str:
    """A text as it may stand in a message: cut to 60 characters, on one line, without control characters."""
    shown = "".join(char if char.isprintable() else f"\\u{ord(char):04x}" for char in text[:_SHOWN])
    return f"{shown}…" if len(text) > _SHOWN else shown
