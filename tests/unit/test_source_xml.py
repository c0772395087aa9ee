"""XML documents: what a path leads to is a row, nothing outside is looked at, and a mistake says where it stands."""

from __future__ import annotations

import tracemalloc
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape, quoteattr

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from kpisync.errors import SourceError
from kpisync.model import Intake, Rejection, Row, Scope, Table
from kpisync.ports import Rereadable, Surroundings
from kpisync.sources.xml import SPEC, XmlOptions
from kpisync.sources.xml.document import LONGEST_TOKEN
from kpisync.sources.xml.rows import MOST_DEEP, MOST_IN_ROW

SCOPE = Scope(date(2026, 11, 20))
FILE_FIXTURE = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def options(**given: Any) -> XmlOptions:
    return XmlOptions.model_validate({"path": "in.xml", "rows": "r", **given})


class Reading:
    def __init__(self, content: str | bytes, **given: Any) -> None:
        Path("in.xml").write_bytes(content.encode() if isinstance(content, str) else content)
        self.intake = Intake()
        self.tables: list[Table] = []
        self.rows: list[Row] = []
        for table in SPEC.build(options(**given), Surroundings()).read(SCOPE, self.intake):
            self.tables.append(table)
            self.rows += table.rows

    @property
    def columns(self) -> tuple[str, ...]:
        (table,) = self.tables
        return table.columns

    @property
    def cells(self) -> list[list[object]]:
        return [list(row.cells) for row in self.rows]

    @property
    def rejection(self) -> Rejection:
        (rejection,) = self.intake.rejections
        return rejection


def refusal(content: str | bytes, **given: Any) -> SourceError:
    with pytest.raises(SourceError) as caught:
        Reading(content, **given)
    assert caught.value.where and caught.value.hint
    return caught.value


def mistake(**given: Any) -> str:
    with pytest.raises(ValidationError) as caught:
        options(**given)
    return str(caught.value)


# ---------------------------------------------------------------- rows and columns


def test_without_fields_the_first_row_names_the_columns_attributes_before_elements() -> None:
    reading = Reading('<a><r day="1"><n>5</n></r>\n<r><n>6</n></r></a>')
    assert reading.columns == ("@day", "n")
    assert reading.cells == [["1", "5"], [None, "6"]]


def test_a_row_with_an_element_that_the_first_one_has_not_is_rejected() -> None:
    reading = Reading("<a>\n<r><n>5</n></r>\n<r><n>6</n><m>1</m></r>\n<r><n>7</n></r></a>")
    assert reading.cells == [["5"], ["7"]]
    assert reading.rejection.source == "in.xml:3"
    assert reading.rejection.code == "unknown-field"
    assert "the row has m, which row 2 with the names" in reading.rejection.reason


@pytest.mark.parametrize(
    ("first", "why"),
    [("<n>1</n><n>2</n>", "several n"), ("<n><m/></n>", "elements within elements"), ("12", "no elements within")],
)
def test_a_first_row_that_makes_no_columns_asks_for_fields(first: str, why: str) -> None:
    error = refusal(f"<a>\n<r>{first}</r></a>")
    assert why in error.what
    assert error.where == "in.xml:2"
    assert "fields" in str(error.hint)


def test_fields_are_found_within_the_row_by_elements_attributes_and_numbers() -> None:
    reading = Reading(
        '<a><r day="1">row<p k="x"><q>a</q></p><p k="y"><q u="PC">b</q></p></r></a>',
        fields={"day": "@day", "first": "./p[1]/q", "y": "p[@k='y']/q", "unit": 'p[@k="y"][@k]/q/@u', "no": "p[3]"},
    )
    assert reading.columns == ("day", "first", "y", "unit", "no")
    assert reading.cells == [["1", "a", "b", "PC", None]]


def test_a_row_that_is_a_text_itself_is_a_dot() -> None:
    assert Reading("<a><r>1</r>\n<r/>\n<r>3</r></a>", fields={"n": "."}).cells == [["1"], ["3"]]


def test_absent_is_none_empty_is_blank_nil_is_none_and_zero_is_zero() -> None:
    xsi = 'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"'
    content = f'<a {xsi}><r><n/><m>x</m></r>\n<r><m>x</m></r>\n<r><n xsi:nil="true"/><m>x</m></r>\n<r><n>0</n></r></a>'
    assert Reading(content, fields={"n": "n", "m": "m"}).cells == [["", "x"], [None, "x"], [None, "x"], ["0", None]]


