"""A REST interface is asked page by page with its login, and no row is lost, made up or taken for another."""

from __future__ import annotations

import base64
import ssl
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from datetime import date
from decimal import Decimal
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from kpisync.errors import ConfigError, Exit, SourceError
from kpisync.model import Intake, Row, Scope
from kpisync.ports import Rereadable, Surroundings
from kpisync.sources.rest import SPEC
from kpisync.testing.clock import FakeClock
from tests.unit.rest_server import Asked, RestServer, says
from tests.unit.socket_server import Server, answer, drops, sends

NOVEMBER = Scope(date(2026, 12, 1), date(2026, 11, 1), date(2026, 11, 30))
OPEN = Scope(date(2026, 12, 1))
SECRET = "s3cret/canary"
ROWS = [{"line": f"L{n}", "scrap": n} for n in range(7)]
Respond = Callable[[Asked], bytes]


class Reading:
    """What was read of a server that answers so."""

    def __init__(self, respond: Respond, scope: Scope = OPEN, path: str = "/api/scrap", **options: Any) -> None:
        self.intake, self.clock, self.requests = Intake(), FakeClock(), Counter[str]()
        self.rows: list[Row] = []
        self.columns: tuple[str, ...] = ()
        self.asked: list[Asked] = []
        with RestServer(respond) as server:
            self.port, self.origin = server.port, f"127.0.0.1:{server.port}{path}"
            around = Surroundings(clock=self.clock, requests=self.requests)
            given = {"url": server.url + path, "timeout": "2s", **_at(options, server.url)}
            source = SPEC.build(SPEC.options.model_validate(given), around)
            try:
                for table in source.read(scope, self.intake):
                    self.columns = table.columns
                    self.rows += table.rows
            finally:
                self.asked = server.asked

    @property
    def cells(self) -> list[list[object]]:
        return [list(row.cells) for row in self.rows]

    @property
    def targets(self) -> list[str]:
        return [asked.target for asked in self.asked]


def _at(value: Any, url: str) -> Any:
    """SERVER in an option stands for the server's address."""
    if isinstance(value, dict):
        return {key: _at(item, url) for key, item in value.items()}
    return value.replace("SERVER", url) if isinstance(value, str) else value


def always(document: Any, status: int = 200, headers: str = "") -> Respond:
    return lambda asked: says(document, status, headers)


def one_after_another(*answers: bytes) -> Respond:
    rest = list(answers)
    return lambda asked: rest.pop(0) if len(rest) > 1 else rest[0]


def refusal(respond: Respond, **options: Any) -> SourceError:
    with pytest.raises(SourceError) as caught:
        Reading(respond, **options)
    error = caught.value
    assert error.exit_code is Exit.UNUSABLE
    assert str(error.where).startswith("127.0.0.1:")
    assert error.hint
    assert "\n" not in str(error)
    for form in (SECRET, "s3cret%2Fcanary", base64.b64encode(f"maria:{SECRET}".encode()).decode()):
        assert form not in str(error)
    return error


def mistake(**options: Any) -> str:
    with pytest.raises(ValidationError) as caught:
        SPEC.options.model_validate({"url": "https://erp.example/api", **options})
    return str(caught.value)


# ---------------------------------------------------------------- a question


def test_the_rows_of_an_answer_are_numbered_from_one_and_exact() -> None:
    reading = Reading(always(b'[{"line": "L1", "scrap": 0.10}, {"line": "L2", "scrap": null}]'))
    assert reading.columns == ("line", "scrap")
    assert reading.rows == [Row(1, ["L1", Decimal("0.10")]), Row(2, ["L2", None])]
    assert str(reading.cells[0][1]) == "0.10"
    assert reading.requests == {"GET": 1}


def test_rows_and_fields_are_those_of_a_json_file() -> None:
    document = {"data": [{"line": {"code": "L1"}}, {"line": {"code": ["x"]}}, 5]}
    reading = Reading(always(document), rows="data", fields={"Linie": "line.code"})
    assert (reading.columns, reading.cells) == (("Linie",), [["L1"]])
    assert [(each.source, each.code) for each in reading.intake.rejections] == [
        (f"{reading.origin}:2", "no-cell"),
        (f"{reading.origin}:3", "no-object"),
    ]


