"""The board in memory as an adapter: the double of the tests of delivery, held to the rules of a destination."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from datetime import date, timedelta

from kpisync.errors import DestinationError
from kpisync.model import Change, RecordKey, Reply, Values
from kpisync.ports import AdapterSpec, Destination, DestinationOptions, Surroundings, Window
from kpisync.testing import DestinationConformance
from kpisync.testing.destination import Fault, MemoryBoard


@dataclass
class MemoryAdapter:
    """Implements `ports.Destination`; the board outlives it, `words` are those of its refusals."""

    board: MemoryBoard
    words: str
    around: Surroundings

    def windows(self, keys: Collection[RecordKey]) -> list[Window]:
        return self.board.windows(keys)

    def read(self, window: Window) -> Mapping[RecordKey, Values]:
        return self._attached().read(window)

    def write(self, change: Change) -> Reply:
        reply = self._attached().write(change)
        return replace(reply, words=self.around.redact(reply.words and self.words))

    def close(self) -> None:
        self.board.close()

    def _attached(self) -> MemoryBoard:
        self.around.wait_turn()
        self.board.requests = self.around.requests
        return self.board


class MemoryConformance(DestinationConformance):
    """The rules over a board in memory that `adapter` is put before."""

    spec = AdapterSpec("A board in memory", DestinationOptions, lambda options, around: None)
    adapter: type[MemoryAdapter] = MemoryAdapter

    def setup_method(self) -> None:
        self.board, self.words = MemoryBoard(), ""

    def build(self, around: Surroundings) -> Destination:
        return self.adapter(self.board, self.words, around)

    def key(self, n: int) -> RecordKey:
        return RecordKey("board", f"kpi-{n % 3}", f"team-{n % 2}", None, date(2025, 1, 1) + timedelta(n // 6))

    def holds(self, key: RecordKey) -> Values | None:
        return self.board.records.get(key)

    def put_by_hand(self, key: RecordKey, values: Values) -> None:
        for id, number in values.items():
            self.board.edit(key, id, number)

    def refuse(self, words: str) -> None:
        self.words = words
        self._befall("PUT", Fault.REFUSE)

    def lose_answer(self) -> None:
        self._befall("PUT", Fault.DROP_AFTER)

    def make_unreadable(self) -> None:
        self._befall("GET", Fault.FAIL_BEFORE)

    def lock_out(self) -> None:
        self.board.script = _refuse_login

    def _befall(self, method: str, fault: Fault) -> None:
        self.board.script = lambda asked, number: fault if asked == method else None


def _refuse_login(method: str, number: int) -> Fault | None:
    raise DestinationError("the platform refuses the login (status 401)", hint="Check the token")
