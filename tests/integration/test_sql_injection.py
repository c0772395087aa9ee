"""No text from a source, a lookup or a platform is ever taken for SQL: everything is bound."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date
from decimal import Decimal

import pytest
from payloads import PAYLOADS
from server_database import NOVEMBER, Database

from kpisync.cli.main import main
from kpisync.mapping.apply import Mapper
from kpisync.mapping.collect import Collector
from kpisync.mapping.options import MapOptions
from kpisync.mapping.parse import code_text
from kpisync.model import (
    Catalog,
    CatalogKpi,
    Intake,
    Intent,
    Interval,
    RecordKey,
    Rejection,
    Settled,
    Status,
    ValueKey,
)
from kpisync.state.columns import plain
from kpisync.state.open import open_store
from kpisync.state.runs import changes, rejects
from kpisync.testing.clock import NOON, FakeClock

DAY = date(2026, 11, 20)
TEXTS = tuple(text for text in PAYLOADS if "\0" not in text)  # PostgreSQL stores no NUL
CATALOG = Catalog(kpis={"scrap": CatalogKpi("scrap", "scrap-id", Interval.DAY, {"actual": "actual-id"})})


@pytest.fixture
def guarded(database: Database) -> Iterator[Database]:
    """A database that is the same afterwards."""
    wide = " CHARACTER SET utf8mb4" if database.is_mariadb else ""
    database.run("CREATE TABLE production (qty INT)", "INSERT INTO production VALUES (1)")
    database.run(f"CREATE TABLE codes (nr INT, code VARCHAR(200){wide})")
    database.run("INSERT INTO codes VALUES (:nr, :code)", rows=[{"nr": nr, "code": c} for nr, c in enumerate(TEXTS)])
    yield database
    assert database.look("SELECT qty FROM production") == [(1,)]
    assert database.look("SELECT COUNT(*) FROM codes") == [(len(TEXTS),)]


def test_there_are_two_hundred_of_them() -> None:
    assert len(set(PAYLOADS)) >= 200


def mapped(database: Database, lookup: Mapping[str, str]) -> tuple[dict[str | None, Decimal], Intake]:
    """The numbers by team, from a job whose teams are the codes of the table."""
    options = MapOptions.model_validate(
        {
            "date": {"column": "day"},
            "team": {"column": "code", "lookup": "lines"},
            "values": [{"kpi": "scrap", "value": "actual", "column": "nr"}],
        }
    )
    mapper = Mapper(options, "board", CATALOG, {"lines": lookup}, NOVEMBER)
    intake, collector = Intake(), Collector(options.values)
    query = "SELECT code, :from AS day, nr FROM codes WHERE CAST(:until AS DATE) > CAST(:from AS DATE) ORDER BY nr"
    for table in database.source(query).read(NOVEMBER, intake):
        for reading in mapper.readings(table, intake):
            collector.add(reading, table.origin)
    return {value.key.record.team: value.number for value in collector.values(intake)}, intake


def test_codes_of_a_source_are_looked_up_as_texts(guarded: Database) -> None:
    teams = {code_text(text): f"00000000-0000-0000-0000-{nr:012}" for nr, text in enumerate(TEXTS)}
    found, intake = mapped(guarded, teams)
    assert intake.rejections == []
    assert found == {teams[code_text(text)]: Decimal(nr) for nr, text in enumerate(TEXTS)}


def test_codes_that_no_lookup_knows_are_rejected_as_texts(guarded: Database) -> None:
    found, intake = mapped(guarded, {"L1": "00000000-0000-0000-0000-000000000001"})
    assert found == {}
    assert {rejection.code for rejection in intake.rejections} == {"unknown-team"}
    assert len(intake.rejections) == len(TEXTS)


def test_a_range_is_two_dates_or_nothing(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    for text in PAYLOADS:
        monkeypatch.setattr("sys.argv", ["kpisync", "plan", f"--from={text}"])
        with pytest.raises(SystemExit) as ended:
            main()
        assert ended.value.code == 2
    capsys.readouterr()


def key(text: str) -> ValueKey:
    return ValueKey(RecordKey("board", text, text, text, DAY), text)


def test_the_state_store_on_postgresql_keeps_them_as_texts(postgres: Database) -> None:
    with open_store(postgres.plain, FakeClock()) as store:
        before = postgres.look("SELECT COUNT(*) FROM information_schema.tables")
        for text in TEXTS:
            run = store.begin_run(text, text, NOON, text)
            store.intend(run, [Intent(key(text), None, Decimal(1), f"{text}:14")], NOON)
            store.settle(run, [Settled(key(text), Status.CONFIRMED, Decimal(1), text)])
            store.reject(run, [Rejection(text, text, text)])
            (change,) = changes(store, run)
            assert (change.key, change.job, change.answer) == (key(text), text, plain(text))
            assert change.source == f"{text}:14"
            assert rejects(store, run) == [Rejection(text, text, text)]
        assert len(store.known("board", DAY, DAY)) == len(set(TEXTS))
        assert postgres.look("SELECT COUNT(*) FROM information_schema.tables") == before
