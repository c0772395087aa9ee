"""Every mistake is met with the words that stand beside it: `NAME.yaml` is wrong, `NAME.txt` is what is said of it."""

from __future__ import annotations

from pathlib import Path

import pytest

from kpisync.config.load import load
from kpisync.registry import Registry, installed

HERE = Path(__file__).parent
ENVIRON = {"VS_PASSWORD": "hunter22", "EMPTY": ""}


@pytest.fixture(scope="module")
def registry() -> Registry:
    """What is named in the messages; adapters that come later must not change them."""
    found = installed()
    return Registry(
        {name: found.sources[name] for name in ("csv", "sql")}, {"valuestreamer": found.destinations["valuestreamer"]}
    )


@pytest.mark.parametrize("mistake", sorted(path.stem for path in HERE.glob("*.yaml")))
def test_a_mistake_is_met_with_the_expected_words(
    mistake: str, registry: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(HERE)
    problems = load(Path(f"{mistake}.yaml"), ENVIRON, registry).problems
    said = "".join(f"{problem}\n" for problem in problems)
    assert said == (HERE / f"{mistake}.txt").read_text(encoding="utf-8")
    assert said


def test_every_expected_message_has_its_mistake() -> None:
    assert {path.stem for path in HERE.glob("*.txt")} == {path.stem for path in HERE.glob("*.yaml")}
