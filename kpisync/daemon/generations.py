"""Which version of each job holds: the newest sound one. A mistake in a file stops no job that ran before."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TypeVar

from kpisync.config.loaded import Loaded, Settings
from kpisync.config.problems import Problem
from kpisync.config.secrets import Secrets
from kpisync.errors import ConfigError
from kpisync.watch.model import Topic, Trouble

T = TypeVar("T")

_SHOWN = 3  # problems


@dataclass(frozen=True)
class Generation:
    """What holds since a configuration was read. `settings` are usable.

    `whole` is for looking at: the newest configuration, with the last good version of the jobs that are `kept`. `own`
    is the configuration that each sound job runs on.
    """

    whole: Loaded
    settings: Settings
    own: Mapping[str, Loaded]
    kept: frozenset[str] = frozenset()
    troubles: tuple[Trouble, ...] = ()

    def of(self, job: str) -> Loaded:
        """The configuration that a job runs on. Raises ConfigError for one that is not there, or broken."""
        if job in self.own:
            return self.own[job]
        if job in self.whole.unsound:
            raise ConfigError(f"job {job} is broken: {_said(self.whole.unsound[job])}")
        raise ConfigError(f"there is no job {job}", where=self.whole.file)


def first(loaded: Loaded, now: datetime) -> Generation:
    """Of the configuration at the start. Raises ConfigError if it cannot be used as a whole."""
    if loaded.settings is None:
        raise ConfigError("the configuration cannot be used", where=loaded.file)
    begin = Generation(loaded, loaded.settings, dict.fromkeys(loaded.jobs, loaded))
    return replace(begin, troubles=tuple(_troubles(loaded, begin.kept, (), now)))


def after(before: Generation, loaded: Loaded, now: datetime) -> Generation:
    """What holds once another configuration was read; `before` with a trouble, if that one cannot be used at all."""
    secrets = _both(before.whole.secrets, loaded.secrets)  # texts of a run on the last one may come still
    if loaded.settings is None:
        said = f"the configuration cannot be used, and the last good one goes on: {_said(loaded.problems)}"
        trouble = _since(before.troubles, Trouble(Topic.CONFIG, said, now))
        others = tuple(each for each in before.troubles if each.job)
        return replace(before, whole=replace(before.whole, secrets=secrets), troubles=(trouble, *others))
    settings = _settled(before.settings, loaded.settings)
    newest = replace(loaded, settings=settings, secrets=secrets)
    kept = frozenset(name for name in loaded.unsound if name in before.own)
    own = {**dict.fromkeys(loaded.jobs, newest), **{name: before.own[name] for name in kept}}
    whole = _with_kept(newest, {name: before.own[name] for name in kept})
    found = [*_restart(before.settings, loaded.settings, now), *_troubles(loaded, kept, before.troubles, now)]
    troubles = tuple(_since(before.troubles, each) for each in found)
    return Generation(whole, settings, own, kept, troubles)


def _settled(before: Settings, new: Settings) -> Settings:
    """Where the state is, and where the page, does not change under a running daemon; a broken section neither."""
    return replace(
        new,
        state=before.state,
        serve=before.serve,
        alerts=new.alerts or before.alerts,
        retention=new.retention or before.retention,
    )


def _with_kept(newest: Loaded, kept: Mapping[str, Loaded]) -> Loaded:
    """The newest configuration with jobs of others, and the destinations of these that it has no more."""
    jobs = {name: loaded.jobs[name] for name, loaded in kept.items()}
    theirs = {jobs[name].destination: loaded for name, loaded in kept.items()}
    return replace(
        newest,
        jobs={**newest.jobs, **jobs},
        unsound={name: found for name, found in newest.unsound.items() if name not in kept},
        destinations={**{name: each.destinations[name] for name, each in theirs.items()}, **newest.destinations},
        catalogs={**_found(theirs, {name: each.catalogs for name, each in theirs.items()}), **newest.catalogs},
    )


def _found(names: Iterable[str], where: Mapping[str, Mapping[str, T]]) -> dict[str, T]:
    return {name: where[name][name] for name in names if name in where[name]}


def _restart(before: Settings, new: Settings, now: datetime) -> Iterable[Trouble]:
    """What was asked for and does not hold yet."""
    names = [name for name in ("state", "serve") if getattr(new, name) not in (None, getattr(before, name))]
    if names:
        said = f"{' and '.join(names)} in the configuration changed, and the old ones go on. Restart kpisync"
        yield Trouble(Topic.CONFIG, said, now)


def _troubles(loaded: Loaded, kept: frozenset[str], before: tuple[Trouble, ...], now: datetime) -> Iterable[Trouble]:
    for name, problems in loaded.unsound.items():
        goes_on = "its last good version goes on" if name in kept else "it does not run"
        yield Trouble(Topic.CONFIG, f"job {name} has problems, and {goes_on}: {_said(problems)}", now, name)
    of_jobs = {problem for problems in loaded.unsound.values() for problem in problems}
    if others := [problem for problem in loaded.problems if problem not in of_jobs]:
        yield Trouble(Topic.CONFIG, f"the configuration has problems: {_said(others)}", now)


def _since(before: tuple[Trouble, ...], found: Trouble) -> Trouble:
    """The same trouble lasts since it was first seen."""
    told = (found.topic, found.job, found.said)
    same = next((each for each in before if (each.topic, each.job, each.said) == told), None)
    return same or found


def _said(problems: Iterable[Problem]) -> str:
    texts = [str(problem) for problem in problems]
    more = f"; and {len(texts) - _SHOWN} more: kpisync check shows all" if len(texts) > _SHOWN else ""
    return "; ".join(texts[:_SHOWN]) + more


def _both(one: Secrets, other: Secrets) -> Secrets:
    return one if one == other else Secrets(one.values | other.values, one.pairs | other.pairs)
