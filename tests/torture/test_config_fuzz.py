"""Whatever a configuration file holds, loading it ends in problems, quickly, and never in an exception."""

from __future__ import annotations

from copy import deepcopy
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from measure import amount

from kpisync.config.load import load
from kpisync.config.loaded import Loaded
from kpisync.registry import installed

REGISTRY = installed()
ENVIRON = {"SET": "x", "EMPTY": "", "ODD": "a\nb\udcff"}

VALID: dict[str, Any] = {
    "version": 1,
    "timezone": "Europe/Berlin",
    "state": "sqlite:///state/kpisync.db",
    "destinations": {
        "board": {
            "type": "valuestreamer",
            "url": "https://api-acme.valuestreamer.de/api",
            "username": "${env:SET}",
            "password": "${file:pw}",
            "rate_limit": "5/s",
            "concurrency": 4,
            "timeout": "30s",
            "confirm": "read-back",
        }
    },
    "catalog": {
        "board": {
            "teams": {"line-1": "8dca904d-9134-3bb0-95b7-3f72ae3dfacf"},
            "kpis": {
                "scrap": {
                    "id": "c3ba32c2-a13a-0000-0000-000000000000",
                    "interval": "day",
                    "values": {"actual": "79cf2f74-0e9c-45b5-bc4d-f437079dde7c"},
                    "sub_tiles": {"early": "5b1f0e8a-6c1d-4b53-9a8e-2f6f0c3d7e11"},
                }
            },
        }
    },
    "lookups": {"lines": {"L1": "line-1"}, "more": {"file": "m.csv", "key": "code", "value": "team"}},
    "jobs": {
        "scrap": {
            "schedule": {"cron": "15 6 * * 1-5", "timezone": "Europe/Berlin", "catch_up": "none"},
            "source": {"type": "csv", "path": "scrap_*.csv", "encoding": "cp1252", "delimiter": ";"},
            "map": {
                "date": {"column": "Datum", "format": "%d.%m.%Y"},
                "team": {"column": "Linie", "lookup": "lines"},
                "values": [{"kpi": "scrap", "value": "actual", "column": "A", "scale": 100, "decimals": 1}],
            },
            "destination": "board",
            "lookback": "5w",
            "guard": {"min_rows": 1, "max_changed": "30%", "max_jump": "10x"},
        },
        "later": {
            "schedule": "15 6 * * 1-5",
            "source": {"type": "csv", "path": "x.csv"},
            "map": {
                "date": {"column": "D"},
                "team": "line-1",
                "values": [{"kpi": "scrap", "value": "actual", "constant": 2}],
            },
            "destination": "board",
            "after": ["scrap"],
        },
    },
    "defaults": {"lookback": "35d", "schedule": {"catch_up": "once"}},
    "serve": {"host": "127.0.0.1", "port": 8080, "token": "${env:SET:-x}"},
    "alerts": {"urls": ["https://x/y"], "on": ["failed"], "ping": ""},
    "retention": {"runs": "400d"},
}

SNIPPETS = [
    b"[", b"]", b"{", b"}", b": ", b"- ", b"\n", b"  ", b"\t", b"*a", b"&a ", b"!!str ", b"<<: ", b"? ", b"| ", b"'",
    b'"', b"#", b"---\n", b"...\n", b"%YAML 1.1\n", b"${env:SET}", b"${env:NO}", b"${env:ODD}", b"${file:/}", b"${",
    b"0010", b"1e999", b"9" * 40, b"null", b"true", b"NO", b"\x00", b"\xff", b"\xef\xbb\xbf", b"\xc2\x85", b"[" * 60,
    b"\\ud800", b'"\\0"', b"type: sql", b"version: 1\n", b"jobs: ", b"[[[[[",
]  # fmt: skip