def test_the_dates_of_the_run_are_written_into_the_query_and_the_path() -> None:
    reading = Reading(
        always(ROWS),
        NOVEMBER,
        path="/plant/{from}",
        query={"$filter": "day ge {from} and day lt {until}", "to": "{to}", "json": '{"a": 1}'},
        date_format="%d.%m.%Y",
    )
    (asked,) = reading.asked
    assert asked.path == "/plant/01.11.2026"
    assert asked.query == {
        "$filter": "day ge 01.11.2026 and day lt 01.12.2026",
        "to": "30.11.2026",
        "json": '{"a": 1}',
    }


@pytest.mark.parametrize(("query", "needs"), [({"since": "{from}"}, True), ({"plant": "1"}, False)])
def test_it_needs_a_range_if_it_writes_dates(query: dict[str, str], needs: bool) -> None:
    options = SPEC.options.model_validate({"url": "https://erp.example/api", "query": query})
    assert SPEC.build(options, Surroundings()).needs_range is needs


def test_a_date_that_the_run_has_not_is_a_mistake_of_the_job() -> None:
    with pytest.raises(ConfigError, match=r"\{from\}"):
        Reading(always(ROWS), query={"since": "{from}"})


def test_a_slash_at_the_end_of_the_url_is_asked_for() -> None:
    assert Reading(always(ROWS), path="/api/scrap/").targets == ["/api/scrap/"]


def test_headers_are_sent_and_take_the_place_of_ours() -> None:
    (asked,) = Reading(always(ROWS), headers={"accept": "application/vnd.api+json", "X-Plant": "7"}).asked
    assert asked.raw.lower().count(b"\r\naccept:") == 1
    assert (asked.headers["accept"], asked.headers["x-plant"]) == ("application/vnd.api+json", "7")


@pytest.mark.parametrize("codec", ["iso-8859-1", "utf-16", "utf-8"])
def test_an_answer_is_decoded_as_its_header_says(codec: str) -> None:
    body = '[{"a": "Größe"}]'.encode(codec)
    head = f"Content-Type: application/json; charset={codec}\r\n"
    assert Reading(lambda asked: answer(200, body, head)).cells == [["Größe"]]


def test_it_promises_no_second_answer_that_is_the_same() -> None:
    source = SPEC.build(SPEC.options.model_validate({"url": "https://erp.example/api"}), Surroundings())
    assert not isinstance(source, Rereadable)


def test_the_question_is_the_origin_and_other_dates_are_another_one() -> None:
    def origins(scope: Scope) -> dict[str, str]:
        with RestServer(always(ROWS)) as server:
            given = {
                "url": f"{server.url}/x",
                "query": {"since": "{from}"},
                "auth": {"query": {"name": "k", "value": SECRET}},
            }
            intake = Intake()
            for table in SPEC.build(SPEC.options.model_validate(given), Surroundings()).read(scope, intake):
                list(table.rows)
            return {name.partition("/")[2]: digest for name, digest in intake.origins.items()}

    before, after = origins(NOVEMBER), origins(Scope(date(2026, 12, 1), date(2026, 11, 2), date(2026, 11, 30)))
    assert list(before) == list(after) == ["x"]
    assert before["x"].startswith("sha256:")
    assert before != after


# ---------------------------------------------------------------- logins


@pytest.mark.parametrize(
    ("auth", "name", "value"),
    [
        ({"basic": {"username": "maria", "password": SECRET}}, "authorization", "Basic bWFyaWE6czNjcmV0L2NhbmFyeQ=="),
        ({"bearer": SECRET}, "authorization", f"Bearer {SECRET}"),
        ({"header": {"name": "X-API-Key", "value": SECRET}}, "x-api-key", SECRET),
    ],
)
def test_a_login_travels_in_its_header(auth: dict[str, Any], name: str, value: str) -> None:
    (asked,) = Reading(always(ROWS), auth=auth).asked
    assert asked.headers[name] == value


def test_a_key_in_the_query_travels_with_every_page_once() -> None:
    def respond(asked: Asked) -> bytes:
        following = {"1": "/api/scrap?page=2", "2": f"/api/scrap?page=3&key={SECRET}"}
        return says({"rows": ROWS, "next": following.get(asked.query.get("page", "1"))})

    auth = {"query": {"name": "key", "value": SECRET}}
    reading = Reading(respond, auth=auth, rows="rows", pages={"next": "next"}, query={"a": "b"})
    assert [asked.query["key"] for asked in reading.asked] == [SECRET] * 3
    assert [asked.target.count("key=") for asked in reading.asked] == [1, 1, 1]
    assert len(reading.rows) == 21


