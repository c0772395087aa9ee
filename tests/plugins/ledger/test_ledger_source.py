"""The lines of a ledger keep the rules that every source keeps."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest
from kpisync_ledger.source import SPEC, LedgerOptions, build

from kpisync.ports import Source, Surroundings
from kpisync.testing import SourceConformance


class TestLedgerSource(SourceConformance):
    spec = SPEC

    @pytest.fixture(autouse=True)
    def _folder(self, tmp_path: Path) -> None:
        self.folder = tmp_path

    def source_of(self, rows: Sequence[Sequence[str]]) -> Source:
        return self._ledger("ledger.csv", *rows)

    def source_with_other_lines(self, rows: Sequence[Sequence[str]]) -> tuple[Source, int]:
        return self._ledger("ledger.csv", [], *rows, ["two", "cells"]), 2

    def broken_sources(self) -> Mapping[str, Source]:
        rows = [["line-1", "2026-11-20", "7"]] * 1000
        return {
            "a quote that never ends": self._ledger("quote.csv", *rows, ['"x']),
            "no file": build(LedgerOptions(path=str(self.folder / "nowhere.csv")), Surroundings()),
        }

    def look(self) -> object:
        return [(file.name, file.read_bytes()) for file in sorted(self.folder.iterdir())]

    def _ledger(self, name: str, *lines: Sequence[str]) -> Source:
        file = self.folder / name
        file.write_text("".join(",".join(cells) + "\n" for cells in (self.columns, *lines)))
        return build(LedgerOptions(path=str(file)), Surroundings())
