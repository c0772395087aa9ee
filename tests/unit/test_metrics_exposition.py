"""What Prometheus reads: valid, named by its conventions, and true of the pictures that it was made of."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from math import inf
from pathlib import Path

import pytest
from metrics_pictures import BOARD, BROKEN, DEAD, LIVE, OPEN, job, overview, tally
from prometheus_client.parser import text_string_to_metric_families

from kpisync import __version__
from kpisync.testing.clock import NOON
from kpisync.watch.metrics import CONTENT_TYPE, Kept, exposition
from kpisync.watch.model import DestinationHealth, Live, Overview, Word
from kpisync.watch.tally import Tally

PAGE = Path(__file__).parent.parent.parent / "docs" / "monitoring.md"
Found = dict[tuple[str, tuple[tuple[str, str], ...]], float]
DEFAULT = overview()


def text(
    shown: Overview | None = DEFAULT,
    destinations: Sequence[DestinationHealth] = (BOARD,),
    live: Live = LIVE,
    counted: Tally | None = None,
    kept: Kept | None = None,
) -> str:
    return exposition(shown, destinations, live, counted or tally(), kept).decode()


def samples(written: str) -> Found:
    """As Prometheus's own parser reads them; a series that is there twice fails."""
    found: Found = {}
    for family in text_string_to_metric_families(written):
        for sample in family.samples:
            key = (sample.name, tuple(sorted(sample.labels.items())))
            assert key not in found
            found[key] = sample.value
    return found


def value(written: str, name: str, **labels: str) -> float | None:
    return samples(written).get((f"kpisync_{name}", tuple(sorted(labels.items()))))


# ---------------------------------------------------------------- jobs


def test_a_job_has_the_state_that_holds_and_no_other() -> None:
    states = {
        dict(labels)["state"]: number
        for (name, labels), number in samples(text(overview(job(word=Word.HELD)))).items()
        if name == "kpisync_job_state"
    }
    assert states == {"held": 1.0}


def test_what_is_open_of_a_job_is_counted() -> None:
    written = text(overview(job(in_doubt=1, rejected=2, missing=4)))
    assert [value(written, name, job="scrap") for name in ("in_doubt", "rejected", "missing")] == [1, 2, 4]


def test_the_age_of_the_last_confirmed_value_is_that_of_now_and_not_of_the_picture() -> None:
    shown = overview(job(confirmed_at=NOON - timedelta(minutes=9)), now=NOON - timedelta(seconds=30))
    written = text(shown, live=replace(LIVE, now=NOON))
    assert value(written, "last_confirmed_age_seconds", job="scrap") == 540.0
    assert value(written, "last_confirmed_timestamp_seconds", job="scrap") == NOON.timestamp() - 540


def test_what_never_was_is_absent_and_not_0() -> None:
    written = text(overview(job(confirmed_at=None, last_run=None, next_due=None)))
    names = ("last_confirmed_timestamp_seconds", "last_confirmed_age_seconds", "next_due_timestamp_seconds")
    assert [value(written, name, job="scrap") for name in (*names, "last_run_timestamp_seconds")] == [None] * 4


def test_a_run_that_goes_on_has_begun_and_took_no_time_yet() -> None:
    run = job().last_run
    assert run
    written = text(overview(job(last_run=replace(run, ended=None))))
    assert value(written, "last_run_timestamp_seconds", job="scrap") == NOON.timestamp() - 600
    assert value(written, "last_run_seconds", job="scrap") is None
    assert value(text(), "last_run_seconds", job="scrap") == 60.0


# ---------------------------------------------------------------- the daemon


def test_runs_values_requests_and_answers_are_counters() -> None:
    written = text()
    assert value(written, "runs_total", job="scrap", outcome="ok") == 1
    assert value(written, "values_total", job="scrap", outcome="created") == 3
    assert value(written, "values_total", job="scrap", outcome="rejected") == 0
    assert value(written, "requests_total", destination="board", method="PUT") == 3
    assert value(written, "answers_total", destination="board", status="none") == 1


def test_durations_are_a_histogram_that_adds_up() -> None:
    written = text()
    assert value(written, "run_seconds_bucket", kind="run", le="60.0") == 0
    assert value(written, "run_seconds_bucket", kind="run", le="120.0") == 1
    assert value(written, "run_seconds_bucket", kind="run", le="+Inf") == 1
    assert (value(written, "run_seconds_count", kind="run"), value(written, "run_seconds_sum", kind="run")) == (1, 61)


def test_what_runs_waits_and_is_stuck_is_counted() -> None:
    live = replace(LIVE, running={"a": NOON, "b": NOON}, stuck={"b": NOON}, queued=("c", "d", "e"))
    written = text(live=live)
    assert [value(written, name) for name in ("running", "stuck", "queue")] == [2, 1, 3]


def test_it_is_ready_with_a_scheduler_and_a_store_and_nothing_that_stops_it() -> None:
    assert value(text(), "ready") == 1
    assert value(text(live=replace(LIVE, troubles=(BROKEN,))), "ready") == 1
    assert value(text(live=replace(LIVE, troubles=(DEAD,))), "ready") == 0
    assert value(text(overview(troubles=(DEAD,))), "ready") == 0
    assert value(text(live=replace(LIVE, beat=None)), "ready") == 0
    assert value(text(None), "ready") == 0


