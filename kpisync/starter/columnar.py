"""Parquet: columns with names and types."""

from __future__ import annotations

from kpisync.sources.parquet import SPEC
from kpisync.starter.named import Given, named_reading
from kpisync.starter.reading import ExportFile, Reading

_MAGIC = (b"PAR1", b"PARE")


def parquet(export: ExportFile) -> Reading | None:
    """None for another file. Raises SourceError as the source does."""
    if not export.head.startswith(_MAGIC):
        return None
    return named_reading("parquet", SPEC, export, Given({}), "row")
