"""Rows a second of the sources of text: the same rows as CSV, as SAP lists of both kinds, and in fixed width.

`python -m benchmarks.formats [ROWS]`; each is read to its end through its source, the best of five times, in a process
of its own; seconds are those of the processor. The peak memory is that of so many rows, and of five times as many.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator, Sequence
from datetime import date
from itertools import chain
from pathlib import Path

from benchmarks.plant import rows
from benchmarks.unchanged import peak_of_this_process
from kpisync.model import Intake, Scope
from kpisync.ports import Surroundings
from kpisync.sources import csv, fixed_width, sap_list

HEADER = ("team", "kpi", "kind", "day", "number")
WIDTHS = (8, 6, 6, 12, 12)
FIELDS = {"team": "1-8", "kpi": "9-14", "kind": "15-20", "day": "21-32", "number": "33-44"}
TYPES = {"csv": csv.SPEC, "bars": sap_list.SPEC, "tabs": sap_list.SPEC, "fixed-width": fixed_width.SPEC}


def padded(cells: Sequence[str]) -> Iterator[str]:
    return map(str.ljust, cells, WIDTHS)


def written(what: str, table: Iterable[Sequence[str]]) -> Iterator[str]:
    """The lines of a file; a header for all but fixed width."""
    if what == "csv":
        yield from (",".join(cells) for cells in chain([HEADER], table))
    elif what == "tabs":
        yield from ("01.02.2026\t\tDynamic List Display\t\t1", "", "\t" + "\t".join(HEADER), "")
        yield from ("\t" + "\t".join(cells) for cells in table)
    elif what == "bars":
        ruler = "-" * (sum(WIDTHS) + len(WIDTHS) + 1)
        yield from ("01.02.2026    Dynamic List Display    1", "", ruler, f"|{'|'.join(padded(HEADER))}|", ruler)
        yield from (f"|{'|'.join(padded(cells))}|" for cells in table)
        yield ruler
    else:
        yield from map("".join, map(padded, table))


def write(path: Path, what: str, count: int) -> Path:
    with path.open("w", newline="", encoding="utf-8") as file:
        file.writelines(f"{line}\n" for line in written(what, rows(count)))
    return path


def child(what: str, path: str) -> None:
    spec = TYPES[what]
    given = {"path": path, **({"fields": FIELDS} if what == "fixed-width" else {})}
    source, intake = spec.build(spec.options.model_validate(given), Surroundings()), Intake()
    begun = time.process_time()
    for table in source.read(Scope(date(2033, 1, 1)), intake):
        for _ in table.rows:
            pass
    seconds = time.process_time() - begun
    assert not intake.rejections, intake.rejections[0]
    print(json.dumps({"rows": intake.read, "seconds": seconds, "peak_mb": peak_of_this_process() / 1024}))


def measured(what: str, path: Path) -> dict[str, float]:
    code = f"from benchmarks.formats import child; child({what!r}, {str(path)!r})"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return dict(json.loads(done.stdout))


def main(count: int = 200_000) -> None:
    best: dict[str, dict[str, float]] = {}
    with tempfile.TemporaryDirectory() as folder:
        files = {what: write(Path(folder) / what, what, count) for what in TYPES}
        for _ in range(5):  # in turns, so that what else the machine does befalls all alike
            for what, file in files.items():
                one = measured(what, file)
                best[what] = min(one, best.get(what, one), key=lambda each: each["seconds"])
        for what, one in best.items():
            more = measured(what, write(files[what], what, 5 * count))
            assert (one["rows"], more["rows"]) == (count, 5 * count)
            print(
                f"{what:12} {count / one['seconds']:9,.0f} rows/s = "
                f"{best['csv']['seconds'] / one['seconds']:4.0%} of csv; "
                f"peak {one['peak_mb']:.1f} MB, with five times the rows {more['peak_mb']:.1f} MB",
                flush=True,
            )


if __name__ == "__main__":
    main(*(int(argument) for argument in sys.argv[1:]))
