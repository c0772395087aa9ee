"""The sentence that says what holds for a value follows the settings of its destination."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import SecretStr

from kpisync.destinations.quantive.options import QuantiveOptions, SnapshotWrite
from kpisync.ports import DestinationOptions

RACE = "edit by hand"


@pytest.mark.parametrize(
    ("settings", "says", "is_silent_of"),
    [
        ({}, ["stored once", "reading it back", "is kept", "held back", "up to 60 s", RACE], "overwritten unseen"),
        ({"max_read_age": "1500ms"}, ["up to 1.5 s"], "60 s"),
        ({"on_conflict": "overwrite"}, ["someone else wrote is overwritten", "its number is in the history"], "held"),
        ({"read_before": "partial"}, ["supplies every value is written unread", RACE], "overwritten unseen"),
        ({"read_before": "never"}, ["nothing is read before a write", "overwritten unseen"], RACE),
        ({"confirm": "reply"}, ["confirmed by the platform's own reply"], "reading it back"),
        ({"confirm": "none"}, ["reported as sent, never as confirmed"], "reading it back"),
    ],
)
def test_the_guarantee_follows_the_settings(settings: dict[str, Any], says: list[str], is_silent_of: str) -> None:
    sentence = DestinationOptions.model_validate(settings).guarantee
    for words in says:
        assert words in sentence
    assert is_silent_of not in sentence


@pytest.mark.parametrize("write", SnapshotWrite)
def test_where_a_second_snapshot_may_count_twice_nothing_is_promised_to_be_stored_once(write: SnapshotWrite) -> None:
    options = QuantiveOptions(
        url="https://okr.example/api/v1", account="5be26318", token=SecretStr("t"), snapshot_write=write
    )
    blindly = "never again blindly: without an answer it is looked for after 120 s"
    assert (blindly in options.guarantee) == (write is not SnapshotWrite.UPSERT)
    assert ("each value is stored once" in options.guarantee) == (write is SnapshotWrite.UPSERT)
