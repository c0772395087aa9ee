"""The rules of `ports.Destination`, one test each: inherit them, say how to look behind the API, and run pytest."""

# ruff: noqa: S101 - a suite asserts

from __future__ import annotations

import gc
import warnings
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal

from kpisync.errors import DestinationError, Exit, Interrupted
from kpisync.model import Change, RecordKey, ReplyKind, Values
from kpisync.ports import KeepsApart, Unreadable
from kpisync.testing.conformance_hooks import DestinationHooks
from kpisync.testing.conformance_spec import check_words, raised

_MANY = 400  # records, for windows
_SECRET = "correct horse battery staple"  # noqa: S105 - of nobody


class DestinationConformance(DestinationHooks):
    """Inherit, set `spec`, and override the hooks."""

    _keeps_apart = False

    # ------------------------------------------------------------ windows

    def test_every_key_is_in_exactly_one_window(self) -> None:
        keys = self._keys(_MANY)
        with self._open() as destination:
            found = Counter(key for window in destination.windows(keys) for key in window.keys)
        assert found == Counter(keys), f"in no window, or in several: {list((found - Counter(keys)) or keys)[:3]}"

    def test_a_window_is_of_one_kpi_and_spans_its_periods(self) -> None:
        with self._open() as destination:
            for window in destination.windows(self._keys(_MANY)):
                assert {key.kpi for key in window.keys} == {window.kpi}, f"{window} has keys of another KPI"
                inside = all(window.first <= key.period <= window.last for key in window.keys)
                assert inside, f"the window {window.first} to {window.last} has a key outside of it"

    def test_no_keys_are_no_windows(self) -> None:
        with self._open() as destination:
            assert not destination.windows([]), "there is a window without a key"

    def test_each_window_is_small_enough_for_the_platform(self) -> None:
        keys = self._keys(_MANY)
        there = set(keys[::7])
        for key in there:
            self.put_by_hand(key, {self.ids[0]: Decimal(7)})
        found = self._read(*keys).keys()
        assert found == there, f"of {len(there)} records in a long range, {len(found & there)} were read"

    # ------------------------------------------------------------ reads

    def test_a_record_is_read_whole(self) -> None:
        values = dict(zip(self.ids, map(Decimal, (177, 2)), strict=False))
        self.put_by_hand(self.key(0), values)
        assert self._read(self.key(0)) == {self.key(0): values}, "not the record that stands there"

    def test_numbers_are_read_digit_by_digit(self) -> None:
        for n, number in enumerate(self.numbers):
            self.put_by_hand(self.key(n), {self.ids[0]: number})
            read = self._read(self.key(n)).get(self.key(n), {}).get(self.ids[0])
            assert isinstance(read, Decimal) and read == number, f"{number} was read as {read!r}"

    def test_a_record_that_is_not_there_is_absent(self) -> None:
        self.put_by_hand(self.key(0), {self.ids[0]: Decimal(7)})
        read = self._read(self.key(0), self.key(1))
        assert self.key(1) not in read, f"the platform has no such record, but it was read as {read[self.key(1)]}"

    def test_records_do_not_run_into_one_another(self) -> None:
        for n in range(4):
            self.put_by_hand(self.key(n), {self.ids[0]: Decimal(n)})
        read = self._read(self.key(1), self.key(2))
        assert [read[self.key(n)][self.ids[0]] for n in (1, 2)] == [1, 2], f"mixed up: {read}"

    def test_a_read_that_failed_is_unreadable(self) -> None:
        self.put_by_hand(self.key(0), {self.ids[0]: Decimal(7)})
        self.make_unreadable()
        failure = raised(Unreadable, lambda: self._read(self.key(0)), "a read that fails")
        assert failure.reply.kind is not ReplyKind.ACCEPTED, "a failed read has a reply that says it went well"

    def test_a_read_that_is_locked_out_ends_the_run(self) -> None:
        self.lock_out()
        check_words(raised(DestinationError, lambda: self._read(self.key(0)), "a read when locked out"), "locked out")

    # ------------------------------------------------------------ writes

    def test_what_is_accepted_is_stored(self) -> None:
        values = dict(zip(self.ids, map(Decimal, (177, 2)), strict=False))
        reply = self._write(self._create(values))
        assert reply.kind is ReplyKind.ACCEPTED, f"a sound change was answered by {reply}"
        self._check_holds(values)

    def test_numbers_are_written_digit_by_digit(self) -> None:
        for n, number in enumerate(self.numbers):
            self._write(self._create({self.ids[0]: number}, n))
            self._check_holds({self.ids[0]: number}, n)

    def test_a_changed_value_takes_the_place_of_the_old_one(self) -> None:
        self._write(self._update(before={self.ids[0]: Decimal(177)}, number=Decimal(190)))
        self._check_holds({self.ids[0]: Decimal(190)})

    def test_values_that_a_change_does_not_name_survive(self) -> None:
        self._write(self._update(self._two_values(), Decimal(190)))
        self._check_holds({self.ids[1]: Decimal(2)})

    def test_other_records_survive(self) -> None:
        self.put_by_hand(self.key(1), {self.ids[0]: Decimal(5)})
        self._write(self._create({self.ids[0]: Decimal(177)}))
        self._check_holds({self.ids[0]: Decimal(5)}, 1)

    def test_a_withdrawn_record_is_gone(self) -> None:
        reply = self._write(self._withdraw())
        assert reply.kind is ReplyKind.ACCEPTED, f"a withdrawal was answered by {reply}"
        assert self.holds(self.key(0)) is None, f"it still holds {self.holds(self.key(0))}"

    def test_a_record_that_is_gone_already_can_be_withdrawn(self) -> None:
        change = self._withdraw()
        self._write(change)
        reply = self._write(change)
        assert reply.kind is ReplyKind.ACCEPTED, f"there was nothing to withdraw, which was answered by {reply}"

    def test_a_change_is_one_request(self) -> None:
        for change in (self._create(), self._update({self.ids[0]: Decimal(1)}, Decimal(2), 1)):
            self._check_one_request(change)

    def test_a_withdrawal_is_one_request(self) -> None:
        self._check_one_request(self._withdraw())

    def _check_one_request(self, change: Change) -> None:
        requests: Counter[str] = Counter()
        self._write(change, requests=requests)
        assert requests.total() == 1, f"a {change.action} counts as {dict(requests)}"

    def test_a_refused_change_is_an_answer_and_stores_nothing(self) -> None:
        self.refuse("no such value")
        reply = self._write(self._create())
        assert reply.kind is ReplyKind.REFUSED, f"a refusal was answered by {reply}"
        assert self.holds(self.key(0)) is None, "what was refused is stored"

    def test_a_lost_answer_is_not_taken_for_one(self) -> None:
        self.lose_answer()
        reply = self._write(self._create())
        unclear = (ReplyKind.UNKNOWN, ReplyKind.FAILED)
        assert reply.kind in unclear, f"it may be stored and may not be, but the reply is {reply.kind}"

    def test_a_write_that_is_locked_out_ends_the_run_and_stores_nothing(self) -> None:
        self.lock_out()
        check_words(raised(DestinationError, lambda: self._write(self._create()), "a write when locked out"), "a write")
        assert self.holds(self.key(0)) is None, "locked out, but it is stored"

    def test_a_reply_that_shows_the_record_shows_what_it_holds(self) -> None:
        for change in (self._create(), self._update({self.ids[0]: Decimal(1)}, Decimal(2), 1)):
            shown = self._write(change).values
            holds = self.holds(change.key)
            assert shown in (None, holds), f"the reply to a {change.action} shows {shown}, and there stands {holds}"

    # ------------------------------------------------------------ surroundings

    def test_requests_are_counted_by_method(self) -> None:
        requests: Counter[str] = Counter()
        self._write(self._create(), requests=requests)
        self._read(self.key(0), requests=requests)
        assert len(requests) >= 2, f"a write and a read are counted as {dict(requests)}"
        assert all(method and method.upper() == method for method in requests), f"no names of methods: {[*requests]}"

    def test_each_request_waits_for_its_turn(self) -> None:
        turns: list[None] = []
        requests: Counter[str] = Counter()
        around = {"requests": requests, "wait_turn": lambda: turns.append(None)}
        self._write(self._create(), **around)
        self._read(self.key(0), **around)
        assert len(turns) == requests.total(), f"{requests.total()} requests waited {len(turns)} times for their turn"

    def test_nothing_is_sent_before_its_turn(self) -> None:
        def interrupted() -> None:
            raise Interrupted(Exit.SIGTERM)

        change, when = self._create(), "a request that was interrupted while it waited"
        raised(Interrupted, lambda: self._write(change, wait_turn=interrupted), when)
        raised(Interrupted, lambda: self._read(change.key, wait_turn=interrupted), when)
        assert self.holds(self.key(0)) is None, "it was sent before its turn"

    def test_secrets_are_struck_out_of_the_words_of_the_platform(self) -> None:
        self.refuse(f"the password {_SECRET} may not do this")
        reply = self._write(self._create(), redact=lambda text: text.replace(_SECRET, "***"))
        assert _SECRET not in reply.words, f"a secret is told: {reply.words}"

    # ------------------------------------------------------------ the instance

    def test_one_that_keeps_values_apart_is_held_to_the_rules_for_that(self) -> None:
        with self._open() as destination:
            apart = isinstance(destination, KeepsApart)
        assert apart == self._keeps_apart, "inherit KeepsApartConformance where, and only where, it is a KeepsApart"

    def test_it_may_be_called_from_several_threads_at_once(self) -> None:
        keys, requests = self._keys(60), Counter[str]()
        with self._open(requests=requests) as destination, ThreadPoolExecutor(4) as pool:
            changes = [self._create({self.ids[0]: Decimal(n + 1)}, n) for n in range(len(keys))]
            kinds = {reply.kind for reply in pool.map(destination.write, changes)}
            written = requests.total()
            found: dict[RecordKey, Values] = {}
            for part in pool.map(destination.read, destination.windows(keys)):
                found.update(part)
        assert kinds == {ReplyKind.ACCEPTED}, f"sound changes were answered by {kinds}"
        assert written == len(keys), f"{len(keys)} requests were counted as {written}"
        lost = [key for n, key in enumerate(keys) if found.get(key, {}).get(self.ids[0]) != n + 1]
        assert not lost, f"written at the same time, and lost: {lost[:3]}"

    def test_closing_gives_up_connections(self) -> None:
        gc.collect()
        with warnings.catch_warnings(record=True) as told:
            warnings.simplefilter("always", ResourceWarning)
            self._write(self._create())
            gc.collect()
        left = [str(warning.message) for warning in told if issubclass(warning.category, ResourceWarning)]
        assert not left, f"left open: {'; '.join(left)}"
