"""A part of the document → an options model, or problems in plain words at their line and column."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, replace
from decimal import Decimal, InvalidOperation
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from kpisync.config.findings import Findings, Node, inside
from kpisync.config.problems import Trail, clean
from kpisync.config.shapes import Models, fields_of, models_below, numbers_and_truths
from kpisync.config.words import EXPECTED, complaint
from kpisync.registry import suggestion

M = TypeVar("M", bound=BaseModel)

_KINDS = {bool: "true or false", int: "a whole number", float: "a number", Decimal: "a number"}
_OF_A_WORD = ("enum", "literal_error")  # a union complains of a mapping where it also takes one of some words
_TRUTHS = ("0", "1", "n", "y", "no", "yes", "f", "t", "off", "on", "false", "true")  # what pydantic takes for a bool


@dataclass(frozen=True)
class _Error:
    """One of pydantic's errors, at its place in the document. `name` is the key that is missing or unknown."""

    trail: Trail
    kind: str
    detail: dict[str, Any]
    name: str = ""


def validate(model: type[M], node: Node, findings: Findings, *, without: str | None = None) -> M | None:
    """The model of a node, or None and problems. `without` names a key of it that somebody else has looked at."""
    raw = node.value
    if isinstance(raw, dict):
        raw = {key: value for key, value in raw.items() if key != without}
    bent = _report_bent(frozenset({model}), replace(node, value=raw), findings)
    try:
        found = model.model_validate(raw, context={"base": node.document.file.parent})
    except ValidationError as error:
        errors = [_placed(each, raw) for each in error.errors(include_url=False, include_input=False)]
        _report(model, errors, node, findings)
        return None
    except ArithmeticError:
        # A date or duration beyond what Python can hold is no ValueError, so pydantic lets it pass.
        findings.add(node, "a number in here is too large", key=True)
        return None
    return None if bent else found


def _report_bent(models: Models, node: Node, findings: Findings) -> bool:
    """Report what pydantic would bend into another type (no → false, "02" → 2, true → 1): True if there is any."""
    bent = False
    if isinstance(node.value, list):
        for index in range(len(node.value)):
            bent |= _report_bent(models, node.at(index), findings)
    kinds = numbers_and_truths(models)
    for key, child in node.children():
        kind = kinds.get(key)
        for leaf in [child.at(i) for i in range(len(child.value))] if isinstance(child.value, list) else [child]:
            if kind and _is_bent(kind, leaf.value) and leaf.trail not in leaf.document.referenced:
                findings.add(leaf, f"expected {_KINDS[kind]}, found {_found(leaf.value, findings)}")
                bent = True
        bent |= _report_bent(models_below(models, key), child, findings)
    return bent


def _is_bent(kind: type, value: object) -> bool:
    """True if pydantic would take this value for another type; what it refuses by itself is no matter here."""
    if kind is bool:
        return str(value).lower() in _TRUTHS and not isinstance(value, bool)
    if isinstance(value, bool):
        return kind is not Decimal
    try:
        return isinstance(value, str) and Decimal(value).is_finite()
    except InvalidOperation:
        return False


def _placed(error: Any, raw: object) -> _Error:
    """pydantic's `loc` holds tags of unions, which the document does not have: they are left out."""
    loc, kind = error["loc"], error["type"]
    trail: list[str | int] = []
    for part in loc[:-1] if kind == "missing" else loc:
        in_document = part in raw if isinstance(raw, dict) else isinstance(raw, list) and isinstance(part, int)
        if in_document:
            raw = inside(raw, part)
            trail.append(part)
    name = str(loc[-1]) if loc and kind in ("missing", "extra_forbidden") else ""
    return _Error(tuple(trail), kind, {"msg": error["msg"], **error.get("ctx", {})}, name)


def _report(model: type[BaseModel], errors: list[_Error], node: Node, findings: Findings) -> None:
    by_trail: dict[Trail, list[_Error]] = defaultdict(list)
    for error in errors:
        by_trail[error.trail].append(error)
    meant = {
        (error.trail[:-1], near)
        for error in errors
        if error.kind == "extra_forbidden" and (near := _nearest(model, error))
    }
    for trail, here in by_trail.items():
        where = node.at(*trail)
        wrong_type = [error for error in here if error.kind in EXPECTED]
        others = [error for error in here if error.kind not in EXPECTED]
        if wrong_type and not others and not _errors_below(trail, by_trail):
            _report_type(where, wrong_type, findings)
        for error in others:
            if error.kind == "missing" and (trail, error.name) in meant:
                continue
            if error.kind == "value_error" and where.has_fault_below():
                continue
            if error.kind in _OF_A_WORD and _errors_below(trail, by_trail):
                continue
            _report_one(model, error, where, findings)


def _errors_below(trail: Trail, by_trail: dict[Trail, list[_Error]]) -> bool:
    """A union complains once a branch; the branch that got further in is the one that was meant."""
    return any(len(other) > len(trail) and other[: len(trail)] == trail for other in by_trail)


def _report_type(where: Node, errors: list[_Error], findings: Findings) -> None:
    expected = " or ".join(dict.fromkeys(EXPECTED[error.kind] for error in errors))
    found = _found(where.value, findings)
    hint = None
    if "text" in expected and isinstance(where.value, bool):
        hint = "Put it in quotes."
    findings.add(where, f"expected {expected}, found {found}", hint)


def _report_one(model: type[BaseModel], error: _Error, where: Node, findings: Findings) -> None:
    if error.kind == "extra_forbidden":
        near = _nearest(model, error)
        more = f'; did you mean "{near}"?' if near else ""
        known = ", ".join(_known(model, error.trail[:-1]))
        hint = None if near else f"Known here: {known}."
        findings.add(where, f"unknown key {findings.quote(error.name)}{more}", hint, key=True)
    elif error.kind == "missing":
        findings.add(where, f'"{error.name}" is missing', key=True)
    else:
        whole = isinstance(where.value, dict | list)
        findings.add(where, complaint(error.kind, error.detail, _shown(where.value, findings)), key=whole)


def _known(model: type[BaseModel], trail: Trail) -> list[str]:
    models = frozenset({model})
    for part in trail:
        models = models_below(models, part)
    return list(fields_of(models))


def _nearest(model: type[BaseModel], error: _Error) -> str | None:
    return suggestion(error.name, _known(model, error.trail[:-1])).partition('"')[2].partition('"')[0] or None


def _shown(value: object, findings: Findings) -> str | None:
    """A scalar as it may stand in a message; None for a list or a mapping."""
    if isinstance(value, dict | list):
        return None
    return findings.quote(value) if isinstance(value, str) else _plain(value)


def _found(value: object, findings: Findings) -> str:
    if isinstance(value, str):
        return f"text {findings.quote(value)}"
    if isinstance(value, dict):
        return "a mapping"
    return "a list" if isinstance(value, list) else _plain(value)


def _plain(value: object) -> str:
    if value is None:
        return "nothing"
    return clean(str(value).lower() if isinstance(value, bool) else str(value))
