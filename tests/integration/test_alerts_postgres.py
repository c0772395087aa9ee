"""Of several daemons over one state store on a server one tells, also when they ask at the same moment."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from threading import Barrier

from server_database import Database

from kpisync.ports import SystemClock
from kpisync.state.alerts import is_teller
from kpisync.state.open import open_store

NOW = datetime(2026, 11, 20, 6, 15, tzinfo=UTC)
DAEMONS = 8


def test_of_daemons_that_ask_at_once_one_tells_and_after_it_is_gone_another_one(postgres: Database) -> None:
    start = Barrier(DAEMONS)

    def asks(who: int, now: datetime) -> bool:
        with open_store(postgres.plain, SystemClock()) as store:
            start.wait()
            return is_teller(store, f"daemon {who}", now)

    with ThreadPoolExecutor(DAEMONS) as pool:
        first = list(pool.map(asks, range(DAEMONS), [NOW] * DAEMONS))
        soon = list(pool.map(asks, range(DAEMONS), [NOW + timedelta(minutes=2)] * DAEMONS))
        later = list(pool.map(asks, range(DAEMONS), [NOW + timedelta(hours=1)] * DAEMONS))
    assert first.count(True) == 1
    assert soon == first, "it goes on"
    assert later.count(True) == 1
