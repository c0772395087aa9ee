"""What a transform means for the map behind it."""

from __future__ import annotations

from kpisync.mapping.numbers import COMPUTED_DECIMALS
from kpisync.mapping.options import MapOptions
from kpisync.mapping.value_options import Aggregate


def number_columns(map: MapOptions) -> tuple[str, ...]:
    """The columns that are read as numbers, and so must be numbers in the result."""
    read = (spec for spec in map.values if spec.as_ is None and spec.aggregate is not Aggregate.COUNT)
    return tuple(dict.fromkeys(column for spec in read for column in spec.columns))


def with_computed_decimals(map: MapOptions) -> MapOptions:
    """The map of a job with a transform: numbers that it computes have six decimals, unless the job says how many."""
    values = [
        spec.model_copy(update={"decimals": COMPUTED_DECIMALS}) if spec.decimals is None and spec.columns else spec
        for spec in map.values
    ]
    return map.model_copy(update={"values": values})
