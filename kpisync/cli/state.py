"""`kpisync state`: upgrade, backup and restore of the state store, and what it knows a destination as."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from kpisync.cli.options import ConfigPath
from kpisync.cli.session import open_session


def register(cli: typer.Typer) -> None:
    commands = typer.Typer(no_args_is_help=True, help="The state store: upgrade, backup, restore, rebind.")
    commands.command("upgrade")(upgrade)
    commands.command("backup")(backup)
    commands.command("restore")(restore)
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
    file: Annotated[Path, typer.Argument(help="Where the copy goes.")],
    config: ConfigPath = None,
) -> None:
    """Copy the store while it is in use, and check the copy."""
    from kpisync.state.backup import backup as copy

    copy(_url(config), file)
    typer.echo(f"the state store is copied to {file}, and the copy is sound")


def restore(
    file: Annotated[Path, typer.Argument(help="A copy made by `kpisync state backup`.")],
    config: ConfigPath = None,
) -> None:
    """Put a copy in the store's place; what stood there is kept beside it."""
    from kpisync.state.backup import restore as put_back

    kept = put_back(file, _url(config))
    typer.echo(f"{file} is the state store now" + (f"; the one before is kept as {kept}" if kept else ""))


def rebind(
    destination: Annotated[str, typer.Argument(help="The name of a destination.")],
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
