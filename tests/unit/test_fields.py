"""Durations, rates, percentages and factors are shown the way in which they are written."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from kpisync.fields import Duration, Factor, Options, Percent, Rate


class Limits(Options):
    timeout: Duration = timedelta(seconds=30)
    rate: Rate = None
    share: Percent = Decimal("0.3")
    jump: Factor = None


def shown(**written: str) -> dict[str, Any]:
    return Limits.model_validate(written).model_dump(mode="json", include=set(written))


@pytest.mark.parametrize("text", ["0s", "1ms", "500ms", "1500ms", "30s", "90s", "2m", "1h", "1d", "400d"])
def test_a_duration_is_shown_in_the_largest_unit_that_gives_a_whole_number(text: str) -> None:
    assert shown(timeout=text) == {"timeout": text}


@pytest.mark.parametrize(
    ("written", "text"), [("120s", "2m"), ("24h", "1d"), ("0.5h", "30m"), ("1.5s", "1500ms"), ("0.25ms", "0.25ms")]
)
def test_a_duration_written_in_another_way_is_shown_as_the_same_time(written: str, text: str) -> None:
    assert shown(timeout=written) == {"timeout": text}
    assert Limits.model_validate({"timeout": text}) == Limits.model_validate({"timeout": written})


@pytest.mark.parametrize("text", ["none", "5/s", "0.5/s", "100/m", "1000/h"])
def test_a_rate_that_is_shown_is_the_rate_that_was_written(text: str) -> None:
    written = Limits.model_validate({"rate": text})
    assert Limits.model_validate(written.model_dump(mode="json")) == written


def test_a_rate_is_shown_in_whole_requests() -> None:
    assert [shown(rate=text)["rate"] for text in ("none", "5/s", "100/m", "2000/h")] == [
        "none",
        "5/s",
        "100/m",
        "2000/h",
    ]


@pytest.mark.parametrize("text", ["30%", "0.5%", "100%", "12.25%", "none"])
def test_a_percentage_is_shown_as_one(text: str) -> None:
    assert shown(share=text) == {"share": text}


@pytest.mark.parametrize("text", ["10x", "1.5x", "none"])
def test_a_factor_is_shown_as_one(text: str) -> None:
    assert shown(jump=text) == {"jump": text}


def test_inside_the_program_they_stay_what_they_are() -> None:
    assert Limits().model_dump() == {
        "timeout": timedelta(seconds=30),
        "rate": None,
        "share": Decimal("0.3"),
        "jump": None,
    }
