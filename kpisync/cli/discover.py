"""`kpisync discover`: read KPIs, teams and value kinds from a platform, and write them down as a catalog."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from kpisync.cli.options import ConfigPath, Json
from kpisync.cli.session import Session, SlowProgress, complain, config_path, open_session
from kpisync.errors import ConfigError

if TYPE_CHECKING:
    from kpisync.catalogs.merge import Discovered, Merge
    from kpisync.ports import MetaKpi

_MOST = 10  # sentences of one kind; --json has all


def register(cli: typer.Typer) -> None:
    cli.command("discover")(discover)


def discover(
    destination: Annotated[str, typer.Argument(metavar="DESTINATION", help="A name under destinations.")],
    config: ConfigPath = None,
    write: Annotated[
        Path | None,
        typer.Option("--write", help="Add what is new to this file; all that stands in it is kept."),
    ] = None,
    probe: Annotated[bool, typer.Option("--probe", help="Find out on a scratch KPI what a write does.")] = False,
    as_json: Json = False,
) -> None:
    """Read KPIs, teams and value kinds from the platform, and print or write a catalog; send nothing."""
    session = open_session(config, as_json)
    if probe:
        _probe(session, destination, write)
        return
    found = _discovered(session, destination)
    if write is None:
        merge, text = _printed(session, destination, found)
        changed = False
    else:
        merge, changed = _written(session, destination, found, write)
        text = ""
    if as_json:
        session.print_json(_document(destination, write, changed, found, merge))
        return
    if text:
        typer.echo(text)
    _tell(merge, found, write, changed)
    if write is not None:
        _warn_of_place(config, destination, write)


def _probe(session: Session, destination: str, write: Path | None) -> None:
    """Each step is told as it was done, for each is a request or several."""
    from kpisync.online import open_destination
    from kpisync.ports import HasProbe, SystemClock

    with open_destination(session.loaded, destination, SystemClock()) as platform:
        if not isinstance(platform, HasProbe):
            kind = session.loaded.destinations[destination].type
            what = f"--probe is not for {destination}: a destination of type {kind} has no scratch KPI to write to"
            raise ConfigError(what, hint="It is meant for Quantive; leave it out")
        if write is not None:
            raise ConfigError("--probe finds no catalog that could be written", hint="Leave --write out")
        steps = []
        for step in platform.probe():
            steps.append(step)
            if not session.as_json:
                typer.echo(step)
    if session.as_json:
        session.print_json({"destination": destination, "probe": steps})


def _discovered(session: Session, destination: str) -> Discovered:
    from kpisync.model import Catalog
    from kpisync.online import discovered, open_meta
    from kpisync.ports import SupposesInterval, SystemClock

    with open_meta(session.loaded, destination, SystemClock()) as meta, SlowProgress() as progress:
        if meta is None:
            kind = session.loaded.destinations[destination].type
            what = f"a destination of type {kind} cannot tell what its platform has"
            raise ConfigError(what, where=f"destination {destination}", hint="Write its catalog by hand")
        known = session.loaded.catalogs.get(destination, Catalog())
        found = discovered(meta, known, lambda done, total: progress("reading KPIs", done, total))
    if isinstance(meta, SupposesInterval) and any(known.kpi(kpi.id) is None for kpi in found.kpis):
        what = f"the platform does not say how often a KPI is measured: {meta.supposed_interval} is written"
        complain(f"{what}; correct it where it is another")
    return found


def _printed(session: Session, destination: str, found: Discovered) -> tuple[Merge, str]:
    from kpisync.catalogs.graft import Entry, rendered
    from kpisync.catalogs.merge import merged
    from kpisync.model import Catalog

    merge = merged(found, session.loaded.catalogs.get(destination, Catalog()), whole=True)
    return merge, "\n".join(rendered({"catalog": Entry({destination: Entry(merge.tree)})}))


def _written(session: Session, destination: str, found: Discovered, file: Path) -> tuple[Merge, bool]:
    """What was merged, and whether the file was changed by it."""
    from kpisync.catalogs.graft import Entry, grafted
    from kpisync.catalogs.merge import GONE, merged
    from kpisync.catalogs.read import read_catalog
    from kpisync.catalogs.write import write_text
    from kpisync.model import Catalog

    read = read_catalog(file, destination, os.environ)
    if read is None:
        before, merge = "", merged(found, session.loaded.catalogs.get(destination, Catalog()), whole=True)
        merge.gone.clear()  # they are not in this file
    else:
        before, merge = read[0], merged(found, read[1])
    remarks = {("catalog", destination, *path): GONE.format(what) for path, what in merge.gone.items()}
    tree = {"catalog": Entry({destination: Entry(merge.tree)})} if merge.tree else {}
    after = grafted(before, file, tree, remarks)
    if after != before:
        write_text(file, after)
    return merge, after != before


def _tell(merge: Merge, found: Discovered, write: Path | None, changed: bool) -> None:
    """What a person should know, on stderr."""
    complain(f"{len(found.kpis)} KPIs and {len(found.teams)} teams on the platform")
    _list("added" if write else "not in your catalog yet", merge.added)
    _list("DECIDE", merge.decide)
    _list("differs; the catalog is left as it is", merge.differing)
    _list("other names; yours are kept", merge.renamed)
    _list("no longer on the platform" + ("; kept" if write else ""), list(map(_path, merge.gone.items())))
    if write is not None:
        complain(f"{write} is written" if changed else f"{write} has it all already; nothing was written")


def _warn_of_place(config: Path | None, destination: str, write: Path) -> None:
    """A catalog in a file that is not read, or in two that are, is no use."""
    from kpisync.config.read import read_files

    path = config_path(config)
    files = {top.document.file: destination in top.at("catalog") for top in read_files(path, os.environ).tops}
    others = [file for file, has_it in files.items() if has_it and file.resolve() != write.resolve()]
    if write.resolve() not in {file.resolve() for file in files}:
        complain(f"{path} does not read {write}: -c names a folder whose catalog/*.yaml are read, or one file")
    elif others:
        complain(f"the catalog of {destination} also stands in {others[0]}: keep one of them")


def _list(title: str, sentences: list[str]) -> None:
    if sentences:
        complain(f"{title}:")
        for sentence in sentences[:_MOST]:
            complain(f"  {sentence}")
        if len(sentences) > _MOST:
            complain(f"  and {len(sentences) - _MOST} more (--json shows all)")


def _path(gone: tuple[tuple[str, ...], str]) -> str:
    path, what = gone
    return f"{what} {path[-1]}" + (f" of KPI {path[1]}" if len(path) == 4 else "")


def _document(destination: str, write: Path | None, changed: bool, found: Discovered, merge: Merge) -> dict[str, Any]:
    return {
        "destination": destination,
        "file": None if write is None else str(write),
        "changed": changed,
        "teams": [{"id": id, "name": name} for id, name in found.teams.items()],
        "kpis": [_kpi(kpi, found) for kpi in found.kpis],
        "added": merge.added,
        "decide": merge.decide,
        "differing": merge.differing,
        "renamed": merge.renamed,
        "gone": list(map(_path, merge.gone.items())),
    }


def _kpi(kpi: MetaKpi, found: Discovered) -> dict[str, Any]:
    parts = {"values": kpi.values, "sub_tiles": kpi.sub_tiles, "recording_teams": kpi.teams}
    return {
        "id": kpi.id,
        "name": kpi.name,
        "interval": kpi.interval,
        "says": kpi.says,
        "aggregation": kpi.aggregation,
        "error": found.unread.get(kpi.id),
        **{key: [{"id": id, "name": name} for id, name in ids.items()] for key, ids in parts.items()},
    }
