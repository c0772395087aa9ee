"""What a user says about the files of a source, whatever their format."""

from __future__ import annotations

from pydantic import Field

from kpisync.fields import FilePath, Options


class FileOptions(Options):
    """Which files are read."""

    path: FilePath = Field(description="the file, or a glob; several files are read in the order of their names")
