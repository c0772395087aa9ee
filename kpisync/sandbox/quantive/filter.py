"""Which KPIs a list holds: the Mongo-like filter, the sorting and the paging of the v2 API."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from typing import Any

from kpisync.sandbox import exact
from kpisync.sandbox.platform import Refusal

_MOST = 100  # documented as the default of limit; here it is the most, too
_NAME = re.compile(r'"(?:\\.|[^"\\])*"|([A-Za-z_$][\w$.]*)(?=\s*:)')  # texts are passed over
_OPERATORS: Mapping[str, Callable[[Any, Any], bool]] = {
    "$in": lambda value, wanted: isinstance(wanted, list) and any(_equal(value, one) for one in wanted),
    "$regex": lambda value, wanted: isinstance(value, str) and re.search(str(wanted), value) is not None,
}

Document = dict[str, Any]


def filtered(documents: list[Document], text: str) -> list[Document]:
    """`{_id: "…"}`, `{name: {$regex: "^A"}}`, `{_id: {$in: […]}}`; names may be quoted. Raises `Refusal`."""
    conditions = _conditions(text)
    try:
        return [document for document in documents if _meets(document, conditions)]
    except re.error as error:
        raise Refusal(400, f"filter: not a regular expression: {error}.") from None


def _conditions(text: str) -> dict[str, Any]:
    quoted = _NAME.sub(lambda match: json.dumps(match[1]) if match[1] else match[0], text)
    try:
        conditions = exact.read(quoted.encode())
    except ValueError as error:
        raise Refusal(400, f'filter is not of the form {{_id: "…"}}: {error}.') from None
    if not isinstance(conditions, dict):
        raise Refusal(400, 'filter is not of the form {_id: "…"}.')
    return conditions


def _meets(document: Document, conditions: Mapping[str, Any]) -> bool:
    for name, condition in conditions.items():
        value = document[_field(name, document)]
        operators = condition if isinstance(condition, dict) else {"$in": [condition]}
        for operator, wanted in operators.items():
            if operator not in _OPERATORS:
                raise Refusal(400, f"filter: the sandbox knows {', '.join(_OPERATORS)}, not {operator[:80]!r}.")
            if not _OPERATORS[operator](value, wanted):
                return False
    return True


def _field(name: str, document: Document) -> str:
    """An id is `_id` in a filter; an `id` would find nothing there, so it is refused."""
    if name == "_id":
        return "id"
    if name == "id" or name not in document:
        raise Refusal(400, f"A KPI has no field {name[:80]!r} to filter or sort by; its id is _id.")
    return name


def _equal(value: Any, wanted: Any) -> bool:
    return wanted in value if isinstance(value, list) else bool(value == wanted)


def sorted_by(documents: list[Document], text: str) -> list[Document]:
    """`name`, `-dateCreated`, several with commas between them. Raises `Refusal`."""
    for part in reversed(text.split(",")):
        name = part.strip().removeprefix("-")
        keys = {id(document): document[_field(name, document)] for document in documents}
        if not all(isinstance(key, str) for key in keys.values()):
            raise Refusal(400, f"Nothing can be sorted by {name[:80]!r}.")
        documents = sorted(documents, key=lambda document: keys[id(document)], reverse=part.strip().startswith("-"))
    return documents


def page(documents: list[Document], query: Mapping[str, str]) -> list[Document]:
    """From `skip` on, `limit` of them (or `take`), and never more than 100. Raises `Refusal`."""
    skip = _count("skip", query, 0)
    limit = _count("limit" if "limit" in query else "take", query, _MOST)
    return documents[skip : skip + min(limit, _MOST)]


def _count(name: str, query: Mapping[str, str], default: int) -> int:
    text = query.get(name, str(default))
    if not (text.isascii() and text.isdigit() and len(text) < 10):
        raise Refusal(400, f"{name} {text[:80]!r} is not a number.")
    return int(text)
