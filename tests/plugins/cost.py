"""What an adapter costs its author, measured on the sample: prints the table that docs/adapters.md shows."""

from __future__ import annotations

import re
from pathlib import Path

LEDGER = Path(__file__).parent / "ledger"


def lines(path: Path, start: str = "") -> int:
    """Lines that are not blank, from the first that begins so."""
    text = path.read_text(encoding="utf-8")
    return sum(bool(line.strip()) for line in text[text.index(start) :].splitlines())


def table() -> str:
    project = (LEDGER / "pyproject.toml").read_text(encoding="utf-8")
    rows = ["| adapter | module | `pyproject.toml` | test class |", "|---|---|---|---|"]
    for kind in ("destination", "source"):
        module = lines(LEDGER / "kpisync_ledger" / f"{kind}.py")
        entries = len(re.findall(rf'^\w+ = "kpisync_ledger\.{kind}:SPEC"$', project, re.MULTILINE))
        tests = lines(LEDGER / f"test_ledger_{kind}.py", "class ")
        rows.append(f"| {kind} | {module} lines | {entries} line | {tests} lines |")
    return "\n".join(rows)


if __name__ == "__main__":
    print(table())
