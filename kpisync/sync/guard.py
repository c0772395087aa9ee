"""The guard: a run that would do something unusual stops before its first request, until somebody allows it."""

from __future__ import annotations

from decimal import Decimal

from kpisync.sync.diff import Diff
from kpisync.sync.options import GuardOptions

_FEW = 10  # known values; below this a share says nothing
_ALLOW = "look at the plan, then allow it with --yes-over-guard"


def held(guard: GuardOptions, rows: int, diff: Diff) -> str | None:
    """Why the run is held, or None."""
    reasons = [reason for reason in (_rows(guard, rows), _share(guard, diff), _jump(guard, diff)) if reason]
    return f"{'; '.join(reasons)}; {_ALLOW}" if reasons else None


def _rows(guard: GuardOptions, rows: int) -> str | None:
    if rows >= guard.min_rows:
        return None
    return f"the source has {rows} rows, guard.min_rows is {guard.min_rows}"


def _share(guard: GuardOptions, diff: Diff) -> str | None:
    changed = diff.updates + diff.withdrawals
    if guard.max_changed is None or diff.known < _FEW or Decimal(changed) <= guard.max_changed * diff.known:
        return None
    limit = f"{guard.max_changed * 100:f}".rstrip("0").rstrip(".")
    return f"{changed} of {diff.known} known values would change, guard.max_changed is {limit}%"


def _jump(guard: GuardOptions, diff: Diff) -> str | None:
    if guard.max_jump is None:
        return None
    for value, known in diff.jumps:
        if _jumps(known, value.number, guard.max_jump):
            times = f"{guard.max_jump:f}"
            return f"{value.source}: {known:f} would become {value.number:f}, guard.max_jump is {times}x"
    return None


def _jumps(old: Decimal, new: Decimal, most: Decimal) -> bool:
    """From and to 0 there is no factor; a change of sign counts by its size."""
    if old == 0 or new == 0:
        return False
    low, high = sorted((abs(old), abs(new)))
    return high > low * most
