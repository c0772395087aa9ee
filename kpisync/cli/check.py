"""`kpisync check`: validate everything; with --online, also log in and look every catalog id up."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from kpisync.cli.options import ConfigPath, Json
from kpisync.cli.session import Session, SlowProgress, config_path, open_session
from kpisync.errors import Exit, combined

if TYPE_CHECKING:
    from kpisync.config.problems import Problem
    from kpisync.online import LookUp


def register(cli: typer.Typer) -> None:
    cli.command("check")(check)


def check(
    config: ConfigPath = None,
    online: Annotated[
        bool, typer.Option("--online", help="Also log in to each destination and look every catalog id up.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Validate the configuration; all problems of all jobs at once."""
    session = open_session(config, as_json)
    looked_up = _look_up(session, config) if online else []
    untold, warnings = _untold(session)
    problems = [*session.loaded.problems, *_unbound(session), *untold]
    problems += [each for one in looked_up for each in one.problems]
    warnings += [each for one in looked_up for each in one.warnings]
    if as_json:
        session.print_json(_document(session, problems, warnings, looked_up))
    else:
        _show(session, problems, warnings, looked_up)
    codes = [Exit.CONFIG] if problems else []
    raise typer.Exit(combined([*codes, *(one.error.exit_code for one in looked_up if one.error)]))


def _look_up(session: Session, config: Path | None) -> list[LookUp]:
    """Every sound destination in turn; one that cannot be used does not keep the others from being looked at."""
    from kpisync.config.findings import Findings
    from kpisync.config.read import entries, read_files
    from kpisync.online import look_up
    from kpisync.ports import SystemClock

    files = read_files(config_path(config), os.environ)
    nodes = entries(files.tops, "catalog", Findings())
    with SlowProgress() as progress:
        return [
            look_up(
                session.loaded,
                name,
                SystemClock(),
                nodes.get(name),
                lambda done, total, name=name: progress(f"looking up {name}", done, total),  # type: ignore[misc]
            )
            for name in session.loaded.destinations
        ]


def _show(session: Session, problems: list[Problem], warnings: list[Problem], looked_up: list[LookUp]) -> None:
    for problem in problems:
        session.warn(str(problem))
    if problems:
        count, jobs = len(problems), session.loaded
        session.warn(f"{count} problem{'s' * (count != 1)}; {len(jobs.jobs)} of {len(jobs.job_names)} jobs can run")
    else:
        names = ", ".join(session.loaded.jobs) or "none"
        session.out.print(f"{session.loaded.file} is sound. Jobs: {names}", markup=False)
    for line in _guarantees(session):
        session.out.print(line, markup=False, soft_wrap=True)
    for warning in warnings:
        session.warn(f"warning: {warning}")
    for one in looked_up:
        if one.error:
            session.warn(f"error: {one.error}")
        else:
            session.out.print(_line(one), markup=False)


def _guarantees(session: Session) -> Iterator[str]:
    """What holds for the values of each job: a sentence for each destination, with the jobs that send there."""
    for name, destination in session.loaded.destinations.items():
        if jobs := [job.name for job in session.loaded.jobs.values() if job.destination == name]:
            yield f"{name}: {destination.options.guarantee}. Jobs: {', '.join(jobs)}"


def _line(one: LookUp) -> str:
    if not one.can_tell:
        return f"{one.destination}: destinations of its type cannot tell what their platform has; nothing was looked up"
    kpis, teams = (f"{count} {what}{'s' * (count != 1)}" for count, what in ((one.kpis, "KPI"), (one.teams, "team")))
    wrong = f"; {len(one.problems)} of its entries are wrong" if one.problems else ""
    return f"{one.destination}: the login is good; {kpis} and {teams} of the catalog looked up{wrong}"


def _document(
    session: Session, problems: list[Problem], warnings: list[Problem], looked_up: list[LookUp]
) -> dict[str, Any]:
    document: dict[str, Any] = {
        "file": session.loaded.file,
        "ok": not problems and not any(one.error for one in looked_up),
        "jobs": list(session.loaded.jobs),
        "problems": [_said(problem) for problem in problems],
        "guarantees": {
            job.name: session.loaded.destinations[job.destination].options.guarantee
            for job in session.loaded.jobs.values()
        },
    }
    if looked_up or warnings:
        document["warnings"] = [_said(warning) for warning in warnings]
    if looked_up:
        document["destinations"] = [
            {
                "destination": one.destination,
                "kpis": one.kpis,
                "teams": one.teams,
                "error": None if one.error is None else str(one.error),
            }
            for one in looked_up
        ]
    return document


def _said(problem: Problem) -> dict[str, str | None]:
    return {name: getattr(problem, name) for name in ("place", "message", "hint", "job")}


def _unbound(session: Session) -> list[Problem]:
    """Jobs whose query binds dates that nothing gives."""
    from kpisync.config.problems import Problem

    return [
        Problem(
            job.place,
            f"job {job.name} binds dates in its query, and has no lookback",
            "Give it a lookback such as 35d; a run by hand may also give --from and --to",
            ("jobs", job.name),
        )
        for job in session.loaded.jobs.values()
        if job.needs_range_without_lookback
    ]


def _untold(session: Session) -> tuple[list[Problem], list[Problem]]:
    """Addresses of alerts that cannot be meant, and what else would keep people from being told; nothing is sent."""
    from kpisync.config.problems import Problem
    from kpisync.daemon.sending import ABSENT, addresses, installed, unknown_addresses

    options = session.loaded.settings.alerts if session.loaded.settings else None
    if options is None or not addresses(options):
        return [], []
    if not installed():
        return [], [Problem(session.loaded.file, ABSENT)]
    wrong = "is of no kind that apprise knows, or a part of it is missing"
    hint = "https://github.com/caronc/apprise/wiki describes every kind."
    names = unknown_addresses(options)
    return [Problem(session.loaded.file, f"{name} {wrong}", hint, ("alerts",)) for name in names], []
