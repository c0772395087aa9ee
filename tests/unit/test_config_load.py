"""Loading: sound jobs come out whole, broken ones are named with all their problems, and neither harms the other."""

from __future__ import annotations

import subprocess
import sys
import time
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from config_doubles import HEAD, MAP, doubles, job, load_text, said, write

from kpisync.config.load import load
from kpisync.config.schema import CatchUp
from kpisync.mapping.options import Empty, LookbackSpan
from kpisync.model import Interval
from kpisync.registry import Offer, Registry

# ---------------------------------------------------------------- what comes out


def test_a_sound_job_comes_out_with_its_adapter_and_its_defaults(tmp_path: Path) -> None:
    loaded = load_text(tmp_path, HEAD + job("a"))
    assert not loaded.problems
    found = loaded.jobs["a"]
    assert (found.source.type, found.destination, found.place) == ("csv", "board", f"{tmp_path / 'kpisync.yaml'}:16")
    assert (found.enabled, found.lookback, found.open_periods, found.empty) == (True, None, None, Empty.SKIP)
    assert found.guard.max_changed == Decimal("0.3")


def test_relative_paths_are_relative_to_the_file_that_names_them(tmp_path: Path) -> None:
    loaded = load_text(tmp_path, HEAD + job("a"))
    assert loaded.jobs["a"].source.options.path == str(tmp_path / "a.csv")


def test_a_job_in_a_directory_names_paths_beside_its_own_file(tmp_path: Path) -> None:
    write(tmp_path, {"kpisync.yaml": HEAD, "jobs/one.yaml": "jobs:\n" + job("a")})
    loaded = load(tmp_path, {}, doubles())
    assert loaded.jobs["a"].source.options.path == str(tmp_path / "jobs" / "a.csv")


def test_the_state_store_stands_beside_the_main_file_unless_told_otherwise(tmp_path: Path) -> None:
    for line, path in (("", "state/kpisync.db"), ("state: sqlite:///x.db\n", "x.db")):
        settings = load_text(tmp_path, f"version: 1\n{line}").settings
        assert settings is not None
        assert settings.state == f"sqlite:///{tmp_path / path}"


@pytest.mark.parametrize("url", ["sqlite:////var/x.db", "postgresql://maria@db/kpisync", "postgresql+psycopg://db/k"])
def test_an_absolute_state_url_is_left_as_it_is(tmp_path: Path, url: str) -> None:
    settings = load_text(tmp_path, f"version: 1\nstate: {url}\n").settings
    assert settings is not None
    assert settings.state == url


def test_destinations_and_catalogs_come_out_by_name(tmp_path: Path) -> None:
    loaded = load_text(tmp_path, HEAD)
    assert loaded.destinations["board"].type == "valuestreamer"
    assert loaded.destinations["board"].options.timeout == timedelta(seconds=30)
    assert loaded.catalogs["board"].kpis["scrap"].interval is Interval.DAY


def test_ids_of_a_catalog_come_out_in_lower_case(tmp_path: Path) -> None:
    loaded = load_text(tmp_path, HEAD.replace("c3ba32c2-a13a", "C3BA32C2-A13A"))
    assert loaded.catalogs["board"].kpis["scrap"].id == "c3ba32c2-a13a-0000-0000-000000000000"


def test_defaults_hold_for_every_job_that_does_not_say_otherwise(tmp_path: Path) -> None:
    defaults = "defaults: {lookback: 35d, empty: reject, guard: {min_rows: 7, max_jump: 10x}}\n"
    loaded = load_text(tmp_path, HEAD + job("a") + job("b", "lookback: all\nguard: {max_jump: none}") + defaults)
    assert (loaded.jobs["a"].lookback, loaded.jobs["b"].lookback) == (LookbackSpan(35, "d"), None)
    assert loaded.jobs["b"].empty is Empty.REJECT
    assert (loaded.jobs["a"].guard.max_jump, loaded.jobs["b"].guard.max_jump) == (Decimal(10), None)
    assert loaded.jobs["b"].guard.min_rows == 7