class TokenGiver:
    """Gives a token, and wants it for the rows; a token is good for so many requests."""

    def __init__(self, uses: int = 1000) -> None:
        self._uses, self._tokens, self._left = uses, count(1), 0
        self.token = ""

    def __call__(self, asked: Asked) -> bytes:
        if asked.path == "/token":
            self.token, self._left = f"t0ken-{next(self._tokens)}", self._uses
            return says({"access_token": self.token, "token_type": "Bearer", "expires_in": 300})
        if asked.headers.get("authorization") != f"Bearer {self.token}" or not self._left:
            return says({"error": f"bad token {asked.headers['authorization']}"}, 401)
        self._left -= 1
        return says(ROWS[int(asked.query["offset"]) :][:2])


OAUTH2 = {"token_url": "SERVER/token", "client_id": "kpi sync", "client_secret": SECRET}
BY_TWO = {"offset": {"limit": 2}}


def test_a_token_is_fetched_once_by_client_credentials() -> None:
    reading = Reading(TokenGiver(), auth={"oauth2": {**OAUTH2, "scope": "read"}}, pages=BY_TWO)
    first = reading.asked[0]
    assert first.method == "POST"
    assert first.form == {"grant_type": "client_credentials", "scope": "read"}
    assert base64.b64decode(first.headers["authorization"].removeprefix("Basic ")) == b"kpi+sync:s3cret%2Fcanary"
    assert [asked.path for asked in reading.asked].count("/token") == 1
    assert len(reading.rows) == 7


def test_the_giver_of_tokens_may_want_the_credentials_in_the_body() -> None:
    first = Reading(TokenGiver(), auth={"oauth2": {**OAUTH2, "credentials": "body"}}, pages=BY_TWO).asked[0]
    assert first.form["client_secret"] == SECRET
    assert "authorization" not in first.headers


def test_a_token_that_is_refused_is_fetched_anew_and_no_row_is_lost() -> None:
    reading = Reading(TokenGiver(uses=2), auth={"oauth2": OAUTH2}, pages=BY_TWO)
    assert [cells[0] for cells in reading.cells] == [row["line"] for row in ROWS]
    assert [asked.path for asked in reading.asked].count("/token") == 3


def test_a_token_that_is_refused_again_is_an_error_that_does_not_show_it() -> None:
    giver = TokenGiver(uses=0)
    error = refusal(giver, auth={"oauth2": OAUTH2}, pages=BY_TWO)
    assert "401" in error.what
    assert "auth.oauth2" in str(error.hint)
    assert "bad token Bearer ***" in error.what
    assert giver.token not in str(error)


@pytest.mark.parametrize(
    "reply",
    [
        says({"error": "invalid_client", "hint": f"{SECRET} is wrong"}, 401),
        says({"token": "x"}),
        says([]),
        says(b"<html>"),
        says({"access_token": "a\r\nb"}),
        says({}, 302, "Location: https://evil.example\r\n"),
    ],
)
def test_without_a_token_there_is_one_error_that_names_the_options(reply: bytes) -> None:
    error = refusal(lambda asked: reply, auth={"oauth2": OAUTH2})
    assert "no access token" in error.what
    assert "client_secret" in str(error.hint)


@pytest.mark.parametrize(
    ("auth", "option"),
    [
        (None, "under auth"),
        ({"bearer": SECRET}, "auth.bearer"),
        ({"query": {"name": "k", "value": SECRET}}, "auth.query"),
    ],
)
@pytest.mark.parametrize("status", [401, 403])
def test_a_refused_login_names_the_option_and_is_not_tried_again(auth: Any, option: str, status: int) -> None:
    requests: list[Asked] = []

    def respond(asked: Asked) -> bytes:
        requests.append(asked)
        return says({"error": f"not you: {asked.headers.get('authorization')} {asked.target}"}, status)

    error = refusal(respond, auth=auth)
    assert f"status {status}" in error.what
    assert "not you" in error.what
    assert option in str(error.hint)
    assert len(requests) == 1


