"""What is known of one platform is never taken for what another holds."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import pytest
from test_state_builders import SETTLES, begin, intent, key, opened

from kpisync.errors import ConfigError
from kpisync.model import Stands
from kpisync.ports import DestinationOptions
from kpisync.state.store import Store

OLD, NEW = "https://old.example/api", "https://new.example/api"


@pytest.fixture
def store() -> Iterator[Store]:
    with opened() as store:
        yield store


def send(store: Store, destination: str = "board") -> None:
    store.intend(begin(store), [intent(key(destination=destination))], SETTLES)


def adopt(store: Store) -> None:
    store.adopt(begin(store), {key(): Stands(Decimal(1), "a.csv:2")})


@pytest.mark.parametrize("first", [send, adopt])
def test_another_platform_under_a_name_is_refused_once_something_is_known(store: Store, first: object) -> None:
    store.require("board", OLD)
    assert callable(first)
    first(store)
    with pytest.raises(ConfigError, match=f"{OLD}.*{NEW}.*kpisync state rebind board"):
        store.require("board", NEW)
    store.require("board", OLD)


def test_nothing_is_remembered_before_the_first_value(store: Store) -> None:
    store.require("board", OLD)
    store.require("board", NEW)
    send(store)
    store.require("board", NEW)


def test_each_destination_has_its_own_platform(store: Store) -> None:
    store.require("board", OLD)
    store.require("second", NEW)
    send(store)
    with pytest.raises(ConfigError):
        store.require("board", NEW)
    store.require("second", OLD)


def test_a_process_that_was_slower_writes_nothing_for_another_platform(tmp_path: Path) -> None:
    with opened(tmp_path / "kpisync.db") as one, opened(tmp_path / "kpisync.db") as other:
        one.require("board", OLD)
        other.require("board", NEW)
        send(one)
        with pytest.raises(ConfigError):
            send(other)
        assert len(other.in_doubt("board")) == 1


def test_a_new_address_keeps_what_is_known(store: Store) -> None:
    store.require("board", OLD)
    send(store)
    assert store.rebind("board", NEW) == OLD
    store.require("board", NEW)
    assert len(store.in_doubt("board")) == 1


def test_what_is_not_known_cannot_be_known_as_another(store: Store) -> None:
    assert store.rebind("board", NEW) is None
    store.require("board", OLD)


@pytest.mark.parametrize("written", [OLD, f"{OLD}/", OLD.upper()])
def test_case_and_trailing_slash_tell_no_platforms_apart(written: str) -> None:
    class Options(DestinationOptions):
        url: str

    assert Options(url=written).identity == Options(url=OLD).identity
