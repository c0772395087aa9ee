"""What a user may set for Quantive, and what is said of the rest."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from kpisync.destinations.quantive.options import GtmhubOptions, QuantiveOptions

SOUND = {"url": "https://app.quantive.com/results/api/v1", "account": "5be26318e5274a0007f17f61", "token": "t0ken"}


def options(**given: Any) -> QuantiveOptions:
    return QuantiveOptions.model_validate({**SOUND, **given})


def test_the_pace_is_slow_unless_it_is_set() -> None:
    assert (options().rate_limit, options().concurrency) == (2.0, 1)
    assert options(rate_limit="none").rate_limit is None


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"url": "https://app.quantive.com/results/api"}, "must end with the version"),
        ({"url": "https://app.quantive.com/results/api/v2"}, "must end with the version"),
        ({"url": "http://app.quantive.com/results/api/v1"}, "unencrypted"),
        ({"account": "two words"}, "header"),
        ({"token": "tökén"}, "header"),
        ({"timeout": "0s"}, "more than 0s"),
        ({"snapshot_write": "overwrite"}, "append"),
        ({"group_by": {"fortnight": "x"}}, "group_by"),
        ({"proxy": "socks5://proxy:1"}, "proxy"),
    ],
)
def test_what_cannot_be_is_refused_with_its_reason(given: dict[str, Any], says: str) -> None:
    with pytest.raises(ValidationError, match=says):
        options(**given)


def test_another_account_at_the_same_address_is_another_platform() -> None:
    other = options(account="5be26318e5274a0007f17f62")
    assert options().identity != other.identity
    assert options().identity == options(url="https://APP.quantive.com/results/api/v1/", token="another").identity


def test_gtmhub_has_no_targets_so_no_day_for_them() -> None:
    with pytest.raises(ValidationError, match="projection_day"):
        GtmhubOptions.model_validate({**SOUND, "projection_day": "last"})
