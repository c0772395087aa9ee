"""`kpisync check`: validate everything, contact nothing."""

from __future__ import annotations

import typer

from kpisync.cli.options import ConfigPath, Json
from kpisync.cli.session import Session, open_session
from kpisync.errors import Exit


def register(cli: typer.Typer) -> None:
    cli.command("check")(check)


def check(config: ConfigPath = None, as_json: Json = False) -> None:
    """Validate the configuration; all problems of all jobs at once."""
    session = open_session(config, as_json)
    problems = [*session.loaded.problems, *_unbound(session)]
    if as_json:
        session.print_json(_document(session, problems))
    elif problems:
        for problem in problems:
            session.warn(str(problem))
        count = len(problems)
        session.warn(f"{count} problem{'s' * (count != 1)}; {len(session.loaded.jobs)} of {_all(session)} jobs can run")
    else:
        names = ", ".join(session.loaded.jobs) or "none"
        session.out.print(f"{session.loaded.file} is sound. Jobs: {names}", markup=False)
    if problems:
        raise typer.Exit(Exit.CONFIG)


def _all(session: Session) -> int:
    return len(session.loaded.job_names)


def _document(session: Session, problems: list[object]) -> dict[str, object]:
    return {
        "file": session.loaded.file,
        "ok": not problems,
        "jobs": list(session.loaded.jobs),
        "problems": [
            {name: getattr(problem, name) for name in ("place", "message", "hint", "job")} for problem in problems
        ],
    }


def _unbound(session: Session) -> list[object]:
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
