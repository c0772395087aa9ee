"""Files on disk of any age, and what a source would be given of them."""

from __future__ import annotations

import os
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from kpisync.errors import Exit, SourceError
from kpisync.places.files import Files
from kpisync.places.options import FileOptions
from kpisync.ports import Surroundings
from kpisync.testing.clock import NOON, FakeClock

TABLE = b"line,scrap\nL1,5\n"


def put(name: str | Path, content: bytes = TABLE, age: timedelta = timedelta(hours=1)) -> Path:
    """A file that changed so long before the clock of a test begins."""
    path = Path(name)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    changed = (NOON - age).timestamp()
    os.utime(path, (changed, changed))
    return path


def options(path: str | Path, **given: Any) -> FileOptions:
    return FileOptions.model_validate({"path": str(path), **given})


def files(path: str | Path, clock: FakeClock | None = None, **given: Any) -> Files:
    return Files(options(path, **given), Surroundings(clock=clock or FakeClock()))


def contents(found: Files) -> dict[str, bytes]:
    """What would be read, by origin, in the order of reading."""
    return {one.origin: Path(one.path).read_bytes() for one in found}


def refusal(found: Files) -> SourceError:
    """The one clear error of files that cannot be read: what, where and what next."""
    with pytest.raises(SourceError) as caught:
        list(found)
    error = caught.value
    assert error.exit_code is Exit.UNUSABLE
    assert error.what
    assert error.where
    assert error.hint
    return error


def problem(path: str, login: Mapping[str, Any] | None = None, **given: Any) -> str:
    """What the configuration says of options that contradict one another."""
    with pytest.raises(ValidationError) as caught:
        options(path, **({} if login is None else {"login": login}), **given)
    return str(caught.value)
