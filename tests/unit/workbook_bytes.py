"""Workbooks made by hand, so that they hold what no library would write: .xlsx, .ods, .xlsb and .xls."""

from __future__ import annotations

import io
import struct
import zipfile
from collections.abc import Mapping, Sequence

_MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
_RELATIONS = "http://schemas.openxmlformats.org/package/2006/relationships"
_OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_ODF = "urn:oasis:names:tc:opendocument:xmlns"
_CALC = "urn:org:documentfoundation:names:experimental:calc:xmlns:calcext:1.0"
# Formats of cells by their number: none, a date, a time of day, a duration, per cent
STYLES = (
    f'<styleSheet xmlns="{_MAIN}"><cellXfs><xf numFmtId="0"/><xf numFmtId="14"/><xf numFmtId="20"/>'
    '<xf numFmtId="46"/><xf numFmtId="10"/></cellXfs></styleSheet>'
)


def zipped(parts: Mapping[str, str | bytes]) -> bytes:
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in parts.items():
            archive.writestr(name, content)
    return held.getvalue()


def xlsx(
    data: str = "",
    *,
    sheet: str | bytes | None = None,
    book: str = "",
    after: str = "",
    kinds: Mapping[str, str] | None = None,
) -> bytes:
    """A workbook whose sheet `S` has these rows; `sheet` is the whole part, `book` and `after` stand beside."""
    kinds = kinds or {"S": "worksheet"}
    names = "".join(f'<sheet name="{name}" sheetId="{n}" r:id="r{n}"/>' for n, name in enumerate(kinds, 1))
    relations = "".join(
        f'<Relationship Id="r{n}" Type="{_OFFICE}/{kind}" Target="worksheets/sheet{n}.xml"/>'
        for n, kind in enumerate(kinds.values(), 1)
    )
    whole = f'<worksheet xmlns="{_MAIN}"><sheetData>{data}</sheetData>{after}</worksheet>' if sheet is None else sheet
    return zipped(
        {
            **_package("xl/workbook.xml", "sheet.main+xml"),
            "xl/workbook.xml": f'<workbook xmlns="{_MAIN}" xmlns:r="{_OFFICE}">{book}<sheets>{names}</sheets>'
            "</workbook>",
            "xl/_rels/workbook.xml.rels": f'<Relationships xmlns="{_RELATIONS}">{relations}</Relationships>',
            "xl/styles.xml": STYLES,
            **{f"xl/worksheets/sheet{n}.xml": whole for n in range(1, len(kinds) + 1)},
        }
    )


def _package(book: str, kind: str) -> dict[str, str]:
    types, vendor = "http://schemas.openxmlformats.org/package/2006/content-types", "application/vnd.openxmlformats-"
    return {
        "[Content_Types].xml": f'<Types xmlns="{types}"><Default Extension="rels" ContentType="{vendor}package.'
        f'relationships+xml"/><Override PartName="/{book}" ContentType="{vendor}officedocument.spreadsheetml.{kind}"/>'
        "</Types>",
        "_rels/.rels": f'<Relationships xmlns="{_RELATIONS}"><Relationship Id="r1" Type="{_OFFICE}/officeDocument" '
        f'Target="{book}"/></Relationships>',
    }


def row(number: int, *cells: str, more: str = "") -> str:
    """Cells as XML without their names, or text and numbers for short; in the columns from A on."""
    named = "".join(
        cell.replace("<c", f'<c r="{chr(65 + n)}{number}"', 1)
        if cell.startswith("<c")
        else f'<c r="{chr(65 + n)}{number}" t="inlineStr"><is><t>{cell}</t></is></c>'
        for n, cell in enumerate(cells)
        if cell
    )
    return f'<row r="{number}"{more}>{named}</row>'


def num(value: object, style: int = 0) -> str:
    return f'<c s="{style}"><v>{value}</v></c>'


# ---------------------------------------------------------------- OpenDocument


def ods(**sheets: str) -> bytes:
    tables = "".join(f'<table:table table:name="{name}">{rows}</table:table>' for name, rows in sheets.items())
    spaces = " ".join(f'xmlns:{name}="{_ODF}:{name}:1.0"' for name in ("office", "table", "text"))
    return zipped(
        {
            "mimetype": "application/vnd.oasis.opendocument.spreadsheet",
            "META-INF/manifest.xml": f'<m:manifest xmlns:m="{_ODF}:manifest:1.0"/>',
            "content.xml": f'<office:document-content {spaces} xmlns:calcext="{_CALC}"><office:body>'
            f"<office:spreadsheet>{tables}</office:spreadsheet></office:body></office:document-content>",
        }
    )


