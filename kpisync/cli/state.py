"""`kpisync state`: upgrade, backup, restore and check of the state store, its old history, and what it knows."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from kpisync.cli.options import ConfigPath, Json
from kpisync.cli.session import Session, Signals, open_session
from kpisync.errors import ConfigError, Exit

if TYPE_CHECKING:
    from kpisync.state.retention import Forgotten
    from kpisync.state.soundness import Soundness


def register(cli: typer.Typer) -> None:
    commands = typer.Typer(
        no_args_is_help=True, help="The state store: upgrade, backup, restore, verify, prune, rebind."
    )
    commands.command("upgrade")(upgrade)
    commands.command("backup")(backup)
    commands.command("restore")(restore)
    commands.command("verify")(verify)
    commands.command("prune")(prune)
    commands.command("rebind")(rebind)
    cli.add_typer(commands, name="state")


def upgrade(config: ConfigPath = None) -> None:
    """Bring the store to the schema of this program; an older one is copied first."""
    from kpisync.ports import SystemClock
    from kpisync.state.open import upgrade_store

    done = upgrade_store(_url(config), SystemClock())
    if done.before == done.after:
        typer.echo(f"already at schema {done.after}")
    else:
        kept = f"; the store from before is kept as {done.backup}" if done.backup else ""
        typer.echo(f"schema {done.before or 'none'} → {done.after}{kept}")


def backup(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="Where the copy goes.")],
    config: ConfigPath = None,
) -> None:
    """Copy the store while it is in use, and check the copy."""
    from kpisync.state.backup import backup as copy

    copy(_url(config), file)
    typer.echo(f"the state store is copied to {file}, and the copy is sound")


def restore(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A copy made by `kpisync state backup`.")],
    config: ConfigPath = None,
) -> None:
    """Put a copy in the store's place; what stood there is kept beside it."""
    from kpisync.state.backup import restore as put_back

    kept = put_back(file, _url(config))
    typer.echo(f"{file} is the state store now" + (f"; the one before is kept as {kept}" if kept else ""))


def verify(
    file: Annotated[
        Path | None, typer.Argument(metavar="FILE", help="A copy; none: the store itself.", show_default=False)
    ] = None,
    config: ConfigPath = None,
    as_json: Json = False,
) -> None:
    """Read all of the store, or of a copy, and say whether it is sound; nothing is changed."""
    from kpisync.state.soundness import examine

    session = open_session(config, as_json)
    found = examine(session.app().settings.state if file is None else f"sqlite:///{file}")
    if as_json:
        session.print_json({**asdict(found), "ok": not found.problems})
    else:
        _show_soundness(session, found)
    raise typer.Exit(Exit.STATE if found.problems else Exit.OK)


def _show_soundness(session: Session, found: Soundness) -> None:
    for problem in found.problems:
        session.warn(f"{found.shown}: {problem}")
    if found.problems:
        session.warn("It is not sound. Bring back a sound copy: `kpisync state restore FILE`")
        return
    known = f"{_count(found.values, 'value')} known, {found.in_doubt:,} in doubt"
    rest = (
        f"{_count(found.open_rejects, 'open reject')}, {_count(found.changes, 'change')} in {_count(found.runs, 'run')}"
    )
    typer.echo(f"{found.shown} is sound: {known}, {rest}")
    if not found.is_current:
        typer.echo(f"its schema is {found.revision}, an older one; it is brought up when it is next used")


def prune(
    config: ConfigPath = None,
    before: Annotated[
        datetime | None,
        typer.Option("--before", formats=["%Y-%m-%d"], help="Runs from before this day; default: retention.runs."),
    ] = None,
    plan: Annotated[bool, typer.Option("--plan", help="Only count what would go.")] = False,
    as_json: Json = False,
) -> None:
    """Forget old history, as the daemon does each night; never what still stands, is open or in doubt."""
    from kpisync.ports import SystemClock
    from kpisync.state.retention import forget, would_forget

    session, clock = open_session(config, as_json), SystemClock()
    state, until = session.app().settings.state, _until(session, before, clock.now())
    with Signals().caught() as stopped:
        found = would_forget(state, until) if plan else forget(state, until, clock, lambda: stopped() is not None)
        code = stopped()
    if as_json:
        session.print_json({"before": until.isoformat(), "plan": plan, **asdict(found)})
    else:
        _show_forgotten(session, found, until, plan)
    raise typer.Exit(code or Exit.OK)


def _until(session: Session, before: datetime | None, now: datetime) -> datetime:
    """The instant that history is forgotten up to."""
    settings = session.app().settings
    if before is not None:
        until = before.replace(tzinfo=settings.timezone)
        if until > now - timedelta(days=1):
            raise ConfigError("--before is later than a day ago", hint="History is kept for a day at least.")
        return until
    if settings.retention is None:
        raise ConfigError("the section `retention` has problems", hint="`kpisync check` names them, or give --before.")
    return now - settings.retention.runs


def _show_forgotten(session: Session, found: Forgotten, until: datetime, plan: bool) -> None:
    counts = ", ".join(
        (
            _count(found.runs, "run"),
            _count(found.changes, "change"),
            _count(found.rejects, "closed reject"),
            _count(found.dues, "due time"),
            _count(found.origins, "hash or query of a source", "hashes and queries of sources"),
        )
    )
    typer.echo(f"from before {session.local(until.isoformat())} {'would go' if plan else 'are gone'}: {counts}")
    if not found.whole:
        session.warn("it was interrupted; the next call goes on")


def _count(number: int, one: str, many: str | None = None) -> str:
    return f"{number:,} {one if number == 1 else many or one + 's'}"


def rebind(
    destination: Annotated[str, typer.Argument(metavar="DESTINATION", help="The name of a destination.")],
    config: ConfigPath = None,
) -> None:
    """Keep what is known of a destination: it is the same platform under a new address."""
    from kpisync.online import open_destination
    from kpisync.ports import SystemClock
    from kpisync.state.open import open_store

    session, clock = open_session(config), SystemClock()
    with open_destination(session.loaded, destination, clock):  # it is there, and sound; nothing is sent
        identity = session.loaded.destinations[destination].options.identity
    with open_store(session.app().settings.state, clock) as store:
        before = store.rebind(destination, identity)
    if before is None:
        typer.echo(f"nothing is known of {destination} yet, so there is nothing to rebind")
    else:
        typer.echo(f"{destination} is {identity} now" + ("" if before == identity else f"; it was {before}"))


def _url(config: Path | None) -> str:
    return open_session(config).app().settings.state
