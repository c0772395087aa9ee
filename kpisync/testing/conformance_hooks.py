"""What an author tells of a platform, and what the rules of `conformance_destination` build upon it."""

# ruff: noqa: S101 - a suite asserts

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from decimal import Decimal
from typing import Any, ClassVar

from kpisync.fields import Options
from kpisync.model import Action, Catalog, Change, RecordKey, Reply, ValueChange, Values
from kpisync.ports import Destination, DestinationOptions, Surroundings
from kpisync.testing.conformance_spec import SpecConformance, skip


class DestinationHooks(SpecConformance):
    """To be overridden; a hook that makes no sense for a platform may skip its tests by `pytest.skip`, and say why.

    Each test begins with a platform that holds nothing. `ids` are of two value kinds that every record may hold, or of
    the one that there is; `numbers` are some that the platform must keep exactly. `can_withdraw` is False where the
    platform deletes nothing.
    """

    options_of_kpisync: ClassVar[type[Options]] = DestinationOptions
    name = "board"
    catalog = Catalog()
    ids: tuple[str, ...] = ("actual", "target")
    can_withdraw = True
    numbers: tuple[Decimal, ...] = tuple(map(Decimal, ("0", "-5", "0.1", "1204.50", "12345678901234.567891")))

    def options(self) -> Mapping[str, object]:
        """The options as a user writes them in YAML, without `type`."""
        raise NotImplementedError

    def build(self, around: Surroundings) -> Destination:
        return self.spec.build(self.spec.options.model_validate(self.options()), around)  # type: ignore[no-any-return]

    def key(self, n: int) -> RecordKey:
        """The n-th record; no two are alike. Best vary the team as well as the period; `destination` is `name`."""
        raise NotImplementedError

    def holds(self, key: RecordKey) -> Values | None:
        """What the platform holds under a key, past the adapter; None: no such record."""
        raise NotImplementedError

    def put_by_hand(self, key: RecordKey, values: Values) -> None:
        """Write a record as another person does, past the adapter."""
        raise NotImplementedError

    def refuse(self, words: str) -> None:
        """From now on the platform refuses a write for what is in it, in these words if it can be made to say them."""
        raise NotImplementedError

    def lose_answer(self) -> None:
        """The platform carries out the next write, and its answer is lost on the way."""
        raise NotImplementedError

    def make_unreadable(self) -> None:
        """From now on a read gets nothing that can be used, though the platform is there."""
        raise NotImplementedError

    def lock_out(self) -> None:
        """From now on there is no use in going on: the login is refused, the address leads elsewhere."""
        raise NotImplementedError

    # ------------------------------------------------------------ what the rules build upon it

    @contextmanager
    def _open(self, **around: Any) -> Iterator[Destination]:
        with closing(self.build(Surroundings(self.name, self.catalog, **around))) as destination:
            yield destination

    def _keys(self, count: int) -> list[RecordKey]:
        return [self.key(n) for n in range(count)]

    def _read(self, *keys: RecordKey, **around: Any) -> dict[RecordKey, Values]:
        found: dict[RecordKey, Values] = {}
        with self._open(**around) as destination:
            for window in destination.windows(keys):
                read = destination.read(window)
                found.update({key: dict(read[key]) for key in keys if key in read})
        return found

    def _write(self, change: Change, **around: Any) -> Reply:
        with self._open(**around) as destination:
            return destination.write(change)

    def _check_holds(self, values: Values, n: int = 0) -> None:
        """What was written stands there; what the platform adds by itself is its own affair."""
        holds = self.holds(self.key(n)) or {}
        wrong = {id: (number, holds.get(id)) for id, number in values.items() if holds.get(id) != number}
        assert not wrong, f"expected and found: {wrong}"

    def _two_values(self) -> dict[str, Decimal]:
        if len(self.ids) < 2:
            skip("a record of this platform holds one value")
        return dict(zip(self.ids, map(Decimal, (177, 2)), strict=False))

    def _put_ours(self, key: RecordKey, values: Values) -> Mapping[str, str | None]:
        """Bring about a record that stands there as ours; the platform's ids of its values, if it gives them any."""
        self.put_by_hand(key, values)
        return {}

    def _create(self, values: Values | None = None, n: int = 0) -> Change:
        values = values or {self.ids[0]: Decimal(7)}
        changes = tuple(ValueChange(id, None, number, "test") for id, number in values.items())
        return Change(Action.CREATE, self.key(n), changes)

    def _update(self, before: Values, number: Decimal, n: int = 0) -> Change:
        """A record of ours that stands there, was read, and of which the first value changes."""
        id = self.ids[0]
        remote = self._put_ours(self.key(n), before).get(id)
        change = ValueChange(id, before[id], number, "test", remote)
        return Change(Action.UPDATE, self.key(n), (change,), dict(before))

    def _withdraw(self, n: int = 0) -> Change:
        """A record of ours that stands there, was read, and is withdrawn whole."""
        if not self.can_withdraw:
            skip("the platform deletes nothing")
        id, before = self.ids[0], {self.ids[0]: Decimal(7)}
        remote = self._put_ours(self.key(n), before).get(id)
        change = ValueChange(id, before[id], None, "test", remote)
        return Change(Action.WITHDRAW, self.key(n), (change,), before)
