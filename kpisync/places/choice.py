"""Which of the files that match are read: the newest or all of them, none too old, none that is still growing."""

from __future__ import annotations

from datetime import datetime, timedelta

from kpisync.errors import NothingToRead, SourceError
from kpisync.places.entries import Entry, Place
from kpisync.places.options import FileOptions
from kpisync.ports import Clock

_SKEW = timedelta(minutes=5)  # that the clock of a share may be ahead of ours
_PATIENCE = 3  # times `settle`, before a file is taken for one that never stops changing
_NAP = 1.0  # seconds
_FEW = 3


def chosen(place: Place, options: FileOptions, clock: Clock) -> list[Entry]:
    """The files to be read, sorted by name.

    Raises NothingToRead if there is none and that is no error, and SourceError for what may not be read.
    """
    found = place.entries()
    if not found:
        raise _nothing(place, options)
    if options.pick == "single" and len(found) > 1:
        few = ", ".join(entry.origin for entry in found[:_FEW])
        raise SourceError(
            f"{len(found)} files match, and pick is single",
            where=place.where,
            hint=f"They are {few}{' …' if len(found) > _FEW else ''}: narrow the path, or say pick: newest or all",
        )
    if options.pick == "newest":
        found = [_newest(found, clock)]
    if options.max_age is not None:
        _check_age(_newest(found, clock), options.max_age, clock)
    if options.settle:
        found = [_settled(entry, place, options.settle, clock) for entry in found]
    return found


def _nothing(place: Place, options: FileOptions) -> SourceError:
    if options.on_missing == "skip":
        return NothingToRead("no file matches", where=place.where, hint="Nothing was read (on_missing: skip)")
    hint = "Check the path, and whether the export has run"
    return SourceError("no file matches", where=place.where, hint=hint)


def _newest(entries: list[Entry], clock: Clock) -> Entry:
    """Of several that changed at one instant, the last by name."""
    return max(entries, key=lambda entry: (_changed(entry, clock), entry.origin))


def _changed(entry: Entry, clock: Clock) -> datetime:
    """When a file changed, never in the future: much ahead is an error, for it would be the newest for ever."""
    if entry.changed is None:
        raise SourceError(
            "it cannot be told when this file changed",
            where=entry.origin,
            hint="Check that it is there; pick: newest, max_age and settle need the time of its last change",
        )
    ahead = entry.changed - clock.now()
    if ahead > _SKEW:
        raise SourceError(
            f"by its date it will change in {_span(ahead)}",
            where=entry.origin,
            hint="Set the clock of the machine that wrote it, or of this one: pick: newest, max_age and settle use it",
        )
    return min(entry.changed, clock.now())


def _check_age(entry: Entry, most: timedelta, clock: Clock) -> None:
    age = clock.now() - _changed(entry, clock)
    if age > most:
        raise SourceError(
            f"the newest file is {_span(age)} old, and max_age is {_span(most)}",
            where=entry.origin,
            hint="A stale export is not today's number: check whether the export has run",
        )


def _settled(entry: Entry, place: Place, settle: timedelta, clock: Clock) -> Entry:
    """The file once it has not changed for so long, waited for; what counts is that nothing changes while we look."""
    until = clock.monotonic() + _PATIENCE * settle.total_seconds()
    while (wait := (settle - (clock.now() - _changed(entry, clock))).total_seconds()) > 0:
        if clock.monotonic() + wait > until:
            raise SourceError(
                f"still growing: in {_span(_PATIENCE * settle)} it was not left unchanged for {_span(settle)}",
                where=entry.origin,
                hint="Run again when the export has ended, or let it write elsewhere and rename the file at its end",
            )
        _sleep(wait, clock)
        now = place.look(entry)
        if now.is_as(entry):
            return entry
        entry = now
    return entry


def _sleep(seconds: float, clock: Clock) -> None:
    """In short naps, so that a signal can end it."""
    end = clock.monotonic() + seconds
    while (left := end - clock.monotonic()) > 0:
        clock.sleep(min(left, _NAP))


def _span(span: timedelta) -> str:
    """In the largest unit of which there are at least two."""
    seconds = span.total_seconds()
    for unit, length in (("d", 86400), ("h", 3600), ("min", 60)):
        if seconds >= 2 * length:
            return f"{seconds / length:.1f}".removesuffix(".0") + f" {unit}"
    return f"{seconds:.0f} s"
