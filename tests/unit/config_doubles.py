"""Small adapters and a way to load a configuration from texts, for the tests of the configuration."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import Field, SecretStr

from kpisync.config.load import load
from kpisync.config.loaded import Loaded
from kpisync.fields import FilePath, Options
from kpisync.model import Intake, Scope, Table
from kpisync.ports import AdapterSpec, DestinationOptions, Surroundings
from kpisync.registry import Registry, of_specs


class FileOptions(Options):
    path: FilePath
    encoding: str | None = None
    delimiter: str = Field(",", min_length=1, max_length=1)
    header: bool = True
    skip: int = Field(0, ge=0)


class QueryOptions(Options):
    url: SecretStr
    query: str


class BoardOptions(DestinationOptions):
    url: str
    username: str
    password: SecretStr


@dataclass(frozen=True)
class QuerySource:
    """A source that says whether its query has dates in it."""

    query: str

    @property
    def needs_range(self) -> bool:
        return ":from" in self.query

    def read(self, scope: Scope, intake: Intake) -> Iterator[Table]:
        raise NotImplementedError


def _query_source(options: Any, around: Surroundings) -> QuerySource:
    return QuerySource(getattr(options, "query", ""))


def _no_destination(options: Any, around: Surroundings) -> Any:
    raise NotImplementedError


def doubles() -> Registry:
    return of_specs(
        sources={
            "csv": AdapterSpec("a file", FileOptions, _query_source),
            "sql": AdapterSpec("a query", QueryOptions, _query_source),
        },
        destinations={
            "valuestreamer": AdapterSpec("a board", BoardOptions, _no_destination),
            "memory": AdapterSpec("a dictionary", DestinationOptions, _no_destination),
        },
    )


HEAD = """\
version: 1
destinations:
  board: {type: valuestreamer, url: "https://x", username: maria, password: hunter22}
  memo: {type: memory}
catalog:
  board:
    teams: {line-1: 8dca904d-9134-3bb0-95b7-3f72ae3dfacf}
    kpis:
      scrap:
        id: c3ba32c2-a13a-0000-0000-000000000000
        values: {actual: 79cf2f74-0e9c-45b5-bc4d-f437079dde7c, target: fd2c7750-79e1-4514-89a2-e9c103db4d6b}
        sub_tiles: {early: 5b1f0e8a-6c1d-4b53-9a8e-2f6f0c3d7e11}
lookups:
  lines: {L1: line-1}
jobs:
"""

SOURCE = "{type: csv, path: a.csv}"
MAP = "{date: {column: D}, team: line-1, values: [{kpi: scrap, value: actual, column: A}]}"


def job(name: str, more: str = "", *, source: str = SOURCE, map: str = MAP, destination: str = "board") -> str:
    """One job as YAML, fit to stand under `jobs:`; `more` is further keys, a line each."""
    lines = [f"source: {source}", f"map: {map}", f"destination: {destination}", *more.splitlines()]
    return f"  {name}:\n" + "".join(f"    {line}\n" for line in lines)


def write(directory: Path, files: Mapping[str, str]) -> None:
    for name, text in files.items():
        (directory / name).parent.mkdir(parents=True, exist_ok=True)
        (directory / name).write_text(text, encoding="utf-8")


def load_text(directory: Path, text: str, environ: Mapping[str, str] | None = None) -> Loaded:
    """Load one main file of this text."""
    write(directory, {"kpisync.yaml": text})
    return load(directory / "kpisync.yaml", environ or {}, doubles())


def said(loaded: Loaded) -> list[str]:
    """The problems as `line:column message hint`, without the file."""
    return [str(problem).partition(".yaml:")[2] for problem in loaded.problems]
