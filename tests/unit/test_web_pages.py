"""What each page shows of its picture, what its address may ask for, and what it says when something is wrong."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from urllib.parse import quote

import pytest

from kpisync.errors import DestinationError, StateError
from kpisync.watch.model import RunPage, ValuePage, Word
from kpisync.web.pages import worst_first
from tests.unit.web_views import (
    PATH,
    RUN,
    Page,
    change_json,
    destination,
    grid,
    health,
    life,
    point,
    reject,
    run_json,
    trouble,
)

HOSTILE = """<script>alert(1)</script>"'><img src=x onerror=alert(2)>{{ 7 * 7 }}\u202egnp.exe\x1b[31m\ud800\x00"""
EVERY_PAGE = (
    "/",
    "/jobs/scrap-daily",
    "/board",
    "/runs",
    f"/runs/{RUN}",
    f"/value?path={PATH}",
    "/rejects",
    "/destinations",
)
HX = {"HX-Request": "true"}


def _jobs_of(text: str) -> list[str]:
    """The jobs of the table, in its order."""
    return re.findall(r'<th scope="row"[^>]*><a href="/jobs/([^"]+)"', text)


# ---------------------------------------------------------------- every page


@pytest.mark.parametrize("path", [*EVERY_PAGE, "/nowhere"])
@pytest.mark.parametrize("language", ["en", "de"])
def test_every_page_is_in_the_readers_language_with_a_text_for_everything(page: Page, path: str, language: str) -> None:
    answer = page.ask("GET", path, {"Accept-Language": f"{language}-DE,{language};q=0.8"})
    assert f'<html lang="{language}">' in answer.text
    assert re.findall("‹[^›]*›", answer.text) == []


@pytest.mark.parametrize("path", EVERY_PAGE)
def test_every_page_is_made_of_files_that_are_there(page: Page, path: str) -> None:
    text = page.get(path).text
    files = re.findall(r'(?:src|href)="(/static/[^"]+)"', text)
    assert files
    for file in files:
        answer = page.get(file)
        assert answer.status == 200
        assert answer.header["cache-control"] == "public, max-age=31536000, immutable"
        assert answer.header["content-type"].split(";")[0] in ("text/css", "text/javascript", "image/svg+xml")


def test_a_file_under_an_older_address_is_not_there(page: Page) -> None:
    for path in ("/static/0000000000000000/app.css", "/static/x/../../app.py", "/static/x/%2e%2e/app.py", "/static/x/"):
        assert page.get(path).status == 404


@pytest.mark.parametrize("path", EVERY_PAGE)
def test_no_page_has_script_or_style_of_its_own(page: Page, path: str) -> None:
    text = page.get(path).text
    assert re.findall(r"<script(?![^>]*(?: src=| type=\"application/json\"))", text) == []
    assert re.findall(r"<style|\sstyle=|\son[a-z]+=|javascript:", text) == []


# ---------------------------------------------------------------- the overview


def test_the_worst_jobs_stand_first_and_equal_ones_by_name() -> None:
    jobs = [health("b"), health("Z", Word.HELD), health("a"), health("c", Word.BROKEN), health("C", Word.HELD)]
    assert [each.job for each in worst_first(jobs)] == ["c", "C", "Z", "a", "b"]


def test_the_first_page_lists_the_jobs_worst_first(page: Page) -> None:
    assert _jobs_of(page.get("/").text) == ["oee-daily", "scrap-daily", "okr-monthly", "energy-weekly"]


def test_jobs_are_found_by_a_part_of_their_name_or_their_destination(page: Page) -> None:
    assert _jobs_of(page.get("/?q=DAILY").text) == ["oee-daily", "scrap-daily"]
    assert _jobs_of(page.get("/?q=board").text) == ["oee-daily", "scrap-daily", "energy-weekly"]
    assert _jobs_of(page.get("/?q=&word=").text) == _jobs_of(page.get("/").text)
    assert _jobs_of(page.get("/?q=nothing").text) == []


def test_jobs_are_found_by_their_word(page: Page) -> None:
    assert _jobs_of(page.get("/?word=held").text) == ["oee-daily"]
    assert _jobs_of(page.get("/?word=ok&q=energy").text) == ["energy-weekly"]
    answer = page.get("/?word=fine")
    assert answer.status == 400
    assert "broken, stuck, failed, held" in answer.text


