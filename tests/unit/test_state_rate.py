"""The rate that a platform was found to take outlives the process that found it."""

from __future__ import annotations

from pathlib import Path

from test_state_builders import SETTLES, begin, intent, opened


def test_a_rate_is_kept_for_a_destination_that_is_known(tmp_path: Path) -> None:
    with opened(tmp_path / "kpisync.db") as store:
        store.require("board", "https://board.example")
        store.intend(begin(store), [intent()], SETTLES)
        assert store.rate("board") is None
        store.keep_rate("board", 42.5)
    with opened(tmp_path / "kpisync.db") as store:
        assert (store.rate("board"), store.rate("okr")) == (42.5, None)