# ---------------------------------------------------------------- answers that are none


@pytest.mark.parametrize(
    ("reply", "said", "hint"),
    [
        (says({"error": "no such plant"}, 404), "nothing there (status 404): {\"error\": \"no such plant\"}", "url"),
        (says({"error": "bad filter"}, 400), "(status 400): {\"error\": \"bad filter\"}", "query"),
        (says({}, 302, f"Location: https://login.example/?t={SECRET}\r\n"), "redirects to login.example", "url"),
        (says(b"", 204), "no content that counts (status 204)", "url"),
        (says({}, 407), "proxy wants a login", "proxy"),
        (answer(200, b"<html><title>Sign in</title>", "Content-Type: text/html\r\n"), "a web page: Sign in", "login"),
        (answer(200, b"a;b\n1;2\n", "Content-Type: text/csv\r\n"), "no JSON (text/csv)", "url"),
        (says(b'[{"a": 1}'), "no JSON (application/json)", "url"),
        (says(b""), "no JSON", "url"),
        (says(b"[NaN]"), "NaN", "url"),
        (answer(200, b"[]", "Content-Type: application/json; charset=klingon\r\n"), "klingon", "url"),
        (answer(200, b'["\xff"]', "Content-Type: application/json\r\n"), "no JSON", "url"),
        (says({"items": []}), "an object, not a list", "items"),
    ],
)  # fmt: skip
def test_an_answer_that_is_none_is_one_error(reply: bytes, said: str, hint: str) -> None:
    error = refusal(lambda asked: reply, auth={"bearer": SECRET})
    assert said in error.what
    assert hint in str(error.hint)


def test_json_is_read_whatever_it_calls_itself() -> None:
    assert Reading(lambda asked: answer(200, b'[{"a": 1}]', "Content-Type: text/html\r\n")).cells == [[1]]


def test_a_key_in_the_url_is_in_no_message() -> None:
    error = refusal(lambda asked: says({"url": asked.target}, 400), auth={"query": {"name": "key", "value": SECRET}})
    assert "key=***" in error.what


def test_an_untrusted_certificate_is_refused_before_the_login_is_sent() -> None:
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(Path(__file__).parent / "loopback.pem")
    with Server(sends(says(ROWS)), tls=tls) as server:
        given = {"url": f"https://127.0.0.1:{server.port}/x", "auth": {"bearer": SECRET}}
        source = SPEC.build(SPEC.options.model_validate(given), Surroundings(clock=FakeClock()))
        with pytest.raises(SourceError, match="certificate") as caught:
            list(source.read(OPEN, Intake()))
        assert "ca_file" in str(caught.value.hint)
        assert server.requests == []


def test_an_address_where_machines_keep_credentials_is_never_asked() -> None:
    assert "keep credentials" in mistake(url="http://169.254.169.254/latest")


# ---------------------------------------------------------------- patience


@pytest.mark.parametrize("status", [408, 425, 429, 500, 502, 503, 504])
def test_a_passing_trouble_is_tried_again(status: int) -> None:
    reading = Reading(one_after_another(says({}, status), says({}, status), says({}, status), says(ROWS)))
    assert len(reading.rows) == 7
    assert reading.requests == {"GET": 4}


def test_a_lost_connection_is_tried_again() -> None:
    with Server(drops, sends(says(ROWS))) as server:
        source = SPEC.build(SPEC.options.model_validate({"url": server.url}), Surroundings(clock=FakeClock()))
        assert sum(len(list(table.rows)) for table in source.read(OPEN, Intake())) == 7


def test_four_tries_are_the_most_and_the_last_trouble_is_told() -> None:
    reading_requests: list[Asked] = []

    def respond(asked: Asked) -> bytes:
        reading_requests.append(asked)
        return says({"error": "overload"}, 503)

    error = refusal(respond)
    assert "status 503" in error.what
    assert "overload" in error.what
    assert "4 tries" in error.what
    assert len(reading_requests) == 4


def test_a_server_that_is_not_there_is_one_error() -> None:
    with Server(drops) as gone:
        url = gone.url
    source = SPEC.build(SPEC.options.model_validate({"url": url}), Surroundings(clock=FakeClock()))
    with pytest.raises(SourceError, match="was not reached"):
        list(source.read(OPEN, Intake()))