def test_a_trouble_that_both_pictures_show_counts_once() -> None:
    written = text(overview(troubles=(BROKEN,)), live=replace(LIVE, troubles=(BROKEN, DEAD)))
    assert (value(written, "trouble", topic="config"), value(written, "trouble", topic="state")) == (1, 1)
    assert value(written, "trouble", topic="alerts") == 0


def test_without_a_store_the_rest_is_there() -> None:
    written = text(None, destinations=())
    assert value(written, "trouble", topic="state") == 1
    assert value(written, "runs_total", job="scrap", outcome="ok") == 1
    assert value(written, "scheduler_beat_age_seconds") == 1.5
    assert value(written, "build_info", version=__version__) == 1
    assert not [name for name, _ in samples(written) if name == "kpisync_job_state"]


def test_a_daemon_that_knows_nothing_yet_has_valid_metrics() -> None:
    written = text(None, (), Live(NOON), Tally())
    assert (value(written, "queue"), value(written, "scheduler_beat_age_seconds")) == (0, None)


# ---------------------------------------------------------------- platforms


@pytest.mark.parametrize(
    ("gate", "word"),
    [
        (OPEN, "open"),
        (replace(OPEN, paused=3.0), "paused"),
        (replace(OPEN, in_trouble=True), "trouble"),
        (replace(OPEN, shut=inf, why="the login is refused"), "shut"),
        (None, "unused"),
    ],
)
def test_a_gate_has_the_word_that_holds(gate: object, word: str) -> None:
    written = text(destinations=[replace(BOARD, gate=gate)])  # type: ignore[arg-type]
    gates = [labels for name, labels in samples(written) if name == "kpisync_destination_gate"]
    assert gates == [(("destination", "board"), ("state", word))]


def test_a_rate_is_what_was_taught_before_what_was_configured() -> None:
    def rate(health: DestinationHealth) -> float | None:
        return value(text(destinations=[health]), "destination_rate", destination="board")

    assert rate(BOARD) == 4.5
    assert rate(replace(BOARD, gate=None)) == 4.0
    assert rate(replace(BOARD, gate=None, rate_found=None)) == 5.0
    assert rate(replace(BOARD, gate=None, rate_found=None, rate_limit=None)) is None


def test_a_board_that_is_not_whole_is_seen() -> None:
    written = text()
    assert (value(written, "board_due", destination="board"), value(written, "board_missing", destination="board")) == (
        40,
        4,
    )


# ---------------------------------------------------------------- the format


def test_labels_may_hold_anything() -> None:
    odd = 'Fräse "7"\\n\n{}=,#\u2028'
    assert value(text(overview(job(odd))), "missing", job=odd) == 4


def test_names_follow_the_conventions() -> None:
    for family in text_string_to_metric_families(text()):
        assert re.fullmatch(r"(kpisync|process)_[a-z][a-z_]*[a-z]", family.name)
        assert family.documentation
        assert not family.name.endswith(("_minutes", "_ms", "_count", "_sum"))


def test_no_text_of_a_trouble_or_an_error_is_in_it() -> None:
    run = job().last_run
    assert run
    shown = overview(job(trouble="password=hunter22", last_run=replace(run, error="hunter22", held="hunter22")))
    gate = replace(OPEN, shut=10.0, why="hunter22")
    live = replace(LIVE, troubles=(replace(DEAD, said="hunter22"),))
    assert "hunter22" not in text(shown, [replace(BOARD, gate=gate)], live)


def test_its_content_type_is_the_one_of_the_text_format() -> None:
    assert CONTENT_TYPE == "text/plain; version=0.0.4; charset=utf-8"


def test_the_page_about_it_names_every_metric_and_no_other() -> None:
    rows = re.findall(r"^\| `(kpisync_\w+)(?:\{([\w,]+)\})?` \| (\w+) \|", PAGE.read_text(), re.MULTILINE)
    emitted = {}
    for family in text_string_to_metric_families(text()):
        if family.name.startswith("kpisync_"):
            name = f"{family.name}_total" if family.type == "counter" else family.name
            labels = {label for sample in family.samples for label in sample.labels if label != "le"}
            emitted[name] = (labels, family.type)
    assert {name: (set(labels.split(",")) - {""}, kind) for name, labels, kind in rows} == emitted
    assert len(rows) == len(emitted)


# ---------------------------------------------------------------- what is kept from one time to the next


def test_what_is_kept_changes_nothing_in_what_is_written() -> None:
    kept, counted = Kept(), tally()
    pictures = [
        overview(job("a"), job("b")),
        overview(job("a", word=Word.FAILED), job("b", missing=0)),
        overview(job("b"), job("c")),
        None,
        overview(job("a")),
    ]
    for shown in pictures:
        ours = [line for line in text(shown, counted=counted, kept=kept).splitlines() if "process_" not in line]
        fresh = [line for line in text(shown, counted=counted).splitlines() if "process_" not in line]
        assert ours == fresh


def test_what_is_kept_does_not_grow() -> None:
    kept = Kept()
    for number in range(5):
        text(overview(job(f"job-{number}")), kept=kept)
    assert len(kept.lines["job_state"]) == 1
