"""A query is one statement that reads; what only looks like a parameter, or like code, is told apart."""

from __future__ import annotations

import pytest

from kpisync.sources.sql.statements import bind_names, one_select, statement


@pytest.mark.parametrize(
    "query",
    [
        "DELETE FROM production",
        "SELECT 1; DROP TABLE production",
        "SELECT 1;;",
        "WITH gone AS (DELETE FROM production RETURNING *) SELECT * FROM gone",
        "WITH new AS (INSERT INTO production VALUES (1) RETURNING *) SELECT * FROM new",
        "WITH new AS (UPDATE production SET qty = 1 RETURNING *) SELECT * FROM new",
        "SELECT * INTO copy FROM production",
        "SELECT 1 INTO OUTFILE 'x'",
        "SELECT 1 /*!50000 INTO OUTFILE 'x' */",
        "SELECT 1 /*M!100100 ; DROP TABLE production */",
        "SELECT * FROM production FOR UPDATE",
        "PRAGMA user_version = 1",
        "EXPLAIN SELECT 1",
        "CALL sneak()",
        "EXEC sneak",
        "BEGIN; SELECT 1",
        "/* SELECT */ UPDATE production SET qty = 0",
        "-- SELECT\nDELETE FROM production",
        r"SELECT E'\''; DROP TABLE production; --'",
        r"SELECT e'\\\'' , 1; DROP TABLE production; --'",
        "SELECT 1 AS a$b$; COMMIT; DROP TABLE production; SELECT 2 AS a$b$",
        "SELECT 1 AS $b; COMMIT; SELECT 2",
        "",
        ";",
    ],
)
def test_only_one_statement_that_reads_is_accepted(query: str) -> None:
    with pytest.raises(ValueError, match="SELECT"):
        one_select(query)


@pytest.mark.parametrize(
    "query",
    [
        "  select 1 ;\n",
        "-- note; more\nSELECT 'a;b' AS x",
        "WITH a AS (SELECT 1 AS x) SELECT x FROM a",
        "(SELECT 1)",
        "SELECT 'delete' AS \"update\"",
        "SELECT last_update, `into`, [delete] FROM production",
        r"SELECT E'it\'s; fine'",
        "SELECT $$a;b$$, $tag$ ; delete $tag$",
        "SELECT 'it''s; fine'",
    ],
)
def test_a_select_in_any_dress_is_accepted(query: str) -> None:
    assert one_select(query) == query


def test_an_unknown_parameter_is_refused() -> None:
    with pytest.raises(ValueError, match="unknown parameter :form; there are :from, :to and :until"):
        one_select("SELECT :form")


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ("SELECT :from, :to, :until", {"from", "to", "until"}),
        ("SELECT :to::date", {"to"}),
        ("SELECT day::date, '12:30 :from', \":to\" FROM t -- :until\n /* :from */", set()),
        ("SELECT a[1:2]", set()),
        ("SELECT $$ :from $$, E'\\' :to'", set()),
        ("SELECT 'a' WHERE day>=:from AND day<:until", {"from", "until"}),
    ],
)
def test_parameters_are_not_casts_nor_colons_in_quotes(query: str, names: set[str]) -> None:
    assert bind_names(query) == names


@pytest.mark.parametrize("literal", [r"'a\:b'", "'12:30 :from ::x'", r"'\\:x'", "'::'", "':'", r"'\:\::from'"])
def test_a_literal_is_sent_as_it_was_written(literal: str) -> None:
    assert str(statement(f"SELECT {literal}").compile()) == f"SELECT {literal}"
