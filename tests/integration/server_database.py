"""One database on a server, and short ways to fill it, to look at it and to read it as a source."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import URL, NullPool, create_engine, text

from kpisync.errors import KpisyncError
from kpisync.model import Intake, Scope, Table
from kpisync.ports import Source, Surroundings
from kpisync.sources.sql import SPEC
from kpisync.tables.numbers import parse_number

NOVEMBER = Scope(date(2026, 12, 1), date(2026, 11, 1), date(2026, 11, 30))


@dataclass(frozen=True)
class Database:
    """`url` names the driver; `plain` is what a user writes."""

    url: URL

    @property
    def plain(self) -> str:
        return self.url.set(drivername=self.url.get_backend_name()).render_as_string(hide_password=False)

    @property
    def is_mariadb(self) -> bool:
        return self.url.get_backend_name() == "mariadb"

    def run(self, *statements: str, rows: Sequence[dict[str, Any]] | None = None) -> None:
        """Carry out statements, committed one by one; with rows, each statement once a row."""
        engine = create_engine(self.url, poolclass=NullPool, isolation_level="AUTOCOMMIT")
        with engine.connect() as connection:
            for statement in statements:
                connection.execute(text(statement), rows)
        engine.dispose()

    def look(self, query: str) -> list[tuple[Any, ...]]:
        engine = create_engine(self.url, poolclass=NullPool)
        with engine.connect() as connection:
            found = [tuple(row) for row in connection.exec_driver_sql(query)]
        engine.dispose()
        return found

    def series(self, last: int) -> str:
        """A FROM clause with the numbers 1 to `last` as `n.i`."""
        if self.is_mariadb:
            return f"(SELECT seq AS i FROM seq_1_to_{last}) n"
        return f"generate_series(1, {last}) AS n(i)"

    # ------------------------------------------------------------ as a source

    def source(self, query: str, **options: Any) -> Source:
        url = options.pop("url", self.plain)
        return SPEC.build(SPEC.options.model_validate({"url": url, "query": query, **options}), Surroundings())

    def read(self, query: str, scope: Scope = NOVEMBER, intake: Intake | None = None, **options: Any) -> Table:
        """The table of a query, with all its rows in memory."""
        (table,) = [
            Table(table.origin, table.columns, iter(list(table.rows)), table.numbers)
            for table in self.source(query, **options).read(scope, Intake() if intake is None else intake)
        ]
        return table

    def cells(self, query: str, **options: Any) -> list[object]:
        """The first row."""
        return list(next(self.read(query, **options).rows).cells)

    def numbers(self, query: str, **options: Any) -> list[Decimal | None]:
        """The first row, each cell as the number that it is for kpisync."""
        table = self.read(query, **options)
        return [parse_number(cell, table.numbers) for cell in next(table.rows).cells]

    def refusal(self, query: str, **options: Any) -> KpisyncError:
        """The error of a reading: it says what, where and what to do next, in one line."""
        intake = Intake()
        with pytest.raises(KpisyncError) as caught:
            self.read(query, intake=intake, **options)
        error = caught.value
        assert error.what
        assert error.where
        assert error.hint
        assert "\n" not in str(error)
        assert not intake.origins, "what was not read to its end has no fingerprint"
        return error
