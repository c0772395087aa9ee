"""The source of MicroStrategy keeps the rules that every source keeps."""

from __future__ import annotations

import json
import subprocess
import sys
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import pytest
from microstrategy_builders import CUBE, REPORT, attribute, id_of, prompt

from kpisync.ports import Source, Surroundings
from kpisync.sources.microstrategy import SPEC
from kpisync.testing import SourceConformance
from kpisync.testing.clock import FakeClock

_PAGE = 500
Rows = Sequence[Sequence[str]]


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Mapping[str, str]]:
    """Its addresses. In a process of its own: what it holds is not what a reading holds."""
    command = [sys.executable, "-m", "kpisync", "sandbox", "--port", "0", "--json"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        yield json.loads(process.stdout.readline())
        process.terminate()


class TestMicroStrategy(SourceConformance):
    """A report over real HTTP. In a grid no two rows are alike in their attributes, so the number is one here too."""

    spec = SPEC

    @pytest.fixture(autouse=True)
    def _platform(self, sandbox: Mapping[str, str]) -> Iterator[None]:
        self.sandbox = sandbox
        yield
        self._switch("reset", "")

    def source_of(self, rows: Rows) -> Source:
        return self._source(self._put(rows))

    def source_with_other_lines(self, rows: Rows) -> tuple[Source, int]:
        return self._source(self._put([*rows, ("", "", "")], total=True)), 2

    def source_with_range(self) -> Source:
        return self._source(CUBE, kind="cube", view_filter='{"value": "{from}"}')

    def broken_sources(self) -> Mapping[str, Source]:
        self._put([("line-1", "2026-11-20", "1")], prompts=[prompt()])
        self._put([("line-1", "2026-11-20", str(n)) for n in range(3 * _PAGE)], id=id_of(7))
        self._switch("faults", [{"kind": "status", "status": 500, "path": f"offset={_PAGE}", "times": None}])
        return {
            "no such report": self._source(id_of(9)),
            "a prompt": self._source(REPORT),
            "fails midway": self._source(id_of(7)),
            "wrong password": self._source(REPORT, password="another"),
        }

    def look(self) -> object:
        with urllib.request.urlopen(f"{self.sandbox['page']}/_sandbox/state") as answer:
            found = json.load(answer)["platforms"]["microstrategy"]
        found["facts"].pop("sessions since the beginning")
        return found

    def _put(self, rows: Rows, **more: Any) -> str:
        columns = [attribute(id_of(number), name) for number, name in enumerate(self.columns)]
        thing = {"kind": "report", "id": REPORT, "name": "Scrap", "attributes": columns, "rows": rows, **more}
        self._switch("object", thing)
        return str(thing["id"])

    def _switch(self, name: str, body: Any) -> None:
        request = urllib.request.Request(
            f"{self.sandbox['page']}/_sandbox/{name}", json.dumps(body).encode(), {"Content-Type": "application/json"}
        )
        urllib.request.urlopen(request).close()

    def _source(self, id: str, kind: str = "report", **options: Any) -> Source:
        login = {"username": "sandbox", "password": "sandbox", "project": "Production"}
        given = {"url": self.sandbox["microstrategy"], **login, kind: id, "page_size": _PAGE, **options}
        return SPEC.build(SPEC.options.model_validate(given), Surroundings(clock=FakeClock()))
