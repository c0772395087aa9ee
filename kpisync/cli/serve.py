"""`kpisync serve`: the daemon. It runs the jobs when they are due, and shows on a page how they are."""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from queue import SimpleQueue
from types import FrameType
from typing import TYPE_CHECKING, Annotated

import typer

from kpisync.cli.options import ConfigPath
from kpisync.cli.session import be_observed, complain, config_path
from kpisync.errors import Exit
from kpisync.support.memory import collect_seldom, share_heaps

if TYPE_CHECKING:
    from kpisync.config.loaded import Loaded
    from kpisync.config.schema import ServeOptions

Asked = SimpleQueue[Exit]  # why to end; may be filled by a signal handler, which a lock would be too much for


def register(cli: typer.Typer) -> None:
    cli.command("serve")(serve)


def serve(
    config: ConfigPath = None,
    host: Annotated[
        str | None,
        typer.Option("--host", help="Where to listen; default: serve.host, 127.0.0.1.", show_default=False),
    ] = None,
    port: Annotated[
        int | None,
        typer.Option(
            "--port", min=0, max=65535, help="0: any free one; default: serve.port, 8080.", show_default=False
        ),
    ] = None,
) -> None:
    """Run the jobs when they are due, with a page that shows how they are, until a signal ends it.

    SIGTERM and Ctrl-C: finish what is in flight, record it, and end within 10 seconds.
    SIGHUP: read the configuration again.
    """
    import structlog

    collect_seldom()
    share_heaps()
    from kpisync.config.load import load
    from kpisync.serving import Serving

    path, environ, begun = config_path(config), dict(os.environ), time.time_ns()
    loaded = load(path, environ)
    options = _options(loaded, host, port)
    serving = Serving(lambda: load(path, environ), loaded, begun, options)
    be_observed(serving.service.redact, "info")
    with _signals(serving.service.reload) as asked:
        url = serving.start(lambda: asked.put(Exit.BUG))
        sys.stdout.write(f"kpisync serves on {url}\n")
        sys.stdout.flush()
        code = asked.get()
        structlog.get_logger().info("asked to end: finishing what is in flight; once more ends at once")
        left = serving.stop()
    _end(code, left)


def _options(loaded: Loaded, host: str | None, port: int | None) -> ServeOptions:
    """Raises ConfigError, with what is wrong on stderr before it."""
    from kpisync.serving import options

    if loaded.settings is None or loaded.settings.serve is None:
        for problem in loaded.problems:
            complain(loaded.secrets.redact(str(problem)))
    return options(loaded, host, port)


@contextmanager
def _signals(reload: Callable[[], None]) -> Iterator[Asked]:
    """SIGINT and SIGTERM ask for the end once; the second one ends at once."""
    asked = Asked()

    def end(number: int, frame: FrameType | None) -> None:
        for each in (signal.SIGINT, signal.SIGTERM):
            signal.signal(each, signal.SIG_DFL)
        asked.put(Exit.SIGINT if number == signal.SIGINT else Exit.SIGTERM)

    handlers = {signal.SIGINT: end, signal.SIGTERM: end}
    if sys.platform != "win32":  # which has no such signal
        handlers[signal.SIGHUP] = lambda number, frame: reload()
    kept = {number: signal.signal(number, handler) for number, handler in handlers.items()}
    try:
        yield asked
    finally:
        for number, handler in kept.items():
            signal.signal(number, handler)


def _end(code: Exit, left: tuple[str, ...]) -> None:
    """With runs that do not end, at once: what they have sent is in doubt in the state store, and looked at first."""
    if not left:
        raise typer.Exit(code)
    complain(f"still running, and broken off: {', '.join(left)}")
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)
