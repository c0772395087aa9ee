"""`kpisync serve` put together: the daemon, what it shows, whom it tells, and the server of its page."""

from __future__ import annotations

import socket
import sys
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from threading import Thread

import structlog
import uvicorn

from kpisync.config.loaded import Loaded
from kpisync.config.schema import AlertOptions, ServeOptions
from kpisync.daemon.alerts import Alerts
from kpisync.daemon.aside import in_thread
from kpisync.daemon.edge import Edge
from kpisync.daemon.ping import Ping
from kpisync.daemon.service import Hooks, Service
from kpisync.errors import ConfigError, StateError
from kpisync.jobs import JobResult
from kpisync.ports import Clock, SystemClock
from kpisync.state.retention import forget
from kpisync.support.memory import settle
from kpisync.watch.model import Overview, Trouble
from kpisync.watch.tally import Tally
from kpisync.watch.watch import Watch
from kpisync.web.app import build_app

log = structlog.get_logger()

_SWITCH = 0.001  # seconds; with Python's 0.005 a page waits so long for each of the runs that compute beside it
_PAGES = 1  # seconds for pages that are being sent, at the end
_MESSAGES = 0.5  # seconds for alerts that are being sent


@dataclass
class Serving:
    """The daemon with everything that hangs on it. Raises ConfigError if the configuration cannot be used."""

    load: Callable[[], Loaded]
    at_start: Loaded
    begun: int  # when that was read, in nanoseconds
    serve: ServeOptions
    clock: Clock = field(default_factory=SystemClock)
    _last: Overview | None = None

    def __post_init__(self) -> None:
        self.service = service = Service(self.load, self.at_start, self.begun, self.clock)
        self.tally = Tally()
        self.watch = Watch(service.loaded, service.live, self.tally, self.clock, in_thread)
        who = f"{socket.gethostname()} {self.serve.host}:{self.serve.port}"
        self._alerts = Alerts(
            self._alert_options, service.store, self.clock, service.redact, who, zone=self.watch.timezone
        )
        self._ping = Ping(self._alert_options, self.clock, service.redact)
        service.hooks = Hooks(self._ended, self._look_around, self._forget, self._troubles)
        app = build_app(self.watch, service, self.serve, service.redact, self.clock)
        self.page = Page(app, self.serve.host, self.serve.port)

    def start(self, at_end: Callable[[], None]) -> str:
        """Listen, and begin to work; returns the page's address. `at_end` is called if the page ends by itself.

        Raises ConfigError where it cannot listen.
        """
        url = self.page.start(at_end)
        sys.setswitchinterval(_SWITCH)
        settle()
        self.service.start()
        return url

    def stop(self) -> tuple[str, ...]:
        """End within 10 seconds; returns the jobs whose runs are still at it."""
        self.page.ask_to_end()
        left = self.service.stop()
        self.page.wait()
        self._alerts.wait(_MESSAGES)
        self.watch.close()
        return left

    # ------------------------------------------------------------ what hangs on it

    def _alert_options(self) -> AlertOptions | None:
        settings = self.service.loaded().settings
        return settings.alerts if settings else None

    def _ended(self, result: JobResult, seconds: float) -> None:
        self.tally.ended(result.report, result.status, result.exit_code, "run", seconds)
        self._ping.after_run(result.exit_code)

    def _look_around(self) -> None:
        self._alerts.look(self._overview())

    def _overview(self) -> Overview:
        """Without a store, what was last seen of the jobs: silence is no recovery."""
        try:
            self._last = self.watch.overview_now()
        except StateError:
            live, ready = self.service.live(), self.watch.readiness()
            last = self._last or Overview(live.now, (), (), (), (), live.started, live.beat)
            return replace(last, now=live.now, beat=live.beat, troubles=ready.troubles)
        return self._last

    def _forget(self) -> None:
        settings = self.service.loaded().settings
        if settings is None or settings.retention is None:
            return
        before = self.clock.now() - settings.retention.runs
        gone = forget(settings.state, before, self.clock, lambda: self.service.is_stopping)
        if gone.runs or gone.changes:
            log.info("old history forgotten", before=before.date().isoformat(), runs=gone.runs, changes=gone.changes)

    def _troubles(self) -> tuple[Trouble, ...]:
        return (*self._alerts.troubles(), *self._ping.troubles())


@dataclass
class Page:
    """The server of the page, in a thread of its own."""

    app: object
    host: str
    port: int
    _server: uvicorn.Server | None = None
    _thread: Thread | None = None

    def start(self, at_end: Callable[[], None]) -> str:
        """Listen; returns the address. Raises ConfigError where that is not possible."""
        listener = _listener(self.host, self.port)
        config = uvicorn.Config(
            self.app,  # type: ignore[arg-type]
            loop="asyncio",
            http="h11",
            ws="none",
            lifespan="off",
            log_config=None,
            access_log=False,
            server_header=False,
            timeout_graceful_shutdown=_PAGES,
        )
        self._server = uvicorn.Server(config)
        self._thread = Thread(target=self._run, args=(listener, at_end), name="page", daemon=True)
        self._thread.start()
        host, port = listener.getsockname()[:2]
        return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"

    def ask_to_end(self) -> None:
        if self._server:
            self._server.should_exit = True

    def wait(self) -> None:
        """Until it has ended, but not long."""
        if self._thread:
            self._thread.join(_PAGES)

    def _run(self, listener: socket.socket, at_end: Callable[[], None]) -> None:
        assert self._server  # noqa: S101 - it was made before this thread
        with Edge() as edge, listener:
            self._server.run([listener])
        if edge.bug:
            log.error("the page ended", error=edge.bug)
        if not self._server.should_exit:
            at_end()


def _listener(host: str, port: int) -> socket.socket:
    """Made as TCP by name, or each answer would wait for the one before to be acknowledged."""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, proto=socket.IPPROTO_TCP)
        family, kind, proto, _, address = min(found, key=lambda each: each[0] != socket.AF_INET)
        listener = socket.socket(family, kind, proto)
    except (OSError, UnicodeError) as error:
        raise ConfigError(f"there is no address {host} to serve on: {error}", hint="Name another --host") from None
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
        listener.listen(128)
    except OSError as error:
        listener.close()
        hint = "Name another one with --port or serve.port, or end what listens there"
        raise ConfigError(f"{host}:{port} cannot be served on: {error.strerror or error}", hint=hint) from None
    return listener


def options(loaded: Loaded, host: str | None, port: int | None) -> ServeOptions:
    """What the file says of the page, and the command line over it. Raises ConfigError."""
    if loaded.settings is None or loaded.settings.serve is None:
        raise ConfigError(
            "the configuration cannot be used", where=loaded.file, hint="kpisync check shows its problems"
        )
    given = loaded.settings.serve
    try:
        return ServeOptions(host=host or given.host, port=given.port if port is None else port, token=given.token)
    except ValueError:
        raise ConfigError(
            f"{host} is reachable from other machines, so the page needs a token",
            where=loaded.file,
            hint="Write serve: {token: ${file:/run/secrets/page_token}}, or leave --host away",
        ) from None
