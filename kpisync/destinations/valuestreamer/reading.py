"""Reading a window from ValueStreamer: one list a team, or one for all teams once that is known to be the same."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from threading import Lock

from kpisync.destinations.valuestreamer import replies
from kpisync.destinations.valuestreamer.options import NoRecords
from kpisync.destinations.valuestreamer.paths import LISTS, record_path
from kpisync.model import RecordKey, Reply, ReplyKind, Values
from kpisync.ports import Unreadable, Window
from kpisync.support.http import HttpClient, Unanswered
from kpisync.support.statuses import Response, classify

Records = dict[RecordKey, Values]


class Reader:
    """Reads windows; may be used from several threads, and remembers for all of them what turned out."""

    def __init__(self, http: HttpClient, destination: str, list_404: NoRecords) -> None:
        self._http, self._destination, self._list_404 = http, destination, list_404
        self._lock = Lock()
        self._asked = False  # whether a list without a team was tried
        self._shows_all = False  # whether such a list shows the records of every team
        self._lists_sub_tiles = False

    def read(self, window: Window) -> Records:
        found = self._lists(window)
        found.update(self._single_sub_tiles(window, found))
        return {key: found[key] for key in window.keys if key in found}

    # ------------------------------------------------------------ lists

    def _lists(self, window: Window) -> Records:
        teams = sorted({key.team or "" for key in window.keys})
        found: Records = {}
        for done, team in enumerate(teams):
            if self._shows_all and len(teams) - done > 1 and (everything := self._everything(window)) is not None:
                return {**found, **everything}
            found.update(self._list(window, team))
        if self._is_first_to_ask(found):
            self._shows_all = self._shows_the_same(window, teams, found)
        return found

    def _is_first_to_ask(self, found: Records) -> bool:
        """Whether to try, once in a run, what a list without a team shows: where the records of two teams can tell."""
        if len({key.team for key in found}) < 2:
            return False
        with self._lock:
            first, self._asked = not self._asked, True
        return first

    def _shows_the_same(self, window: Window, teams: Collection[str], found: Records) -> bool:
        try:
            everything = self._list(window, None)
        except Unreadable:
            return False
        return {key: values for key, values in everything.items() if key.team in teams} == found

    def _everything(self, window: Window) -> Records | None:
        """The records of all teams; None if this once it cannot be told, such as from one page of several."""
        try:
            return self._list(window, None)
        except Unreadable as failure:
            if failure.reply.kind not in (ReplyKind.REFUSED, ReplyKind.FAILED):
                raise
            self._shows_all = False
            return None

    def _list(self, window: Window, team: str | None) -> Records:
        params = {"kpi-id": window.kpi, "from": window.first.isoformat(), "to": window.last.isoformat()}
        if team is not None:
            params["team-id"] = team
        response = self._get(LISTS, params)
        if response.status in (204, 404) and self._list_404 is NoRecords.EMPTY:
            return {}
        self._must_be_whole(response)
        question = replies.Question(self._destination, window.kpi, team, window.first, window.last)
        records = replies.read_list(response, question)
        if any(key.sub_tile for key in records):
            self._lists_sub_tiles = True
        return records

    # ------------------------------------------------------------ single records

    def _single_sub_tiles(self, window: Window, found: Records) -> Iterator[tuple[RecordKey, Values]]:
        """No source says that lists hold sub-tiles: until one was seen there, an absent one is asked for by itself."""
        for key in window.keys:
            if key.sub_tile and key not in found and not self._lists_sub_tiles:
                values = self._single(key)
                if values is not None:
                    yield key, values

    def _single(self, key: RecordKey) -> Values | None:
        response = self._get(record_path(key))
        if response.status in (204, 404):
            return None
        self._must_be_whole(response)
        return replies.read_record(response, key)

    # ------------------------------------------------------------ requests

    def _get(self, path: str, params: Mapping[str, str] | None = None) -> Response:
        try:
            return self._http.request("GET", path, params=params)
        except Unanswered as failure:
            raise Unreadable(failure.reply) from None

    def _must_be_whole(self, response: Response) -> None:
        reply = classify(response, f"destination {self._destination}")
        if reply.kind is ReplyKind.ACCEPTED and response.status == 200:
            return
        if response.status in (204, 404):
            said = f"{response.words}; " if response.words else ""
            words = f"{said}if this means that there are no records, set list_404 of the destination to empty"
            reply = Reply(ReplyKind.REFUSED, response.status, words)
        elif reply.kind is ReplyKind.ACCEPTED:
            reply = Reply(ReplyKind.FAILED, response.status, "a read needs an answer of status 200")
        raise Unreadable(reply)