def test_text_is_taken_as_it_stands_with_entities_and_cdata_and_without_comments() -> None:
    assert Reading("<a><r><n> 1&lt;<!-- x -->2<![CDATA[<3]]>&#228; </n></r></a>").cells == [[" 1<2<3ä "]]


def test_a_field_that_stands_twice_in_a_row_is_rejected_and_named() -> None:
    reading = Reading("<a>\n<r><n>5</n><n>6</n></r>\n<r><n>7</n></r></a>", fields={"Menge": "n"})
    assert reading.cells == [["7"]]
    assert (reading.rejection.source, reading.rejection.code) == ("in.xml:2", "no-cell")
    assert reading.rejection.reason == "column Menge has 2 values: '5', '6'; let its path lead to one, as [1] does"


def test_a_field_with_elements_within_it_is_rejected() -> None:
    reading = Reading("<a><r><n>5<b/></n></r></a>", fields={"Menge": "n"})
    assert reading.cells == []
    assert "column Menge: n holds 'b', not a text" in reading.rejection.reason


def test_a_row_that_continues_a_rejected_one_is_rejected_too() -> None:
    rows = "<r><o>A</o><n>1</n></r>\n<r><o>B</o><o>C</o><n>2</n></r>\n<r><o/><n>3</n></r>"
    reading = Reading(f"<a>\n{rows}</a>", fields={"o": "o", "n": "n"}, fill_down=["o"])
    assert reading.cells == [["A", "1"]]
    assert [each.code for each in reading.intake.rejections] == ["no-cell", "fill-down"]


def test_rows_of_the_reader_apply() -> None:
    reading = Reading(
        "<a><r><k>x</k><n>1</n></r>\n<r><k/><n>2</n></r></a>", require=["k"], columns={"N": {"from": "n"}}
    )
    assert reading.columns == ("k", "N")
    assert reading.cells == [["x", "1"]]
    assert reading.intake.skipped == {"require k": 1}


def test_only_elements_at_the_path_are_rows() -> None:
    content = "<a><x><r>0</r></x><b><r>1</r><c><r>2</r></c></b><r>3</r></a>"
    assert Reading(content, rows="b/r", fields={"n": "."}).cells == [["1"]]
    assert Reading(content, rows="/a/b/c/r", fields={"n": "."}).cells == [["2"]]


def test_a_predicate_asks_for_an_attribute_or_for_its_text() -> None:
    content = '<a><r k="x">1</r>\n<r>2</r>\n<r k="]/">3</r></a>'
    assert Reading(content, rows="r[@k]", fields={"n": "."}).cells == [["1"], ["3"]]
    assert Reading(content, rows="r[ @k = ']/' ]", fields={"n": "."}).cells == [["3"]]


def test_an_element_within_a_row_that_is_called_like_rows_is_none() -> None:
    assert Reading("<r><r><r>1</r></r></r>", fields={"n": "r"}).cells == [["1"]]


# ---------------------------------------------------------------- lines


def test_a_row_says_the_line_in_which_its_tag_begins() -> None:
    content = "<a>\n<r\n  k='1'\n><n>5</n></r>\n\n<r k='2'><n>6</n></r></a>"
    assert [row.line for row in Reading(content).rows] == [2, 6]


def test_rows_of_one_line_are_counted_and_a_note_says_so() -> None:
    reading = Reading("<a><r><n>5</n></r><r><n>6</n></r>\n<r><n>7</n></r></a>")
    assert [row.line for row in reading.rows] == [1, 2, 3]
    assert any("named by their numbers" in note for note in reading.intake.notes)


# ---------------------------------------------------------------- around the rows

ORDERS = """<orders at="S">
 <order id="1"><head><plant>P1</plant></head><line>a</line>
 <line>b</line></order>
 <order id="2"><head/><line>c</line></order>
</orders>"""


def test_fields_above_the_row_are_those_of_the_elements_that_it_lies_in() -> None:
    fields = {"l": ".", "plant": "../head/plant", "order": "../@id", "at": "../../@at", "same": "/orders/@at"}
    reading = Reading(ORDERS, rows="order/line", fields=fields)
    assert reading.cells == [["a", "P1", "1", "S", "S"], ["b", "P1", "1", "S", "S"], ["c", None, "2", "S", "S"]]


def test_a_field_that_comes_after_rows_that_should_have_it_is_an_error() -> None:
    content = "<a><o>\n<r>1</r>\n<p>late</p></o></a>"
    error = refusal(content, rows="o/r", fields={"n": ".", "p": "../p"})
    assert "the field p stands below rows" in error.what
    assert error.where == "in.xml:3"


