"""What the sandbox holds at one instant, for its page and for its state in JSON."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from kpisync.sandbox.core import Core
from kpisync.sandbox.exact import written
from kpisync.sandbox.journal import Entry
from kpisync.sandbox.platform import IsSource, Line
from kpisync.sandbox.settings import Fault, SandboxSettings


@dataclass(frozen=True, slots=True)
class Snapshot:
    settings: SandboxSettings
    faults: tuple[Fault, ...]  # still to come
    late: int  # late commits still to come
    lines: Mapping[str, list[Line]]  # by platform, newest write first
    urls: Mapping[str, str]  # by platform
    logins: Mapping[str, Mapping[str, str]]  # by platform: what a configuration needs beside the url
    facts: Mapping[str, Mapping[str, str]]  # by platform; of sources alone
    methods: Mapping[str, int]
    answers: Mapping[tuple[str, int | None], int]
    entries: list[Entry]  # newest first


def taken(core: Core, url: str, lines: int | None, entries: int) -> Snapshot:
    """At most so many lines of each platform (None: all) and so many entries of the journal."""
    with core.lock:
        return Snapshot(
            settings=core.settings,
            faults=core.faults.pending(),
            late=core.late(),
            lines={name: platform.lines(lines) for name, platform in core.platforms.items()},
            urls={name: url + platform.api_path for name, platform in core.platforms.items()},
            logins={name: platform.login(core.settings) for name, platform in core.platforms.items()},
            facts={
                name: dict(platform.facts(core.settings))
                for name, platform in core.platforms.items()
                if isinstance(platform, IsSource)
            },
            methods=dict(core.journal.methods),
            answers=dict(core.journal.answers),
            entries=core.journal.last(entries),
        )


def as_json(snapshot: Snapshot) -> dict[str, Any]:
    """For `json.dumps`. Numbers of records are text, so that no reader rounds them; secrets are left out."""
    return {
        "settings": shown(snapshot.settings),
        "faults": [fault.model_dump(mode="json") for fault in snapshot.faults],
        "late_commits": snapshot.late,
        "platforms": {
            name: {"url": snapshot.urls[name], "records": [_line(line) for line in lines], **_facts(snapshot, name)}
            for name, lines in snapshot.lines.items()
        },
        "requests": snapshot.methods,
        "answers": [
            {"method": method, "status": status, "count": count} for (method, status), count in snapshot.answers.items()
        ],
        "journal": [{**entry._asdict(), "at": entry.at.isoformat()} for entry in snapshot.entries],
    }


def _facts(snapshot: Snapshot, name: str) -> dict[str, Any]:
    return {"facts": snapshot.facts[name]} if name in snapshot.facts else {}


def shown(settings: SandboxSettings) -> dict[str, Any]:
    """The behaviour as a user writes it, without its secrets; faults stand elsewhere, with their progress."""
    return settings.model_dump(mode="json", exclude={"password", "token", "faults"})


def _line(line: Line) -> dict[str, Any]:
    return {
        "kpi": line.kpi,
        "team": line.team,
        "sub_tile": line.sub_tile,
        "date": line.period.isoformat(),
        "values": {name: written(number) for name, number in line.values},
        **dict(line.details),
    }
