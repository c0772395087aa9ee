"""Archives: which of the files packed in them is the export."""

from __future__ import annotations

import glob
from collections.abc import Iterator
from contextlib import contextmanager
from zipfile import BadZipFile, ZipFile

from kpisync.errors import SourceError
from kpisync.places.files import Files
from kpisync.places.options import FileOptions
from kpisync.ports import Surroundings
from kpisync.starter.reading import ExportFile

_ZIP, _GZIP = (b"PK\x03\x04", b"PK\x05\x06"), b"\x1f\x8b"
_OFFICE = ("[Content_Types].xml", "mimetype", "content.xml")  # what workbooks and other documents of offices hold
_MOST_SHOWN = 5


@contextmanager
def unpacked(export: ExportFile) -> Iterator[tuple[ExportFile, tuple[str, ...]]]:
    """The export itself, and comments on where it is packed; a file that is no archive is it already.

    Raises SourceError for an archive that is damaged, locked or empty.
    """
    members = _members(export)
    if not members:
        yield export, ()
        return
    name = members[0]
    given = {**export.given, "archive": {"member": glob.escape(name)} if name else {}}
    files = Files(FileOptions.model_validate(given), Surroundings())
    (found,) = files  # they lie in a folder that is removed when `files` is forgotten
    inner = ExportFile.of(found, given)
    if _members(inner):
        hint = "Pack the export once only"
        raise SourceError("there is another archive in the archive, which is not read", where=found.origin, hint=hint)
    yield inner, (_note(name, members[1:]),)
    del files


def _note(name: str, others: list[str]) -> str:
    if not name:
        return "the file is packed with gzip"
    if others:
        return f"DECIDE: of the files in the archive {name} is read; there are also {_few(others)}"
    return f"{name} is the only file in the archive"


def _members(export: ExportFile) -> list[str]:
    """The names of the files in an archive; a blank one for gzip, which holds a single one. None is no archive."""
    if export.head.startswith(_GZIP):
        return [""]
    if not export.head.startswith(_ZIP):
        return []
    try:
        with ZipFile(export.found.path) as archive:
            names = [member.filename for member in archive.infolist() if not member.is_dir()]
    except (BadZipFile, OSError, ValueError, NotImplementedError):
        hint = "Get the file again: it may be cut, or still being written"
        raise SourceError("the workbook or archive is damaged", where=export.found.origin, hint=hint) from None
    if any(name in _OFFICE for name in names):
        return []
    shown = sorted(name for name in names if not any(part.startswith(".") for part in name.split("/")))
    if not shown:
        raise SourceError("the archive is empty", where=export.found.origin, hint="Check what wrote it")
    return shown


def _few(names: list[str]) -> str:
    return ", ".join(names[:_MOST_SHOWN]) + (f" and {len(names) - _MOST_SHOWN} more" if names[_MOST_SHOWN:] else "")
