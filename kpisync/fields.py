"""Named types of configuration values, shared by the configuration and by every adapter's options."""

from __future__ import annotations

import re
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, ValidationInfo, WithJsonSchema

_GUID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_DURATION = re.compile(r"(\d+(?:\.\d+)?)\s*(ms|s|m|h|d)")
_SECONDS = {"ms": 0.001, "s": 1, "m": 60, "h": 3600, "d": 86400}


class Options(BaseModel):
    """The base of everything that a user writes: unknown keys are errors, values do not change."""

    model_config = ConfigDict(extra="forbid", frozen=True, coerce_numbers_to_str=True)


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


def _beside_its_file(value: Any, info: ValidationInfo) -> Any:
    """Relative paths are relative to the file that names them, which the loader passes as context `base`."""
    base = (info.context or {}).get("base")
    if not isinstance(value, str) or base is None or "://" in value:
        return value
    return str(Path(base) / value)


def _text(schema: dict[str, Any]) -> WithJsonSchema:
    return WithJsonSchema({"type": "string", **schema})


Duration = Annotated[timedelta, BeforeValidator(_duration), _text({"examples": ["30s"]})]
Rate = Annotated[float | None, BeforeValidator(_rate), _text({"examples": ["none", "5/s"]})]
Percent = Annotated[Decimal | None, BeforeValidator(_percent), _text({"examples": ["30%", "none"]})]
Factor = Annotated[Decimal | None, BeforeValidator(_factor), _text({"examples": ["10x", "none"]})]
FilePath = Annotated[str, BeforeValidator(_beside_its_file), _text({"format": "path"})]
