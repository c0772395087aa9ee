"""Events in the log: which run they belong to, one a line, without secrets, whoever says them."""

from __future__ import annotations

import json
import logging
import subprocess
import sys
import threading
import warnings
from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import structlog
from plant import plant, report_of

from kpisync.config.secrets import collected
from kpisync.errors import ConfigError
from kpisync.model import Change, Reply
from kpisync.support.log import configure, strays
from kpisync.testing.clock import NOON

SECRET = "hunter22-Käse"
REDACT = collected([SECRET], []).redact
Say = Callable[[], list[dict[str, Any]]]
log = structlog.get_logger()


@pytest.fixture
def said(capfd: pytest.CaptureFixture[str]) -> Say:
    """JSON logs of every level; what was said since the last call."""
    configure("debug", REDACT, as_json=True)
    return lambda: [json.loads(line) for line in capfd.readouterr().err.splitlines()]


@pytest.fixture
def shown(capfd: pytest.CaptureFixture[str]) -> Callable[[], str]:
    """Lines for people."""
    configure("debug", REDACT, as_json=False)
    return lambda: capfd.readouterr().err


# ---------------------------------------------------------------- an event


def test_an_event_begins_with_when_how_grave_and_what(said: Say) -> None:
    log.info("run ended", rows=3)
    (event,) = said()
    assert list(event) == ["timestamp", "level", "event", "rows"]
    assert (event["level"], event["event"], event["rows"]) == ("info", "run ended", 3)
    assert event["timestamp"].endswith("Z")


def test_every_event_within_a_run_carries_job_and_run(said: Say) -> None:
    with structlog.contextvars.bound_contextvars(job="scrap", run="01HX"):
        log.info("ours")
        logging.getLogger("some.library").warning("a library's")
    log.info("after")
    assert [(event.get("job"), event.get("run")) for event in said()] == [("scrap", "01HX")] * 2 + [(None, None)]


def test_the_threads_that_deliver_know_whose_run_it_is(said: Say, monkeypatch: pytest.MonkeyPatch) -> None:
    world, threads = plant(3), set()
    write = world.board.write

    def talks(change: Change) -> Reply:
        threads.add(threading.current_thread())
        log.info("writing")
        return write(change)

    monkeypatch.setattr(world.board, "write", talks)
    with structlog.contextvars.bound_contextvars(job="scrap", run="01HX"):
        assert report_of(world).created == 3
    assert threading.current_thread() not in threads
    assert [(event["job"], event["run"]) for event in said()] == [("scrap", "01HX")] * 3


@pytest.mark.parametrize(
    ("value", "written"),
    [
        (Decimal("3.50"), "3.50"),
        (NOON, str(NOON)),
        (Path("/srv/a"), "/srv/a"),
        (float("nan"), "nan"),
        (float("-inf"), "-inf"),
        (10**400, str(10**400)),
        ({1}, [1]),
        ((1, None, True), [1, None, True]),
        ({"a": {2: timedelta(seconds=1)}}, {"a": {"2": "0:00:01"}}),
        ("\xe4\xff".encode("latin-1"), "\\xe4\\xff"),
        ("\ud800", "\ud800"),
    ],
    ids=str,
)
def test_a_value_of_any_kind_is_valid_json(said: Say, value: object, written: object) -> None:
    log.info("x", value=value)
    (event,) = said()
    assert event["value"] == (10**400 if value == 10**400 else written)


def test_a_value_that_cannot_be_said_is_named_by_its_type(said: Say) -> None:
    class Odd:
        def __str__(self) -> str:
            raise ValueError("no")

    log.info("x", value=Odd(), inside=[Odd()])
    (event,) = said()
    assert (event["value"], event["inside"]) == ("<Odd>", ["<Odd>"])


def test_a_value_that_contains_itself_ends(said: Say) -> None:
    loop: list[object] = [SECRET]
    loop.append(loop)
    log.info("x", value=loop)
    assert SECRET not in json.dumps(said())


def test_a_text_without_end_is_cut(said: Say) -> None:
    log.info("x", value="ä" * 1_000_000)
    (event,) = said()
    assert event["value"].endswith("ä… (1,000,000 characters)")
    assert len(event["value"]) < 40_000


# ---------------------------------------------------------------- secrets


def raise_with_secret() -> None:
    try:
        raise ValueError(f"cannot log in with {SECRET}")
    except ValueError as error:
        error.add_note(f"tried {SECRET}")
        raise RuntimeError("no login") from error


@pytest.mark.parametrize("as_json", [True, False])
def test_no_secret_is_in_any_part_of_an_event(capfd: pytest.CaptureFixture[str], as_json: bool) -> None:
    configure("debug", REDACT, as_json=as_json)
    log.info(f"login with {SECRET}", deep={"a": [{SECRET: (SECRET,)}]}, bytes=SECRET.encode(), error=OSError(SECRET))
    log.info("%s", SECRET)
    try:
        raise_with_secret()
    except RuntimeError:
        log.exception("failed")
        log.error("failed", exc_info=True, stack_info=True)
        logging.getLogger("sqlalchemy.pool").exception("connecting to %s", f"postgresql://u:{SECRET}@db")
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        logging.captureWarnings(True)
        warnings.warn(f"{SECRET} is weak", UserWarning, stacklevel=1)
    written = capfd.readouterr().err
    assert "hunter22" not in written
    assert "K\\xc3\\xa4se" not in written
    for part in ("Traceback", "RuntimeError: no login", "cannot log in with ***", "tried ***", "*** is weak", "@db"):
        assert part in written


