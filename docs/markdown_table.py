"""Tables of the generated pages."""

from __future__ import annotations

from collections.abc import Sequence


def table(head: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> list[str]:
    lines = [head, tuple("---" for _ in head), *rows]
    return [
        "| " + " | ".join(flat(cell).replace("|", "\\|").replace("<", "&lt;") for cell in line).rstrip() + " |"
        for line in lines
    ]


def flat(text: str) -> str:
    return " ".join(text.split())
