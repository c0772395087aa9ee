"""What every command needs: the loaded configuration, redacted output, progress, and a clean end on a signal."""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Any, TextIO

from rich.console import Console

from kpisync.errors import ConfigError, Exit
from kpisync.support.json import dumps

if TYPE_CHECKING:
    from kpisync.app import App
    from kpisync.config.loaded import Loaded
    from kpisync.errors import LockedError
    from kpisync.jobs import Request
    from kpisync.upkeep.visit import Upkeep

DEFAULT_CONFIG = Path("config/kpisync.yaml")
_PIPE_WIDTH = 200  # columns, where no terminal says how wide it is
_SLOW = 2.0  # seconds; what ends sooner shows no progress


@dataclass(frozen=True)
class Session:
    """One command's surroundings."""

    loaded: Loaded
    as_json: bool

    @property
    def out(self) -> Console:
        return Console(highlight=False, width=None if _is_terminal(sys.stdout) else _PIPE_WIDTH)

    def local(self, instant: str | None) -> str:
        """A kept instant as the clock at the plant showed it."""
        return "–" if instant is None else f"{self._at_the_plant(datetime.fromisoformat(instant)):%Y-%m-%d %H:%M}"

    def app(self, **parts: Any) -> App:
        from kpisync.app import App

        return App(self.loaded, **parts)

    def print_json(self, document: dict[str, Any]) -> None:
        sys.stdout.write(self.dumped(document) + "\n")

    def dumped(self, document: dict[str, Any]) -> str:
        """A document as JSON, with secrets struck out of its texts."""
        from kpisync.reports import without_secrets

        return dumps(without_secrets(document, self.loaded.secrets.redact))

    def warn(self, text: str) -> None:
        complain(self.loaded.secrets.redact(text))

    def waiting(self, job: str, until: datetime) -> None:
        """Said on a terminal or not: minutes of silence look like a command that hangs."""
        at = f"{self._at_the_plant(until):%H:%M:%S}"
        self.warn(f"waiting until {at} for an earlier request to settle (job {job})")

    def queued(self, job: str, taken: LockedError) -> None:
        self.warn(f"waiting until it ends (job {job}): {taken.what}")

    @contextmanager
    def at_work(self) -> Iterator[App]:
        """The app for a command that sends: with its progress and its waits on stderr, and ended by signals."""
        with Signals().caught() as signals, SlowProgress() as progress:
            yield self.app(stopped=signals, progress=progress, waiting=self.waiting, queued=self.queued)

    @contextmanager
    def at_upkeep(self) -> Iterator[Upkeep]:
        """The same for a command that looks after what was sent."""
        from kpisync.upkeep.visit import Upkeep

        with Signals().caught() as signals, SlowProgress() as progress:
            parts: dict[str, Any] = {"stopped": signals, "progress": progress}
            yield Upkeep(self.loaded, **parts, waiting=self.waiting, queued=self.queued)

    def _at_the_plant(self, instant: datetime) -> datetime:
        return instant.astimezone(self.loaded.settings.timezone if self.loaded.settings else None)


def _is_terminal(stream: TextIO | None) -> bool:
    """None: it was closed before we were started."""
    return stream is not None and stream.isatty()


def config_path(path: Path | None) -> Path:
    """Where the configuration is: the command's --config, the program's, $KPISYNC_CONFIG, or the default."""
    named = os.environ.get("KPISYNC_CONFIG")
    return path or ROOT.get("config") or (Path(named) if named else DEFAULT_CONFIG)


def open_session(path: Path | None, as_json: bool = False) -> Session:
    """Load the configuration. A command given after the program's own --config wins."""
    from kpisync.config.load import load

    loaded = load(config_path(path), dict(os.environ))
    be_observed(loaded.secrets.redact, "warning")
    return Session(loaded, as_json)


def be_observed(redact: Callable[[str], str], usual: str) -> None:
    """Set up logs, from the `usual` level on unless KPISYNC_LOG names another one, and traces. Raises ConfigError."""
    from kpisync.support import tracing
    from kpisync.support.log import LEVELS, configure

    level = os.environ.get("KPISYNC_LOG", usual).lower()
    if level not in LEVELS:
        raise ConfigError(f"KPISYNC_LOG is {level}", hint=f"Set it to one of {', '.join(LEVELS)}")
    configure(level, redact, as_json=not _is_terminal(sys.stderr))
    tracing.start(os.environ)


ROOT: dict[str, Path] = {}  # the options given before the command


def complain(text: str) -> None:
    """One message on stderr, without markup."""
    Console(stderr=True, highlight=False, soft_wrap=True).print(text, markup=False)


def request(
    jobs: list[str] | None, first: Any, last: Any, kpi: str | None, team: str | None, over_guard: bool = False
) -> Request:
    from kpisync.jobs import Request

    return Request(
        tuple(jobs or ()),
        first.date() if first else None,
        last.date() if last else None,
        kpi,
        team,
        over_guard,
    )


@dataclass
class Signals:
    """Ctrl-C and SIGTERM ask for a clean end once; the second one ends at once."""

    asked: Exit | None = None

    def __call__(self) -> Exit | None:
        return self.asked

    @contextmanager
    def caught(self) -> Iterator[Signals]:
        kept = {number: signal.signal(number, self._ask) for number in (signal.SIGINT, signal.SIGTERM)}
        try:
            yield self
        finally:
            for number, handler in kept.items():
                signal.signal(number, handler)

    def _ask(self, number: int, frame: FrameType | None) -> None:
        self.asked = Exit.SIGINT if number == signal.SIGINT else Exit.SIGTERM
        signal.signal(number, signal.SIG_DFL)
        complain("finishing what is in flight; once more ends at once")


@dataclass
class SlowProgress:
    """A line on stderr for work that takes over two seconds; silent where stderr is no terminal."""

    _begun: float = field(default_factory=time.monotonic)
    _stop: Callable[[], None] | None = None
    _show: Callable[[str, int, int | None], None] | None = None

    def __call__(self, stage: str, done: int, total: int | None) -> None:
        if self._show is None:
            if not _is_terminal(sys.stderr) or time.monotonic() - self._begun < _SLOW:
                return
            self._start()
        if self._show is not None:
            self._show(stage, done, total)

    def _start(self) -> None:
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
        # Where only stderr is a terminal, what goes to stdout must not be taken there with the bar.
        bar = Progress(*columns, console=Console(stderr=True), transient=True, redirect_stdout=_is_terminal(sys.stdout))
        bar.start()
        task = bar.add_task("")
        self._stop = bar.stop
        self._show = lambda stage, done, total: bar.update(task, description=stage, completed=done, total=total)

    def __enter__(self) -> SlowProgress:
        return self

    def __exit__(self, *reason: object) -> None:
        if self._stop is not None:
            self._stop()