odd_texts = st.one_of(
    st.text(max_size=20),
    st.sampled_from(["", "none", "all", "9" * 400 + "d", "9" * 5000 + "%", "1e999999", "-1", "0/s", "99999w", "NaN"]),
    st.sampled_from(
        ["${env:EMPTY}", "${env:ODD}", "${file:.}", "${file:\x00}", "sqlite://", "../x", "Etc", "* * * * *"]
    ),
    st.sampled_from(
        ["1-99999999999 * * * *", "0 0 30 2 *", "L * L * L", "*/0 * * * *", "utf-16", "undefined", "board"]
    ),
)
odd_values = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.integers(10**28, 10**40), st.floats(width=16), odd_texts),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(odd_texts, inner, max_size=3),
    max_leaves=6,
)
bounded = settings(
    max_examples=amount(300, 25_000),
    deadline=timedelta(seconds=1),
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)


@pytest.fixture(scope="module")
def main_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("fuzz")
    (directory / "pw").write_text("hunter22\n")
    (directory / "m.csv").write_text("code,team\nL1,line-1\n")
    return directory / "kpisync.yaml"


def loaded(main_file: Path, content: bytes) -> Loaded:
    """Load it, and hold the outcome to what holds for every outcome."""
    main_file.write_bytes(content)
    found = load(main_file, ENVIRON, REGISTRY)
    for problem in found.problems:
        assert problem.message
        assert "https://errors.pydantic.dev" not in problem.message
        assert problem.place.startswith(f"{main_file}:")
    assert not set(found.jobs) & set(found.unsound)
    assert all(problems for problems in found.unsound.values())
    assert "hunter22" not in "".join(map(str, found.problems))
    return found


def dumped(tree: object) -> bytes:
    return yaml.safe_dump(tree, allow_unicode=True, sort_keys=False).encode("utf-8", "replace")


def test_the_configuration_that_is_mutated_below_is_sound(main_file: Path) -> None:
    found = loaded(main_file, dumped(VALID))
    assert (found.problems, list(found.jobs)) == ((), ["scrap", "later"])


@bounded
@given(st.binary(max_size=400))
def test_random_bytes_make_problems(main_file: Path, content: bytes) -> None:
    assert loaded(main_file, content).problems


@bounded
@given(st.lists(st.sampled_from(SNIPPETS) | st.binary(max_size=3), max_size=30))
def test_random_pieces_of_yaml_make_problems_or_nothing(main_file: Path, pieces: list[bytes]) -> None:
    loaded(main_file, b"".join(pieces))


@bounded
@given(st.data())
def test_a_damaged_text_makes_problems_or_nothing(main_file: Path, data: st.DataObject) -> None:
    content = dumped(VALID)
    for _ in range(data.draw(st.integers(1, 4))):
        begin = data.draw(st.integers(0, len(content)))
        end = min(len(content), begin + data.draw(st.integers(0, 12)))
        content = content[:begin] + data.draw(st.sampled_from(SNIPPETS) | st.binary(max_size=4)) + content[end:]
    loaded(main_file, content)


def mutated(data: st.DataObject) -> dict[str, Any]:
    """The valid tree with one entry somewhere in it replaced, removed, or joined by another."""
    tree = deepcopy(VALID)
    at: Any = tree
    while True:
        keys = list(at) if isinstance(at, dict) else list(range(len(at)))
        if not keys:
            return tree
        key = data.draw(st.sampled_from(keys))
        if not isinstance(at[key], dict | list) or data.draw(st.integers(0, 4)) == 0:
            break
        at = at[key]
    how = data.draw(st.sampled_from(["replace", "remove", "join"]))
    if how == "remove":
        del at[key]
    elif how == "join" and isinstance(at, dict):
        at[data.draw(odd_texts)] = data.draw(odd_values)
    else:
        at[key] = data.draw(odd_values)
    return tree


@bounded
@given(st.data())
def test_a_mutated_tree_makes_problems_or_nothing(main_file: Path, data: st.DataObject) -> None:
    loaded(main_file, dumped(mutated(data)))
