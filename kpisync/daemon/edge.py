"""The edge of a thread: what nobody expected ends the work in it, not the daemon, and is told without values."""

from __future__ import annotations

from pathlib import Path
from types import TracebackType
from typing import Self


class Edge:
    """A context that lets no error out: `bug` says afterwards what came, None if nothing did."""

    bug: str | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool:
        if not isinstance(error, Exception):
            return False
        while trace is not None and trace.tb_next is not None:
            trace = trace.tb_next
        code = trace.tb_frame.f_code.co_filename if trace else "an unknown place"
        line = f":{trace.tb_lineno}" if trace else ""
        self.bug = f"a bug in kpisync: {type(error).__name__} in {Path(code).name}{line}. Please report it"
        return True
