"""`kpisync sandbox`: stand-ins of all platforms on this machine, to try a configuration without the real board."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from kpisync.cli.options import ConfigPath, Json
from kpisync.cli.session import config_path, open_session
from kpisync.errors import ConfigError
from kpisync.support.json import dumps

if TYPE_CHECKING:
    from kpisync.model import Catalog

_PLATFORMS = {
    "valuestreamer": "ValueStreamer",
    "quantive": "Quantive",
    "gtmhub": "Gtmhub",
    "microstrategy": "MicroStrategy",
}


def register(cli: typer.Typer) -> None:
    cli.command("sandbox")(sandbox)


def sandbox(
    config: ConfigPath = None,
    port: Annotated[int, typer.Option("--port", min=0, max=65535, help="0: any free one.")] = 8765,
    username: Annotated[str, typer.Option("--username", help="What a ValueStreamer client logs in with.")] = "sandbox",
    password: Annotated[str, typer.Option("--password", help="What a ValueStreamer client logs in with.")] = "sandbox",  # noqa: S107
    partial_sets: Annotated[
        str,
        typer.Option(
            "--partial-sets",
            help="Values that a write leaves out: merge-keep, merge-target-zero, merge-target-historical, replace-all.",
        ),
    ] = "merge-target-zero",
    latency: Annotated[str, typer.Option("--latency", help="Wait so long before each answer.")] = "0s",
    rate_limit: Annotated[str, typer.Option("--rate-limit", help="More than this get 429: 5/s, 100/m, none.")] = "none",
    settings_file: Annotated[
        Path | None, typer.Option("--settings", help="A YAML file with these settings and faults.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Serve stand-ins of the platforms on 127.0.0.1, with a page that shows what they hold; Ctrl-C ends it."""
    from kpisync.sandbox.server import Sandbox

    given = {
        "username": username,
        "password": password,
        "partial_sets": partial_sets,
        "latency": latency,
        "rate_limit": rate_limit,
    }
    settings = _settings({**given, **_from_file(settings_file)})
    stand_in = Sandbox(settings, _catalogs(config), port)
    urls = {name: stand_in.platform_url(name) for name in _PLATFORMS}
    if as_json:
        names = {"username": settings.username, "account": settings.account}
        typer.echo(dumps({"page": stand_in.url, **urls, **names}))
    else:
        for name, title in _PLATFORMS.items():
            typer.echo(f"{title} stand-in: {urls[name]}")
            for option, value in stand_in.platform_login(name).items():
                typer.echo(f"{option}: {value}")
        typer.echo(f"What it holds: {stand_in.url}\nCtrl-C ends it; nothing is kept.")
    raise typer.Exit(stand_in.serve_forever())


def _settings(given: dict[str, Any]) -> Any:
    from pydantic import ValidationError

    from kpisync.sandbox.settings import SandboxSettings

    try:
        return SandboxSettings(**given)
    except ValidationError as error:
        first = error.errors()[0]
        name = "--" + ".".join(str(part) for part in first["loc"]).replace("_", "-")
        raise ConfigError(f"{name}: {first['msg'].removeprefix('Value error, ')}") from None


def _from_file(path: Path | None) -> dict[str, Any]:
    if path is None:
        return {}
    from kpisync.config.yaml import parse

    try:
        document = parse(path.read_bytes(), path)
    except OSError as error:
        raise ConfigError(f"cannot read {path}: {error.strerror}") from None
    if document.faults or not isinstance(document.value, dict):
        why = document.faults[0].message if document.faults else "it holds no settings"
        raise ConfigError(why, where=str(path))
    return document.value


def _catalogs(config: Path | None) -> dict[str, Catalog]:
    """What each stand-in knows, by platform type: the catalogs of all destinations of that type, if there are any."""
    from kpisync.model import Catalog

    if not config_path(config).exists():
        return {}
    loaded = open_session(config).loaded
    known: dict[str, Catalog] = {}
    for name, destination in loaded.destinations.items():
        own, others = loaded.catalogs.get(name, Catalog()), known.get(destination.type, Catalog())
        known[destination.type] = Catalog({**others.teams, **own.teams}, {**others.kpis, **own.kpis})
    return known
