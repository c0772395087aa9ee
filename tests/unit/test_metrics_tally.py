"""What runs did is counted up, and requests with their answers by the platform that they went to."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from threading import Barrier, Thread

import pytest
from socket_server import Play, Server, answer, drops, sends

from kpisync.errors import DestinationError, Exit, SourceError
from kpisync.model import Catalog, Rejection, RunStatus
from kpisync.names import Names
from kpisync.ports import Surroundings
from kpisync.reports import run_json
from kpisync.support.http import HttpClient, HttpOptions, Unanswered
from kpisync.sync.report import Report
from kpisync.watch.tally import Counts, Tally


def answers(*plays: Play, times: int = 1, url: str | None = None) -> tuple[Counter[str], Counter[str]]:
    """Requests and answers of so many requests to a server that does this."""
    around = Surroundings()
    with Server(*plays) as server:
        client = HttpClient(HttpOptions(url or server.url, {}, timeout=2.0), around)
        for _ in range(times):
            try:
                client.request("PUT", "/x", content=b"{}")
            except (Unanswered, DestinationError):
                continue
        client.close()
    return around.requests, around.answers


def test_an_answer_is_counted_by_its_status() -> None:
    plays = [sends(answer(status)) for status in (200, 429, 200, 503)]
    assert answers(*plays, times=4) == ({"PUT": 4}, {"200": 2, "429": 1, "503": 1})


def test_no_answer_is_counted_as_none() -> None:
    assert answers(drops) == ({"PUT": 1}, {"none": 1})


def test_an_answer_that_cannot_be_used_is_none() -> None:
    broken = answer(headers="Content-Encoding: br\r\n")
    assert answers(sends(broken)) == ({"PUT": 1}, {"none": 1})


def test_a_refusal_whose_words_do_not_arrive_is_one_all_the_same() -> None:
    assert answers(sends(answer(400, headers="Content-Encoding: br\r\n")))[1] == {"400": 1}


def test_a_request_that_reaches_nobody_is_counted_with_none() -> None:
    assert answers(drops, url="http://127.0.0.1:1") == ({"PUT": 1}, {"none": 1})


def test_a_download_has_one_answer_however_many_its_pieces() -> None:
    around, pieces = Surroundings(), list[bytes]()
    with Server(sends(answer(body=b"x" * 200_000))) as server:
        client = HttpClient(HttpOptions(server.url, {}), around)
        client.download("/x", pieces.append)
        client.close()
    assert len(pieces) > 1
    assert (around.requests, around.answers) == ({"GET": 1}, {"200": 1})


def test_a_download_that_its_taker_breaks_off_has_no_answer_of_use() -> None:
    def full(piece: bytes) -> None:
        raise SourceError("the disk is full")

    around = Surroundings()
    with Server(sends(answer(body=b"x"))) as server:
        client = HttpClient(HttpOptions(server.url, {}), around)
        with pytest.raises(SourceError):
            client.download("/x", full)
        client.close()
    assert (around.requests, around.answers) == ({"GET": 1}, {"none": 1})


def test_a_run_shows_its_answers_beside_its_requests() -> None:
    report = Report("scrap")
    report.traffic.requests["board"]["PUT"] += 2
    report.traffic.requests[""]["GET"] += 1
    report.traffic.answers["board"].update({"200": 1, "none": 1})
    report.traffic.answers[""]["200"] += 1
    shown = run_json(report, RunStatus.OK, Names(Catalog()))
    assert (shown["requests"], shown["answers"]) == ({"PUT": 2, "GET": 1}, {"200": 2, "none": 1})


# ---------------------------------------------------------------- the tally


def tallied(*ends: Callable[[Tally], None]) -> Counts:
    tally = Tally()
    for end in ends:
        end(tally)
    return tally.counts()


def run(
    status: RunStatus = RunStatus.OK, code: Exit = Exit.OK, *, kind: str = "run", seconds: float = 1.0, **counts: int
) -> Callable[[Tally], None]:
    report = Report("scrap", **counts)
    report.traffic.requests["board"]["PUT"] += 3
    report.traffic.requests[""]["GET"] += 7
    report.traffic.answers["board"].update({"200": 2, "503": 1})
    report.traffic.answers[""]["200"] += 7
    return lambda tally: tally.ended(report, status, code, kind, seconds)


def test_runs_are_counted_by_job_and_outcome() -> None:
    counts = tallied(run(), run(), run(RunStatus.FAILED, Exit.UNUSABLE))
    assert counts.runs == {("scrap", "ok"): 2, ("scrap", "failed"): 1}


@pytest.mark.parametrize("signal", [Exit.SIGINT, Exit.SIGTERM])
def test_a_run_that_a_signal_ends_has_not_failed(signal: Exit) -> None:
    assert tallied(run(RunStatus.FAILED, signal)).runs == {("scrap", "interrupted"): 1}


def test_values_are_counted_by_what_became_of_them() -> None:
    report = Report("scrap", created=3, updated=2, withdrawn=1, confirmed=5, sent=1, unchanged=9)
    report.rejections.append(Rejection("a.csv:1", "no-number", "it is no number"))
    tally = Tally()
    tally.ended(report, RunStatus.PARTIAL, Exit.PARTIAL, "run", 1.0)
    tally.ended(report, RunStatus.PARTIAL, Exit.PARTIAL, "run", 1.0)
    assert {outcome: count for (_, outcome), count in tally.counts().values.items()} == {
        "created": 6,
        "updated": 4,
        "withdrawn": 2,
        "confirmed": 10,
        "sent": 2,
        "unchanged": 18,
        "in_doubt": 0,
        "rejected": 2,
        "conflict": 0,
    }


def test_requests_are_counted_by_the_platform_they_went_to_and_those_of_sources_are_not() -> None:
    counts = tallied(run(), run())
    assert counts.requests == {("board", "PUT"): 6}
    assert counts.answers == {("board", "200"): 4, ("board", "503"): 2}


def test_a_duration_at_a_bound_belongs_to_it() -> None:
    durations = tallied(run(seconds=0.5), run(seconds=0.6), run(seconds=86_400)).durations["run"]
    assert (durations.counts[0], durations.counts[1], durations.counts[-1]) == (1, 1, 1)
    assert durations.seconds == pytest.approx(86_401.1)


def test_durations_are_kept_by_kind_of_run() -> None:
    assert set(tallied(run(), run(kind="backfill")).durations) == {"run", "backfill"}


def test_a_skipped_run_took_no_time() -> None:
    counts = tallied(run(RunStatus.SKIPPED, Exit.LOCKED))
    assert (counts.runs, counts.durations) == ({("scrap", "skipped"): 1}, {})


def test_a_picture_does_not_change_with_what_comes_later() -> None:
    tally = Tally()
    run()(tally)
    counts = tally.counts()
    run(seconds=2.0)(tally)
    assert (counts.runs["scrap", "ok"], sum(counts.durations["run"].counts)) == (1, 1)


def test_nothing_is_lost_between_threads() -> None:
    tally, together = Tally(), Barrier(8)

    def many() -> None:
        together.wait(10)
        for _ in range(200):
            run(created=1)(tally)

    threads = [Thread(target=many) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    counts = tally.counts()
    assert (counts.runs["scrap", "ok"], counts.values["scrap", "created"]) == (1600, 1600)
