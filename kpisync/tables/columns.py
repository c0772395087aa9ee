"""Addresses of columns: a name, `name#2` for the second of that name, or `@14` for a position from 1."""

from __future__ import annotations

import difflib
import re
from collections.abc import Sequence

from kpisync.errors import SourceError
from kpisync.tables.cells import as_name, shown

_NTH = re.compile(r"(.*)#([1-9][0-9]*)", re.DOTALL)
_POSITION = re.compile(r"@([0-9]+)")
_MOST_NAMES = 30
_DELIMITERS = ",;|"  # a tab is whitespace, which names do not keep


def find_column(columns: Sequence[str], address: str, where: str) -> int:
    """The index of a column, from 0; an exact name comes before `name#2` and `@14`.

    Names are compared without regard to line breaks and padding. A name that several columns have, and one that
    none has, is a SourceError; `where` is the place it names.
    """
    names = [as_name(column) for column in columns]
    wanted = as_name(address)
    found = _places(names, wanted)
    if len(found) > 1:
        listed = ", ".join(f"{wanted}#{nth + 1}" for nth in range(len(found)))
        raise SourceError(
            f"{len(found)} columns are called {shown(wanted)}", where=where, hint=f"Say which one is meant: {listed}"
        )
    index = found[0] if found else _by_number(names, wanted)
    if index is None:
        raise SourceError(f"there is no column {shown(wanted)}", where=where, hint=_nearest(names, wanted))
    return index


def _places(names: Sequence[str], wanted: str) -> list[int]:
    return [index for index, name in enumerate(names) if wanted and name == wanted]


def _by_number(names: Sequence[str], wanted: str) -> int | None:
    if match := _NTH.fullmatch(wanted):
        found, nth = _places(names, as_name(match[1])), int(match[2])
        return found[nth - 1] if nth <= len(found) else None
    if match := _POSITION.fullmatch(wanted):
        position = int(match[1])
        return position - 1 if 1 <= position <= len(names) else None
    return None


def _nearest(names: Sequence[str], wanted: str) -> str:
    if len(names) == 1 and any(char in names[0] for char in _DELIMITERS):
        return f"There is one column only, {shown(names[0])}: check the delimiter"
    known = {name.casefold(): name for name in names if name}
    near = difflib.get_close_matches(wanted.casefold(), known, n=1, cutoff=0.5)
    question = f"Did you mean {shown(known[near[0]])}? " if near else ""
    listed = ", ".join(shown(name) for name in names[:_MOST_NAMES] if name)
    more = f" and {len(names) - _MOST_NAMES} more" if len(names) > _MOST_NAMES else ""
    return f"{question}The columns are {listed}{more}" if listed else "No column has a name"
