"""A workbook of 100,000 rows and 6 columns, read to its end, against the floor: the bare reader of workbooks.

`python -m benchmarks.excel [ROWS]`; prints seconds of the processor, ratios and peak memory, every figure of a
process of its own.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

import openpyxl

from benchmarks.unchanged import peak_of_this_process
from kpisync.model import Intake, Scope
from kpisync.ports import Surroundings
from kpisync.sources.excel import SPEC

TIMES = 5
FIRST = datetime(2026, 1, 1)  # noqa: DTZ001 - a cell has no zone


def write(file: Path, rows: int, *, errors: bool) -> Path:
    """Days, codes, whole and other numbers, text, a blank here and there; with `errors`, every tenth rate is one."""
    book = openpyxl.Workbook(write_only=True)
    sheet = book.create_sheet("Scrap")
    sheet.append(["day", "line", "shift", "scrap", "rate", "note"])
    for n in range(rows):
        rate = "#DIV/0!" if errors and n % 10 == 0 else n % 97 / 97
        note = None if n % 5 else f"note {n}"
        sheet.append([FIRST + timedelta(days=n % 300), f"L{n % 50}", n % 3, n * 0.37, rate, note])
    book.save(file)
    return file


def bare(file: Path) -> int:
    from python_calamine import CalamineWorkbook

    return sum(1 for _ in CalamineWorkbook.from_path(file).get_sheet_by_index(0).iter_rows()) - 1


def source(file: Path) -> int:
    built = SPEC.build(SPEC.options.model_validate({"path": str(file)}), Surroundings())
    return sum(1 for table in built.read(Scope(FIRST.date()), Intake()) for _ in table.rows)


READERS: dict[str, Callable[[Path], int]] = {"bare": bare, "source": source}


def child(what: str, file: str) -> None:
    begun = time.process_time()
    rows = READERS[what](Path(file))
    seconds = time.process_time() - begun
    print(json.dumps({"seconds": seconds, "rows": rows, "peak_mb": peak_of_this_process() / 1024}))


def measured(what: str, file: Path) -> dict[str, float]:
    code = f"from benchmarks.excel import child; child({what!r}, {str(file)!r})"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return dict(json.loads(done.stdout))


def show(what: str, file: Path, rows: int) -> None:
    """The best of several, taken in turns, so that a busy machine slows both."""
    taken = [{name: measured(name, file) for name in READERS} for _ in range(TIMES)]
    best = {name: min((one[name] for one in taken), key=lambda one: one["seconds"]) for name in READERS}
    assert all(one["rows"] == rows for one in best.values())
    print(
        f"{rows:,} rows, {what}: {best['source']['seconds']:.2f} s ="
        f" {best['source']['seconds'] / best['bare']['seconds']:.2f} x the bare reader,"
        f" peak {best['source']['peak_mb']:.0f} MB; the bare reader {best['bare']['peak_mb']:.0f} MB",
        flush=True,
    )


def main(rows: int = 100_000) -> None:
    with tempfile.TemporaryDirectory() as folder:
        show("no errors", write(Path(folder) / "plain.xlsx", rows, errors=False), rows)
        show("with errors", write(Path(folder) / "errors.xlsx", rows, errors=True), rows)


if __name__ == "__main__":
    main(*(int(argument) for argument in sys.argv[1:]))
