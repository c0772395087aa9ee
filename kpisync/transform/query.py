"""The text of a transform: that it is one SELECT, and whether its result depends on the source alone."""

from __future__ import annotations

import re

from kpisync.support.duck import said

_NO_SELECT = "not one SELECT (or WITH … SELECT) over source"
_QUOTED = (
    r"(?<!\w)[eE]'(?:[^'\\]|\\.|'')*'"
    r"""|'(?:[^']|'')*'|"(?:[^"]|"")*"|--[^\n]*|/\*.*?\*/"""
    r"|(?<![\w$])\$(\w*)\$.*?\$\1\$"
)
_NO_CODE = re.compile(_QUOTED, re.DOTALL)
# Every function of DuckDB whose stability is not CONSISTENT, and the words that stand for some of them.
_CHANGING = re.compile(
    r"\b(now|today|age|random|setseed|(gen_random_)?uuid\w*|nextval|currval|setval|\w*current_\w+|local_?time(stamp)?"
    r"|transaction_timestamp|txid_current|tablesample|using\s+sample|in_search_path|vector_type|sleep_ms|write_log"
    r"|stats|getvariable|error)\b",
    re.IGNORECASE,
)
_BETWEEN_ROWS = re.compile(r"\b(median|mad|quantile\w*|percentile_cont|\w*quantile|fill)\b", re.IGNORECASE)


def one_select(query: str) -> str:
    """The query, if it is one SELECT. Raises ValueError; where DuckDB is installed, for its grammar too."""
    code = _code(query)
    if not re.match(r"\(*\s*(select|with|from)\b", code, re.IGNORECASE) or ";" in code:
        raise ValueError(_NO_SELECT)
    if not names(query, "source"):
        raise ValueError("the rows that were read are the table source, and this does not select from it")
    try:
        import duckdb
    except ImportError:
        return query
    try:
        statements = duckdb.extract_statements(query)
    except duckdb.Error as error:
        raise ValueError(said(error)) from None
    if [statement.type for statement in statements] != [duckdb.StatementType.SELECT]:
        raise ValueError(_NO_SELECT)
    return query


def bare(query: str) -> str:
    """The query without a semicolon at its end."""
    return query.rstrip().removesuffix(";")


def names(query: str, name: str) -> bool:
    """Whether a name stands somewhere in the query, in quotes or without."""
    return re.search(rf"(?<!\w){re.escape(name)}(?!\w)", query, re.IGNORECASE) is not None


def depends_on_source_alone(query: str) -> bool:
    """False for a query that gives something else on another day, or by chance."""
    return _CHANGING.search(_code(query)) is None


def makes_decimals(query: str) -> bool:
    """Whether it looks between rows, where the number has more decimals than those of the rows."""
    return _BETWEEN_ROWS.search(_code(query)) is not None


def _code(query: str) -> str:
    return _NO_CODE.sub(" ", query).strip().removesuffix(";").strip()
