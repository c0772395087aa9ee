"""The sandbox: stand-ins of the platforms behind one port on loopback, until it is closed."""

from __future__ import annotations

import re
import signal
import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, date, datetime
from decimal import Decimal
from functools import partial
from types import FrameType
from typing import Any, Self

from kpisync.errors import Exit
from kpisync.model import Catalog, RecordKey
from kpisync.sandbox.control import PREFIX, Control, HandEdit, put_object, write_by_hand
from kpisync.sandbox.core import Core
from kpisync.sandbox.journal import Entry
from kpisync.sandbox.microstrategy import MicroStrategy
from kpisync.sandbox.platform import IsSource, Platform, Refusal, Request, Response
from kpisync.sandbox.quantive import GTMHUB, QUANTIVE, QuantiveResults
from kpisync.sandbox.settings import Fault, SandboxSettings
from kpisync.sandbox.valuestreamer import ValueStreamer
from kpisync.sandbox.wire import Listener

Now = Callable[[], datetime]
_STAND_INS: Mapping[str, Callable[[Catalog, Now], Platform]] = {
    "valuestreamer": lambda catalog, now: ValueStreamer(catalog),
    "quantive": partial(QuantiveResults, QUANTIVE),
    "gtmhub": partial(QuantiveResults, GTMHUB),
    "microstrategy": MicroStrategy,
}
_OWN_NAMES = re.compile(r"(localhost|127(\.\d{1,3}){3}|\[::1\])(:\d+)?", re.IGNORECASE)


class Sandbox:
    """Listens from the beginning, answers between `with` and its end (or in `serve_forever`).

    `catalogs`: by platform type, or one for all. Where it is empty, ValueStreamer takes every well-formed id, and
    the others have a few KPIs of their own. `now`: in UTC; what the platforms take for the present.
    Raises `ConfigError` if the port is taken; 0 chooses a free one.
    """

    def __init__(
        self,
        settings: SandboxSettings | None = None,
        catalogs: Mapping[str, Catalog] | Catalog | None = None,
        port: int = 0,
        *,
        monotonic: Callable[[], float] = time.monotonic,
        now: Now = lambda: datetime.now(UTC),
    ) -> None:
        given = dict.fromkeys(_STAND_INS, catalogs) if isinstance(catalogs, Catalog) else catalogs or {}
        platforms = {name: build(given.get(name, Catalog()), now) for name, build in _STAND_INS.items()}
        self._core = Core(platforms, settings or SandboxSettings(), monotonic)
        self._listener = Listener(port, self._respond)
        self.url = "http://{}:{}".format(*self._listener.server_address[:2])
        self._control = Control(self._core, self.url)

    def _respond(self, request: Request) -> Response | None:
        if not _OWN_NAMES.fullmatch(request.headers.get("Host", "")):
            return Refusal(403, "The Host must be a name of this machine, such as 127.0.0.1.").response
        if request.path == "/" or request.path.startswith(PREFIX):
            return self._control.answer(request)
        return self._core.respond(request)

    # ------------------------------------------------------------ beginning and end

    def __enter__(self) -> Self:
        self._listener.begin()
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the port and every connection; requests that wait are dropped, late commits are not carried out."""
        self._core.end()
        self._listener.end()

    def serve_forever(self) -> Exit:
        """Answer until SIGINT or SIGTERM, then close; main thread only. The exit code of that signal."""
        signals: list[int] = []

        def note(number: int, frame: FrameType | None) -> None:
            signals.append(number)

        before = {number: signal.signal(number, note) for number in (signal.SIGINT, signal.SIGTERM)}
        try:
            with self:
                while not signals:
                    time.sleep(0.1)
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)
        return Exit.SIGINT if signals[0] == signal.SIGINT else Exit.SIGTERM

    # ------------------------------------------------------------ what it holds

    def platform_url(self, name: str) -> str:
        """What goes into a configuration as the url of a destination of this type."""
        return self.url + self._core.platforms[name].api_path

    def platform_login(self, name: str) -> Mapping[str, str]:
        """What goes into it beside the url, by option."""
        return self._core.platforms[name].login(self.settings)

    @property
    def journal(self) -> list[Entry]:
        """The last 10,000 requests to stand-ins, oldest first; those to the page and the switches are not in it."""
        with self._core.lock:
            return list(self._core.journal.entries)

    @property
    def requests(self) -> Counter[str]:
        """Requests by method, since the beginning or the last reset."""
        with self._core.lock:
            return Counter(self._core.journal.methods)

    @property
    def answers(self) -> Counter[tuple[str, int | None]]:
        """Requests by method and status (None: no answer), since the beginning or the last reset."""
        with self._core.lock:
            return Counter(self._core.journal.answers)

    def records(self, platform: str = "valuestreamer") -> dict[RecordKey, dict[str, Decimal]]:
        """A copy of all records by ids in lower case; `destination` is the name of the platform."""
        with self._core.lock:
            return self._core.platforms[platform].records()

    # ------------------------------------------------------------ changing it

    @property
    def settings(self) -> SandboxSettings:
        return self._core.settings

    @settings.setter
    def settings(self, settings: SandboxSettings) -> None:
        """Faults still to come stay, unless the new settings name faults."""
        self._core.set_settings(settings)

    @property
    def faults(self) -> tuple[Fault, ...]:
        """What is still to come, with `after` and `times` counted down."""
        with self._core.lock:
            return self._core.faults.pending()

    @faults.setter
    def faults(self, faults: Iterable[Fault]) -> None:
        self._core.set_faults(tuple(faults))

    def put_by_hand(
        self,
        day: date,
        team: str | None,
        kpi: str,
        sub_tile: str | None,
        values: Mapping[str, Decimal | int | str],
        platform: str = "valuestreamer",
    ) -> None:
        """Write as another person would: these values change, all others stay. Names or ids; raises `Refusal`."""
        numbers = {name: Decimal(number) for name, number in values.items()}
        edit = HandEdit(platform=platform, kpi=kpi, team=team, sub_tile=sub_tile, date=day, values=numbers)
        write_by_hand(self._core, edit)

    def delete_by_hand(
        self, day: date, team: str | None, kpi: str, sub_tile: str | None, platform: str = "valuestreamer"
    ) -> None:
        """Delete a record as another person would. Names or ids; raises `Refusal` if it is not there."""
        edit = HandEdit(platform=platform, kpi=kpi, team=team, sub_tile=sub_tile, date=day, values=None)
        write_by_hand(self._core, edit)

    def put_object(self, document: Any, platform: str = "microstrategy") -> None:
        """Put an object of a source there, with all that it shows, in place of the one with its id."""
        put_object(self._core, platform, document)

    def facts(self, platform: str = "microstrategy") -> dict[str, str]:
        """What else there is to say of a source: its sessions, its objects."""
        found = self._core.platforms[platform]
        with self._core.lock:
            return dict(found.facts(self._core.settings)) if isinstance(found, IsSource) else {}

    @property
    def late_commits(self) -> int:
        """How many requests of kind late-commit are still to be carried out."""
        with self._core.lock:
            return self._core.late()

    def land_late_commits(self) -> int:
        """Carry them out now, whatever their delay, in the order of the requests; how many there were."""
        return self._core.land()

    def reset(self) -> None:
        """Forget records, journal, counts, faults and late commits; the other settings stay."""
        self._core.reset()