def test_the_pause_that_the_server_asks_for_is_kept() -> None:
    assert Reading(one_after_another(says({}, 429, "Retry-After: 30\r\n"), says(ROWS))).clock.monotonic() == 30


def test_a_pause_beyond_a_minute_is_not_waited_for() -> None:
    assert "pause of 600 s" in refusal(one_after_another(says({}, 429, "Retry-After: 600\r\n"), says(ROWS))).what


def test_requests_keep_the_rate_limit() -> None:
    reading = Reading(paged(ROWS, 2), pages=BY_TWO, rate_limit="2/s")
    assert len(reading.asked) == 5
    assert reading.clock.monotonic() == pytest.approx(2.0)


# ---------------------------------------------------------------- pages


def paged(rows: Sequence[Any], most: int, total: int | None = None) -> Respond:
    """Answers by offset and limit, and never with more than `most` rows."""

    def respond(asked: Asked) -> bytes:
        start, limit = int(asked.query["offset"]), int(asked.query["limit"])
        some = rows[start : start + min(limit, most)]
        return says(some if total is None else {"rows": some, "total": total})

    return respond


def test_pages_by_offset_end_with_an_empty_one() -> None:
    reading = Reading(paged(ROWS, 3), pages={"offset": {"limit": 3}}, query={"plant": "7"})
    assert [row.line for row in reading.rows] == list(range(1, 8))
    assert [asked.query for asked in reading.asked] == [
        {"plant": "7", "offset": str(start), "limit": "3"} for start in (0, 3, 6, 7)
    ]


def test_a_server_that_gives_fewer_rows_than_asked_for_loses_none() -> None:
    reading = Reading(paged(ROWS, 2), pages={"offset": {"param": "offset", "limit_param": "limit", "limit": 100}})
    assert [cells[0] for cells in reading.cells] == [row["line"] for row in ROWS]


@pytest.mark.parametrize("first", [0, 1])
def test_pages_by_number_begin_with_the_declared_one(first: int) -> None:
    def respond(asked: Asked) -> bytes:
        start = (int(asked.query["p"]) - first) * 2
        return says(ROWS[start : start + 2])

    pages = {"page": {"param": "p", "first": first, "size_param": "n", "size": 2}}
    reading = Reading(respond, pages=pages)
    assert [cells[0] for cells in reading.cells] == [row["line"] for row in ROWS]
    assert reading.asked[0].query == {"p": str(first), "n": "2"}


def test_a_total_ends_counted_pages_without_an_empty_one() -> None:
    reading = Reading(paged(ROWS, 2, total=7), pages=BY_TWO, rows="rows", total="total")
    assert len(reading.rows) == 7
    assert len(reading.asked) == 4


@pytest.mark.parametrize("pages", [None, BY_TWO])
def test_fewer_rows_than_the_total_promises_are_an_error(pages: Any) -> None:
    respond = paged(ROWS, 2, total=8) if pages else always({"rows": ROWS, "total": 8})
    error = refusal(respond, pages=pages, rows="rows", total="total")
    assert "8 rows were promised (total), but 7 came" in error.what


@pytest.mark.parametrize("total", ["7", None, -1, 1.5, True])
def test_a_total_that_is_no_number_is_an_error(total: object) -> None:
    assert "total" in refusal(always({"rows": ROWS, "total": total}), rows="rows", total="total").what


def test_the_link_header_leads_from_page_to_page() -> None:
    def respond(asked: Asked) -> bytes:
        n = int(asked.query.get("page", "0"))
        links = (
            f'Link: <https://a.example/,;>; rel="prev last", </api/scrap?page={n + 1}>; title="a, b"; rel="next"\r\n'
        )
        return says([ROWS[n]], headers=links if n < 3 else 'Link: </x>; rel="nextish"\r\n')

    assert len(Reading(respond, pages={"link": "header"}).rows) == 4


def linked(link: Any, **pages: Any) -> tuple[Respond, dict[str, Any]]:
    respond = one_after_another(says({"rows": ROWS, "next": link}), says({"rows": ROWS, "next": None}))
    return respond, {"rows": "rows", "pages": {"next": "next", **pages}}


