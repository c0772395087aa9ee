"""The real daemon as a process of its own: its page as a browser has it, and what it takes of the machine."""

from __future__ import annotations

import http.client
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Self
from urllib.parse import urlencode, urlsplit

PATIENCE = 60.0  # seconds; far more than anything here takes
_SERVES = re.compile(r"kpisync serves on (http://\S+)")
_FORM = re.compile(r'name="csrf"\s+value="([^"]+)"')


class Daemon:
    """`kpisync serve` over a configuration in a folder, from `with` to its end."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.log = folder / "log"

    def __enter__(self) -> Self:
        command = [sys.executable, "-m", "kpisync", "--config", "kpisync.yaml", "serve", "--port", "0"]
        environ = {name: text for name, text in os.environ.items() if not name.startswith("KPISYNC_")}
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                command, cwd=self.folder, env=environ, stdout=subprocess.PIPE, stderr=log, text=True
            )
        assert self.process.stdout is not None
        said = self.process.stdout.readline()
        found = _SERVES.search(said)
        if found is None:
            self._end()
            raise AssertionError(f"it did not begin to serve: {said} {self.log.read_text()}")
        self.page = Page(found[1])
        return self

    def __exit__(self, *_: object) -> None:
        self.page.close()
        self._end()

    def stop(self) -> int:
        """Ask it to end as an operator does; the exit code."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(PATIENCE)

    def _end(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        self.process.stdout.close()  # type: ignore[union-attr]

    # ------------------------------------------------------------ what it takes

    @property
    def resident(self) -> int:
        """Bytes of memory that it holds."""
        pages = int(Path(f"/proc/{self.process.pid}/statm").read_text().split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE")

    @property
    def descriptors(self) -> list[str]:
        """What its open files and sockets are, of those that stay open while it does nothing."""
        found = []
        for file in Path(f"/proc/{self.process.pid}/fd").iterdir():
            try:
                found.append(str(file.readlink()))
            except FileNotFoundError:  # closed while we looked
                continue
        return sorted(found)


class Page:
    """A browser of one tab: it keeps its connection and its cookies."""

    def __init__(self, url: str) -> None:
        self.host = urlsplit(url).netloc
        self._cookies: dict[str, str] = {}
        self._connection = http.client.HTTPConnection(self.host, timeout=PATIENCE)

    def get(self, path: str) -> str:
        status, text = self._ask("GET", path)
        assert status == 200, (path, status, text[:300])
        return text

    def press(self, page: str, action: str) -> None:
        """The button of a page that sends a form to `action`."""
        form = _FORM.search(self.get(page))
        assert form is not None, f"{page} has no form"
        status, text = self._ask("POST", action, urlencode({"csrf": form[1]}))
        assert status == 303, (action, status, text[:300])

    def count(self, metric: str, **labels: str) -> int:
        """The sum of a metric, of the lines that have these labels."""
        total = 0.0
        for line in self.get("/metrics").splitlines():
            if re.match(rf"{metric}[{{ ]", line) and all(f'{name}="{value}"' in line for name, value in labels.items()):
                total += float(line.rsplit(" ", 1)[1])
        return int(total)

    def close(self) -> None:
        self._connection.close()

    def _ask(self, method: str, path: str, body: str | None = None) -> tuple[int, str]:
        headers = {"Cookie": "; ".join(f"{name}={value}" for name, value in self._cookies.items())}
        if body is not None:
            headers |= {"Content-Type": "application/x-www-form-urlencoded", "Origin": f"http://{self.host}"}
        try:
            self._connection.request(method, path, body, headers)
            answer = self._connection.getresponse()
        except (http.client.RemoteDisconnected, ConnectionResetError):  # it was idle for too long
            self._connection.close()
            self._connection.request(method, path, body, headers)
            answer = self._connection.getresponse()
        for cookie in answer.headers.get_all("Set-Cookie", ()):
            name, _, value = cookie.partition(";")[0].partition("=")
            self._cookies[name] = value
        return answer.status, answer.read().decode()


def until(
    holds: Callable[[], bool],
    meanwhile: Callable[[], object] = lambda: None,
    or_else: Callable[[], str] = lambda: "it did not come about",
) -> None:
    """Ask again and again; AssertionError, with what `or_else` says, if it never comes true."""
    latest = time.monotonic() + PATIENCE
    while not holds():
        assert time.monotonic() < latest, or_else()
        meanwhile()
