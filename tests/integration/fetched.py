"""What a source would be given of files elsewhere, and the one clear error where that cannot be."""

from __future__ import annotations

from typing import Any

from kpisync.errors import SourceError
from kpisync.places.files import Files
from kpisync.places.options import FileOptions
from kpisync.ports import Clock, Surroundings, SystemClock
from tests.unit.places_builders import TABLE, contents
from tests.unit.places_builders import refusal as refusal_of

__all__ = ["SECRET", "TABLE", "contents", "files", "refusal"]

SECRET = "hunter22"


def files(path: str, login: dict[str, Any] | None = None, clock: Clock | None = None, **given: Any) -> Files:
    """The surroundings strike out SECRET."""
    options = FileOptions.model_validate({"path": path, **({"login": login} if login else {}), **given})
    redact = {"redact": lambda text: text.replace(SECRET, "***")}
    return Files(options, Surroundings(clock=clock or SystemClock(), **redact))  # type: ignore[arg-type]


def refusal(found: Files) -> SourceError:
    """As of any files, and without the secret."""
    error = refusal_of(found)
    assert SECRET not in str(error)
    return error
