"""What all stand-ins share: one lock, the journal, faults, the rate limit, and how slow they are."""

from __future__ import annotations

import math
import threading
from collections.abc import Callable, Mapping
from datetime import timedelta

from kpisync.sandbox.faults import FaultList
from kpisync.sandbox.journal import Journal
from kpisync.sandbox.platform import Platform, Refusal, Request, Response
from kpisync.sandbox.settings import Fault, SandboxSettings

_HTML = "<!doctype html><title>Gateway</title><h1>This is no answer of the platform</h1>"


class Bucket:
    """A rate limit: one second's worth of requests at once, at least one, then as many as the rate allows."""

    def __init__(self, monotonic: Callable[[], float]) -> None:
        self._monotonic = monotonic
        self._at = monotonic()
        self._tokens = math.inf  # full, whatever the rate

    def wait(self, rate: float | None) -> float:
        """0 if a request may be served now, and counts it; else the seconds after which one may."""
        if rate is None:
            return 0
        now = self._monotonic()
        self._tokens = min(max(1.0, rate), self._tokens + (now - self._at) * rate)
        self._at = now
        if self._tokens < 1:
            return (1 - self._tokens) / rate
        self._tokens -= 1
        return 0


class FixedWindow:
    """A rate limit: one second's worth of requests in each second of the clock, or one in the time that one takes."""

    def __init__(self, monotonic: Callable[[], float]) -> None:
        self._monotonic = monotonic
        self._window = -math.inf
        self._taken = 0

    def wait(self, rate: float | None) -> float:
        """As a bucket's."""
        if rate is None:
            return 0
        now, span = self._monotonic(), max(1.0, 1 / rate)
        window = now // span
        if window != self._window:
            self._window, self._taken = window, 0
        if self._taken >= max(1, int(rate)):
            return (window + 1) * span - now
        self._taken += 1
        return 0


class Core:
    """Serves requests to stand-ins. Whoever reads or changes its parts from outside holds `lock`."""

    def __init__(
        self, platforms: Mapping[str, Platform], settings: SandboxSettings, monotonic: Callable[[], float]
    ) -> None:
        self.lock = threading.Lock()
        self.platforms = platforms
        self.settings = settings
        self.faults = FaultList(settings.faults)
        self.journal = Journal()
        self._limiters: dict[str, Bucket | FixedWindow] = {
            "bucket": Bucket(monotonic),
            "window": FixedWindow(monotonic),
        }
        self._late: dict[threading.Timer, Callable[[], object]] = {}
        self._ended = threading.Event()

    def respond(self, request: Request) -> Response | None:
        """The answer to one request; None: close the connection without any. Waits as the settings say."""
        self._pause(self.settings.latency)
        with self.lock:
            fault, answer, note = self._serve(request)
            status = answer.status if answer else None
            self.journal.add(request.method, request.target, status, note, request.body)
        if fault is not None and fault.kind != "late-commit":
            self._pause(fault.delay)
        return answer

    def _serve(self, request: Request) -> tuple[Fault | None, Response | None, str]:
        platform = self.platforms.get(request.path[1:].partition("/")[0])
        if platform is None:
            places = " or ".join(sorted(known.api_path for known in self.platforms.values()))
            return None, Refusal(404, f"There is nothing here; the stand-ins are at {places}.").response, ""
        wait = self._limiters[self.settings.rate_limiter].wait(self.settings.rate_limit)
        if wait:
            after = ("Retry-After", str(math.ceil(wait)))
            return None, Refusal(429, "Too many requests.", (after,)).response, "rate limit"
        fault = self.faults.due(request.method, request.target)
        if fault is None:
            return None, platform.answer(request, self.settings), ""
        return fault, *self._fail(fault, platform, request)

    def _fail(self, fault: Fault, platform: Platform, request: Request) -> tuple[Response | None, str]:
        match fault.kind:
            case "status":
                return _planned(fault, fault.status, '{"message": "a fault on request"}'), "fault: status"
            case "garbage":
                answer = platform.answer(request, self.settings)
                return _planned(fault, 200, _HTML), f"fault: garbage in place of {answer.status}"
            case "drop-after":
                answer = platform.answer(request, self.settings)
                return None, f"fault: closed in place of {answer.status}"
            case "late-commit":
                self._serve_late(fault.delay.total_seconds(), platform, request)
                return None, f"fault: closed, carried out {fault.delay.total_seconds():g} s later"
            case "drop-before" | "stall":
                return None, f"fault: {fault.kind}, not carried out"

    # ------------------------------------------------------------ late commits

    def _serve_late(self, delay: float, platform: Platform, request: Request) -> None:
        def land() -> None:
            with self.lock:
                work = self._late.pop(timer, None)
                if work:
                    work()

        timer = threading.Timer(delay, land)
        timer.daemon = True
        self._late[timer] = lambda: platform.answer(request, self.settings)
        timer.start()

    def late(self) -> int:
        """How many late commits are still to come."""
        return len(self._late)

    def land(self) -> int:
        """Carry out every late commit now, in the order of the requests; how many there were."""
        with self.lock:
            works = self._take_late()
            for work in works:
                work()
        return len(works)

    def _take_late(self) -> list[Callable[[], object]]:
        for timer in self._late:
            timer.cancel()
        works = list(self._late.values())
        self._late.clear()
        return works

    # ------------------------------------------------------------ beginning and end

    def set_settings(self, settings: SandboxSettings) -> None:
        """Change the behaviour; faults that are still to come stay, unless the new settings name faults."""
        with self.lock:
            self.settings = settings
            if "faults" in settings.model_fields_set:
                self.faults = FaultList(settings.faults)

    def set_faults(self, faults: tuple[Fault, ...]) -> None:
        """Replace the faults that are still to come."""
        with self.lock:
            self.faults = FaultList(faults)

    def reset(self) -> None:
        """Forget records, journal, counts, faults and late commits; the other settings stay."""
        with self.lock:
            self._take_late()
            self.faults = FaultList(())
            self.journal = Journal()
            for platform in self.platforms.values():
                platform.clear()

    def end(self) -> None:
        """Wake whoever waits, and drop late commits."""
        self._ended.set()
        with self.lock:
            self._take_late()

    def _pause(self, span: timedelta) -> None:
        if span:
            self._ended.wait(span.total_seconds())


def _planned(fault: Fault, status: int, default: str) -> Response:
    body = default if fault.body is None else fault.body
    content_type = "text/html" if body.lstrip().startswith("<") else "application/json"
    return Response(status, body.encode(), content_type, tuple(fault.headers.items()))