def test_a_schedule_takes_its_zone_from_itself_then_the_defaults_then_the_file(tmp_path: Path) -> None:
    jobs = job("a", 'schedule: "15 6 * * 1-5"') + job("b", 'schedule: {cron: "0 7 * * *", timezone: Asia/Tokyo}')
    zones = {"": "UTC", "defaults: {schedule: {timezone: Europe/Paris, catch_up: none}}\n": "Europe/Paris"}
    for more, zone in zones.items():
        loaded = load_text(tmp_path, HEAD + jobs + more)
        a, b = loaded.jobs["a"].schedule, loaded.jobs["b"].schedule
        assert a and b
        assert (a.timezone, b.timezone) == (ZoneInfo(zone), ZoneInfo("Asia/Tokyo"))
        assert a.catch_up is b.catch_up is (CatchUp.NONE if more else CatchUp.ONCE)


def test_a_job_without_dates_that_its_query_needs_says_so(tmp_path: Path) -> None:
    source = '{type: sql, url: "x://y", query: "SELECT :from"}'
    loaded = load_text(tmp_path, HEAD + job("a", source=source) + job("b", "lookback: 5w", source=source) + job("c"))
    assert [found.needs_range_without_lookback for found in loaded.jobs.values()] == [True, False, False]


def test_the_digest_changes_with_the_job_and_the_defaults_but_not_with_others(tmp_path: Path) -> None:
    texts = [HEAD + job("a"), HEAD + job("a") + job("b"), HEAD + job("a", "lookback: 5w")]
    texts.append(HEAD + job("a") + "defaults: {lookback: 5w}\n")
    plain, beside_another, changed, defaulted = (load_text(tmp_path, text).jobs["a"].digest for text in texts)
    assert plain == beside_another
    assert len({plain, changed, defaulted}) == 3


def test_the_digest_does_not_depend_on_a_secret(tmp_path: Path) -> None:
    text = HEAD + job("a", source='{type: sql, url: "${env:URL}", query: q}')
    one, other = (load_text(tmp_path, text, {"URL": f"x://u:{word}@h"}) for word in ("hunter22", "swordfish"))
    assert one.jobs["a"].digest == other.jobs["a"].digest


# ---------------------------------------------------------------- files


def test_a_directory_holds_a_main_file_with_jobs_and_catalogs_beside_it(tmp_path: Path) -> None:
    main, _, rest = HEAD.partition("catalog:\n")
    catalog, _, lookups = rest.partition("lookups:\n")
    files = {
        "kpisync.yaml": main,
        "catalog/board.yaml": "catalog:\n" + catalog,
        "jobs/one.yaml": "lookups:\n" + lookups + job("a"),
        "jobs/two.yaml": "jobs:\n" + job("b"),
        "jobs/.two.yaml": "an editor's",
        "jobs/read.me": "not YAML",
    }
    write(tmp_path, files)
    loaded = load(tmp_path, {}, doubles())
    assert not loaded.problems
    assert list(loaded.jobs) == ["a", "b"]


def test_a_main_file_named_alone_takes_nothing_from_beside_it(tmp_path: Path) -> None:
    write(tmp_path, {"kpisync.yaml": HEAD, "jobs/one.yaml": "jobs:\n" + job("a")})
    assert not load(tmp_path / "kpisync.yaml", {}, doubles()).jobs


def test_one_job_in_two_files_is_a_problem_that_names_both(tmp_path: Path) -> None:
    write(tmp_path, {"kpisync.yaml": HEAD + job("a") + job("b"), "jobs/one.yaml": "jobs:\n" + job("a")})
    loaded = load(tmp_path, {}, doubles())
    [problem] = loaded.problems
    assert problem.place == f"{tmp_path / 'jobs/one.yaml'}:2:3"
    assert problem.message == f'"a" is in {tmp_path / "kpisync.yaml"}:16 too'
    assert (list(loaded.jobs), list(loaded.unsound)) == (["b"], ["a"])