def ods_row(*cells: str, more: str = "") -> str:
    return f"<table:table-row {more}>{''.join(cells)}</table:table-row>"


def ods_cell(value: object, more: str = "", shown: str | None = None) -> str:
    """A number, or a text; `more` attributes, and what is displayed."""
    kind = "string" if isinstance(value, str) else "float"
    stated = "" if kind == "string" else f'office:value="{value}"'
    text = str(value) if shown is None else shown
    return f'<table:table-cell office:value-type="{kind}" {stated} {more}><text:p>{text}</text:p></table:table-cell>'


# ---------------------------------------------------------------- .xlsb, by [MS-XLSB]


def xlsb(records: bytes) -> bytes:
    named = _record12(156, struct.pack("<II", 0, 1) + _text12("r1") + _text12("S"))
    book = _record12(131) + _record12(143) + named + _record12(144) + _record12(132)
    sheet = _record12(129) + _record12(148, bytes(16)) + _record12(145) + records + _record12(146) + _record12(130)
    relation = f'<Relationship Id="r1" Type="{_OFFICE}/worksheet" Target="worksheets/sheet1.bin"/>'
    return zipped(
        {
            **_package("xl/workbook.bin", "sheet.binary.macroEnabled.main"),
            "xl/workbook.bin": book,
            "xl/_rels/workbook.bin.rels": f'<Relationships xmlns="{_RELATIONS}">{relation}</Relationships>',
            "xl/worksheets/sheet1.bin": sheet,
        }
    )


def xlsb_row(number: int, *cells: object, hidden: bool = False) -> bytes:
    """Text, floats, an error by its code (bytes), or an error of a formula (a tuple of its code)."""
    made = [_record12(0, struct.pack("<IIHBBBI", number - 1, 0, 300, 0, 0x10 if hidden else 0, 0, 0))]
    for column, cell in enumerate(cells):
        begin = struct.pack("<II", column, 0)
        if isinstance(cell, str):
            made.append(_record12(6, begin + _text12(cell)))
        elif isinstance(cell, float):
            made.append(_record12(5, begin + struct.pack("<d", cell)))
        elif isinstance(cell, bytes):
            made.append(_record12(3, begin + cell))
        elif isinstance(cell, tuple):
            made.append(_record12(11, begin + bytes(cell) + struct.pack("<HII", 0, 0, 0)))
    return b"".join(made)


def _record12(kind: int, body: bytes = b"") -> bytes:
    return _seven_bits(kind) + _seven_bits(len(body)) + body


def _seven_bits(number: int) -> bytes:
    made = bytearray()
    while number > 0x7F:
        made.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes([*made, number])


def _text12(text: str) -> bytes:
    return struct.pack("<I", len(text)) + text.encode("utf-16-le")


# ---------------------------------------------------------------- .xls, by [MS-XLS] and [MS-CFB]


def xls(records: bytes, *, date1904: bool = False, kind: int = 0, password: bool = False, small: bool = False) -> bytes:
    """A sheet `S`; `kind` 2 is a chart. `small`: the stream lies within another one, as short ones do."""
    formats = b"".join(_record8(0x00E0, struct.pack("<HHHH12x", 0, number, 0, 0)) for number in (0, 14))
    before = _begin8(5) + (_record8(0x002F, bytes(54)) if password else b"")
    before += _record8(0x0022, struct.pack("<H", date1904)) + formats
    named = struct.pack("<BBBB", 0, kind, 1, 0) + b"S"
    offset = len(before) + 4 + 4 + len(named) + 4
    stream = before + _record8(0x0085, struct.pack("<I", offset) + named) + _record8(0x000A)
    stream += _begin8(0x20 if kind == 2 else 0x10) + records + _record8(0x000A)
    return _container(stream, small)


def xls_row(number: int, *cells: object, hidden: bool = False, style: int = 0) -> bytes:
    """Text, floats, an error by its code (bytes), or an error of a formula (a tuple of its code)."""
    end = len(cells)
    made = [_record8(0x0208, struct.pack("<HHHHHHI", number - 1, 0, end, 255, 0, 0, 0x20 if hidden else 0))]
    for column, cell in enumerate(cells):
        begin = struct.pack("<HHH", number - 1, column, style)
        if isinstance(cell, str):
            made.append(_record8(0x0204, begin + struct.pack("<HB", len(cell), 1) + cell.encode("utf-16-le")))
        elif isinstance(cell, float):
            made.append(_record8(0x0203, begin + struct.pack("<d", cell)))
        elif isinstance(cell, bytes):
            made.append(_record8(0x0205, begin + cell + b"\1"))
        elif isinstance(cell, tuple):
            made.append(_record8(0x0006, begin + bytes([2, 0, *cell, 0, 0, 0, 0xFF, 0xFF]) + bytes(8)))
    return b"".join(made)


