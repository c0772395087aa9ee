"""An XML file, parsed piece by piece: its encoding, and what is wrong with it.

A document with a DOCTYPE is refused where that begins, so no entity can be declared and nothing outside is looked at.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any
from xml.parsers import expat

from kpisync.errors import SourceError
from kpisync.sources.xml.paths import ANY, Path, Step, local_name
from kpisync.sources.xml.rows import Found, RowFinder, Watch
from kpisync.support.files import ObservedFile, recognise
from kpisync.tables.account import Account

LONGEST_TOKEN = 1 << 22  # bytes of a tag or comment
_HEAD = 4096
_BOMS = ((codecs.BOM_UTF8, "utf-8"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))
_C1 = re.compile(rb"[\x80-\x9f]")  # see support.text
_CUT = ("no element found", "unclosed token", "unclosed CDATA section", "partial character")


def steps_to(rows: Path) -> tuple[Step, ...]:
    """The steps of a path to rows, from the document on."""
    return rows.steps if rows.up is None else (Step(ANY), *rows.steps)


def found_rows(
    file: ObservedFile, steps: Sequence[Step], watches: Sequence[Watch], encoding: str | None, account: Account
) -> Iterator[Found]:
    """The rows of a file in their order, which reads it to its end. Raises SourceError for what is no such document."""
    marked = _refuse_other_kinds(file.look(0, _HEAD), encoding, account)
    parser = expat.ParserCreate(encoding and _expat_name(encoding), namespace_separator="}")
    parser.buffer_text = True
    finder = RowFinder(steps, watches, lambda: parser.CurrentLineNumber, account)
    codec = _Codec(encoding, marked, account)
    parser.StartElementHandler, parser.EndElementHandler = finder.start, finder.end
    parser.CharacterDataHandler, parser.XmlDeclHandler = finder.text, codec.declare
    parser.StartDoctypeDeclHandler = _Doctype(finder)
    piece = b"-"
    while piece:
        piece = file.read()
        try:
            parser.Parse(piece, not piece)
        except expat.ExpatError as error:
            raise _broken(error, file.look(max(parser.ErrorByteIndex, 0), 1), codec.name, account, not piece) from None
        except (ValueError, LookupError) as error:  # of expat, for an encoding that it cannot be told of
            hint = "Declare the encoding of the export, such as encoding: cp1252"
            raise SourceError(f"the encoding cannot be read: {error}", where=account.origin, hint=hint) from None
        if file.position - max(parser.CurrentByteIndex, 0) > LONGEST_TOKEN:
            what = f"a tag or comment longer than {LONGEST_TOKEN} bytes"
            raise SourceError(what, where=finder.place(), hint="This is no table; check it")
        codec.check(piece)
        yield from finder.take()
    account.note(f"encoding {codec.name}")
    if not finder.count:
        _without_rows(finder, steps, account)


def _without_rows(finder: RowFinder, steps: Sequence[Step], account: Account) -> None:
    """An empty export has nothing in the place of its rows; a path that leads nowhere is a mistake."""
    if finder.namesake:
        uri = finder.namesake.rpartition("}")[0]
        known = f'in the namespace {uri!r}: name it under namespaces, as {{"": "{uri}"}}' if uri else "in no namespace"
        hint = f"Elements {local_name(finder.namesake)} are {known}"
    elif finder.deepest < len(steps) - 1:
        hint = f"The document begins with {', '.join(finder.seen)}"
    else:
        account.note("no rows")
        return
    raise SourceError("rows leads to no element of the document", where=account.origin, hint=hint)


@dataclass
class _Doctype:
    finder: RowFinder

    def __call__(self, name: str, *declared: Any) -> None:
        if name.lower() == "html":
            what, hint = "this is an HTML page (a login page?), not an XML document", "Check what wrote it"
        else:
            what = "the document has a DOCTYPE, which can grow without end or name other files, so it is not read"
            hint = "Let the export write the document without it"
        raise SourceError(what, where=self.finder.place(), hint=hint)


# ---------------------------------------------------------------- encodings


@dataclass
class _Codec:
    """The encoding of a document: that of the job, else that of its declaration, else that of its mark."""

    given: str | None
    marked: str | None
    account: Account
    declared: str | None = None
    line: int = 1

    @property
    def name(self) -> str:
        return (self.given or self.declared or self.marked or "utf-8").lower()

    def declare(self, version: str, encoding: str | None, standalone: int) -> None:
        self.declared = encoding
        if encoding and self.marked == "utf-8" and not self.given and encoding.lower() not in ("utf-8", "utf8"):
            raise SourceError(
                f"{encoding} is declared, but the file begins with the byte order mark of utf-8",
                where=self.account.at(1),
                hint="Declare encoding: utf-8 in the job, or correct the export",
            )

    def check(self, piece: bytes) -> None:
        """ISO 8859 has control characters, which no export has, where cp1252 has letters and dashes."""
        if not self.name.replace("_", "-").startswith(("iso-8859", "iso8859", "latin")):
            return
        if bad := _C1.search(piece):
            raise SourceError(
                f"byte 0x{bad[0].hex().upper()} is a control character in {self.name}, so that is not the encoding",
                where=self.account.at(self.line + piece.count(b"\n", 0, bad.start())),
                hint="Declare encoding: cp1252, which has letters and dashes there",
            )
        self.line += piece.count(b"\n")


def _expat_name(encoding: str) -> str:
    """What expat calls an encoding of Python; any of one byte a character is known to it by Python's name."""
    name = codecs.lookup(encoding).name
    return name.upper().replace("UTF-16-", "UTF-16") if name.startswith("utf-16-") else name.removesuffix("-sig")


