"""A ledger: a CSV file with one line per value, which anyone can open, and which each write replaces whole."""

from __future__ import annotations

import csv
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from datetime import date
from decimal import Decimal, InvalidOperation
from pathlib import Path
from threading import Lock

from pydantic import Field

from kpisync.errors import DestinationError
from kpisync.fields import FilePath
from kpisync.model import Action, Change, RecordKey, Reply, ReplyKind, Values
from kpisync.ports import AdapterSpec, Destination, DestinationOptions, Surroundings, Unreadable, Window
from kpisync.support.statuses import plain

COLUMNS = ["kpi", "team", "sub_tile", "period", "value", "number"]
Records = dict[RecordKey, dict[str, Decimal]]


class LedgerOptions(DestinationOptions):
    """A file in a folder that is there."""

    path: FilePath = Field(description="the CSV file; the first write makes it")


class Ledger:
    """The port `Destination` over one file."""

    def __init__(self, options: LedgerOptions, around: Surroundings) -> None:
        self._path, self._around = Path(options.path), around
        self._lock = Lock()  # one instance may be called from several threads

    def windows(self, keys: Collection[RecordKey]) -> list[Window]:
        if not keys:
            return []
        kpis = {key.kpi for key in keys}
        periods = sorted(key.period for key in keys)
        return [Window(kpi, periods[0], periods[-1], frozenset(key for key in keys if key.kpi == kpi)) for kpi in kpis]

    def read(self, window: Window) -> Mapping[RecordKey, Values]:
        with self._request("READ"):
            return {key: values for key, values in self._load().items() if key in window.keys}

    def write(self, change: Change) -> Reply:
        with self._request("WRITE"):
            try:
                records = self._load()
            except Unreadable as failure:
                return failure.reply
            note = self._path.with_suffix(".closed")
            if note.exists():
                why = plain(note.read_text(encoding="utf-8", errors="replace"), self._around.redact)
                return Reply(ReplyKind.REFUSED, words=f"the ledger is closed: {why}")
            if change.action is Action.WITHDRAW:
                records.pop(change.key, None)
            else:
                records[change.key] = {**records.get(change.key, {}), **change.new}
            self._store(records)
            return Reply(ReplyKind.ACCEPTED, values=records.get(change.key))

    def close(self) -> None:
        """No file stays open."""

    @contextmanager
    def _request(self, method: str) -> Iterator[None]:
        self._around.wait_turn()
        with self._lock:
            self._around.requests[method] += 1
            yield

    def _load(self) -> Records:
        records: Records = {}
        try:
            with self._path.open(encoding="utf-8", newline="") as file:
                for kpi, team, sub_tile, period, value, number in list(csv.reader(file))[1:]:
                    key = RecordKey(self._around.name, kpi, team or None, sub_tile or None, date.fromisoformat(period))
                    records.setdefault(key, {})[value] = Decimal(number)
        except (ValueError, InvalidOperation, csv.Error) as error:
            raise Unreadable(Reply(ReplyKind.REFUSED, words=f"{self._path.name} is no ledger: {error}")) from None
        except OSError as error:
            if not (isinstance(error, FileNotFoundError) and self._path.parent.is_dir()):
                raise self._unusable(error) from None
        return records

    def _store(self, records: Records) -> None:
        new = self._path.with_suffix(".new")
        lines = sorted(
            [*(str(part or "") for part in key[1:]), value, f"{number:f}"]
            for key, values in records.items()
            for value, number in values.items()
        )
        try:
            with new.open("w", encoding="utf-8", newline="") as file:
                csv.writer(file).writerows([COLUMNS, *lines])
            new.replace(self._path)  # all or nothing
        except OSError as error:
            raise self._unusable(error) from None

    def _unusable(self, error: OSError) -> DestinationError:
        hint = "Check that its folder is there, and that this user may write to it"
        return DestinationError(f"the ledger cannot be used: {error.strerror}", where=str(self._path), hint=hint)


SPEC: AdapterSpec[Destination] = AdapterSpec("A ledger in a CSV file", LedgerOptions, Ledger)