def test_a_thousand_jobs_are_ten_pages(page: Page) -> None:
    page.views.jobs = tuple(health(f"job-{number:04}") for number in range(1000))
    assert _jobs_of(page.get("/").text)[-1] == "job-0099"
    assert _jobs_of(page.get("/?page=10").text)[-1] == "job-0999"
    assert _jobs_of(page.get("/?page=11").text)[-1] == "job-0999"
    for wrong in ("0", "-1", "x", "1e3", "9999999", "٣"):
        assert page.get(f"/?page={quote(wrong)}").status == 400


def test_the_polled_part_is_the_same_without_the_page_around_it(page: Page) -> None:
    whole, part = page.get("/?word=held").text, page.get("/?word=held", **HX).text
    assert "<html" not in part
    assert part.strip() in whole


def test_an_empty_plant_has_a_page(page: Page) -> None:
    page.views.jobs = page.views.answers = page.views.freshness = ()
    assert page.get("/").status == 200


def test_troubles_stand_on_the_first_page(page: Page) -> None:
    page.views.troubles = (trouble("jobs/scrap.yaml:4:3: colum is not known", job="stock-daily"),)
    assert "jobs/scrap.yaml:4:3: colum is not known" in page.get("/").text


def test_what_a_job_that_needs_a_person_says_itself_is_not_said_twice(page: Page) -> None:
    said = "jobs/scrap.yaml:4:3: colum is not known"
    page.views.jobs = (health("scrap-daily", word=Word.BROKEN, trouble=said),)
    page.views.troubles = (trouble(said, job="scrap-daily"),)
    assert page.get("/").text.count(said) == 1


# ---------------------------------------------------------------- the other pages


def test_a_job_shows_its_runs_its_rejects_and_its_part_of_the_board(page: Page) -> None:
    other = replace(grid(kpi="oee").rows[0], jobs=("oee-daily",))
    page.views.grids = (replace(grid(kpi="scrap"), rows=(*grid(kpi="scrap").rows, other)),)
    page.views.all_rejects = (reject(), reject("oee-daily", reason="not of this job"))
    text = page.get("/jobs/scrap-daily").text
    assert RUN in text
    assert "is not a number" in text
    assert "not of this job" not in text
    assert "line-3" in text
    assert "board/oee/" not in text


def test_a_job_whose_name_is_no_word_has_a_page(page: Page) -> None:
    page.views.jobs = (health("a/b c?#%"),)
    link = re.search(r'<a href="(/jobs/[^"]+)"', page.get("/").text)
    assert link is not None
    assert page.get(link[1]).status == 200


def test_a_job_that_nobody_knows_is_not_found(page: Page) -> None:
    answer = page.get("/jobs/scrap")
    assert answer.status == 404
    assert "There is no such job" in answer.text


def test_the_board_asks_for_what_its_address_says(page: Page) -> None:
    asked: list[tuple[object, ...]] = []
    page.views.board = lambda *chosen: asked.append(chosen) or (grid(),)  # type: ignore[method-assign,func-returns-value]
    page.get("/board")
    page.get("/board?destination=okr&until=2026-10-31&periods=62")
    page.get("/board?destination=&until=&periods=")
    assert asked == [(None, None, 14), ("okr", date(2026, 10, 31), 62), (None, None, 14)]


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("periods=6", "7–62"),
        ("periods=63", "7–62"),
        ("periods=many", "7–62"),
        ("until=2026-02-30", "1970-01-01 – 2200-12-31"),
        ("until=20261120", "1970-01-01"),
        ("until=0001-01-01", "1970-01-01"),
        ("until=9999-12-31", "2200-12-31"),
        ("until=yesterday", "1970-01-01"),
        ("destination=bord", "board, okr"),
        ("page=0", "1–"),
    ],
)
def test_what_cannot_be_meant_is_told_with_what_can(page: Page, query: str, expected: str) -> None:
    answer = page.get(f"/board?{query}")
    assert answer.status == 400
    assert expected in answer.text
    assert query.partition("=")[0] in answer.text


def test_a_large_board_comes_in_pages(page: Page) -> None:
    page.views.grids = (grid(rows=200), grid(rows=2, kpi="oee"))
    first, last = page.get("/board").text, page.get("/board?page=2").text
    assert "line-107" in first
    assert "line-108" not in first
    assert "line-108" in last
    assert "board/oee/" in last
    assert "board/oee/" not in first


