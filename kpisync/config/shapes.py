"""What a pydantic model says about its fields: which models and which secrets stand where."""

from __future__ import annotations

import re
from collections.abc import Iterator
from decimal import Decimal
from functools import cache
from typing import Any, get_args

from pydantic import BaseModel, BeforeValidator, PlainValidator, SecretStr, WrapValidator
from pydantic.fields import FieldInfo

Models = frozenset[type[BaseModel]]

# Names that hold secrets also where no model says so, such as a misspelt type or a plug-in's plain text.
_SECRET_NAME = re.compile(r"username|password|passwd|passphrase|token|secret|client_secret|api_?key", re.I)


def types_in(annotation: Any) -> Iterator[type]:
    """Every class that an annotation names, through unions, lists, mappings and `Annotated`."""
    if isinstance(annotation, type) and not get_args(annotation):
        yield annotation
    for part in get_args(annotation):
        yield from types_in(part)


def number_or_truth(field: FieldInfo) -> type | None:
    """bool, int, float or Decimal where a field takes nothing else, but None, and has no reading of its own."""
    if any(isinstance(each, BeforeValidator | PlainValidator | WrapValidator) for each in field.metadata):
        return None
    kinds = set(types_in(field.annotation)) - {type(None)}
    return kinds.pop() if len(kinds) == 1 and kinds <= {bool, int, float, Decimal} else None


def models_in(annotation: Any) -> Models:
    return frozenset(each for each in types_in(annotation) if issubclass(each, BaseModel))


@cache
def fields_of(models: Models) -> dict[str, FieldInfo]:
    """Fields by the name that the user writes. Found once for a thousand jobs, as are those below."""
    return {
        field.alias or name: field
        for model in sorted(models, key=lambda each: each.__name__)
        for name, field in model.model_fields.items()
    }


@cache
def numbers_and_truths(models: Models) -> dict[str, type]:
    """The fields of which `number_or_truth` tells the type."""
    found = {name: number_or_truth(field) for name, field in fields_of(models).items()}
    return {name: kind for name, kind in found.items() if kind}


@cache
def _below(models: Models) -> dict[str | int, Models]:
    return {name: models_in(field.annotation) for name, field in fields_of(models).items()}


def models_below(models: Models, part: str | int) -> Models:
    """The models one step further in; a list's index or a mapping's own key stays among the same."""
    return _below(models).get(part, models)


def secrets_in(value: object, models: Models) -> Iterator[str]:
    """The secret texts of a part of the document, whether or not it is valid."""
    if isinstance(value, list):
        for item in value:
            yield from secrets_in(item, models)
    if isinstance(value, dict):
        fields = fields_of(models)
        for key, item in value.items():
            if _is_secret(key, fields.get(key)):
                yield from _texts(item)
            yield from secrets_in(item, models_below(models, key))


def pairs_in(value: object) -> Iterator[tuple[str, str]]:
    """User and password where they stand side by side."""
    if isinstance(value, dict):
        user, password = value.get("username"), value.get("password")
        if user and password:
            yield from ((name, word) for name in _texts(user) for word in _texts(password))
        for item in value.values():
            yield from pairs_in(item)


def _is_secret(key: str, field: FieldInfo | None) -> bool:
    if field and any(issubclass(each, SecretStr) for each in types_in(field.annotation)):
        return True
    return _SECRET_NAME.fullmatch(key) is not None


def _texts(value: object) -> Iterator[str]:
    if isinstance(value, list):
        for item in value:
            yield from _texts(item)
    elif isinstance(value, dict):
        for item in value.values():
            yield from _texts(item)
    elif value is not None and not isinstance(value, bool):
        yield str(value)
