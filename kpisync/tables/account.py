"""The account of one table: which of its lines were skipped by which rule, and which were rejected and why."""

from __future__ import annotations

from dataclasses import dataclass

from kpisync.model import Intake


@dataclass(frozen=True, slots=True)
class Account:
    """An intake, seen from one file or query."""

    origin: str
    intake: Intake

    def at(self, line: int) -> str:
        return f"{self.origin}:{line}"

    def skip(self, line: int, rule: str) -> None:
        self.intake.skip(rule, self.at(line))

    def reject(self, line: int, code: str, reason: str) -> None:
        self.intake.reject(self.at(line), code, reason)

    def note(self, text: str) -> None:
        self.intake.notes.append(f"{self.origin}: {text}")
