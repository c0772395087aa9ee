"""Who may see and do what: every address with and without the token; forms, other sites, other names, methods."""

from __future__ import annotations

import http.client
import socket
from dataclasses import dataclass
from urllib.parse import urlencode

import pytest
from starlette.routing import Route

from kpisync.config.schema import ServeOptions
from kpisync.web.app import build_app
from kpisync.web.forms import own_path, with_said
from tests.unit.web_views import PATH, RUN, TOKEN, Deeds, Page, PlantViews, trouble

OPEN_TO_LOOK = {"/livez", "/readyz", "/login"}
OPEN_FORMS = {"/login", "/logout", "/language"}
FORM = "application/x-www-form-urlencoded"


@dataclass(frozen=True)
class Address:
    """One method of one route, with something in the place of what it asks for."""

    route: str
    method: str

    @property
    def path(self) -> str:
        path = self.route.replace("{job:path}", "scrap-daily").replace("{run}", RUN)
        return f"{path}?path={PATH}" if path == "/value" else path

    @property
    def is_static(self) -> bool:
        return self.route.startswith("/static/")


def _addresses() -> list[Address]:
    routes = build_app(PlantViews(), Deeds(), ServeOptions()).routes
    found = [(route.path, route.methods or set()) for route in routes if isinstance(route, Route)]
    assert len(found) == len(routes)
    return sorted((Address(path, method) for path, methods in found for method in methods), key=str)


ADDRESSES = _addresses()
LOOKS = [each for each in ADDRESSES if each.method in ("GET", "HEAD") and not each.is_static]
DEEDS = [each for each in ADDRESSES if each.method == "POST"]


def _bearer(token: str = TOKEN) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


# ---------------------------------------------------------------- every address


def test_every_address_only_looks_or_only_does() -> None:
    assert {each.method for each in ADDRESSES} == {"GET", "HEAD", "POST"}
    assert len(LOOKS) > 20
    assert len(DEEDS) == 6


@pytest.mark.parametrize("address", LOOKS, ids=str)
def test_a_stranger_sees_no_page_but_those_that_are_open(guarded: Page, address: Address) -> None:
    program = guarded.ask(address.method, address.path, {"Accept": "*/*"})
    browser = guarded.ask(address.method, address.path)
    if address.route in OPEN_TO_LOOK:
        assert (program.status, browser.status) == (200, 200)
    else:
        assert (program.status, browser.status) == (401, 303)
        assert program.header["www-authenticate"].startswith("Bearer")
        assert browser.header["location"].startswith("/login?to=")


@pytest.mark.parametrize("address", LOOKS, ids=str)
def test_the_token_opens_every_page(guarded: Page, address: Address) -> None:
    answer = guarded.ask(address.method, address.path, _bearer())
    assert answer.status == (303 if address.route == "/login" else 200)
    assert bool(answer.body) == (address.method == "GET" and address.route != "/login")


@pytest.mark.parametrize("address", LOOKS, ids=str)
def test_a_login_opens_every_page(guarded: Page, address: Address) -> None:
    assert guarded.log_in(TOKEN).status == 303
    answer = guarded.ask(address.method, address.path, cookies=guarded.cookies)
    assert answer.status == (303 if address.route == "/login" else 200)


@pytest.mark.parametrize("address", DEEDS, ids=str)
def test_a_stranger_does_nothing(guarded: Page, address: Address) -> None:
    body = urlencode({"csrf": guarded.csrf("/login")}).encode()
    answer = guarded.ask("POST", address.path, {"Content-Type": FORM}, body, guarded.cookies)
    allowed = {"/login": 401, "/logout": 303, "/language": 400}
    assert answer.status == allowed.get(address.route, 303)
    assert address.route in OPEN_FORMS or answer.header["location"].startswith("/login")
    assert guarded.deeds.done == []


@pytest.mark.parametrize("address", DEEDS, ids=str)
def test_a_form_without_its_token_does_nothing(page: Page, address: Address) -> None:
    page.get("/")
    for fields in ({}, {"csrf": ""}, {"csrf": "0" * 64}):
        assert page.post(address.path, fields).status == 403
    assert page.deeds.done == []


