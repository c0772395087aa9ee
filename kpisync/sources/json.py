"""JSON files: a document with a list of rows, or JSON Lines, an object a line, streaming."""

from __future__ import annotations

import codecs
import json
import re
from collections.abc import Iterator
from functools import partial
from typing import Annotated, Any, Self

from pydantic import AfterValidator, Field, model_validator

from kpisync.errors import SourceError
from kpisync.model import Table
from kpisync.places.files import Files
from kpisync.places.options import FileOptions
from kpisync.ports import AdapterSpec, Source, Surroundings
from kpisync.sources.every_file import EveryFile
from kpisync.support.files import ObservedFile, open_observed, recognise
from kpisync.support.json import loads
from kpisync.support.text import check_encoding
from kpisync.tables.account import Account
from kpisync.tables.grid import Refused
from kpisync.tables.objects import Numbered, ObjectOptions, read_objects, rows_in

_HEAD = 4096
_LARGEST = 100 * 1024 * 1024  # bytes of a document, which takes nine times that in memory
_LONGEST_LINE = 1 << 24  # characters
_LINES = (".jsonl", ".ndjson")
_MARK = "\ufeff"
_CUT = re.compile(r"[\w.+-]{0,20}\s*")  # what may be left of a word or number, and then the end


class JsonOptions(ObjectOptions, FileOptions):
    lines: bool | None = Field(
        None, description="true: JSON Lines, an object a line; by default what ends with .jsonl or .ndjson is that"
    )
    encoding: Annotated[str, AfterValidator(check_encoding)] | None = Field(
        None, description="strict; without it UTF-8, which JSON has to be, or UTF-16 or UTF-32, which it was once"
    )

    @property
    def is_lines(self) -> bool:
        if self.lines is not None:
            return self.lines
        names = [self.path, self.archive.member if self.archive else ""]
        return any(name.lower().removesuffix(".gz").endswith(_LINES) for name in names)

    @model_validator(mode="after")
    def _rows_of_documents(self) -> Self:
        if self.is_lines and self.rows is not None:
            raise ValueError("rows is for documents; in JSON Lines every line is a row")
        return self


def _table(options: JsonOptions, path: str, account: Account) -> Table:
    rows = _rows_of_lines if options.is_lines else _rows_of_document
    return read_objects(rows(path, options, account), options, account)


# ---------------------------------------------------------------- a document


def _rows_of_document(path: str, options: JsonOptions, account: Account) -> Iterator[Numbered]:
    """The rows, numbered from 1."""
    with open_observed(path, account.origin) as file:
        if file.size > _LARGEST:
            raise SourceError(
                f"a document of {file.size:,} bytes; it is read as a whole, so {_LARGEST:,} is the most",
                where=account.origin,
                hint="Export JSON Lines, which may have any size, or fewer rows",
            )
        codec = _codec(file, options, account)
        raw = b"".join(iter(file.read, b""))
        digest = file.finish()
    yield from enumerate(rows_in(_document(raw, codec, account), options.rows, account.origin), 1)
    account.intake.origins[account.origin] = digest


def _document(raw: bytes, codec: str, account: Account) -> Any:
    try:
        text = raw.decode(codec).removeprefix(_MARK)
    except UnicodeDecodeError as error:
        raise _not_decodable(error, raw, 1 + raw.count(b"\n", 0, error.start), codec, account) from None
    try:
        return loads(text)
    except json.JSONDecodeError as error:
        place = f"{account.at(error.lineno)}:{error.colno}"
        if error.msg == "Extra data":
            hint = "If each line is a document of its own, set lines: true; else check what wrote it"
            raise SourceError("something follows the end of the document", where=place, hint=hint) from None
        if _CUT.fullmatch(text, error.pos) or error.msg.startswith("Unterminated string"):
            what = "the document is not complete, so it may be cut or still being written"
            raise SourceError(what, where=place, hint="Run again when the export has ended") from None
        raise SourceError(f"not JSON: {_lower(error.msg)}", where=place, hint="Check what wrote it") from None
    except ValueError as error:
        raise SourceError(f"not JSON: {error}", where=account.origin, hint="Check what wrote it") from None