@pytest.mark.parametrize(
    ("link", "target"), [("/b?x=1&y=%20", "/b?x=1&y=%20"), ("?page=2", "/api/scrap?page=2"), ("more#f", "/api/more")]
)
def test_a_link_may_be_relative(link: str, target: str) -> None:
    respond, options = linked(link)
    assert Reading(respond, **options).targets[1] == target


def test_a_link_may_be_absolute() -> None:
    def respond(asked: Asked) -> bytes:
        more = f"http://{asked.headers['host']}/api/scrap?page=2" if not asked.query else ""
        return says({"rows": ROWS, "next": more})

    assert Reading(respond, rows="rows", pages={"next": "next"}).targets == ["/api/scrap", "/api/scrap?page=2"]


@pytest.mark.parametrize(
    "link",
    [
        "https://evil.example/x",
        "//evil.example/x",
        "https://127.0.0.1/x",
        "http://127.0.0.1:1/x",
        "ftp://x/",
        "http://u:p@127.0.0.1/x",
    ],
)
def test_a_link_to_another_host_is_refused_and_nothing_is_sent_there(link: str) -> None:
    respond, options = linked(link)
    assert "not followed" in refusal(respond, **options).what


def test_a_link_with_a_user_in_it_is_refused() -> None:
    def respond(asked: Asked) -> bytes:
        return says({"rows": ROWS, "next": f"http://x@{asked.headers['host']}/api"})

    assert "not followed" in refusal(respond, rows="rows", pages={"next": "next"}).what


@pytest.mark.parametrize("link", [5, ["/x"], "/a\nb", "http://[::1", "/" + "x" * 9000, True])
def test_a_link_that_is_none_is_an_error(link: object) -> None:
    respond, options = linked(link)
    assert "no URL" in refusal(respond, **options).what


@pytest.mark.parametrize(("token", "sent"), [("a b&c", "a b&c"), (17, "17")])
def test_a_token_leads_to_the_next_page(token: object, sent: str) -> None:
    respond, options = linked(token, param="cursor")
    reading = Reading(respond, query={"plant": "7"}, **options)
    assert [asked.query for asked in reading.asked] == [{"plant": "7"}, {"plant": "7", "cursor": sent}]


def test_a_token_that_is_none_is_an_error() -> None:
    respond, options = linked(["x"], param="cursor")
    assert "no token" in refusal(respond, **options).what


@pytest.mark.parametrize("end", [None, "", False])
def test_pages_end_where_there_is_no_next_one_even_after_an_empty_page(end: object) -> None:
    answers = [{"rows": [], "next": "/b"}, {"rows": ROWS, "next": "/c"}, {"rows": [], "next": end}]
    reading = Reading(
        one_after_another(*map(says, answers)), rows="rows", fields={"line": "line"}, pages={"next": "next"}
    )
    assert len(reading.rows) == 7


def test_a_page_that_leads_back_is_an_error() -> None:
    def respond(asked: Asked) -> bytes:
        return says({"rows": ROWS, "next": {"/api/scrap": "/b", "/b": "/api/scrap"}[asked.path]})

    assert "read already" in refusal(respond, rows="rows", pages={"next": "next"}).what


def test_a_server_that_takes_no_notice_of_the_page_is_an_error_and_not_rows_for_ever() -> None:
    assert "same rows" in refusal(always(ROWS), pages={"page": {}}).what


def test_too_many_pages_are_an_error() -> None:
    numbers = count()
    error = refusal(lambda asked: says([{"n": next(numbers)}]), pages={"page": {}}, max_pages=3)
    assert "more than 3 pages" in error.what
    assert "max_pages" in str(error.hint)


def test_as_many_pages_as_allowed_are_no_error() -> None:
    assert len(Reading(paged(ROWS, 2, total=7), pages=BY_TWO, rows="rows", total="total", max_pages=4).rows) == 7


def test_a_part_of_the_rows_is_not_taken_for_all() -> None:
    assert "{link: header}" in str(refusal(always(ROWS, headers="Link: </2>; rel=next\r\n")).hint)
    more = {"value": ROWS, "@odata.nextLink": "https://erp.example/2"}
    assert "@odata.nextLink" in str(refusal(always(more), rows="value").hint)


def test_what_broke_off_on_a_later_page_is_not_named_as_read() -> None:
    intake = Intake()
    with RestServer(one_after_another(says(ROWS[:2]), says({}, 404))) as server:
        options = SPEC.options.model_validate({"url": server.url, "pages": BY_TWO})
        with pytest.raises(SourceError):
            for table in SPEC.build(options, Surroundings()).read(OPEN, intake):
                list(table.rows)
    assert not intake.origins


