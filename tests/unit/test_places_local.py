"""Files on this machine: which of those that match are read, and when none may be."""

from __future__ import annotations

import os
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from places_builders import TABLE, contents, files, options, put, refusal

from kpisync.errors import NothingToRead
from kpisync.testing.clock import NOON, FakeClock

MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


# ---------------------------------------------------------------- what matches


def test_all_files_are_read_in_the_order_of_their_names() -> None:
    for name in ("out/b.csv", "out/c.csv", "out/a.csv", "out/a.txt"):
        put(name, name.encode())
    assert list(contents(files("out/*.csv"))) == ["out/a.csv", "out/b.csv", "out/c.csv"]


def test_hidden_files_are_left_out() -> None:
    put("out/.a.csv")
    put("out/b.csv")
    assert list(contents(files("out/*.csv"))) == ["out/b.csv"]


def test_a_file_whose_name_looks_like_a_pattern_is_read_by_its_name() -> None:
    put("out/scrap[1].csv", b"me")
    put("out/scrap1.csv", b"another")
    assert contents(files("out/scrap[1].csv")) == {"out/scrap[1].csv": b"me"}


def test_a_file_here_is_read_where_it_lies_and_looked_for_anew_each_time() -> None:
    here = files("out/*.csv")
    put("out/a.csv", b"1")
    assert contents(here) == {"out/a.csv": b"1"}
    put("out/b.csv", b"2")
    assert contents(here) == {"out/a.csv": b"1", "out/b.csv": b"2"}
    assert here.hashes().keys() == {"out/a.csv", "out/b.csv"}


# ---------------------------------------------------------------- none


def test_no_file_is_an_error_and_never_an_empty_table() -> None:
    Path("out").mkdir()
    error = refusal(files("out/*.csv"))
    assert not isinstance(error, NothingToRead)
    assert str(error) == "out/*.csv: no file matches. Check the path, and whether the export has run"


@pytest.mark.parametrize("path", ["out/*.csv", "out/today.csv"])
def test_where_no_file_may_be_missing_it_is_said_apart_from_other_failures(path: str) -> None:
    Path("out").mkdir()
    absent = files(path, on_missing="skip")
    for read in (lambda: list(absent), absent.hashes):
        with pytest.raises(NothingToRead) as caught:
            read()
        assert str(caught.value) == f"{path}: no file matches. Nothing was read (on_missing: skip)"


@pytest.mark.parametrize("path", ["out/*.csv", "out/today.csv", "out/2026/*.csv", "out/*/x.csv"])
def test_a_folder_that_is_missing_is_an_error_even_where_no_file_may_be(path: str) -> None:
    error = refusal(files(path, on_missing="skip"))
    assert not isinstance(error, NothingToRead)
    assert error.hint == "There is no folder out: check the path, and that its share is mounted"


@pytest.mark.skipif(os.geteuid() == 0, reason="root may list every folder")
def test_a_folder_that_may_not_be_listed_is_an_error_and_not_an_empty_one() -> None:
    closed = put("out/a.csv").parent
    closed.chmod(0)
    try:
        assert "Permission denied" in refusal(files("out/*.csv", on_missing="skip")).what
    finally:
        closed.chmod(0o700)


# ---------------------------------------------------------------- pick


def test_the_newest_is_the_one_that_changed_last_whatever_its_name() -> None:
    put("a.csv", age=MINUTE)
    put("b.csv", age=HOUR)
    assert list(contents(files("*.csv", pick="newest"))) == ["a.csv"]


def test_of_files_that_changed_at_one_instant_the_last_by_name_is_the_newest() -> None:
    for name in ("b.csv", "c.csv", "a.csv"):
        put(name)
    assert list(contents(files("*.csv", pick="newest"))) == ["c.csv"]


@given(ages=st.lists(st.integers(0, 10**6), min_size=1, max_size=5))
def test_the_newest_is_never_older_than_another(ages: list[int]) -> None:
    for old in Path().glob("*.age"):
        old.unlink()
    for number, age in enumerate(ages):
        put(f"{number}.age", age=timedelta(seconds=age))
    ((name, _),) = contents(files("*.age", pick="newest")).items()
    assert ages[int(Path(name).stem)] == min(ages)


def test_single_is_one_file_and_more_are_an_error_that_names_a_few() -> None:
    put("a.csv")
    assert list(contents(files("*.csv", pick="single"))) == ["a.csv"]
    for name in "bcd":
        put(f"{name}.csv")
    error = refusal(files("*.csv", pick="single"))
    assert error.what == "4 files match, and pick is single"
    assert "a.csv, b.csv, c.csv …: narrow the path" in str(error.hint)


