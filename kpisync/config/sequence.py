"""Jobs that come after others: the others exist, and none waits for itself."""

from __future__ import annotations

from collections.abc import Mapping

from kpisync.config.checks import as_name
from kpisync.config.findings import Findings, Node
from kpisync.registry import suggestion


def check_after(jobs: Mapping[str, Node], findings: Findings) -> None:
    """Jobs named by `after` exist, and none waits for itself, be it through others."""
    after: dict[str, list[str]] = {}
    for name, job in jobs.items():
        waits = job.at("after").value
        after[name] = [as_name(each) or "" for each in waits] if isinstance(waits, list) else []
    for name, job in jobs.items():
        for index, other in enumerate(after[name]):
            if other and other not in jobs:
                message = f"there is no job {findings.quote(other)}{suggestion(other, jobs)}"
                findings.add(job.at("after", index), message)
        if circle := _circle(name, after):
            message = f"this job waits for itself: {' → '.join(circle)}"
            findings.add(job.at("after"), message, "Take one of them out of `after`.", key=True)


def _circle(start: str, after: Mapping[str, list[str]]) -> list[str] | None:
    """The shortest way from a job back to itself."""
    ways = [[start]]
    seen: set[str] = set()
    for way in ways:
        for other in after.get(way[-1], ()):
            if other == start:
                return [*way, other]
            if other not in seen:
                seen.add(other)
                ways.append([*way, other])
    return None
