"""The shelf in memory as an adapter: the double that keeps values apart, held to the rules of `KeepsApart`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from memory_adapter import MemoryAdapter, MemoryConformance

from kpisync.model import ValueKey
from kpisync.testing import KeepsApartConformance
from kpisync.testing.destination import Fault
from kpisync.testing.shelf import MemoryShelf


@dataclass
class PacedShelf(MemoryShelf):
    """Each of its requests waits for its turn."""

    wait_turn: Callable[[], None] = lambda: None

    def _begin(self, method: str) -> Fault | None:
        self.wait_turn()
        return super()._begin(method)


@dataclass
class ShelfAdapter(MemoryAdapter):
    """Implements `ports.Destination` and `ports.KeepsApart`; what was not read has no id and no copies."""

    board: PacedShelf

    def remote_id(self, key: ValueKey) -> str | None:
        return self.board.remote_id(key)

    def may_replace(self, key: ValueKey, remote: str | None) -> bool:
        return self.board.may_replace(key, remote)

    def copies(self, key: ValueKey) -> int:
        return self.board.copies(key)

    def _attached(self) -> PacedShelf:
        self.board.requests, self.board.wait_turn = self.around.requests, self.around.wait_turn
        return self.board


class ShelfConformance(KeepsApartConformance, MemoryConformance):
    """The rules over a shelf in memory that `adapter` is put before."""

    adapter: type[MemoryAdapter] = ShelfAdapter

    def setup_method(self) -> None:
        self.board, self.words = PacedShelf(), ""
