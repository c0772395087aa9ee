"""Named types of configuration values, shared by the configuration and by every adapter's options."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    GetJsonSchemaHandler,
    PlainSerializer,
    ValidationInfo,
    WithJsonSchema,
)
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema

_GUID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_DURATION = re.compile(r"(\d+(?:\.\d+)?)\s*(ms|s|m|h|d)")
_SECONDS = {"ms": 0.001, "s": 1, "m": 60, "h": 3600, "d": 86400}


class Options(BaseModel):
    """The base of everything that a user writes: unknown keys are errors, values do not change."""

    model_config = ConfigDict(extra="forbid", frozen=True, coerce_numbers_to_str=True)

    @classmethod
    def __get_pydantic_json_schema__(cls, core_schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        """The defaults in it are written as a user writes them; pydantic's own would be PT30S for 30s."""
        schema = handler(core_schema)
        written = cls.model_construct().model_dump(mode="json", by_alias=True, warnings=False)
        for key, part in handler.resolve_ref_schema(schema).get("properties", {}).items():
            if "default" in part:
                part["default"] = written[key]
        return schema


def is_guid(text: str) -> bool:
    """8-4-4-4-12 hexadecimal digits; the platforms' ids do not keep to RFC 4122."""
    return _GUID.fullmatch(text) is not None


def _duration(value: Any) -> timedelta:
    if isinstance(value, timedelta):
        return value
    match = _DURATION.fullmatch(str(value).strip())
    if not match:
        raise ValueError("not a duration such as 500ms, 30s, 2m, 1h or 1d")
    try:
        return timedelta(seconds=float(match[1]) * _SECONDS[match[2]])
    except OverflowError:
        raise ValueError("a duration beyond all bounds") from None


def _rate(value: Any) -> float | None:
    if value is None or value == "none":
        return None
    if isinstance(value, float):
        return value
    match = re.fullmatch(r"(\d+(?:\.\d+)?)/(s|m|h)", str(value).strip())
    if not match or float(match[1]) <= 0:
        raise ValueError("not a rate such as 5/s, 100/m, 2000/h, or none")
    return float(match[1]) / _SECONDS[match[2]]


def _percent(value: Any) -> Decimal | None:
    if value is None or value == "none":
        return None
    match = re.fullmatch(r"(\d+(?:\.\d+)?)\s*%", str(value).strip())
    if not match:
        raise ValueError("not a percentage such as 30%, or none")
    return Decimal(match[1]) / 100


def _factor(value: Any) -> Decimal | None:
    if value is None or value == "none":
        return None
    match = re.fullmatch(r"(\d+(?:\.\d+)?)x", str(value).strip())
    if not match or Decimal(match[1]) <= 1:
        raise ValueError("not a factor above one such as 10x, or none")
    return Decimal(match[1])


def _duration_text(span: timedelta) -> str:
    """In the largest unit that gives a whole number."""
    for unit in reversed(_SECONDS):
        count, rest = divmod(span, timedelta(seconds=_SECONDS[unit]))
        if count and not rest:
            return f"{count}{unit}"
    return f"{span / timedelta(milliseconds=1):g}ms" if span else "0s"


def _rate_text(rate: float | None) -> str:
    """In the smallest unit that gives a whole number."""
    if rate is None:
        return "none"
    for unit in "sm":
        count = f"{rate * _SECONDS[unit]:.10g}"
        if count.isdigit():
            return f"{count}/{unit}"
    return f"{rate * _SECONDS['h']:.10g}/h"


def _percent_text(share: Decimal | None) -> str:
    return "none" if share is None else f"{(share * 100).normalize():f}%"


def _factor_text(factor: Decimal | None) -> str:
    return "none" if factor is None else f"{factor.normalize():f}x"


def _beside_its_file(value: Any, info: ValidationInfo) -> Any:
    """Relative paths are relative to the file that names them, which the loader passes as context `base`."""
    base = (info.context or {}).get("base")
    if not isinstance(value, str) or base is None or "://" in value:
        return value
    return str(Path(base) / value)


def _text(schema: dict[str, Any]) -> WithJsonSchema:
    return WithJsonSchema({"type": "string", **schema})


def _written(text: Callable[[Any], str]) -> PlainSerializer:
    return PlainSerializer(text, return_type=str, when_used="json")


Duration = Annotated[timedelta, BeforeValidator(_duration), _written(_duration_text), _text({"examples": ["30s"]})]
Rate = Annotated[float | None, BeforeValidator(_rate), _written(_rate_text), _text({"examples": ["none", "5/s"]})]
Percent = Annotated[
    Decimal | None, BeforeValidator(_percent), _written(_percent_text), _text({"examples": ["30%", "none"]})
]
Factor = Annotated[
    Decimal | None, BeforeValidator(_factor), _written(_factor_text), _text({"examples": ["10x", "none"]})
]
FilePath = Annotated[str, BeforeValidator(_beside_its_file), _text({"format": "path"})]
