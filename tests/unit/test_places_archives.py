"""Archives: what is packed in a file is read as if it lay there, and nothing that is odd about it passes."""

from __future__ import annotations

import gc
import gzip
import io
import os
import stat
import struct
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from places_builders import TABLE, contents, files, options, put, refusal

from kpisync.errors import SourceError
from kpisync.model import Intake, Scope
from kpisync.places import archives, copies
from kpisync.ports import Surroundings
from kpisync.sources import csv
from kpisync.testing.clock import NOON


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def zipped(members: dict[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", method) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return packed.getvalue()


def of(packed: bytes, name: str = "out.zip", **given: str) -> dict[str, bytes]:
    put(name, packed)
    return contents(files(name, archive=given))


def refused(packed: bytes, name: str = "out.zip", **given: str) -> SourceError:
    put(name, packed)
    return refusal(files(name, archive=given))


# ---------------------------------------------------------------- what is read


@pytest.mark.parametrize("method", [zipfile.ZIP_DEFLATED, zipfile.ZIP_STORED])
def test_the_file_in_a_zip_archive_is_read_and_its_origin_names_both(method: int) -> None:
    assert of(zipped({"scrap.csv": TABLE, "readme.txt": b"x"}, method), member="*.csv") == {"out.zip/scrap.csv": TABLE}


def test_a_pattern_is_for_folders_in_the_archive_too() -> None:
    packed = zipped({"2026/11/scrap.csv": TABLE, "2026/": b""})
    assert of(packed, member="*.csv") == {"out.zip/2026/11/scrap.csv": TABLE}


def test_what_a_file_was_packed_with_is_told_by_its_content_and_not_its_name() -> None:
    assert of(gzip.compress(TABLE), "out.zip") == {"out.zip/out.zip": TABLE}


def test_a_file_packed_with_gzip_is_read_under_its_name_without_gz() -> None:
    assert of(gzip.compress(TABLE), "in/scrap.csv.gz") == {"in/scrap.csv.gz/scrap.csv": TABLE}


def test_a_gzip_file_of_several_parts_is_read_to_its_end() -> None:
    assert of(gzip.compress(b"a") + gzip.compress(b"b"), "out.gz") == {"out.gz/out": b"ab"}


def test_hidden_files_in_an_archive_are_left_out() -> None:
    packed = zipped({"__MACOSX/._scrap.csv": b"x", "scrap.csv": TABLE})
    assert of(packed, member="*.csv") == {"out.zip/scrap.csv": TABLE}


def test_all_files_in_an_archive_are_read_in_the_order_of_their_names_if_that_is_said() -> None:
    packed = zipped({"b.csv": b"2", "a.csv": b"1"})
    assert list(of(packed, member="*.csv", many="all").items()) == [("out.zip/a.csv", b"1"), ("out.zip/b.csv", b"2")]


def test_several_archives_are_read_in_the_order_of_their_names() -> None:
    put("out/b.zip", zipped({"x.csv": b"2"}))
    put("out/a.zip", zipped({"x.csv": b"1"}))
    assert contents(files("out/*.zip", archive={})) == {"out/a.zip/x.csv": b"1", "out/b.zip/x.csv": b"2"}


def test_a_copy_keeps_its_suffix_for_readers_that_look_at_it() -> None:
    put("out.zip", zipped({"Book.XLSX": b"x"}))
    (found,) = files("out.zip", archive={})
    assert Path(found.path).suffix == ".XLSX"


def test_a_source_reads_the_rows_of_a_packed_file_and_names_its_lines_in_the_archive() -> None:
    put("out.zip", zipped({"scrap.csv": b"line,scrap\nL1,5\nL2\n"}))
    given = csv.SPEC.options.model_validate({"path": "out.zip", "archive": {"member": "*.csv"}})
    source, intake = csv.SPEC.build(given, Surroundings()), Intake()
    rows = [row.cells for table in source.read(Scope(NOON.date()), intake) for row in table.rows]
    assert rows == [["L1", "5"]]
    assert [one.source for one in intake.rejections] == ["out.zip/scrap.csv:3"]
    assert list(intake.origins) == ["out.zip/scrap.csv"]


@pytest.mark.parametrize("packed", [zipped({"a.csv": TABLE}), gzip.compress(TABLE)], ids=["zip", "gzip"])
def test_without_the_option_an_archive_is_refused_and_the_option_named(packed: bytes) -> None:
    put("out.csv", packed)
    source = csv.SPEC.build(csv.SPEC.options.model_validate({"path": "out.csv"}), Surroundings())
    with pytest.raises(SourceError, match=r"To read the files packed in it, say archive: \{member: '\*.csv'\}"):
        next(source.read(Scope(NOON.date()), Intake()))


# ---------------------------------------------------------------- copies


def test_what_was_unpacked_is_seen_by_all_readings_even_if_the_archive_is_replaced() -> None:
    put("out.zip", zipped({"a.csv": b"1"}))
    found = files("out.zip", archive={})
    before = found.hashes()
    put("out.zip", zipped({"a.csv": b"2"}))
    assert (found.hashes(), contents(found)) == (before, {"out.zip/a.csv": b"1"})


def test_after_a_failure_nothing_is_taken_for_unpacked() -> None:
    put("out/a.zip", zipped({"a.csv": b"1"}))
    put("out/b.zip", b"nothing of the kind")
    found = files("out/*.zip", archive={})
    assert refusal(found).where == refusal(found).where == "out/b.zip"


def test_copies_are_for_this_user_alone_and_gone_when_nobody_needs_them() -> None:
    put("out.zip", zipped({"a.csv": TABLE}))
    found = files("out.zip", archive={})
    (one,) = found
    private = Path(one.path).parent
    assert stat.S_IMODE(private.stat().st_mode) == 0o700
    del found
    gc.collect()
    assert not private.exists()


def test_copies_are_gone_when_the_process_ends() -> None:
    put("out.zip", zipped({"a.csv": TABLE}))
    lines = (
        "from kpisync.places.files import Files",
        "from kpisync.places.options import FileOptions",
        "from kpisync.ports import Surroundings",
        "kept = Files(FileOptions.model_validate({'path': 'out.zip', 'archive': {}}), Surroundings())",
        "print(next(iter(kept)).path)",
    )
    ran = subprocess.run([sys.executable, "-W", "error", "-c", "\n".join(lines)], capture_output=True, text=True)
    assert (ran.returncode, ran.stderr) == (0, "")
    assert not Path(ran.stdout.strip()).parent.exists()


def test_a_temporary_folder_without_room_is_an_error_that_names_how_to_use_another(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    put("out.zip", zipped({"a.csv": TABLE}))
    monkeypatch.setattr("tempfile.tempdir", str(Path("gone").absolute()))
    assert "TMPDIR" in str(refusal(files("out.zip", archive={})).hint)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no device that is always full")
def test_a_full_disk_is_an_error_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    with Path("/dev/full").open("wb", buffering=0) as full, pytest.raises(SourceError, match="No space left"):
        copies.Copy(Path("x"), full, "out.zip/a.csv").write(b"x")


# ---------------------------------------------------------------- what is odd


def test_what_is_no_archive_is_refused() -> None:
    error = refused(TABLE)
    assert error.what == "this is neither a ZIP archive nor packed with gzip"
    assert "Leave archive out" in str(error.hint)


def test_no_match_names_what_there_is() -> None:
    error = refused(zipped({f"{n}.txt": b"" for n in range(7)}), member="*.csv")
    assert error.what == "nothing in the archive matches *.csv"
    assert "It holds 0.txt, 1.txt, 2.txt, 3.txt, 4.txt and 2 more" in str(error.hint)


def test_an_empty_archive_is_an_error() -> None:
    assert "It is empty" in str(refused(zipped({})).hint)


def test_more_than_one_match_is_an_error_unless_all_are_wanted() -> None:
    error = refused(zipped({"a.csv": b"", "b.csv": b"", "c.txt": b""}), member="*.csv")
    assert error.what == "2 files in the archive match *.csv"
    assert "They are a.csv, b.csv: narrow archive.member, or say many: all" in str(error.hint)


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_two_files_of_one_name_are_an_error() -> None:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("a.csv", b"1")
        archive.writestr("a.csv", b"2")
    assert "two files of one name" in refused(packed.getvalue(), many="all").what


@pytest.mark.parametrize(
    "name", ["../a.csv", "in/../../a.csv", "/etc/a.csv", "..\\a.csv", "\\\\host\\a.csv", "a\n.csv"]
)
def test_a_name_that_leads_elsewhere_is_refused_and_nothing_is_written_there(name: str) -> None:
    error = refused(zipped({name: TABLE}))
    assert "leads somewhere else" in error.what
    assert error.where == "out.zip"
    assert "\n" not in str(error)
    assert sorted(path.name for path in Path().rglob("*")) == ["out.zip"]


def test_a_password_is_named_as_the_obstacle() -> None:
    packed = bytearray(zipped({"a.csv": TABLE}))
    for header, flags in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        packed[packed.find(header) + flags] |= 1
    error = refused(bytes(packed))
    assert (error.what, error.where) == ("it is protected by a password", "out.zip/a.csv")


@pytest.mark.parametrize("method", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_a_method_whose_output_cannot_be_bounded_is_refused(method: int) -> None:
    assert "a method that is not read" in refused(zipped({"a.csv": TABLE}, method)).what


def test_a_tar_archive_inside_is_refused() -> None:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as archive:
        archive.addfile(tarfile.TarInfo("a.csv"))
    assert "tar archive" in refused(packed.getvalue(), "out.tar.gz").what


@pytest.mark.parametrize("cut", [3, 12, -1, -9])
def test_a_gzip_file_that_was_cut_off_is_refused(cut: int) -> None:
    assert "damaged, cut off" in refused(gzip.compress(os.urandom(1000))[:cut], "out.gz").what


def test_a_zip_archive_that_was_cut_off_is_refused() -> None:
    assert "damaged, cut off" in refused(zipped({"a.csv": os.urandom(1000)})[:-30]).what


def test_a_damaged_file_is_refused_by_its_checksum() -> None:
    packed = bytearray(zipped({"a.csv": TABLE * 100}, zipfile.ZIP_STORED))
    packed[packed.find(b"L1,5")] ^= 1
    assert "damaged" in refused(bytes(packed)).what


@pytest.mark.parametrize("place", [-5, -1], ids=["checksum", "length"])
def test_a_damaged_gzip_file_is_refused_by_what_stands_at_its_end(place: int) -> None:
    packed = bytearray(gzip.compress(TABLE))
    packed[place] ^= 1
    assert "damaged" in refused(bytes(packed), "out.gz").what


@pytest.mark.parametrize("claimed", [1, 10**6])
def test_a_size_that_the_archive_claims_is_not_believed(claimed: int) -> None:
    packed = bytearray(zipped({"a.csv": TABLE}))
    for header, at in ((b"PK\x03\x04", 22), (b"PK\x01\x02", 24)):
        struct.pack_into("<L", packed, packed.find(header) + at, claimed)
    assert "damaged" in refused(bytes(packed)).what


@pytest.mark.parametrize("name", ["out.zip", "out.gz"])
def test_a_bomb_is_stopped_while_it_unpacks(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archives, "_HARMLESS", 1 << 20)
    zeros = b"\0" * (8 << 20)
    error = refused(zipped({"a.csv": zeros}) if name == "out.zip" else gzip.compress(zeros), name)
    assert error.what == "it unpacks to more than 250 times its size"


def test_many_files_share_what_may_come_out_of_an_archive(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archives, "_HARMLESS", 1 << 20)
    packed = zipped({f"{n}.csv": b"\0" * (1 << 19) for n in range(16)})
    assert "250 times" in refused(packed, many="all").what


def test_no_file_may_be_larger_than_any_export(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(copies, "MOST_BYTES", 1 << 20)
    assert "it has more than" in refused(zipped({"a.csv": os.urandom((1 << 20) + 1)})).what


@settings(max_examples=300, deadline=None)
@given(
    of_zip=st.booleans(),
    at=st.lists(st.tuples(st.integers(0, 400), st.integers(0, 255)), max_size=4),
    cut=st.none() | st.integers(0, 400),
)
def test_whatever_is_done_to_an_archive_it_yields_its_bytes_or_one_clear_error(
    of_zip: bool, at: list[tuple[int, int]], cut: int | None
) -> None:
    content = TABLE * 5
    packed = bytearray(zipped({"a.csv": content, "b.txt": b"x"}) if of_zip else gzip.compress(content, mtime=0))
    for place, byte in at:
        packed[place % len(packed)] = byte
    put("some.bin", bytes(packed[:cut]))
    found = files("some.bin", archive={"member": "*.csv"})
    try:
        assert list(contents(found).values()) == [content]
    except SourceError as error:
        assert error.where
        assert error.hint


def test_archive_options_are_checked() -> None:
    with pytest.raises(ValueError, match=r"archive\.many"):
        options("a.zip", archive={"many": "some"})