def test_a_file_of_jobs_that_cannot_be_parsed_leaves_the_other_jobs_sound(tmp_path: Path) -> None:
    write(tmp_path, {"kpisync.yaml": HEAD + job("a"), "jobs/bad.yaml": "jobs: [\n", "jobs/odd.yaml": "jbos: {}\n"})
    loaded = load(tmp_path, {}, doubles())
    assert [Path(problem.place.partition(":")[0]).name for problem in loaded.problems] == ["bad.yaml", "odd.yaml"]
    assert list(loaded.jobs) == ["a"]


def test_a_catalog_that_cannot_be_parsed_makes_every_job_unsound_for_its_intervals_are_unknown(tmp_path: Path) -> None:
    write(tmp_path, {"kpisync.yaml": HEAD + job("a"), "catalog/bad.yaml": "catalog: [\n"})
    loaded = load(tmp_path, {}, doubles())
    assert list(loaded.unsound) == ["a"]
    assert loaded.unsound["a"] == loaded.problems


def test_names_are_not_complained_of_while_their_catalog_cannot_be_read(tmp_path: Path) -> None:
    main = HEAD.partition("catalog:\n")[0]
    write(tmp_path, {"kpisync.yaml": main + "jobs:\n" + job("a"), "catalog/bad.yaml": "catalog: [\n"})
    assert len(load(tmp_path, {}, doubles()).problems) == 1


def test_a_file_that_is_overlooked_for_its_ending_is_pointed_out(tmp_path: Path) -> None:
    write(tmp_path, {"kpisync.yaml": HEAD, "jobs/a.yml": "jobs:\n" + job("a")})
    assert "does not end in .yaml" in load(tmp_path, {}, doubles()).problems[0].message


def test_a_main_file_that_cannot_be_read_is_one_problem(tmp_path: Path) -> None:
    (tmp_path / "kpisync.yaml").mkdir()
    [problem] = load(tmp_path, {}, doubles()).problems
    assert problem.message.startswith("cannot be read: ")


def test_a_missing_main_file_is_one_problem(tmp_path: Path) -> None:
    loaded = load(tmp_path / "no.yaml", {}, doubles())
    assert [problem.message for problem in loaded.problems] == ["there is no such file"]
    assert loaded.settings is None


def test_a_syntax_error_in_the_main_file_makes_all_jobs_unsound(tmp_path: Path) -> None:
    write(tmp_path, {"kpisync.yaml": "version: [\n", "jobs/a.yaml": "jobs:\n" + job("a", destination="memo")})
    loaded = load(tmp_path, {}, doubles())
    assert (list(loaded.jobs), list(loaded.unsound), loaded.settings) == ([], ["a"], None)


# ---------------------------------------------------------------- who is harmed


def test_every_problem_of_every_job_is_reported_at_once_in_the_order_of_the_file(tmp_path: Path) -> None:
    wrong_map = "{date: {colum: D}, team: lin-1, values: [{kpi: scrap, value: actual, column: A, decimals: 99}]}"
    jobs = job("a", "lookbak: 5w\nenabled: no", source="{type: csv, path: 1, delimitr: x}", map=wrong_map)
    assert said(load_text(tmp_path, HEAD + jobs + job("b", destination="bord"))) == [
        '17:34: unknown key "delimitr"; did you mean "delimiter"?',
        '18:18: unknown key "colum"; did you mean "column"?',
        "18:35: lin-1 is not a team of the catalog; did you mean line-1? "
        "Catalog names stand under `catalog`; kpisync discover writes them.",
        "18:100: 99 must be at most 12",
        '20:5: unknown key "lookbak"; did you mean "lookback"?',
        '21:14: expected true or false, found text "no"',
        '25:18: there is no destination "bord"; did you mean "board"? Destinations: board, memo.',
    ]


