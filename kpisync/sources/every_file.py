"""A source over files, each a table of its own."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from kpisync.model import Intake, Scope, Table
from kpisync.places.files import Files
from kpisync.tables.account import Account


@dataclass(frozen=True, slots=True)
class EveryFile:
    """Every file is opened when its turn comes. `table` reads one, by its path; None: it has nothing to say."""

    files: Files
    table: Callable[[str, Account], Table | None]

    @property
    def needs_range(self) -> bool:
        return False

    def read(self, scope: Scope, intake: Intake) -> Iterator[Table]:
        for path, origin in self.files:
            table = self.table(path, Account(origin, intake))
            if table is not None:
                yield table

    def hashes(self) -> Mapping[str, str]:
        return self.files.hashes()
