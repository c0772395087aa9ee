"""What is given to Prometheus and Grafana: it can be read, and asks only for metrics that there are."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import typer
import yaml
from prometheus_client.parser import text_string_to_metric_families

from kpisync.cli.main import cli
from kpisync.errors import Exit
from kpisync.model import RunStatus
from kpisync.sync.report import Report
from kpisync.watch.metrics import exposition
from kpisync.watch.model import Complete, DestinationHealth, JobHealth, LastRun, Live, Overview, Topic, Word
from kpisync.watch.tally import Tally

ROOT = Path(__file__).parent.parent.parent
RULES = ROOT / "config" / "prometheus" / "alerts.yaml"
SCRAPE: dict[str, Any] = yaml.safe_load((ROOT / "config" / "prometheus" / "scrape.yaml").read_text(encoding="utf-8"))
ALERTS: list[dict[str, Any]] = [
    rule for group in yaml.safe_load(RULES.read_text(encoding="utf-8"))["groups"] for rule in group["rules"]
]
DASHBOARD: dict[str, Any] = json.loads((ROOT / "config" / "grafana" / "kpisync.json").read_text(encoding="utf-8"))
PANELS: list[dict[str, Any]] = DASHBOARD["panels"]
VARIABLES: dict[str, dict[str, Any]] = {each["name"]: each for each in DASHBOARD["templating"]["list"]}
QUERIES = [target["expr"] for panel in PANELS for target in panel.get("targets", ())]
EXPRESSIONS = [*(rule["expr"] for rule in ALERTS), *QUERIES]
SCRAPED = {"job", "instance"}  # what a scrape adds
NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)


def emitted() -> dict[str, set[str]]:
    """The labels of each metric, by the names that can be asked for."""
    run = LastRun("01HX", "run", NOW, NOW, "ok", 0, 1, 0, 0, 0, 0, None, None)
    job = JobHealth("scrap", Word.OK, "board", None, NOW, None, False, run, NOW, 0, 0, 0, None)
    board = DestinationHealth("board", "valuestreamer", "", 1.0, None, 1, None, 1, 0, 0)
    overview = Overview(NOW, (job,), (Complete("board", NOW.date(), 0, 0, 0, 1),), (), (), NOW, 1.0)
    report, tally = Report("scrap"), Tally()
    report.traffic.requests["board"]["GET"] += 1
    report.traffic.answers["board"]["200"] += 1
    tally.ended(report, RunStatus.OK, Exit.OK, "run", 1.0)
    text = exposition(overview, [board], Live(NOW, NOW, 1.0), tally).decode()
    found: dict[str, set[str]] = {"up": set(SCRAPED)}
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            found.setdefault(sample.name, set(SCRAPED)).update(sample.labels)
    return found


EMITTED = emitted()


def metrics(expression: str) -> Iterator[str]:
    bare = re.sub(r'"[^"]*"', '""', expression)
    return iter(re.findall(r"\b(?:(?:kpisync|process)_\w+|up)\b", bare))


def labels(expression: str) -> set[str]:
    """Those that it selects or groups by."""
    bare = re.sub(r'"[^"]*"', '""', expression)
    selected = re.findall(r'(\w+)\s*(?:=~|!~|!=|=)\s*""', bare)
    grouped = [name for names in re.findall(r"\b(?:by|without|on)\s*\(([^)]*)\)", bare) for name in names.split(",")]
    return {name.strip() for name in (*selected, *grouped)} - {""}


# ---------------------------------------------------------------- what they ask for


@pytest.mark.parametrize("expression", EXPRESSIONS)
def test_an_expression_asks_for_metrics_and_labels_that_there_are(expression: str) -> None:
    asked = list(metrics(expression))
    assert asked
    assert set(asked) <= set(EMITTED)
    known = set().union(*(EMITTED[name] for name in asked))
    assert labels(expression) <= known


@pytest.mark.parametrize(
    "expression", ["kpisync_job_status == 1", "sum by (team) (kpisync_missing)", 'kpisync_ready{job_name="x"}']
)
def test_an_expression_that_asks_for_what_is_not_there_would_be_found(expression: str) -> None:
    unknown = set(metrics(expression)) - set(EMITTED)
    assert unknown or labels(expression) - set().union(*(EMITTED[name] for name in metrics(expression)))


@pytest.mark.parametrize("expression", EXPRESSIONS)
def test_the_states_and_topics_that_it_compares_with_are_those_there_are(expression: str) -> None:
    gates = {"open", "paused", "trouble", "shut", "unused"}
    for metric, label, words in (
        ("kpisync_job_state", "state", set(map(str, Word))),
        ("kpisync_destination_gate", "state", gates),
        ("kpisync_trouble", "topic", set(map(str, Topic))),
    ):
        for selected in re.findall(rf"{metric}\{{([^}}]*)\}}", expression):
            for compared in re.findall(rf'{label}(?:=~|!=|=)"([^"]*)"', selected):
                assert set(compared.split("|")) <= words


# ---------------------------------------------------------------- rules


def test_a_rule_says_what_for_how_long_how_bad_and_what_to_do() -> None:
    for rule in ALERTS:
        assert re.fullmatch(r"Kpisync[A-Z]\w+", rule["alert"])
        assert re.fullmatch(r"\d+m", rule["for"])
        assert rule["labels"]["severity"] in ("page", "warn")
        assert rule["annotations"]["summary"]
        assert rule["annotations"]["description"].endswith(".")
    assert not [name for name, count in Counter(rule["alert"] for rule in ALERTS).items() if count > 1]


def test_a_text_of_a_rule_uses_labels_that_its_alert_has() -> None:
    for rule in ALERTS:
        by = re.findall(r"\bby \(([^)]*)\)", rule["expr"])
        there = set(by[0].split(", ")) if by else EMITTED[next(metrics(rule["expr"]))]
        used = re.findall(r"\$labels\.(\w+)", json.dumps(rule["annotations"]))
        assert set(used) <= there, rule["alert"]


def test_there_is_a_rule_for_all_that_a_person_must_hear_of() -> None:
    rules = " ".join(rule["expr"] for rule in ALERTS)
    for asked in (
        'state="failed"',
        'state="held"',
        'state="broken"',
        'state="shut"',
        "kpisync_in_doubt",
        "kpisync_rejected",
        "kpisync_missing",
        "kpisync_ready",
        "kpisync_scheduler_beat_age_seconds",
        'topic="config"',
        "up{",
    ):
        assert asked in rules


def test_a_command_that_a_rule_names_can_be_typed() -> None:
    texts = " ".join(text for rule in ALERTS for text in rule["annotations"].values())
    commands = re.findall(r"`kpisync ([^`]+)`", texts)
    assert commands
    for command in commands:
        group = typer.main.get_command(cli)
        assert isinstance(group, typer.core.TyperGroup)
        words = re.sub(r"\{\{[^}]*\}\}", "scrap", command).split()
        context = group.make_context("kpisync", words)
        name, found, rest = group.resolve_command(context, [*context._protected_args, *context.args])
        assert found is not None
        found.make_context(name, rest, parent=context)


def test_the_rules_are_sound_to_promtool() -> None:
    promtool = shutil.which("promtool")
    if promtool is None:
        pytest.skip("promtool is not installed")
    checked = subprocess.run([promtool, "check", "rules", str(RULES)], capture_output=True, text=True, check=False)
    assert checked.returncode == 0, checked.stderr


def test_a_scrape_keeps_the_label_job_of_ours() -> None:
    (scrape,) = SCRAPE["scrape_configs"]
    assert (scrape["job_name"], scrape["honor_labels"], scrape["metrics_path"]) == ("kpisync", True, "/metrics")


# ---------------------------------------------------------------- the dashboard


def test_the_data_source_is_chosen_when_it_is_imported() -> None:
    assert VARIABLES["datasource"]["type"] == "datasource"
    chosen = {"type": "prometheus", "uid": "${datasource}"}
    for panel in PANELS:
        if panel["type"] != "row":
            assert panel["datasource"] == chosen
            assert [target["datasource"] for target in panel["targets"]] == [chosen] * len(panel["targets"])


def test_a_variable_that_a_query_uses_is_there_and_every_one_is_used() -> None:
    text = json.dumps(PANELS) + json.dumps([each.get("datasource") for each in VARIABLES.values()])
    used = set(re.findall(r"\$\{?(\w+)", text)) - {"__rate_interval"}
    assert used == set(VARIABLES)


def test_a_variable_offers_the_values_of_a_label_that_there_is() -> None:
    for variable in VARIABLES.values():
        if variable["type"] == "query":
            found = re.fullmatch(r"label_values\((\w+), (\w+)\)", variable["query"]["query"])
            assert found
            assert found[2] in EMITTED[found[1]]


def test_a_legend_names_labels_that_its_query_leaves() -> None:
    for panel in PANELS:
        for target in panel.get("targets", ()):
            shown = set(re.findall(r"\{\{(\w+)\}\}", target["legendFormat"]))
            assert shown <= set().union(*(EMITTED[name] for name in metrics(target["expr"])))
            if grouped := re.search(r"\bby \(([^)]*)\)", target["expr"]):
                assert shown <= set(grouped[1].split(", "))


def test_panels_have_ids_of_their_own_and_do_not_overlap() -> None:
    assert len({panel["id"] for panel in PANELS}) == len(PANELS)
    fields: Counter[tuple[int, int]] = Counter()
    for panel in PANELS:
        place = panel["gridPos"]
        assert place["x"] + place["w"] <= 24
        fields.update(
            (x, y)
            for x in range(place["x"], place["x"] + place["w"])
            for y in range(place["y"], place["y"] + place["h"])
        )
    assert set(fields.values()) == {1}


def test_every_metric_of_ours_that_people_act_on_is_shown() -> None:
    shown = {name for query in QUERIES for name in metrics(query)}
    unshown = {name for name in EMITTED if name.startswith("kpisync_")} - shown
    beside = {"_sum", "_count", "_timestamp_seconds"}
    assert {name for name in unshown if not name.endswith(tuple(beside))} == {
        "kpisync_build_info",
        "kpisync_board_due",
        "kpisync_last_run_seconds",
    }
