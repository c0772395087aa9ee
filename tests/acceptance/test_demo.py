"""The demo over real exports: what arrives on the board is what the exports say, and a second run is silent."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

DEMO = Path(__file__).parent.parent.parent / "config" / "demo"


def test_the_demo_runs_and_its_second_run_makes_no_request(tmp_path: Path) -> None:
    environ = {**os.environ, "COLUMNS": "200", "KPISYNC_DEMO_OUT": str(tmp_path / "demo")}
    done = subprocess.run(
        [sys.executable, str(DEMO / "demo.py")], capture_output=True, text=True, env=environ, check=False, timeout=120
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.count("requests: none") == 4
    assert "now it holds: good 81, scrap 1, target 400." in done.stdout