# ---------------------------------------------------------------- JSON Lines


def _rows_of_lines(path: str, options: JsonOptions, account: Account) -> Iterator[Numbered]:
    """The objects with the numbers of their lines; a line that is none is rejected, unless it is the first or cut."""
    with open_observed(path, account.origin) as file:
        found = False
        for number, text in _lines(file, _codec(file, options, account), account):
            if not text.strip():
                account.skip(number, "blank")
                continue
            try:
                row = loads(text.removeprefix(_MARK) if number == 1 else text)
            except ValueError as error:
                if not found:
                    raise _no_lines(_said(error), account.at(number)) from None
                if not text.endswith("\n"):
                    what = "the last line is not complete, so the file may be cut or still being written"
                    hint = "Run again when the export has ended"
                    raise SourceError(what, where=account.at(number), hint=hint) from None
                row = Refused("bad-json", f"the line is not JSON: {_said(error)}")
            if not found and isinstance(row, list) and not options.fields:
                raise _no_lines("the line is a list", account.at(number))
            found = True
            yield number, row
        account.intake.origins[account.origin] = file.finish()


def _no_lines(why: str, place: str) -> SourceError:
    hint = "If the file is one document, set lines: false"
    return SourceError(f"not JSON Lines, an object a line: {why}", where=place, hint=hint)


def _lines(file: ObservedFile, codec: str, account: Account) -> Iterator[tuple[int, str]]:
    """Each line with its number and its line feed; only that ends a line, for JSON text may hold other breaks."""
    decoder = codecs.getincrementaldecoder(codec)()
    number, rest, chunk = 1, "", b"-"
    while chunk:
        chunk = file.read()
        pending = decoder.getstate()[0]
        try:
            rest += decoder.decode(chunk, final=not chunk)
        except UnicodeDecodeError as error:
            raw = pending + chunk
            line = number + rest.count("\n") + raw.count(b"\n", 0, error.start)
            raise _not_decodable(error, raw, line, codec, account) from None
        *whole, rest = rest.split("\n")
        for line_text in whole:
            yield number, f"{line_text}\n"
            number += 1
        if len(rest) > _LONGEST_LINE:
            what = f"a line longer than {_LONGEST_LINE:,} characters"
            raise SourceError(what, where=account.at(number), hint="If the file is one document, set lines: false")
    if rest:
        yield number, rest


# ---------------------------------------------------------------- both


def _codec(file: ObservedFile, options: JsonOptions, account: Account) -> str:
    """What the file is decoded by. Raises SourceError for what is no JSON by its first bytes."""
    head = file.look(0, _HEAD)
    # else by the byte order mark, or the NULs beside the first two characters
    codec = options.encoding or json.detect_encoding(head[:4]).removesuffix("-sig")
    text = head.decode(codec, "ignore").removeprefix(_MARK)
    if not head or (len(head) < _HEAD and not text.strip()):
        raise SourceError("the file is empty", where=account.origin, hint="Check that the export ran")
    kind = recognise(head, text)
    if kind not in (None, "a JSON document"):
        raise SourceError(
            f"this is {kind}, not JSON", where=account.origin, hint="Check what wrote it, or the type of the source"
        )
    account.note(f"encoding {codec}")
    return codec


def _not_decodable(error: UnicodeDecodeError, raw: bytes, line: int, codec: str, account: Account) -> SourceError:
    bad = raw[error.start : error.start + 1].hex().upper()
    return SourceError(
        f"byte 0x{bad} is not {codec}",
        where=account.at(line),
        hint="JSON has to be UTF-8; correct the export, or declare its encoding, such as cp1252",
    )


def _said(error: ValueError) -> str:
    """What is wrong with a line, and in which of its columns."""
    return f"{_lower(error.msg)} in column {error.colno}" if isinstance(error, json.JSONDecodeError) else str(error)


def _lower(text: str) -> str:
    return text[:1].lower() + text[1:]


def build(options: JsonOptions, surroundings: Surroundings) -> Source:
    return EveryFile(Files(options, surroundings), partial(_table, options))


SPEC: AdapterSpec[Source] = AdapterSpec("JSON documents and JSON Lines", JsonOptions, build)