def test_a_field_from_the_root_that_stands_there_again_below_is_an_error() -> None:
    error = refusal(ORDERS, rows="order/line", fields={"plant": "/orders/order/@id", "l": "."})
    assert "../" in str(error.hint)


def test_a_field_above_the_row_that_stands_twice_rejects_its_rows() -> None:
    reading = Reading("<a><p>1</p><p>2</p><r><n>5</n></r></a>", fields={"n": "n", "p": "../p"})
    assert "column p has 2 values: '1', '2'" in reading.rejection.reason


# ---------------------------------------------------------------- namespaces

NAMESPACED = '<a xmlns="u:x" xmlns:s="u:s">\n<r s:k="1" k="2"><s:n>5</s:n></r></a>'


def test_prefixes_stand_for_namespaces_and_the_empty_one_for_names_without() -> None:
    fields = {"n": "p:n", "k": "@k", "sk": "@p:k"}
    reading = Reading(NAMESPACED, namespaces={"": "u:x", "p": "u:s"}, rows="r[@p:k]", fields=fields)
    assert reading.cells == [["5", "2", "1"]]


def test_rows_that_are_there_in_another_namespace_are_an_error_that_names_it() -> None:
    error = refusal(NAMESPACED)
    assert 'in the namespace \'u:x\': name it under namespaces, as {"": "u:x"}' in str(error.hint)
    assert "in no namespace" in str(refusal("<a><r/></a>", namespaces={"": "u:x"}).hint)


# ---------------------------------------------------------------- no rows


def test_a_document_without_rows_in_their_place_has_none_and_says_so() -> None:
    reading = Reading("<a><b/></a>", rows="b/r", fields={"n": "n"})
    assert (reading.rows, reading.columns) == ([], ("n",))
    assert reading.intake.origins
    assert "in.xml: no rows" in reading.intake.notes


def test_without_rows_and_fields_there_is_no_table() -> None:
    reading = Reading("<a/>")
    assert (reading.tables, list(reading.intake.origins)) == ([], ["in.xml"])


def test_a_path_that_leads_nowhere_is_an_error_that_shows_what_is_there() -> None:
    error = refusal("<a><b><r/></b></a>", rows="c/r")
    assert error.what == "rows leads to no element of the document"
    assert "/a/b, /a/b/r" in str(error.hint)


# ---------------------------------------------------------------- what is no such document


@pytest.mark.parametrize(
    ("content", "what"),
    [
        ("", "the file is empty"),
        (" \n", "the file is empty"),
        ("a;b\n1;2\n", "it does not begin with <"),
        ("<html><body>login", "an HTML page"),
        ("<!DOCTYPE html><html/>", "an HTML page"),
        ('<?xml version="1.0"?>\n<!DOCTYPE html PUBLIC "x" "y"><html/>', "an HTML page"),
        ('{"a": 1}', "a JSON document"),
        (b"PK\x03\x04abc", "an Excel workbook"),
    ],
)
def test_what_is_no_xml_is_recognised(content: str | bytes, what: str) -> None:
    assert what in refusal(content).what


BOMB = "<!DOCTYPE a [" + "".join(f'<!ENTITY e{n} "{f"&e{n - 1};" * 10}">' for n in range(1, 20)) + "]><a>&e19;</a>"


@pytest.mark.parametrize(
    "content", [BOMB, '<!DOCTYPE a SYSTEM "file:///etc/passwd"><a/>', "<?xml version='1.0'?>" + BOMB]
)
def test_a_doctype_is_refused_where_it_begins(content: str) -> None:
    error = refusal(content)
    assert "DOCTYPE" in error.what
    assert error.where == "in.xml:1"


@pytest.mark.parametrize("content", ["<a><r>1</r>\n<r>", "<a><r k='1", "<a><r><![CDATA[x", "<a>\n<r>1</r>\n"])
def test_a_document_that_is_cut_is_not_used(content: str) -> None:
    error = refusal(content, fields={"n": "."})
    assert "the document is not complete" in error.what
    assert "Run again" in str(error.hint)


def test_what_is_not_well_formed_names_line_and_column() -> None:
    error = refusal("<a>\n <r></a>")
    assert (error.what, error.where) == ("not well-formed XML: mismatched tag", "in.xml:2:7")


def test_an_entity_that_xml_does_not_have_is_an_error() -> None:
    assert "an entity that XML does not have" in refusal("<a><r>&uuml;</r></a>").what


