"""The demo: a sandbox, a plan, a run, and a second run that makes no request; `make demo` calls it."""

from __future__ import annotations

import csv
import json
import os
import shutil
import sqlite3
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
OUT = Path(os.environ.get("KPISYNC_DEMO_OUT", HERE.parent.parent / "out" / "demo"))
KPISYNC = [sys.executable, "-m", "kpisync"]
# A target that a person keyed into the board before kpisync came; it must survive.
BY_HAND = {"kpi": "Output", "team": "Valves", "date": "2025-01-13", "values": {"target": 400}}


def build_database(file: Path) -> int:
    """The production orders of the export as a database has them: one row per output, every field filled."""
    with (HERE / "exports" / "productions_client_default.csv").open(encoding="utf-8-sig", newline="") as export:
        rows = list(csv.reader(export))[1:]
    order: list[str] = []
    outputs = []
    for row in rows:
        order = row[:10] if any(row[:10]) else order
        if order[8]:
            outputs.append((order[1], order[3], order[8], row[10], float(row[11])))
    with closing(sqlite3.connect(file)) as database, database:
        database.execute("CREATE TABLE production (number, article, done, place, quantity)")
        database.executemany("INSERT INTO production VALUES (?, ?, ?, ?, ?)", outputs)
    return len(outputs)


@contextmanager
def sandbox() -> Iterator[dict[str, str]]:
    """A sandbox of its own on a free port; yields what it says of itself."""
    command = [*KPISYNC, "-c", str(HERE), "sandbox", "--port", "0", "--json"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield json.loads(process.stdout.readline())
        finally:
            process.terminate()


def key_in(page: str, record: dict[str, Any]) -> None:
    """Write a record as another hand does."""
    request = urllib.request.Request(
        f"{page}/_sandbox/record", json.dumps(record).encode(), {"Content-Type": "application/json"}
    )
    urllib.request.urlopen(request).close()


def held(page: str, record: dict[str, Any]) -> dict[str, str]:
    """What the sandbox holds of a record."""
    with urllib.request.urlopen(f"{page}/_sandbox/state") as answer:
        records = json.load(answer)["platforms"]["valuestreamer"]["records"]
    return next(r["values"] for r in records if (r["kpi"], r["team"], r["date"]) == tuple(record.values())[:3])


def show(title: str, arguments: list[str]) -> int:
    print(f"\n$ kpisync {' '.join(arguments)}\n# {title}", flush=True)
    return subprocess.run([*KPISYNC, "-c", str(HERE), *arguments], check=False).returncode


def main() -> int:
    shutil.rmtree(OUT, ignore_errors=True)
    OUT.mkdir(parents=True)
    os.environ["KPISYNC_DEMO_ERP"] = f"sqlite:///{OUT / 'erp.db'}"
    os.environ["KPISYNC_DEMO_STATE"] = f"sqlite:///{OUT / 'kpisync.db'}"
    print(f"a database with {build_database(OUT / 'erp.db')} production outputs: {OUT / 'erp.db'}")
    with sandbox() as place:
        os.environ["KPISYNC_DEMO_URL"] = place["valuestreamer"]
        print(f"a sandbox in place of the board: {place['page']}")
        key_in(place["page"], BY_HAND)
        codes = [
            show("the configuration is validated; nothing is contacted", ["check"]),
            show("what would change, old → new, and from which cell; nothing is sent", ["plan"]),
            show("plan, guard, deliver, confirm by reading back", ["run"]),
            show("the same again: everything is confirmed already, so no request is made", ["run"]),
            show("where one number came from", ["explain", "board/Output/Valves/good/2025-01-13"]),
            show("each job's last run", ["status"]),
        ]
        kept = ", ".join(f"{name} {number}" for name, number in sorted(held(place["page"], BY_HAND).items()))
        print(f"\nA person had keyed in a target of 400 for one record; now it holds: {kept}.")
    print(
        f"\nThe state store: {OUT / 'kpisync.db'}   The configuration: {HERE / 'kpisync.yaml'}\n"
        "Next: kpisync sandbox keeps a sandbox running, with a page that shows what it holds;\n"
        "README.md shows how to write a configuration of your own."
    )
    return max(codes)


if __name__ == "__main__":
    sys.exit(main())