@given(
    rows=st.lists(st.fixed_dictionaries({"a": st.integers(), "b": st.none() | st.text()}), max_size=30),
    limit=st.integers(1, 12),
    most=st.integers(1, 12),
    way=st.sampled_from(["offset", "next", "link", "token"]),
)
@settings(max_examples=30, deadline=None)
def test_rows_come_back_whatever_the_pages_are(rows: list[Mapping[str, Any]], limit: int, most: int, way: str) -> None:
    numbered = [{"n": n, **row} for n, row in enumerate(rows)]
    size = min(limit, most)

    def respond(asked: Asked) -> bytes:
        start = int(asked.query.get("offset", "0"))
        more = start + size if start + size < len(rows) else None
        link = None if more is None else f"/api/scrap?offset={more}"
        headers = f'Link: <{link}>; rel="next"\r\n' if link and way == "link" else ""
        return says({"rows": numbered[start : start + size], "next": link, "token": more}, headers=headers)

    pages = {
        "offset": {"offset": {"limit": limit}},
        "next": {"next": "next"},
        "link": {"link": "header"},
        "token": {"next": "token", "param": "offset"},
    }[way]
    reading = Reading(respond, rows="rows", fields={"n": "n", "a": "a", "b": "b"}, pages=pages)
    assert reading.cells == [[row["n"], row["a"], row["b"]] for row in numbered]
    assert [row.line for row in reading.rows] == list(range(1, len(rows) + 1))


# ---------------------------------------------------------------- options


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"url": "https://erp.example/api?plant=1"}, "written under query"),
        ({"url": "https://maria:x@erp.example/api"}, "must not hold a user"),
        ({"url": "https://erp.example/{form}"}, "{form} is no date of the run"),
        ({"query": {"since": "{form}"}}, "{form} is no date of the run"),
        ({"query": {"api_key": "x"}}, "belongs under auth"),
        ({"headers": {"Authorization": "x"}}, "belongs under auth"),
        ({"headers": {"X-Api-Key": "x"}}, "belongs under auth"),
        ({"headers": {"a b": "x"}}, "name of a header"),
        ({"headers": {"a": "x\ny"}}, "printable ASCII"),
        ({"date_format": "%d.%m."}, "not a date format"),
        ({"date_format": "%Y"}, "not a date format"),
        ({"date_format": "%Y-%m-%d %Z"}, "not a date format"),
        ({"auth": {}}, "one of basic"),
        ({"auth": {"bearer": "x", "header": {"name": "a", "value": "b"}}}, "one of basic"),
        ({"auth": {"bearer": "x\ny"}}, "printable ASCII"),
        ({"auth": {"basic": {"username": "a:b", "password": "x"}}}, "no colon"),
        ({"pages": {}}, "give one of next"),
        ({"pages": {"link": "header", "page": {}}}, "give one of next"),
        ({"pages": {"link": "header", "param": "x"}}, "param is for"),
        ({"pages": {"page": {"size": 5}}}, "go together"),
        ({"pages": {"next": "a["}}, "JMESPath"),
        ({"total": "nope()"}, "no function"),
        ({"url": "http://erp.example/api", "auth": {"bearer": "x"}}, "https"),
        ({"auth": {"oauth2": {**OAUTH2, "token_url": "http://login.example/t"}}}, "auth.oauth2.token_url"),
    ],
)
def test_a_mistake_is_told_before_anything_is_asked(options: dict[str, Any], said: str) -> None:
    assert said in mistake(**options)


@pytest.mark.parametrize(
    "options", [{}, {"auth": {"bearer": "x"}, "allow_plain_http": True}], ids=["without a login", "allowed"]
)
def test_plain_http_is_for_what_needs_no_login_or_is_allowed(options: dict[str, Any]) -> None:
    SPEC.options.model_validate({"url": "http://erp.example/api", **options})


def test_a_secret_is_not_in_the_options_as_text() -> None:
    options = SPEC.options.model_validate({"url": "https://erp.example", "auth": {"bearer": SECRET}})
    assert SECRET not in f"{options!r} {options.model_dump_json()}"
