"""The text of a query: that it is one SELECT, which dates it binds, and how a driver is given it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # imported where it is used: a job without SQL does not wait for it
    from sqlalchemy import TextClause

BINDS = frozenset({"from", "to", "until"})

_QUOTED = (
    r"(?<!\w)[eE]'(?:[^'\\]|\\.|'')*'"  # PostgreSQL: a backslash escapes here, and only here
    r"""|'(?:[^']|'')*'|"(?:[^"]|"")*"|`[^`]*`|--[^\n]*|/\*.*?\*/"""
    r"|(?<![\w$])\$(\w*)\$.*?\$\1\$"  # PostgreSQL: a$b$ is a name, not a quote
)
_LITERAL = re.compile(_QUOTED, re.DOTALL)
_NO_CODE = re.compile(rf"{_QUOTED}|\[[^\]]*\]", re.DOTALL)
_CAST_BIND = re.compile(r"(?<![:\w\\]):\w+(?=::)")
_WRITES = re.compile(r"\b(into|update|delete)\b", re.IGNORECASE)
_HIDDEN_CODE = re.compile(r"/\*M?!")  # MySQL and MariaDB carry out what stands in such a comment


def one_select(query: str) -> str:
    """The query, if it is one statement that only reads. Raises ValueError.

    The text is looked at so that a mistake is told before anything runs; the database enforces it once more.
    """
    if _HIDDEN_CODE.search(query):
        raise ValueError("a comment that some databases carry out (/*! … */); write a SELECT without it")
    code = _NO_CODE.sub(" ", query).strip().removesuffix(";").strip()
    if ";" in code:
        raise ValueError("more than one statement; a source is one SELECT")
    if not re.match(r"\(*\s*(select|with)\b", code, re.IGNORECASE) or _WRITES.search(code):
        raise ValueError("not a SELECT (or WITH … SELECT) that only reads")
    if unknown := bind_names(query) - BINDS:
        raise ValueError(f"unknown parameter :{min(unknown)}; there are :from, :to and :until")
    return query


def statement(query: str) -> TextClause:
    """The query with its parameters; a colon in quotes or in a comment begins none, and a cast may follow one."""
    from sqlalchemy import text

    escaped = _LITERAL.sub(lambda match: match[0].replace(":", r"\:"), query.strip().removesuffix(";"))
    return text(_CAST_BIND.sub(r"\g<0> ", escaped))


def bind_names(query: str) -> set[str]:
    return set(statement(query).compile().params)