def test_runs_go_back_page_by_page(page: Page) -> None:
    page.views.all_runs = [run_json(f"run-{number:03}") for number in range(120, 0, -1)]
    first = page.get("/runs").text
    assert "run-071" in first
    assert "run-070" not in first
    second = page.get("/runs?before=run-071").text
    assert "before=run-071" in first
    assert "run-070" in second
    last = page.get("/runs?before=run-021").text
    assert "run-001" in last
    assert "before=" not in last


def test_runs_of_one_job_are_those_only(page: Page) -> None:
    page.views.all_runs = [run_json("run-a"), run_json("run-b", job="oee-daily")]
    text = page.get("/runs?job=oee-daily").text
    assert "run-b" in text
    assert "run-a" not in text


def test_a_run_shows_its_changes_old_and_new_with_their_source(page: Page) -> None:
    text = page.get(f"/runs/{RUN}").text
    for part in ("11.5", "12.50", "inbox/scrap.csv:12:Ausschuss", "sha256:9f2c"):
        assert part in text


@pytest.mark.parametrize("path", ["/runs/none", "/runs?before=none", "/value?path=board/scrap"])
def test_what_nobody_knows_is_not_found_and_told_why(page: Page, path: str) -> None:
    answer = page.get(path)
    assert answer.status == 404
    assert "there is no run none" in answer.text or "board/scrap names no value" in answer.text


def test_a_value_without_a_path_is_no_page(page: Page) -> None:
    assert page.get("/value").status == 400


def test_the_chart_holds_what_the_table_does(page: Page) -> None:
    page.views.value_page = ValuePage(PATH, life(), (point(2, "1E+2"), point(1, "12.50"), point(0, "1E+999")))
    found = re.search(r'<script type="application/json"[^>]*>(.*?)</script>', page.get(f"/value?path={PATH}").text)
    assert found is not None
    chart = json.loads(found[1])
    assert [datetime.fromtimestamp(seconds, UTC).isoformat() for seconds in chart["x"]] == [
        "2026-11-18T00:00:00+00:00",
        "2026-11-19T00:00:00+00:00",
        "2026-11-20T00:00:00+00:00",
    ]
    assert chart["y"] == [100.0, 12.5, None]
    assert chart["numbers"][:2] == ["100", "12.50"]
    assert chart["labels"] == ["2026-11-18", "2026-11-19", "2026-11-20"]
    assert chart["marks"] == ["confirmed"] * 3


def test_rejects_stand_by_their_job(page: Page) -> None:
    page.views.all_rejects = tuple(reject(job, reason=f"reason {number} of {job}") for number, job in enumerate("bab"))
    text = page.get("/rejects").text
    assert re.findall(r"reason \d of [ab]", text) == ["reason 1 of a", "reason 0 of b", "reason 2 of b"]


def test_one_jobs_many_rejects_do_not_hide_those_of_the_next(page: Page) -> None:
    many = tuple(reject("a", reason=f"reason {number:04}") for number in range(3000))
    page.views.all_rejects = (*many, reject("b", reason="the other"))
    text = page.get("/rejects").text
    assert text.count("reason 0") == 20
    assert "3000" in text
    assert "the other" in text
    assert 'href="/rejects?job=a"' in text
    assert page.get("/rejects?job=a").text.count("reason 0") == 400


def test_german_numbers_have_a_comma_and_stay_exact(page: Page) -> None:
    text = page.ask("GET", f"/runs/{RUN}", {"Accept-Language": "de"}).text
    assert "12,50" in text
    assert "12.50" not in text


# ---------------------------------------------------------------- texts of others


