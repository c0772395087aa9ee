"""Adapters are found by name, loaded only when asked for, and do not harm one another."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from kpisync.errors import ConfigError
from kpisync.fields import Options
from kpisync.ports import AdapterSpec, Surroundings
from kpisync.registry import Offer, Registry, installed, of_specs, suggestion


def nothing(options: object, around: Surroundings) -> object:
    raise NotImplementedError


SPEC = AdapterSpec("for tests", Options, nothing)


def offering(**loaders: Callable[[], object]) -> Registry:
    return Registry(sources={name: (Offer(f"pack-{name}", load),) for name, load in loaders.items()})


def failing(error: BaseException) -> Callable[[], object]:
    def load() -> object:
        raise error

    return load


def test_a_known_type_is_loaded() -> None:
    assert of_specs({"csv": SPEC}, {}).source("csv") is SPEC
    assert of_specs({}, {"board": SPEC}).destination("board") is SPEC


def test_only_the_adapter_asked_for_is_loaded() -> None:
    assert offering(csv=lambda: SPEC, sql=failing(AssertionError("loaded"))).source("csv") is SPEC


def test_an_unknown_type_is_met_with_a_suggestion_and_the_installed_ones() -> None:
    with pytest.raises(ConfigError) as error:
        offering(csv=lambda: SPEC, sql=lambda: SPEC).source("cvs")
    assert str(error.value) == 'there is no source of type "cvs"; did you mean "csv"? Installed: csv, sql.'


@pytest.mark.parametrize(
    "error", [ImportError("no lib"), SyntaxError("bad"), KeyError("x"), OSError("x"), UserWarning()]
)
def test_an_adapter_that_cannot_be_imported_is_named_with_its_package(error: Exception) -> None:
    with pytest.raises(ConfigError, match='source type "csv" of the package pack-csv cannot be imported') as found:
        offering(csv=failing(error)).source("csv")
    assert type(error).__name__ in str(found.value)


def test_a_broken_adapter_does_not_harm_the_others() -> None:
    registry = offering(bad=failing(ImportError("x")), csv=lambda: SPEC)
    with pytest.raises(ConfigError):
        registry.source("bad")
    assert registry.source("csv") is SPEC


def test_an_entry_point_that_is_no_adapter_is_refused() -> None:
    with pytest.raises(ConfigError, match="pack-csv is not an AdapterSpec"):
        offering(csv=lambda: "SPEC").source("csv")


def test_a_type_offered_by_two_packages_is_refused() -> None:
    registry = Registry(sources={"csv": (Offer("one", lambda: SPEC), Offer("two", lambda: SPEC))})
    with pytest.raises(ConfigError, match="offered by one and two"):
        registry.source("csv")


def test_the_built_in_adapters_arrive_by_entry_points() -> None:
    assert {"csv", "sql"} <= set(installed().sources)
    assert "valuestreamer" in installed().destinations


def test_a_package_beside_kpisync_is_found_and_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    info = tmp_path / "acme_kpis-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: acme-kpis\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[kpisync.sources]\nacme = acme_kpis_missing:SPEC\n")
    monkeypatch.setattr(sys, "path", [str(tmp_path), *sys.path])
    with pytest.raises(ConfigError, match="package acme-kpis cannot be imported: ModuleNotFoundError"):
        installed().source("acme")


def test_nothing_is_suggested_for_what_is_far_from_everything() -> None:
    assert suggestion("zzz", ["csv", "sql"]) == ""
