"""The ledger keeps the rules that every destination keeps."""

import csv
import shutil
from collections.abc import Mapping
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from kpisync_ledger.destination import COLUMNS, SPEC

from kpisync.model import RecordKey, Values
from kpisync.testing import DestinationConformance


class TestLedger(DestinationConformance):
    spec = SPEC

    @pytest.fixture(autouse=True)
    def _empty_ledger(self, tmp_path: Path) -> None:
        self.file = tmp_path / "share" / "ledger.csv"
        self.file.parent.mkdir()
        self.file.write_text(",".join(COLUMNS) + "\n")

    def options(self) -> Mapping[str, object]:
        return {"path": str(self.file)}

    def key(self, n: int) -> RecordKey:
        return RecordKey("board", f"kpi-{n % 3}", f"team-{n % 2}", None, date(2026, 1, 1) + timedelta(n // 6))

    def holds(self, key: RecordKey) -> Values | None:
        text = self.file.read_text() if self.file.exists() else ""
        lines = csv.reader(text.splitlines())
        return {line[4]: Decimal(line[5]) for line in lines if line[:4] == self._place(key)} or None

    def put_by_hand(self, key: RecordKey, values: Values) -> None:
        with self.file.open("a") as file:
            csv.writer(file).writerows([*self._place(key), id, number] for id, number in values.items())

    def refuse(self, words: str) -> None:
        self.file.with_suffix(".closed").write_text(words)

    def lose_answer(self) -> None:
        pytest.skip("a file has no answer that could be lost")

    def make_unreadable(self) -> None:
        self.file.write_text("not,a,ledger\nat,all\n")

    def lock_out(self) -> None:
        shutil.rmtree(self.file.parent)

    def _place(self, key: RecordKey) -> list[str]:
        return [key.kpi, key.team or "", "", key.period.isoformat()]
