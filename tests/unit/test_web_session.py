"""The token, the cookies that stand for it, and how often a wrong one is looked at."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response

from kpisync.testing.clock import FakeClock
from kpisync.web.session import LIFE, Answer, Door, Seal

TOKEN = "a-long-token"


def request(cookies: dict[str, str] | None = None, address: str = "10.0.0.1", **headers: str) -> Request:
    sent = {**headers, **({"cookie": "; ".join(f"{k}={v}" for k, v in cookies.items())} if cookies else {})}
    raw = [(name.encode(), value.encode("latin-1")) for name, value in sent.items()]
    scope = {"type": "http", "method": "GET", "path": "/", "query_string": b"", "headers": raw, "scheme": "http"}
    return Request({**scope, "client": (address, 1), "server": ("plant", 80)})


def kept(response: Response) -> dict[str, str]:
    lines = [value.decode() for name, value in response.raw_headers if name == b"set-cookie"]
    return dict(line.partition(";")[0].split("=", 1) for line in lines)


def logged_in(door: Door) -> dict[str, str]:
    response = Response()
    door.log_in(request(), response)
    return kept(response)


def door(token: str | None = TOKEN, clock: FakeClock | None = None, seal: Seal | None = None) -> Door:
    return Door(token, 8080, clock or FakeClock(), seal)


def test_a_stranger_is_outside() -> None:
    visitor = door().visitor(request())
    assert (visitor.inside, visitor.is_new, visitor.answer) == (False, True, None)


def test_without_a_token_everybody_is_inside() -> None:
    assert door(token=None).visitor(request()).inside


def test_the_token_in_the_header_opens_the_door_for_one_request() -> None:
    visitor = door().visitor(request(authorization=f"Bearer {TOKEN}"))
    assert (visitor.inside, visitor.by_header) == (True, True)


def test_another_scheme_is_no_try() -> None:
    at = door()
    for _ in range(20):
        assert at.visitor(request(authorization="Basic cGxhbnQ6aXQ=")).answer is None
    assert at.visitor(request(authorization=f"bearer {TOKEN}")).inside


def test_who_logged_in_is_inside_with_both_cookies() -> None:
    at = door()
    assert at.visitor(request(logged_in(at))).inside


def test_a_login_without_its_visit_is_worth_nothing() -> None:
    at = door()
    cookies = logged_in(at)
    other = logged_in(at)
    assert not at.visitor(request({"kpisync_login_8080": cookies["kpisync_login_8080"]})).inside
    assert not at.visitor(request({**cookies, "kpisync_visit_8080": other["kpisync_visit_8080"]})).inside


def test_a_login_ends_after_twelve_hours() -> None:
    clock = FakeClock()
    at = door(clock=clock)
    cookies = logged_in(at)
    clock.sleep(LIFE - 2)
    assert at.visitor(request(cookies)).inside
    clock.sleep(2)
    assert not at.visitor(request(cookies)).inside


def test_a_login_cannot_be_made_longer() -> None:
    at = door()
    cookies = logged_in(at)
    login, _, signature = cookies["kpisync_login_8080"].rpartition(".")
    forged = f"{login[:-1]}9.{signature}"
    assert not at.visitor(request({**cookies, "kpisync_login_8080": forged})).inside


def test_a_visit_is_no_login() -> None:
    at = door()
    cookies = logged_in(at)
    assert not at.visitor(request({**cookies, "kpisync_login_8080": cookies["kpisync_visit_8080"]})).inside


def test_what_another_process_signed_is_worth_nothing() -> None:
    cookies = logged_in(door())
    assert not door().visitor(request(cookies)).inside
    assert door().visitor(request(cookies)).is_new


def test_the_key_is_not_shown() -> None:
    assert "key" not in repr(Seal(b"secret"))


def test_a_new_login_gets_a_new_name() -> None:
    at = door()
    assert logged_in(at)["kpisync_visit_8080"] != logged_in(at)["kpisync_visit_8080"]


def test_a_form_belongs_to_one_visitor() -> None:
    at = door()
    one, other = (at.visitor(request(logged_in(at))) for _ in range(2))
    assert at.is_own_form(one, at.form_token(one))
    assert not at.is_own_form(one, at.form_token(other))
    assert not at.is_own_form(one, "")
    assert not at.is_own_form(one, "ä\ud800")


def test_a_browser_without_our_cookie_has_no_form_of_ours() -> None:
    at = door()
    visitor = at.visitor(request())
    assert not at.is_own_form(visitor, at.form_token(visitor))


def test_cookies_of_strange_shape_are_strangers() -> None:
    at = door()
    for text in ("", ".", "x", "x.", ".x", "a.b.c", "ü.é", "x" * 10_000):
        visitor = at.visitor(request({"kpisync_visit_8080": text, "kpisync_login_8080": text}))
        assert not visitor.inside
        assert visitor.is_new


def test_after_ten_wrong_tokens_not_even_the_right_one_is_looked_at_for_a_minute() -> None:
    clock = FakeClock()
    at = door(clock=clock)
    assert [at.answer(request(), "wrong") for _ in range(10)] == [Answer.WRONG] * 10
    assert at.answer(request(), TOKEN) is Answer.LIMITED
    assert not at.visitor(request(authorization=f"Bearer {TOKEN}")).inside
    clock.sleep(61)
    assert at.answer(request(), TOKEN) is Answer.RIGHT


def test_others_are_not_limited_by_it() -> None:
    at = door()
    for _ in range(11):
        at.answer(request(), "wrong")
    assert at.answer(request(address="10.0.0.2"), TOKEN) is Answer.RIGHT


def test_who_is_logged_in_stays_so_while_his_address_is_limited() -> None:
    at = door()
    cookies = logged_in(at)
    for _ in range(11):
        at.answer(request(), "wrong")
    assert at.visitor(request(cookies)).inside


def test_addresses_are_not_remembered_without_bound() -> None:
    at = door()
    for number in range(5000):
        at.answer(request(address=f"10.1.{number // 256}.{number % 256}"), "wrong")
    assert len(at._attempts._wrong) == 1024


def test_cookies_are_for_our_pages_only_and_for_no_script() -> None:
    secure = Request({**request().scope, "scheme": "https"})
    for asked, expected in ((request(), False), (secure, True)):
        response = Response()
        door().log_in(asked, response)
        lines = [value.decode() for name, value in response.raw_headers if name == b"set-cookie"]
        assert all("HttpOnly" in line and "Path=/" in line for line in lines)
        assert ["Secure" in line for line in lines] == [expected] * 2
        assert all("SameSite=lax" in line for line in lines)