@pytest.mark.parametrize(
    ("content", "what"),
    [
        ("<a>" + "<b>" * MOST_DEEP, "elements within one another"),
        ("<a><r k='" + "x" * (LONGEST_TOKEN + 200_000), "a tag or comment longer"),
        ("<a><!--" + "x" * (LONGEST_TOKEN + 200_000), "a tag or comment longer"),
        ("<a><r>" + "x" * (MOST_IN_ROW + 1), "larger than any row"),
    ],
)
def test_what_grows_without_end_is_refused_before_it_fills_the_memory(content: str, what: str) -> None:
    assert what in refusal(content).what


def test_memory_does_not_grow_with_the_document() -> None:
    Path("in.xml").write_text("<a>" + "\n<r><n>5</n><junk>some</junk></r>" * 40_000 + "</a>")
    (table,) = SPEC.build(options(), Surroundings()).read(SCOPE, Intake())
    tracemalloc.start()
    assert sum(1 for _ in table.rows) == 40_000
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 4_000_000


def test_a_file_that_grows_while_it_is_read_is_not_used() -> None:
    Path("in.xml").write_text("<a>" + "\n<r><n>5</n></r>" * 20_000 + "</a>")
    intake = Intake()
    (table,) = SPEC.build(options(), Surroundings()).read(SCOPE, intake)
    next(table.rows)
    with Path("in.xml").open("a") as stream:
        stream.write("\n")
    with pytest.raises(SourceError, match="still being written"):
        list(table.rows)
    assert not intake.origins


# ---------------------------------------------------------------- encodings


@pytest.mark.parametrize(
    ("declared", "codec"),
    [
        ("utf-8", "utf-8"),
        ("utf-8", "utf-8-sig"),
        ("utf-16", "utf-16"),
        ("ISO-8859-1", "latin-1"),
        ("windows-1252", "cp1252"),
    ],
)
def test_the_encoding_is_the_declared_one_or_that_of_the_mark(declared: str, codec: str) -> None:
    text = f'<?xml version="1.0" encoding="{declared}"?><a><r><n>Größe</n></r></a>'
    assert Reading(text.encode(codec)).cells == [["Größe"]]


def test_the_encoding_of_the_job_stands_above_the_declared_one() -> None:
    content = '<?xml version="1.0" encoding="utf-8"?><a><r><n>Größe – 5</n></r></a>'
    assert Reading(content.encode("cp1252"), encoding="cp1252").cells == [["Größe – 5"]]
    assert Reading("<a><r><n>ä</n></r></a>".encode("utf-16-le"), encoding="utf-16-le").cells == [["ä"]]


@pytest.mark.parametrize(
    ("content", "given", "what"),
    [
        ("<a>\n<r>ü</r></a>".encode("cp1252"), None, "byte 0xFC is not utf-8"),
        (
            "<?xml version='1.0' encoding='ISO-8859-1'?><a>\n<r>–</r></a>".encode("cp1252"),
            None,
            "byte 0x96 is a control",
        ),
        ("<?xml version='1.0' encoding='cp1252'?><a/>".encode("utf-8-sig"), None, "byte order mark of utf-8"),
        ("<?xml version='1.0' encoding='utf-8'?><a/>".encode("utf-16"), None, "not utf-8, as it says"),
        ("<?xml version='1.0' encoding='shift_jis'?><a/>", None, "the encoding cannot be read"),
        ("<?xml version='1.0' encoding='klingon'?><a/>", None, "the encoding cannot be read"),
        ("<a/>".encode("utf-8-sig"), "cp1252", "begins with the byte order mark of utf-8"),
    ],
)
def test_a_wrong_encoding_is_an_error_and_never_guessed(content: str | bytes, given: str | None, what: str) -> None:
    assert what in refusal(content, encoding=given).what


def test_the_line_of_a_byte_of_another_encoding_is_named() -> None:
    content = "<?xml version='1.0' encoding='ISO-8859-1'?>\n<a>\n" + "<r>ü</r>\n" * 20_000 + "<r>–</r></a>"
    error = refusal(content.encode("cp1252"), fields={"n": "."})
    assert error.where == "in.xml:20003"


# ---------------------------------------------------------------- options


@pytest.mark.parametrize("rows", ["", "/", "a//b", "a[", "a[@k='1]", "a/text()", "a b", "a/", ".", "a[position()=1]"])
def test_a_path_that_is_not_understood_is_a_mistake_of_the_configuration(rows: str) -> None:
    assert "rows" in mistake(rows=rows)