def test_a_hostile_text_is_shown_as_text_on_every_page(page: Page) -> None:
    name = HOSTILE.replace("\ud800", "").replace("\x00", "").replace("\x1b", "").replace("\u202e", "")
    path = f"board/{HOSTILE}/line-1/actual/2026-11-19"
    views = page.views
    views.jobs = (health("scrap-daily", Word.FAILED, trouble=HOSTILE, schedule=HOSTILE), health(name, destination=name))
    views.troubles = (trouble(HOSTILE, job=name, stops=True),)
    views.answers = tuple(replace(each, destination=name) for each in views.answers)
    views.freshness = tuple(replace(each, destination=name, kpi=HOSTILE) for each in views.freshness)
    views.grids = (grid(kpi=HOSTILE),)
    texts = {"error": HOSTILE, "held": HOSTILE, "notes": [HOSTILE], "origins": {HOSTILE: HOSTILE}, "kind": HOSTILE}
    views.all_runs = [run_json(job=name, **texts)]
    changes = (change_json(path, source=HOSTILE, answer=HOSTILE, digest=HOSTILE, status=HOSTILE),)
    told = ({"source": HOSTILE, "code": HOSTILE, "reason": HOSTILE},)
    views.run_page = RunPage(run_json(job=name, **texts), changes, told, 1, 1)
    points = (point(1, label=HOSTILE, source=HOSTILE, path=path),)
    views.value_page = ValuePage(path, life(path, changes=list(changes), transformation=[{"column": HOSTILE}]), points)
    views.all_rejects = (reject(reason=HOSTILE, source=HOSTILE, code=HOSTILE, path=path, number=Decimal(1)),)
    views.all_destinations = (destination(name, address=HOSTILE, type=HOSTILE),)
    for each in EVERY_PAGE:
        text = page.get(each).text
        assert "&lt;script&gt;alert(1)&lt;/script&gt;" in text, each
        assert not re.search(r"<script>|<img|\x1b|\u202e|\x00", text), each
        assert "{{ 7 * 7 }}" in text


def test_what_somebody_asked_for_is_shown_as_text(page: Page) -> None:
    asked = quote("<script>alert(1)</script>\"'")
    for path in (f"/?q={asked}", f"/runs?job={asked}", f"/rejects?job={asked}", f"/value?path={asked}", f"/{asked}"):
        text = page.get(path).text
        assert "<script>alert" not in text
        assert "&lt;script&gt;alert" in text


def test_a_megabyte_in_one_cell_does_not_become_a_page_of_megabytes(page: Page) -> None:
    page.views.all_rejects = (reject(reason="x" * 1_000_000, source="y" * 1_000_000),)
    assert len(page.get("/rejects").body) < 50_000


@pytest.mark.parametrize("part", ["%00", "%1b[31m", "%0a", "%7f"])
def test_an_address_with_control_characters_is_refused_before_anybody_reads_it(page: Page, part: str) -> None:
    assert page.get(f"/value?path=board{part}").status == 400
    assert page.get(f"/?{part}=1").status == 400
    assert page.get(f"/runs/x{part}").status == 404


def test_an_address_without_end_is_refused(page: Page) -> None:
    answer = page.get(f"/value?path={'x' * 5000}")
    assert answer.status == 414
    assert "4096" in answer.text


def test_bytes_that_are_no_text_are_shown_as_such(page: Page) -> None:
    assert page.get("/value?path=%ff%fe").status == 404
    assert page.get("/%ff").status == 404


# ---------------------------------------------------------------- when something is wrong


def test_without_the_store_every_page_says_so_and_keeps_its_layout(page: Page) -> None:
    page.views.broken = StateError("the disk is full", where="state/kpisync.db", hint="Make room; hunter2")
    for path in EVERY_PAGE:
        answer = page.get(path)
        assert answer.status == 503
        assert "state/kpisync.db: the disk is full. Make room; ***" in answer.text
        assert 'href="/board"' in answer.text
    page.views.broken = None
    assert page.get("/").status == 200


def test_the_polled_part_says_so_too_without_a_page_around_it(page: Page) -> None:
    page.views.broken = StateError("the disk is full")
    answer = page.get("/", **HX)
    assert answer.status == 503
    assert "the disk is full" in answer.text
    assert "<html" not in answer.text


def test_an_error_of_another_kind_is_told_too(page: Page) -> None:
    page.views.broken = DestinationError("the platform is away")
    answer = page.get("/destinations")
    assert answer.status == 503
    assert "the platform is away" in answer.text


def test_a_mistake_of_ours_is_a_page_without_its_inside(page: Page) -> None:
    page.views.board = lambda *_: 1 / 0  # type: ignore[method-assign,assignment,return-value]
    answer = page.get("/board")
    assert answer.status == 500
    assert "kpisync itself made a mistake" in answer.text
    assert "division" not in answer.text
    assert answer.header["content-security-policy"]
    assert page.get("/").status == 200


def test_an_address_of_nothing_keeps_the_layout(page: Page) -> None:
    for path in ("/nowhere", "/board/", "/favicon.ico", "//evil.example/board", "/jobs/"):
        answer = page.get(path)
        assert answer.status == 404
        assert 'href="/board"' in answer.text