def test_names_that_look_like_numbers_are_held_against_what_there_is(tmp_path: Path) -> None:
    loaded = load_text(tmp_path, HEAD + job("a", "after: [7, 8]", destination="5") + job("7"))
    assert [problem.message for problem in loaded.problems] == ['there is no destination "5"', 'there is no job "8"']


def test_a_broken_job_leaves_the_others_sound(tmp_path: Path) -> None:
    loaded = load_text(tmp_path, HEAD + job("a", "enabled: 5") + job("b"))
    assert (list(loaded.jobs), list(loaded.unsound), loaded.job_names) == (["b"], ["a"], ("b", "a"))
    assert loaded.problems[0].job == "a"


@pytest.mark.parametrize(
    ("broken", "part"),
    [
        ("rate_limit: 5", "memo: {type: memory}"),
        ("concurrency: 0", "memo: {type: memory}"),
        ("bogus: 1", "memo: {type: memory}"),
    ],
)
def test_a_broken_destination_harms_the_jobs_that_use_it_alone(tmp_path: Path, broken: str, part: str) -> None:
    text = HEAD.replace(part, f"memo: {{type: memory, {broken}}}") + job("a") + job("b", destination="memo")
    loaded = load_text(tmp_path, text)
    assert (list(loaded.jobs), list(loaded.unsound)) == (["a"], ["b"])
    assert loaded.unsound["b"] == loaded.problems
    assert loaded.problems[0].job is None
    assert "memo" not in loaded.destinations


def test_a_broken_lookup_harms_the_jobs_that_use_it_alone(tmp_path: Path) -> None:
    text = HEAD.replace("{L1: line-1}", "{L1: [line-1]}")
    using = MAP.replace("team: line-1", "team: {column: T, lookup: lines}")
    loaded = load_text(tmp_path, text + job("a") + job("b", map=using))
    assert (list(loaded.jobs), list(loaded.unsound)) == (["a"], ["b"])


def test_a_broken_catalog_harms_the_jobs_of_its_destination_alone(tmp_path: Path) -> None:
    loaded = load_text(tmp_path, HEAD.replace("8dca904d-", "") + job("a") + job("b", destination="memo"))
    assert (list(loaded.jobs), list(loaded.unsound)) == (["b"], ["a"])


@pytest.mark.parametrize("line", ["timezone: Mars/Base", "defaults: {lookback: 1}", "stat: x", "state: x", "jobs: {}"])
def test_what_holds_for_all_jobs_harms_all_jobs(tmp_path: Path, line: str) -> None:
    loaded = load_text(tmp_path, HEAD + job("a") + line + "\n")
    assert (list(loaded.jobs), list(loaded.unsound)) == ([], ["a"])


@pytest.mark.parametrize("section", ["serve: {port: x}", "alerts: {on: [x]}", "retention: {runs: x}"])
def test_what_no_run_depends_on_harms_no_job(tmp_path: Path, section: str) -> None:
    loaded = load_text(tmp_path, HEAD + job("a") + section + "\n")
    assert (len(loaded.problems), list(loaded.jobs)) == (1, ["a"])
    assert loaded.settings is not None
    assert getattr(loaded.settings, section.partition(":")[0]) is None


def test_a_faulty_reference_is_reported_once_and_not_as_what_it_stands_in_for(tmp_path: Path) -> None:
    loaded = load_text(tmp_path, HEAD + job("a", destination="${env:D}") + job("b"))
    assert [problem.message for problem in loaded.problems] == ["the environment variable D is not set"]
    assert list(loaded.unsound) == ["a"]


def test_what_comes_from_outside_may_be_text_where_a_number_or_truth_value_is_meant(tmp_path: Path) -> None:
    text = HEAD + job("a", "enabled: ${env:ON}", source="{type: csv, path: x, skip: '${env:N}'}")
    loaded = load_text(tmp_path, text, {"ON": "false", "N": "2"})
    assert loaded.jobs["a"].enabled is False
    assert loaded.jobs["a"].source.options.skip == 2


