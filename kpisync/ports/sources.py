"""What a source must do."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Protocol, runtime_checkable

from kpisync.model import Intake, Run, Scope, Table


class Source(Protocol):
    """Where values come from."""

    @property
    def needs_range(self) -> bool:
        """True if it cannot be read without dates, such as a query that uses `:from`."""

    def read(self, scope: Scope, intake: Intake) -> Iterator[Table]:
        """Yield tables whose rows are read lazily, in their own order, each once.

        Every line that is not a row is entered in `intake` by rule or as a rejection; every row counts in
        `intake.read`; every file's hash or query is in `intake.origins` once its rows are used up. What cannot be
        read as configured raises `SourceError`, and nothing of the extract may then be used, so a caller takes no
        irrevocable step before the last row. Nothing at the source is changed.
        """


@runtime_checkable
class Rereadable(Protocol):
    """A source that yields the same rows again as long as its files are the same.

    What was confirmed is then recognised, by its files or by the rows of a period, and not mapped again.
    """

    def hashes(self) -> Mapping[str, str]:
        """What `intake.origins` would hold after a reading; raises SourceError as reading would."""


@runtime_checkable
class Surveyable(Source, Rereadable, Protocol):
    """A rereadable source that tells its rows apart by a cell before it parses them, and need not parse them all.

    Without it, that is done with the rows of `read`.
    """

    def survey(self, column: str, intake: Intake) -> Iterator[Run]:
        """All that is written below the headers, each row in one run; `intake.origins` is complete after the last.

        Raises SourceError for what cannot be read; what is wrong with single rows is left to the reading.
        """

    def read_without(self, column: str, passed: Callable[[object], bool], intake: Intake) -> Iterator[Table]:
        """As `read`, but rows for whose cell `passed` is true may be left out; `intake.read` counts them."""
