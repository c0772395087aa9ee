"""How a process holds on to memory: how often Python looks for garbage, and how many heaps there are."""

from __future__ import annotations

import ctypes
import gc
import sys

_ARENA_MAX = -8  # M_ARENA_MAX of glibc's malloc.h
_HEAPS = 2


def collect_seldom() -> None:
    """For what holds many small objects that live: looking through them often only costs time."""
    gc.set_threshold(50_000, 20, 20)


def settle() -> None:
    """For what has started, and now runs for long: its memory is to stay flat.

    What was read so far lives as long as the process; to look through it costs 0.1 s each time. Of what comes from now
    on little lives for long.
    """
    gc.freeze()
    gc.set_threshold(10_000, 10, 5)


def share_heaps() -> None:
    """Before threads begin, each of which glibc would give a heap of its own; elsewhere there is nothing to do."""
    if sys.platform == "linux" and hasattr(libc := ctypes.CDLL(None), "mallopt"):
        libc.mallopt(_ARENA_MAX, _HEAPS)