def test_an_adapter_that_cannot_be_imported_harms_the_jobs_that_use_it_alone(tmp_path: Path) -> None:
    def broken() -> object:
        raise ImportError("no driver")

    good = doubles()
    registry = Registry({**good.sources, "sql": (Offer("acme", broken),)}, good.destinations)
    write(tmp_path, {"k.yaml": HEAD + job("a") + job("b", source="{type: sql}")})
    loaded = load(tmp_path / "k.yaml", {}, registry)
    assert list(loaded.jobs) == ["a"]
    assert "of the package acme cannot be imported: ImportError: no driver" in loaded.problems[0].message


def test_names_may_come_from_columns_while_those_written_out_are_checked(tmp_path: Path) -> None:
    values = (
        "{kpi: {column: K}, value: actual, sub_tile: early, column: A}, {kpi: {column: K}, value: aktual, column: B}"
    )
    loaded = load_text(tmp_path, HEAD + job("a", map=f"{{date: {{column: D}}, team: line-1, values: [{values}]}}"))
    assert [problem.message for problem in loaded.problems] == [
        "aktual is not a value of KPI of the catalog; did you mean actual?"
    ]


def test_one_value_stated_for_two_teams_or_by_column_is_no_repetition(tmp_path: Path) -> None:
    other = "6f1c0a52-2f43-4c1f-9f0e-1d8f0f6b7a10"
    values = [f"{{kpi: scrap, value: actual, column: A, team: {team}}}" for team in ("line-1", other, "{column: T}")]
    values.append(values[-1])
    loaded = load_text(tmp_path, HEAD + job("a", map=f"{{date: {{column: D}}, values: [{', '.join(values)}]}}"))
    assert not loaded.problems


def test_a_platform_other_than_valuestreamer_may_take_any_text_as_an_id_and_needs_no_team(tmp_path: Path) -> None:
    values = "{kpi: 5e8c27e3dcdddaa4addbdee8, value: actual, column: A}"
    loaded = load_text(
        tmp_path, HEAD + job("a", map=f"{{date: {{column: D}}, values: [{values}]}}", destination="memo")
    )
    assert not loaded.problems


# ---------------------------------------------------------------- secrets


def test_no_secret_is_seen_in_a_problem(tmp_path: Path) -> None:
    (tmp_path / "pw").write_text("swordfish\n")
    text = HEAD.replace("username: maria", "username: [maria]").replace("8dca904d-", "hunter22")
    text += job("a", destination='"${file:pw}"') + job("b", source="{type: csv, path: x, delimiter: hunter22}")
    text += job("c", source='{type: cvs, password: letmein1, skip: "letmein1"}', destination="letmein1")
    loaded = load_text(tmp_path, text)
    shown = "\n".join(map(str, loaded.problems))
    assert "***" in shown
    assert not [secret for secret in ("hunter22", "swordfish", "letmein1", "maria") if secret in shown]


def test_a_secret_is_struck_out_before_a_value_is_cut_for_a_message(tmp_path: Path) -> None:
    secret = "hunter22" * 10
    text = HEAD.replace("hunter22", secret) + job("a", source=f"{{type: csv, path: x, delimiter: {secret}}}")
    assert "hunter" not in "".join(said(load_text(tmp_path, text)))


def test_every_kind_of_secret_is_known_after_loading(tmp_path: Path) -> None:
    (tmp_path / "pw").write_text("from-a-file")
    text = HEAD.replace("hunter22", "12345678").replace('"https://x"', '"${file:pw}"')
    text += job("a", source='{type: sql, url: "x://u:url-password@h", query: q}')
    text += "serve: {token: page-token}\nalerts: {urls: [https://hook/secret-path], ping: https://ping/uuid}\n"
    secrets = load_text(tmp_path, text).secrets
    for each in ("12345678", "from-a-file", "url-password", "page-token", "https://hook/secret-path", "maria"):
        assert secrets.redact(each) == "***", each
    assert secrets.pairs == {("maria", "12345678")}


# ---------------------------------------------------------------- lookups


