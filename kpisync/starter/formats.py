"""What an export is, by its content and never by its name: the first reading that takes it."""

from __future__ import annotations

from dataclasses import replace

from kpisync.errors import SourceError
from kpisync.starter.archive import unpacked
from kpisync.starter.columnar import parquet
from kpisync.starter.delimited import delimited
from kpisync.starter.documents import json_documents
from kpisync.starter.fixed import fixed_width
from kpisync.starter.lists import sap_list
from kpisync.starter.reading import ExportFile, Reading, written
from kpisync.starter.text import read_text
from kpisync.starter.workbook import workbook
from kpisync.starter.xml import xml_document

_BY_CONTENT = (workbook, parquet, json_documents, xml_document)


def read_export(path: str) -> Reading:
    """Look at a file, or at its beginning if it is large. Raises SourceError for what is no table."""
    with unpacked(ExportFile.at(path)) as (export, notes):
        reading = _read(export)
        if not reading.header.names:
            what = "there is no table in it: every line or row is blank"
            raise SourceError(what, where=export.found.origin, hint="Look at the export")
        packed = {"archive": export.given["archive"]} if "archive" in export.given else {}
    told = (*(f"# {note}" for note in notes), *written(packed))
    return replace(reading, options=(*told, *reading.options))


def _read(export: ExportFile) -> Reading:
    for look in _BY_CONTENT:
        if reading := look(export):
            return reading
    text = read_text(export)
    return sap_list(text, export.found.origin) or fixed_width(text) or delimited(text)
