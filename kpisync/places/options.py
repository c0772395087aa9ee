"""What a user says about the files of a source, whatever their format."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, ValidationInfo, field_validator, model_validator

from kpisync.fields import Duration, FilePath, Options
from kpisync.places.address import is_remote, parse
from kpisync.places.login import Login, check

_LONGEST_WAIT = timedelta(minutes=10)


def _path(text: str) -> str:
    if is_remote(text):
        parse(text)
    return text


def _settle(span: timedelta) -> timedelta:
    if span > _LONGEST_WAIT:
        raise ValueError("at most 10m, for a job waits that long; schedule it later instead")
    return span


class ArchiveOptions(Options):
    """What is read of a ZIP archive, or of a file that was packed with gzip."""

    member: str = Field(
        "*", min_length=1, description="which files in a ZIP archive, by name or glob; gzip holds a single one"
    )
    many: Literal["error", "all"] = Field(
        "error", description="more than one matches: error, or all, in the order of their names"
    )


class FileOptions(Options):
    """Which files are read, and where they lie."""

    path: Annotated[FilePath, AfterValidator(_path)] = Field(
        description="the file, or a glob, on this machine or at sftp://, s3://, abfs://, smb://, https:// (no glob);"
        " several files are read in the order of their names"
    )
    login: Login | None = Field(None, description="how to log in there; only for a path that is a URL")
    pick: Literal["newest", "all", "single"] = Field(
        "all",
        description="of several files: the newest (by its last change), all, or single: more than one is an error",
    )
    on_missing: Literal["error", "skip"] = Field(
        "error",
        description="no file matches: error, or skip: the run ends well and nothing is stated, and nothing withdrawn",
    )
    max_age: Duration | None = Field(
        None, description="the newest file must have changed this recently; with pick: all the others are history"
    )
    settle: Annotated[Duration, AfterValidator(_settle)] = Field(
        timedelta(), description="a file that changed less than this long ago is waited for, as it may be still growing"
    )
    archive: ArchiveOptions | None = Field(None, description="read what is packed in the files, ZIP or gzip")

    @field_validator("login")
    @classmethod
    def _fits_the_place(cls, login: Login | None, info: ValidationInfo) -> Login | None:
        path = info.data.get("path")
        if login is not None and path is not None:
            if not is_remote(path):
                raise ValueError("login is for a path that is a URL, such as sftp://host/path")
            check(login, parse(path))
        return login

    @model_validator(mode="after")
    def _has_a_login_where_it_must(self) -> Self:
        if self.login is None and is_remote(self.path):
            check(Login(), parse(self.path))
        return self
