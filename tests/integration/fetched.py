"""What a source would be given of files elsewhere, and the one clear error where that cannot be."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from kpisync.errors import Exit, SourceError
from kpisync.places.files import Files
from kpisync.places.options import FileOptions
from kpisync.ports import Clock, Surroundings, SystemClock

TABLE = b"line,scrap\nL1,5\n"
SECRET = "hunter22"


def files(path: str, login: dict[str, Any] | None = None, clock: Clock | None = None, **given: Any) -> Files:
    """The surroundings strike out SECRET."""
    options = FileOptions.model_validate({"path": path, **({"login": login} if login else {}), **given})
    redact = {"redact": lambda text: text.replace(SECRET, "***")}
    return Files(options, Surroundings(clock=clock or SystemClock(), **redact))  # type: ignore[arg-type]


def contents(found: Files) -> dict[str, bytes]:
    """By origin, in the order of reading."""
    return {one.origin: Path(one.path).read_bytes() for one in found}


def refusal(found: Files) -> SourceError:
    with pytest.raises(SourceError) as caught:
        list(found)
    error = caught.value
    assert error.exit_code is Exit.UNUSABLE
    assert error.where
    assert error.hint
    assert SECRET not in str(error)
    return error