def lookup(tmp_path: Path, spec: str, content: bytes | None = None) -> tuple[dict[str, str], list[str]]:
    if content is not None:
        (tmp_path / "m.csv").write_bytes(content)
    loaded = load_text(tmp_path, f"version: 1\nlookups:\n  m: {spec}\n")
    return dict(loaded.lookups.get("m", {})), said(loaded)


FILE_SPEC = "{file: m.csv, key: code, value: team}"


def test_an_inline_lookup_maps_codes_to_names_and_codes_are_text(tmp_path: Path) -> None:
    assert lookup(tmp_path, "{10: line-1, 0010: line-2, ' A ': x}")[0] == {"10": "line-1", "0010": "line-2", "A": "x"}


def test_a_lookup_file_maps_one_column_to_another(tmp_path: Path) -> None:
    content = b"\xef\xbb\xbfname,code,team\r\nx,L1,line-1\r\n\r\ny, L2 ,line-2\r\n"
    assert lookup(tmp_path, FILE_SPEC, content) == ({"L1": "line-1", "L2": "line-2"}, [])


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "there is no file"),
        (b"", 'no column "code"'),
        (b"code;team\nL1;line-1\n", 'no column "code"'),
        (b"code,code,team\n", 'more than one column "code"'),
        (b"cod,team\n", 'did you mean "cod"?'),
        (b"code,team\nL1\n", "m.csv:2 has 1 cells"),
        (b"code,team\nL1,\n", 'code "L1" in'),
        (b"code,team\nL1,a\nL1,b\n", 'code "L1" stands for "a"'),
        (b"code,team\nL\xe41,a\n", "is not utf-8-sig"),
        (b'code,team\n"L1,a\n', "cannot be read as CSV"),
    ],
)
def test_a_lookup_file_that_cannot_be_meant_is_a_problem(tmp_path: Path, content: bytes | None, message: str) -> None:
    found, problems = lookup(tmp_path, FILE_SPEC, content)
    assert (found, len(problems)) == ({}, 1)
    assert message in problems[0]


def test_a_code_that_stands_twice_for_the_same_is_no_problem(tmp_path: Path) -> None:
    assert lookup(tmp_path, FILE_SPEC, b"code,team\nL1,a\nL1,a\n") == ({"L1": "a"}, [])


def test_an_unknown_encoding_of_a_lookup_is_a_problem(tmp_path: Path) -> None:
    spec = "{file: m.csv, key: code, value: team, encoding: klingon}"
    assert "there is no encoding klingon" in lookup(tmp_path, spec, b"code,team\n")[1][0]


# ---------------------------------------------------------------- cost


def test_a_hundred_jobs_load_in_well_under_half_a_second(tmp_path: Path) -> None:
    text = HEAD + "".join(job(f"job-{number}", "lookback: 5w") for number in range(100))
    write(tmp_path, {"kpisync.yaml": text})
    began = time.process_time()
    loaded = load(tmp_path / "kpisync.yaml", {}, doubles())
    spent = time.process_time() - began
    assert (len(loaded.jobs), loaded.problems) == (100, ())
    assert spent < 0.5


def test_loading_needs_no_library_of_the_state_store_or_the_network() -> None:
    code = "import sys, kpisync.config.load; sys.exit(bool({'sqlalchemy', 'alembic', 'httpx'} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_a_configuration_knows_all_files_that_it_was_read_from(tmp_path: Path) -> None:
    (tmp_path / "jobs").mkdir()
    (tmp_path / "jobs" / "a.yaml").write_text("lookups: {lines: {file: ../lines.csv, key: code, value: line}}\n")
    (tmp_path / "kpisync.yaml").write_text("version: 1\nserve: {token: '${file:secrets/token}'}\n")
    expected = {"kpisync.yaml", "jobs", "jobs/a.yaml", "catalog", "lines.csv", "secrets/token"}
    assert {path.resolve() for path in load(tmp_path, {}).read} == {tmp_path / name for name in expected}
