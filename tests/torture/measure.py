"""How much the torture tests do: a sample each time, or the whole where KPISYNC_TORTURE=whole asks for it."""

from __future__ import annotations

import os

WHOLE = os.environ.get("KPISYNC_TORTURE") == "whole"


def amount(sample: int, whole: int) -> int:
    """So many tries; for points in a row, so many steps from one to the next."""
    return whole if WHOLE else sample