@pytest.mark.parametrize("address", DEEDS, ids=str)
def test_another_site_does_nothing_even_with_the_token_of_a_form(page: Page, address: Address) -> None:
    fields = {"csrf": page.csrf(), "lang": "de"}
    for headers in (
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://127.0.0.1:1"},
        {"Origin": "http://[broken"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Sec-Fetch-Site": "none"},
    ):
        assert page.post(address.path, fields, **headers).status == 403
    assert page.deeds.done == []


@pytest.mark.parametrize("address", DEEDS, ids=str)
def test_looking_at_the_address_of_a_deed_does_nothing(page: Page, address: Address) -> None:
    for method in ("GET", "HEAD", "PUT", "DELETE", "OPTIONS", "PATCH", "TRACE"):
        assert page.ask(method, address.path, cookies=page.cookies).status in (200, 303, 404, 405)
    assert page.deeds.done == []


@pytest.mark.parametrize("address", [each for each in ADDRESSES if each.method == "GET"], ids=str)
def test_an_address_takes_no_other_method(page: Page, address: Address) -> None:
    for method in ("PUT", "DELETE", "OPTIONS", "PATCH", "NONSENSE"):
        answer = page.ask(method, address.path)
        assert answer.status == 405
        assert "GET" in answer.header["allow"]


@pytest.mark.parametrize("path", [*(each.path for each in LOOKS), "/nowhere", "/runs/none", "/board?until=x"])
def test_every_answer_tells_the_browser_to_be_careful(page: Page, path: str) -> None:
    header = page.get(path).header
    assert header["content-security-policy"].startswith("default-src 'none'; script-src 'self'; style-src 'self';")
    assert "frame-ancestors 'none'" in header["content-security-policy"]
    assert "unsafe" not in header["content-security-policy"]
    assert header["x-content-type-options"] == "nosniff"
    assert header["x-frame-options"] == "DENY"
    assert header["referrer-policy"] == "same-origin"
    assert header["cache-control"] == "no-store"


def test_refusals_are_as_careful(guarded: Page) -> None:
    for answer in (guarded.ask("GET", "/"), guarded.ask("GET", "/", {"Accept": "*/*"}), guarded.ask("POST", "/reload")):
        assert "content-security-policy" in answer.header


# ---------------------------------------------------------------- the token


def test_a_wrong_token_waits_a_second_and_is_told_what_to_do(guarded: Page) -> None:
    answer = guarded.ask("GET", "/metrics", _bearer("wrong"))
    assert (answer.status, guarded.pauses) == (401, [1.0])
    assert "That is not the token" in answer.text
    assert "/login" in answer.text


def test_a_stranger_without_a_token_does_not_wait(guarded: Page) -> None:
    assert guarded.ask("GET", "/metrics", {"Accept": "*/*"}).status == 401
    assert guarded.pauses == []


def test_too_many_wrong_tokens_are_not_looked_at(guarded: Page) -> None:
    for _ in range(10):
        guarded.ask("GET", "/", _bearer("wrong"))
    answer = guarded.ask("GET", "/", _bearer())
    assert (answer.status, answer.header["retry-after"]) == (429, "60")
    assert guarded.log_in(TOKEN).status == 429
    assert len(guarded.pauses) == 10
    guarded.clock.sleep(61)
    assert guarded.ask("GET", "/", _bearer()).status == 200


def test_the_probes_answer_however_many_wrong_tokens_came(guarded: Page) -> None:
    for _ in range(12):
        guarded.ask("GET", "/readyz", _bearer("wrong"))
    assert guarded.ask("GET", "/readyz", _bearer()).status == 200
    assert guarded.ask("GET", "/livez").status == 200


def test_a_login_leads_to_where_somebody_wanted_to_go(guarded: Page) -> None:
    sent = guarded.get("/runs?job=scrap-daily")
    login = sent.header["location"]
    assert login == "/login?to=%2Fruns%3Fjob%3Dscrap-daily"
    assert 'value="/runs?job=scrap-daily"' in guarded.get(login).text
    answer = guarded.log_in(TOKEN, to="/runs?job=scrap-daily")
    assert (answer.status, answer.header["location"]) == (303, "/runs?job=scrap-daily")
    assert guarded.get("/login?to=/board").header["location"] == "/board"


def test_a_wrong_token_in_the_form_is_said_and_not_shown_again(guarded: Page) -> None:
    answer = guarded.log_in("my-other-secret", to="/board")
    assert (answer.status, guarded.pauses) == (401, [1.0])
    assert "This is not the token" in answer.text
    assert "my-other-secret" not in answer.text
    assert 'value="/board"' in answer.text
    assert guarded.get("/").status == 303


def test_a_token_may_be_pasted_with_a_space(guarded: Page) -> None:
    assert guarded.log_in(f" {TOKEN}\n").status == 303


def test_the_cookies_are_for_this_site_and_no_script(guarded: Page) -> None:
    cookies = guarded.log_in(TOKEN).cookies
    assert len(cookies) == 2
    assert all("HttpOnly" in cookie and TOKEN not in cookie for cookie in cookies)
    assert all("SameSite=lax" in cookie for cookie in cookies)
    assert any("Max-Age=43200" in cookie for cookie in cookies)


def test_a_login_ends_after_twelve_hours(guarded: Page) -> None:
    guarded.log_in(TOKEN)
    guarded.clock.sleep(12 * 3600 - 10)
    assert guarded.get("/").status == 200
    guarded.clock.sleep(11)
    assert guarded.get("/").status == 303


def test_logging_out_ends_the_login(guarded: Page) -> None:
    guarded.log_in(TOKEN)
    assert guarded.post("/logout", {"csrf": guarded.csrf()}).header["location"] == "/login"
    assert guarded.get("/").status == 303


def test_a_form_from_before_the_login_does_nothing_after_it(guarded: Page) -> None:
    old = guarded.csrf("/login")
    guarded.log_in(TOKEN)
    assert guarded.post("/reload", {"csrf": old}).status == 403
    assert guarded.post("/reload", {"csrf": guarded.csrf()}).status == 303
    assert guarded.deeds.done == [("reload",)]


def test_a_program_with_the_token_needs_no_form(guarded: Page) -> None:
    answer = guarded.ask("POST", "/jobs/scrap-daily/run", {**_bearer(), "Accept": "*/*"})
    assert (answer.status, guarded.deeds.done) == (303, [("run", "scrap-daily")])
    foreign = guarded.ask("POST", "/reload", {**_bearer(), "Origin": "https://evil.example"})
    assert (foreign.status, guarded.deeds.done) == (403, [("run", "scrap-daily")])


def test_a_form_of_somebody_whose_login_ended_leads_to_the_login_and_back_to_its_page(guarded: Page) -> None:
    answer = guarded.post("/jobs/scrap-daily/run", {}, Referer=f"{guarded.url}/jobs/scrap-daily?x=1")
    assert answer.header["location"] == "/login?to=%2Fjobs%2Fscrap-daily%3Fx%3D1"
    assert guarded.deeds.done == []


def test_the_login_shows_a_stranger_no_trouble(guarded: Page) -> None:
    guarded.views.troubles = (trouble("the lookup of plant Nord is broken", stops=True),)
    for path in ("/login", "/nowhere", "/readyz"):
        assert "Nord" not in guarded.ask("GET", path).text
    assert "Nord" not in guarded.post("/language", {}).text
    assert "Nord" in guarded.ask("GET", "/board", _bearer()).text


def test_without_a_token_nobody_is_asked_to_log_in(page: Page) -> None:
    assert page.get("/login").header["location"] == "/"
    assert 'action="/logout"' not in page.get("/").text


def test_who_is_logged_in_can_log_out(guarded: Page) -> None:
    guarded.log_in(TOKEN)
    assert 'action="/logout"' in guarded.get("/").text
    assert 'action="/logout"' not in guarded.ask("GET", "/", _bearer()).text


# ---------------------------------------------------------------- names of this machine


@pytest.mark.parametrize(
    "host",
    ["evil.example", "evil.example:8080", "localhost.evil.example", "a@localhost", "10.0.0.9", "", "[::1", "::1"],
)
def test_without_a_token_no_other_name_than_this_machines_is_answered(page: Page, host: str) -> None:
    answer = page.ask("GET", "/", {"Host": host})
    assert answer.status == 421
    assert "http://localhost" in answer.text


@pytest.mark.parametrize(
    "host", ["localhost", "LOCALHOST:8080", "127.0.0.1", "127.0.0.2:9", "[::1]:8080", "localhost."]
)
def test_the_names_of_this_machine_are_answered(page: Page, host: str) -> None:
    assert page.ask("GET", "/livez", {"Host": host}).status == 200


def test_with_a_token_any_name_is_answered(guarded: Page) -> None:
    assert guarded.ask("GET", "/", {**_bearer(), "Host": "kpis.plant.example"}).status == 200


def test_a_form_behind_a_proxy_is_of_the_name_that_was_asked(guarded: Page) -> None:
    headers = {**_bearer(), "Host": "kpis.plant.example", "Origin": "https://kpis.plant.example"}
    assert guarded.ask("POST", "/reload", headers).status == 303


# ---------------------------------------------------------------- forms


def test_a_deed_leads_back_to_its_page_with_what_was_done(page: Page) -> None:
    fields = {"csrf": page.csrf()}
    answer = page.post("/jobs/scrap-daily/run", fields, Referer=f"{page.url}/jobs/scrap-daily?said=reload&a=%3D")
    assert (answer.status, answer.header["location"]) == (303, "/jobs/scrap-daily?a=%3D&said=run")
    assert page.post("/jobs/oee-daily/retry", fields).header["location"] == "/?said=retry"
    assert page.post("/reload", {**fields, "back": "/board"}).header["location"] == "/board?said=reload"
    assert page.deeds.done == [("run", "scrap-daily"), ("retry", "oee-daily"), ("reload",)]


@pytest.mark.parametrize(
    "back", ["https://evil.example/", "//evil.example", "/\\evil.example", "javascript:alert(1)", "", "/\t/evil", "x"]
)
def test_no_form_leads_to_another_site(page: Page, back: str) -> None:
    fields = {"csrf": page.csrf(), "back": back}
    assert page.post("/reload", fields).header["location"] == "/?said=reload"
    assert page.post("/reload", {"csrf": fields["csrf"]}, Referer=back).header["location"] == "/?said=reload"
    assert own_path(back) == "/"


def test_a_login_leads_to_no_other_site(guarded: Page) -> None:
    assert guarded.log_in(TOKEN, to="https://evil.example/").header["location"] == "/"
    assert guarded.get("/login?to=//evil.example").header["location"] == "/"


def test_a_path_keeps_its_question(page: Page) -> None:
    assert with_said("/board?periods=7&destination=", "run") == "/board?periods=7&destination=&said=run"


def test_a_job_of_any_name_can_be_run(page: Page) -> None:
    answer = page.post("/jobs/a%2Fb%20c%3F%23%25/run", {"csrf": page.csrf()})
    assert (answer.status, page.deeds.done) == (303, [("run", "a/b c?#%")])


def test_a_deed_that_cannot_be_meant_is_told(page: Page) -> None:
    answer = page.post("/jobs/nothing/run", {"csrf": page.csrf()})
    assert answer.status == 400
    assert "nothing is not a job" in answer.text


def test_the_language_of_a_form_is_kept(page: Page) -> None:
    answer = page.post("/language", {"csrf": page.csrf(), "lang": "de"}, Referer=f"{page.url}/board")
    assert answer.header["location"] == "/board"
    assert '<html lang="de">' in page.get("/").text
    assert page.post("/language", {"csrf": page.csrf(), "lang": "fr"}).status == 400
    assert '<html lang="de">' in page.get("/").text


def _raw(page: Page, body: bytes, kind: str = FORM) -> http.client.HTTPResponse:
    headers = {"Content-Type": kind, "Cookie": "; ".join(f"{name}={value}" for name, value in page.cookies.items())}
    line = http.client.HTTPConnection("127.0.0.1", page.port, timeout=30)
    line.request("POST", "/reload", body, headers)
    answer = line.getresponse()
    answer.read()
    line.close()
    return answer


def test_what_is_no_form_of_ours_is_refused(page: Page) -> None:
    right = f"csrf={page.csrf()}".encode()
    assert _raw(page, right + b"&x=" + b"y" * 65536).status == 413
    assert _raw(page, right, "text/plain").status == 415
    assert _raw(page, right, "multipart/form-data; boundary=x").status == 415
    assert _raw(page, b"&".join([right, *(b"a%d=1" % n for n in range(30))])).status == 400
    assert _raw(page, right + b"&a=\xff").status == 400
    assert _raw(page, right + b"&a=%ff").status == 400
    assert page.deeds.done == []
    assert _raw(page, right, f"{FORM}; charset=utf-8").status == 303


def test_a_form_that_stops_halfway_does_nothing(page: Page) -> None:
    body = f"csrf={page.csrf()}".encode()
    cookies = "; ".join(f"{name}={value}" for name, value in page.cookies.items())
    head = f"POST /reload HTTP/1.1\r\nHost: localhost\r\nCookie: {cookies}\r\nContent-Type: {FORM}\r\n"
    with socket.create_connection(("127.0.0.1", page.port), 30) as line:
        line.sendall(f"{head}Content-Length: {len(body) + 5}\r\n\r\n".encode() + body)
    assert page.get("/livez").status == 200
    assert page.deeds.done == []