def test_a_file_that_says_it_comes_from_the_future_is_not_taken_for_the_newest() -> None:
    put("a.csv")
    put("b.csv", age=-3 * HOUR)
    error = refusal(files("*.csv", pick="newest"))
    assert error.where == "b.csv"
    assert error.what == "by its date it will change in 3 h"
    assert "clock" in str(error.hint)


def test_a_broken_link_is_never_passed_over() -> None:
    put("a.csv")
    Path("b.csv").symlink_to("gone.csv")
    assert refusal(files("*.csv", pick="newest")).where == "b.csv"


# ---------------------------------------------------------------- max_age


def test_a_stale_file_is_an_error_that_says_how_old_it_is() -> None:
    put("a.csv", age=30 * HOUR)
    error = refusal(files("a.csv", max_age="26h"))
    assert error.what == "the newest file is 30 h old, and max_age is 26 h"
    assert "not today's number" in str(error.hint)


def test_a_file_as_old_as_allowed_is_read() -> None:
    put("a.csv", age=26 * HOUR)
    assert contents(files("a.csv", max_age="26h")) == {"a.csv": TABLE}


def test_of_all_files_the_newest_must_be_young_and_the_others_are_history() -> None:
    put("a.csv", age=1000 * HOUR)
    put("b.csv", age=HOUR)
    assert list(contents(files("*.csv", max_age="26h"))) == ["a.csv", "b.csv"]


def test_a_clock_that_is_a_little_ahead_is_no_error() -> None:
    put("a.csv", age=-2 * MINUTE)
    assert contents(files("a.csv", max_age="26h", settle="1m")) == {"a.csv": TABLE}


# ---------------------------------------------------------------- settle


def test_a_file_that_has_been_left_alone_is_read_at_once() -> None:
    put("a.csv", age=2 * MINUTE)
    clock = FakeClock()
    assert contents(files("a.csv", clock, settle="1m")) == {"a.csv": TABLE}
    assert clock.monotonic() == 0


def test_a_file_that_changed_just_now_is_waited_for() -> None:
    put("a.csv", age=timedelta(seconds=20))
    clock = FakeClock()
    assert contents(files("a.csv", clock, settle="1m")) == {"a.csv": TABLE}
    assert clock.monotonic() == pytest.approx(40)


def writes(clock: FakeClock, name: str, content: bytes) -> Callable[[], None]:
    def write() -> None:
        put(name, content, NOON - clock.now())

    return write


def test_a_file_that_still_grew_is_read_as_it_is_once_it_settled() -> None:
    put("a.csv", b"1", age=timedelta(seconds=20))
    clock = FakeClock()
    clock.at(30, writes(clock, "a.csv", b"12"))
    assert contents(files("a.csv", clock, settle="1m")) == {"a.csv": b"12"}
    assert clock.monotonic() == pytest.approx(90)


def test_a_file_that_never_settles_is_an_error_after_a_bounded_wait() -> None:
    put("a.csv", b"1", age=timedelta())
    clock = FakeClock()
    for second in range(10, 1000, 10):
        clock.at(second, writes(clock, "a.csv", b"1" * second))
    error = refusal(files("a.csv", clock, settle="1m"))
    assert error.what == "still growing: in 3 min it was not left unchanged for 60 s"
    assert clock.monotonic() <= 180


def test_a_file_whose_date_stays_a_little_in_the_future_settles_all_the_same() -> None:
    put("a.csv", age=-4 * MINUTE)
    clock = FakeClock()
    assert contents(files("a.csv", clock, settle="1m")) == {"a.csv": TABLE}
    assert clock.monotonic() == pytest.approx(60)


def test_a_file_that_vanishes_while_it_is_waited_for_is_an_error() -> None:
    path = put("a.csv", age=timedelta())
    clock = FakeClock()
    clock.at(5, path.unlink)
    assert "cannot be told when" in refusal(files("a.csv", clock, settle="10s")).what


def test_only_the_file_that_is_read_is_waited_for() -> None:
    put("a.csv", age=timedelta())
    put("b.csv", age=-2 * MINUTE)
    clock = FakeClock()
    assert list(contents(files("*.csv", clock, pick="newest", settle="10s"))) == ["b.csv"]
    assert clock.monotonic() == pytest.approx(10)


def test_a_job_cannot_be_made_to_wait_for_hours() -> None:
    with pytest.raises(ValueError, match="at most 10m"):
        options("a.csv", settle="1h")
