"""A proposal shows its evidence, marks what a person must decide, and is a configuration by itself."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from tempfile import TemporaryDirectory

from hypothesis import given, settings
from hypothesis import strategies as st

from kpisync.config.load import load
from kpisync.errors import SourceError
from kpisync.model import Intake, Scope
from kpisync.ports import Surroundings
from kpisync.starter.export import look
from kpisync.starter.formats import read_export
from kpisync.starter.proposal import decisions, job_name, proposal
from kpisync.starter.template import starter
from tests.unit.starter_builders import looked, proposed


def test_the_evidence_stands_above_what_follows_from_it() -> None:
    text = proposed(looked("Linie;Datum;Menge", "L1;18.11.2026;1.204,5", "L2;19.11.2026;177"))
    lines = [line.strip() for line in text.splitlines()]
    at = lines.index('decimal: ","')
    assert lines[at - 1] == '# numbers of Menge: decimal ",": 1.204,5 (line 2); thousands ".": 1.204,5 (line 2)'
    assert lines[at + 1] == 'thousands: "."'


def test_a_column_with_separators_of_its_own_is_declared_by_itself() -> None:
    text = proposed(looked("Line;A;B;C", "L1;9,999.9;1.5;1,5", "L2;1,000.5;2.5;2,5", "L3;1,000.5;2.5;2,5"))
    assert '        C: {decimal: ",", thousands: none}' in text


def test_what_cannot_be_told_is_marked_with_its_line() -> None:
    text = proposed(looked("Line;Day;Scrap", "L1;07.06.2024;9.455", "L2;08.06.2024;16.000"))
    questions = decisions(text)
    assert any("9.455 (line 2) is 9455 or 9.455" in question for _, question in questions)
    assert any("2024-06-07 by %d.%m.%Y or 2024-07-06 by %m.%d.%Y" in question for _, question in questions)
    assert all("# DECIDE: " in text.splitlines()[line - 1] for line, _ in questions)


def test_rows_for_one_date_and_team_ask_how_to_combine_them() -> None:
    text = proposed(looked("Line;Day;Scrap", "L1;2026-11-18;1.5", "L1;2026-11-18;2.5", "L2;2026-11-18;1.5"))
    assert "2 of 3 rows share their date and team" in text
    assert "column: Scrap, aggregate: sum" in text


def test_the_codes_of_teams_become_a_lookup() -> None:
    text = proposed(looked("Linie;Datum;Menge", "[HAM] Hamburg;18.11.2026;1,5", "NO;18.11.2026;2,5"))
    assert '    "[HAM] Hamburg": team-1\n    "NO": team-2\n' in text
    assert "team: {column: Linie, lookup: teams}" in text


def test_a_dollar_and_brace_in_a_name_is_no_reference() -> None:
    text = proposed(looked("Linie;Datum;${env:HOME}", "L1;18.11.2026;1,5", "L2;18.11.2026;2,5"))
    assert 'column: "$${env:HOME}"' in text


def test_a_dated_name_suggests_a_pattern() -> None:
    text = proposal(looked("a;b", "1;2"), "in/scrap_2026-11-20.csv", "x", "scrap_2026-11-20")
    assert "in/scrap_*.csv would read every such file" in text


def test_a_file_name_becomes_a_name_of_a_job() -> None:
    assert job_name("Ausschuss (Linie 1)_neu") == "Ausschuss-Linie-1-neu"
    assert job_name("___") == "export"


def test_the_starter_asks_for_nothing_but_the_ids() -> None:
    assert [question for _, question in decisions(starter())] == [
        "these ids are made up; kpisync discover board prints the real ones."
    ]


NUMBERS = ("", "1,5", "1.234", "(3,5)", "-", "00012", "%")
DATES = ("18.11.2026", "2026-11-18", "1/2/2026", "12:30")
TEXTS = ("Summe", "L1", "${env:X}", "a: b", "#x", "{", "'", '"q"', "é\x07", "=1", "|", "---", "x;y", "\\", "NO")
CELLS = st.sampled_from([*NUMBERS, *DATES, *TEXTS])


@settings(max_examples=150, deadline=None)
@given(
    st.lists(st.lists(CELLS, min_size=1, max_size=5), min_size=1, max_size=6), st.sampled_from([";", ",", "\t", "|"])
)
def test_whatever_stands_in_an_export_its_proposal_is_sound_and_reads_it(rows: list[list[str]], mark: str) -> None:
    with TemporaryDirectory() as name:
        file, config = Path(name, "export.csv"), Path(name, "kpisync.yaml")
        file.write_text("\n".join(mark.join(row) for row in rows), encoding="utf-8")
        try:
            export = look(read_export(str(file)))
        except SourceError:
            return
        config.write_text(proposed(export), encoding="utf-8")
        loaded = load(config, {})
        assert loaded.problems == ()
        source = loaded.jobs["export"].source
        for table in source.spec.build(source.options, Surroundings()).read(Scope(date(2026, 11, 20)), Intake()):
            assert len(table.columns) == len(export.reading.header.names)
            list(table.rows)
