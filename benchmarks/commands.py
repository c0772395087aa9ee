"""What a command takes from its start to its end: `--help`, and `check` of a directory with as many jobs.

`python -m benchmarks.commands [JOBS] [TIMES]`; prints medians in seconds, beside those of a Python that does nothing.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Sequence
from pathlib import Path
from statistics import median

COMMAND = str(Path(sys.executable).with_name("kpisync"))
TEAMS = 50


def _id(text: str) -> str:
    return str(uuid.uuid5(uuid.NAMESPACE_OID, text))


def shared(jobs: int) -> str:
    """What stands in `kpisync.yaml`: the destination, the catalog and a lookup."""
    lines = [
        "version: 1",
        "timezone: Europe/Berlin",
        "destinations:",
        "  board: {type: valuestreamer, url: https://board.example/api, username: api, password: secret}",
        "lookups:",
        "  lines:",
        *(f"    L{team}: line-{team}" for team in range(TEAMS)),
        "catalog:",
        "  board:",
        "    teams:",
        *(f"      line-{team}: {_id(f'line {team}')}" for team in range(TEAMS)),
        "    kpis:",
    ]
    for job in range(jobs):
        values = f"{{actual: {_id(f'{job} actual')}, target: {_id(f'{job} target')}}}"
        lines.append(f"      kpi-{job}: {{id: {_id(f'kpi {job}')}, values: {values}}}")
    return "\n".join(lines) + "\n"


def one(job: int) -> str:
    return f"""\
jobs:
  job-{job}:
    schedule: "{job % 60} 6 * * 1-5"
    lookback: 35d
    source:
      type: csv
      path: exports/scrap_{job}_*.csv
      encoding: cp1252
      delimiter: ";"
      decimal: ","
    map:
      date: {{column: Datum, format: "%d.%m.%Y"}}
      team: {{column: Linie, lookup: lines}}
      values:
        - {{kpi: kpi-{job}, value: actual, column: Ausschuss, scale: 100, decimals: 1}}
        - {{kpi: kpi-{job}, value: target, constant: 2.5}}
    destination: board
"""


def write(folder: Path, jobs: int) -> Path:
    (folder / "kpisync.yaml").write_text(shared(jobs), encoding="utf-8")
    (folder / "jobs").mkdir()
    for job in range(jobs):
        (folder / "jobs" / f"{job:03}.yaml").write_text(one(job), encoding="utf-8")
    return folder


def seconds(command: Sequence[str]) -> float:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("KPISYNC_")}
    begun = time.perf_counter()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, env=environment)
    return time.perf_counter() - begun


def main(jobs: int = 100, times: int = 9) -> None:
    with tempfile.TemporaryDirectory() as folder:
        commands = {
            "python -c pass": [sys.executable, "-c", "pass"],
            "kpisync --help": [COMMAND, "--help"],
            f"kpisync check, {jobs} jobs": [COMMAND, "check", "-c", str(write(Path(folder), jobs))],
        }
        for command in commands.values():  # once, so that its modules are compiled
            seconds(command)
        taken = {name: median(seconds(command) for _ in range(times)) for name, command in commands.items()}
    print("; ".join(f"{name}: {median_seconds:.3f} s" for name, median_seconds in taken.items()))


if __name__ == "__main__":
    main(*(int(argument) for argument in sys.argv[1:]))