def test_a_secret_that_is_a_number_is_none_in_the_log(capfd: pytest.CaptureFixture[str]) -> None:
    configure("debug", collected(["40218833"], []).redact, as_json=True)
    log.info("x", pin=40218833, rows=7, deep=[40218833.0])
    event = json.loads(capfd.readouterr().err)
    assert (event["pin"], event["rows"], event["deep"]) == ("***", 7, ["***.0"])


def test_other_secrets_hold_from_the_next_event_on(capfd: pytest.CaptureFixture[str]) -> None:
    configure("info", REDACT, as_json=True)
    configure("info", collected([SECRET, "newer-one"], []).redact, as_json=True)
    log.info("newer-one")
    logging.getLogger("uvicorn.error").error("newer-one")
    lines = capfd.readouterr().err.splitlines()
    assert [json.loads(line)["event"] for line in lines] == ["***", "***"]


# ---------------------------------------------------------------- other people's events


@pytest.mark.parametrize("name", ["uvicorn.error", "apscheduler.scheduler", "sqlalchemy.engine", "asyncio"])
def test_a_librarys_warnings_are_events_and_the_rest_of_it_is_not(said: Say, name: str) -> None:
    logging.getLogger(name).info("its insides")
    logging.getLogger(name).warning("%d things", 3)
    (event,) = said()
    assert (event["level"], event["event"], event["logger"]) == ("warning", "3 things", name)


@pytest.mark.parametrize("name", ["httpx", "httpcore.connection", "botocore.endpoint", "asyncssh"])
def test_no_library_tells_its_requests_at_any_level(said: Say, name: str) -> None:
    logging.getLogger(name).info("GET https://board/?api_key=1")
    logging.getLogger(name).debug("GET https://board/?api_key=1")
    assert said() == []


def test_a_librarys_message_whose_arguments_do_not_fit_is_an_event_all_the_same(
    said: Say, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = logging.getLogger()
    ours = [handler for handler in root.handlers if type(handler).__module__ == "kpisync.support.log"]
    monkeypatch.setattr(root, "handlers", ours)  # pytest's own would fail
    logging.getLogger("some.library").error("%d of %d", "x")
    (event,) = said()
    assert event["event"] == "%d of %d"


def test_a_higher_level_holds_for_libraries_too(capfd: pytest.CaptureFixture[str]) -> None:
    configure("error", REDACT, as_json=True)
    logging.getLogger("some.library").warning("x")
    log.warning("x")
    log.error("y")
    assert [json.loads(line)["event"] for line in capfd.readouterr().err.splitlines()] == ["y"]


def test_configured_twice_nothing_is_said_twice(said: Say) -> None:
    configure("debug", REDACT, as_json=True)
    logging.getLogger("some.library").warning("once")
    assert len(said()) == 1


def test_what_ends_a_thread_is_an_event_without_secrets(said: Say) -> None:
    with strays():
        thread = threading.Thread(target=raise_with_secret, name="reader")
        thread.start()
        thread.join(10)
    (event,) = said()
    assert (event["level"], event["thread"]) == ("error", "reader")
    assert "cannot log in with ***" in event["exception"]


def test_what_fails_in_a_finaliser_is_an_event(said: Say) -> None:
    class Odd:
        def __del__(self) -> None:
            raise ValueError(SECRET)

    with strays():
        odd = Odd()
        del odd
    (event,) = said()
    assert (event["event"], SECRET in event["exception"]) == ("a failure that nobody took", False)


# ---------------------------------------------------------------- for people


def test_a_strangers_text_does_not_pretend_to_be_another_line(shown: Callable[[], str]) -> None:
    log.warning("the platform says\n2026-01-01 [info] all is well\x1b[2J\u2028\u202e", words="a\r\nb\x07")
    written = shown()
    assert written.count("\n") == 1
    assert "\\n2026-01-01" in written
    assert not {"\x1b", "\r", "\x07", "\u2028", "\u202e"} & set(written)


def test_a_traceback_keeps_its_lines_for_people_and_nothing_else_of_a_terminal(shown: Callable[[], str]) -> None:
    try:
        raise ValueError("\x1b[31mred")
    except ValueError:
        log.exception("failed")
    written = shown()
    assert "\nTraceback (most recent call last):\n" in written
    assert "\x1b" not in written


@pytest.mark.parametrize(("chosen", "terminal", "as_json"), [("json", True, True), (" Console ", False, False)])
def test_the_format_that_is_asked_for_stands_over_the_usual_one(
    capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, chosen: str, terminal: bool, as_json: bool
) -> None:
    monkeypatch.setenv("KPISYNC_LOG_FORMAT", chosen)
    configure("info", REDACT, as_json=not terminal)
    log.info("x")
    assert capfd.readouterr().err.startswith("{") is as_json


def test_a_format_of_another_name_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KPISYNC_LOG_FORMAT", "xml")
    with pytest.raises(ConfigError, match="KPISYNC_LOG_FORMAT is xml") as refused:
        configure("info", REDACT, as_json=True)
    assert "console, json" in str(refused.value)


def test_a_command_refuses_it_too(tmp_path: Path) -> None:
    (tmp_path / "kpisync.yaml").write_text("version: 1\n", encoding="utf-8")
    ended = subprocess.run(
        [sys.executable, "-m", "kpisync", "-c", "kpisync.yaml", "status"],
        cwd=tmp_path,
        env={"KPISYNC_LOG_FORMAT": "xml"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (ended.returncode, "KPISYNC_LOG_FORMAT is xml" in ended.stderr) == (2, True)
