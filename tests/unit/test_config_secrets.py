"""No secret is seen in any text, however it is escaped."""

from __future__ import annotations

import base64
import html
import json
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kpisync.config.secrets import Secrets, collected, in_url

secret_texts = st.text(st.characters(exclude_categories=["Cs"]), min_size=4, max_size=20).filter(
    lambda text: "***" not in text
)


@given(secret_texts)
def test_a_secret_is_struck_out_in_every_escaped_form(secret: str) -> None:
    secrets = collected([secret], [])
    forms = (
        secret,
        quote(secret),
        quote(secret, safe=""),
        quote_plus(secret),
        base64.b64encode(secret.encode()).decode(),
        base64.urlsafe_b64encode(secret.encode()).decode(),
        json.dumps(secret)[1:-1],
        json.dumps(secret, ensure_ascii=False)[1:-1],
        html.escape(secret),
        repr(secret)[1:-1],
    )
    for form in forms:
        assert secrets.redact(f"<{form}>") == "<***>", form


def test_user_and_password_as_http_basic_sends_them_are_struck_out() -> None:
    secrets = collected([], [("maria", "hunter22")])
    sent = base64.b64encode(b"maria:hunter22").decode()
    assert secrets.redact(f"Authorization: Basic {sent}") == "Authorization: Basic ***"


def test_of_two_secrets_the_longer_goes_first() -> None:
    assert collected(["hunter", "hunter22"], []).redact("hunter22 hunter") == "*** ***"


def test_a_short_secret_is_struck_out_only_where_it_stands_alone() -> None:
    assert collected(["abc"], []).redact("abc=abc, abcd, xabc, (abc)") == "***=***, abcd, xabc, (***)"


def test_an_empty_text_is_no_secret() -> None:
    assert collected([""], []).redact("nothing here") == "nothing here"


def test_nothing_is_struck_out_where_there_are_no_secrets() -> None:
    assert Secrets().redact("hunter22") == "hunter22"


def test_the_secrets_do_not_show_themselves() -> None:
    assert "hunter22" not in repr(collected(["hunter22"], [("maria", "hunter22")]))


@pytest.mark.parametrize(
    ("url", "passwords"),
    [
        ("postgresql://maria:hunter22@db/erp", {"hunter22"}),
        ("mssql+pyodbc://maria:hun%40ter@db/erp", {"hun%40ter", "hun@ter"}),
        ("https://x/y?token=abc123&z=1", {"abc123"}),
        ("https://maria@x/y", set()),
        ("https://x:8080/a@b", set()),
        ("sqlite:///state/kpisync.db", set()),
    ],
)
def test_the_password_of_a_url_is_found_as_written_and_as_meant(url: str, passwords: set[str]) -> None:
    assert set(in_url(url)) == passwords