# ---------------------------------------------------------------- what is no such document


def _refuse_other_kinds(head: bytes, encoding: str | None, account: Account) -> str | None:
    """The encoding that a byte order mark tells."""
    bom, marked = next(((bom, name) for bom, name in _BOMS if head.startswith(bom)), (b"", None))
    if marked and encoding and not codecs.lookup(encoding).name.startswith(marked):
        raise SourceError(
            f"{encoding} is declared, but the file begins with the byte order mark of {marked}",
            where=account.origin,
            hint="Leave encoding out, or correct it",
        )
    wide = marked or ("utf-16-le" if head[1:2] == b"\0" else "utf-16-be" if head[:1] == b"\0" else "latin-1")
    text = (head[len(bom) :] if marked == "utf-8" else head).decode(wide, "ignore").removeprefix("\ufeff").lstrip()
    if not text:
        raise SourceError("the file is empty", where=account.origin, hint="Check that the export ran")
    kind = None if text.startswith(("<?xml", "<!--")) else recognise(head, text)
    if kind is not None or not text.startswith("<"):
        what = f"{kind}, not an XML document" if kind else "no XML document: it does not begin with <"
        hint = "Check what wrote it, or the type of the source"
        raise SourceError(f"this is {what}", where=account.origin, hint=hint)
    return marked


def _broken(error: expat.ExpatError, byte: bytes, encoding: str, account: Account, ended: bool) -> SourceError:
    """`byte` is the one that the parser stopped at."""
    said = expat.ErrorString(error.code) or str(error)
    place = f"{account.at(error.lineno)}:{error.offset + 1}"
    if ended and said in _CUT:
        what = f"the document is not complete ({said}), so it may be cut or still being written"
        return SourceError(what, where=place, hint="Run again when the export has ended")
    if said == "not well-formed (invalid token)" and byte >= b"\x80":
        what = f"byte 0x{byte.hex().upper()} is not {encoding}"
        return SourceError(what, where=place, hint="Declare the encoding of the export, such as encoding: cp1252")
    if said == "undefined entity":
        hint = "XML has &lt; &gt; &amp; &apos; &quot; and numbers such as &#228;"
        return SourceError("an entity that XML does not have", where=place, hint=hint)
    if "encoding" in said:
        what, hint = f"the file is not {encoding}, as it says", "Declare the encoding of the export, as encoding: utf-8"
        return SourceError(what, where=place, hint=hint)
    return SourceError(f"not well-formed XML: {said}", where=place, hint="Check what wrote it, and the file there")
