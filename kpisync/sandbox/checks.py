"""What every stand-in refuses alike; each check raises `Refusal` with the status and a sentence."""

from __future__ import annotations

from datetime import date

from kpisync.sandbox.platform import Refusal, Request


def not_allowed(allowed: str) -> Refusal:
    return Refusal(405, f"Only {allowed} may be used here.", (("Allow", allowed),))


def only_get(request: Request) -> None:
    if request.method != "GET":
        raise not_allowed("GET")


def parsed_date(text: str) -> date:
    try:
        if len(text) == 10 and text[4] == text[7] == "-":
            return date.fromisoformat(text)
    except ValueError:
        pass
    raise Refusal(400, f"{text[:80]!r} is not a date of the form yyyy-MM-dd that exists.")
