"""What a single cell looks like: blank or not, as text, as a name, as it may stand in a message."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence


def is_blank(cell: object) -> bool:
    """True for None, and for text of nothing but whitespace (a no-break space too)."""
    return cell is None or (isinstance(cell, str) and not cell.strip())


def is_blank_row(cells: Sequence[object]) -> bool:
    return all(map(is_blank, cells))


def cell_text(cell: object) -> str:
    """A cell as text, for a name or a pattern; None is empty."""
    return cell if isinstance(cell, str) else "" if cell is None else str(cell)


def as_name(cell: object) -> str:
    """A column name as it is compared: composed (NFC), with every run of whitespace as one blank, none outside."""
    text = cell_text(cell)
    return " ".join((text if text.isascii() else unicodedata.normalize("NFC", text)).split())


def shown(cell: object, most: int = 40) -> str:
    """A cell as it may stand in a message: quoted, cut, control characters escaped."""
    text = cell_text(cell)
    return repr(text if len(text) <= most else f"{text[:most]}…")