@pytest.mark.parametrize("rows", ["..", "../a", "@k", "a/@k", "a[1]"])
def test_rows_leads_to_elements_below_the_root(rows: str) -> None:
    assert "rows leads to elements below the root element" in mistake(rows=rows)


@pytest.mark.parametrize(
    ("given", "what"),
    [
        ({"fields": {"n": "n]"}}, "'n]' is not understood"),
        ({"fields": {"n": "../../n"}}, "not so many elements above a row"),
        ({"fields": {"n": "../p[2]"}}, "[number] is for paths within the row"),
        ({"fields": {"n": "s:n"}}, "the prefix s of s:n is not under namespaces"),
        ({"fields": {"n": "a", "n ": "b"}}, "must not be blank, and all different"),
        ({"header": {"row": 2}}, "header means nothing here"),
        ({"encoding": "klingon"}, "not a text encoding"),
    ],
)
def test_other_mistakes_of_the_configuration_are_told_at_load(given: dict[str, Any], what: str) -> None:
    assert what in mistake(**given)


# ---------------------------------------------------------------- a workbook of Excel 2003

WORKBOOK = """<?xml version="1.0"?>
<?mso-application progid="Excel.Sheet"?>
<Workbook xmlns="urn:schemas-microsoft-com:office:spreadsheet" xmlns:ss="urn:schemas-microsoft-com:office:spreadsheet">
 <Worksheet ss:Name="Scrap"><Table>
  <Row><Cell><Data ss:Type="String">Line</Data></Cell><Cell><Data ss:Type="String">Qty</Data></Cell></Row>
  <Row><Cell><Data ss:Type="String">L1</Data></Cell><Cell><Data ss:Type="Number">5.5</Data></Cell></Row>
  <Row><Cell ss:Index="2"><Data ss:Type="Number">6</Data></Cell></Row>
  <Row><Cell ss:MergeAcross="1"><Data ss:Type="String">note</Data></Cell><Cell><Data>third</Data></Cell></Row>
 </Table></Worksheet>
 <Worksheet ss:Name="Other"><Table><Row><Cell><Data ss:Type="String">x</Data></Cell></Row></Table></Worksheet>
</Workbook>"""


def test_a_workbook_of_excel_2003_is_read_by_paths_and_a_left_out_cell_shifts_nothing() -> None:
    reading = Reading(
        WORKBOOK,
        rows="Worksheet[@ss:Name='Scrap']/Table/Row",
        namespaces=dict.fromkeys(("", "ss"), "urn:schemas-microsoft-com:office:spreadsheet"),
        fields={"Line": "Cell[1]/Data", "Qty": "Cell[2]/Data"},
    )
    assert reading.cells == [["Line", "Qty"], ["L1", "5.5"], [None, "6"], ["note", None]]


# ---------------------------------------------------------------- every text comes back

TEXT = st.text(st.characters(exclude_categories=("Cs", "Cc")), max_size=8)


@given(st.lists(st.tuples(TEXT, TEXT), min_size=1, max_size=20), st.sampled_from(["utf-8", "utf-16", "utf-8-sig"]))
@FILE_FIXTURE
def test_every_text_comes_back_in_its_cell(rows: list[tuple[str, str]], codec: str) -> None:
    body = "\n".join(f"<r k={quoteattr(k)}><n>{escape(n)}</n></r>" for k, n in rows)
    reading = Reading(f"<a>{body}</a>".encode(codec), fields={"k": "@k", "n": "n"})
    wanted = [[k, n] for k, n in rows if k.strip() or n.strip()]
    assert reading.cells == wanted


def test_the_same_file_gives_the_same_rows_and_its_hash_is_that_of_a_reading() -> None:
    Path("in.xml").write_text("<a><r><n>5</n></r></a>")
    source = SPEC.build(options(), Surroundings())
    assert isinstance(source, Rereadable)
    assert source.hashes() == Reading("<a><r><n>5</n></r></a>").intake.origins


def _tables() -> Iterator[Table]:
    return SPEC.build(options(path="*.xml"), Surroundings()).read(SCOPE, Intake())


def test_every_file_is_a_table_of_its_own() -> None:
    for name in ("a.xml", "b.xml"):
        Path(name).write_text(f"<a><r><n>{name}</n></r></a>")
    assert [(table.origin, [list(row.cells) for row in table.rows]) for table in _tables()] == [
        ("a.xml", [["a.xml"]]),
        ("b.xml", [["b.xml"]]),
    ]