def embedded_chart(row: int) -> bytes:
    """With an error among the numbers that it shows."""
    return _begin8(0x20) + xls_row(row, b"\x2a") + _record8(0x000A)


def _record8(kind: int, body: bytes = b"") -> bytes:
    return struct.pack("<HH", kind, len(body)) + body


def _begin8(kind: int) -> bytes:
    return _record8(0x0809, struct.pack("<HHHHII", 0x0600, kind, 0x0DBB, 0x07CC, 0, 6))


def container(streams: Mapping[str, bytes]) -> bytes:
    """An OLE container: streams of 4096 bytes or more, one after another."""
    sectors: list[bytes] = []
    chains: list[int] = []
    entries = [_entry("Root Entry", 5, 0xFFFFFFFE, 0, child=1)]
    for number, (name, stream) in enumerate(streams.items(), 1):
        following = number + 1 if number < len(streams) else 0xFFFFFFFF
        entries.append(_entry(name, 2, len(sectors), len(stream), right=following))
        _add(sectors, chains, stream)
    return _finished(sectors, chains, entries, small_table=0xFFFFFFFE)


def _container(stream: bytes, small: bool) -> bytes:
    if not small:
        return container({"Workbook": stream.ljust(4096, b"\0")})
    count = -(-len(stream) // 64)
    sectors: list[bytes] = []
    chains: list[int] = []
    _add(sectors, chains, stream)
    table = len(sectors)
    _add(sectors, chains, struct.pack(f"<{count}I", *range(1, count), 0xFFFFFFFE).ljust(512, b"\xff"))
    root = _entry("Root Entry", 5, 0, count * 64, child=1)
    return _finished(sectors, chains, [root, _entry("Workbook", 2, 0, len(stream))], small_table=table)


def _add(sectors: list[bytes], chains: list[int], stream: bytes) -> None:
    pieces = [stream[at : at + 512].ljust(512, b"\0") for at in range(0, len(stream), 512)]
    chains += [*range(len(sectors) + 1, len(sectors) + len(pieces)), 0xFFFFFFFE]
    sectors += pieces


def _finished(sectors: list[bytes], chains: list[int], entries: Sequence[bytes], small_table: int) -> bytes:
    directory = len(sectors)
    _add(sectors, chains, b"".join(entries).ljust(512, b"\0"))
    tables = -(-(len(sectors) + 2) // 126)
    at = len(sectors)
    more = [*range(at + 109, at + tables)]  # those that the header has no place for; a sector holds 127 of them
    places = [more[n : n + 127] for n in range(0, len(more), 127)]
    chains += [0xFFFFFFFD] * tables + [0xFFFFFFFC] * len(places)
    table = struct.pack(f"<{len(chains)}I", *chains).ljust(512 * tables, b"\xff")
    sectors += [table[n : n + 512] for n in range(0, len(table), 512)]
    for number, part in enumerate(places, 1):
        following = len(sectors) + 1 if number < len(places) else 0xFFFFFFFE
        sectors.append(struct.pack(f"<{len(part)}I", *part).ljust(508, b"\xff") + struct.pack("<I", following))
    first = at + tables if places else 0xFFFFFFFE
    header = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(16) + struct.pack("<HHHHH6x", 0x3E, 3, 0xFFFE, 9, 6)
    header += struct.pack("<IIIIII", 0, tables, directory, 0, 4096, small_table)
    header += struct.pack("<III", int(small_table < 1 << 31), first, len(places))
    known = [*range(at, at + min(tables, 109))]
    header += struct.pack("<109I", *known, *[0xFFFFFFFF] * (109 - len(known)))
    return header + b"".join(sectors)


def _entry(name: str, kind: int, start: int, size: int, *, child: int = 0xFFFFFFFF, right: int = 0xFFFFFFFF) -> bytes:
    text = name.encode("utf-16-le")
    head = text.ljust(64, b"\0") + struct.pack("<HBB", len(text) + 2, kind, 1)
    return head + struct.pack("<III36xIQ", 0xFFFFFFFF, right, child, start, size)
