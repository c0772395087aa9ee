"""How patiently one run asks its destination: what the answers say of it, when to rest, and when to give up."""

from __future__ import annotations

import math

from kpisync.errors import DestinationError, Interrupted, LoginError
from kpisync.model import Reply, ReplyKind
from kpisync.ports import Clock
from kpisync.sync.gate import Gate, backoff


class Weather:
    """What the answers of one run say about its destination; what concerns other runs too goes to the gate.

    Reads and writes are counted apart: a platform whose reads go well may take no writes.
    """

    def __init__(self, clock: Clock, destination: str, gate: Gate | None = None) -> None:
        self.gate = gate or Gate(clock)
        self.proven = False  # something was answered as it should be
        self.wrote = False  # a write was accepted
        self.forbidden = 0  # writes, while none was accepted yet
        self.begun = math.inf  # monotonic; when the request began whose answer is looked at
        self._clock, self._destination = clock, destination
        self._rest_until = 0.0  # monotonic

    @property
    def paused_until(self) -> float:
        """Monotonic; nothing is asked before."""
        return max(self._rest_until, self.gate.paused_until)

    @property
    def careful(self) -> bool:
        """Whether one request is to go alone: nothing was answered as it should be yet, or not any more."""
        return not self.proven or self.gate.in_trouble

    def good(self, wrote: bool) -> None:
        self.proven = True
        self.wrote = self.wrote or wrote
        self.gate.good(wrote)

    def bad(self, reply: Reply, wrote: bool) -> None:
        """Take note of an answer that is none; raises DestinationError when it is time to stop.

        Answers that befall one record alone are no trouble of the destination, but for failures while nothing was
        answered well yet, and a second 403 to a write while none was accepted yet: then it is the account.
        """
        self._forbidden(reply, wrote)
        if reply.kind is ReplyKind.REFUSED or (reply.kind is ReplyKind.FAILED and self.proven):
            return
        if self.gate.bad(reply, wrote, self.begun):
            given_up = DestinationError(
                reply.words or f"the platform is not available (status {reply.status})",
                where=f"destination {self._destination}",
                hint="What was not sent stays to be sent; run again when it is reachable",
            )
            self.gate.shut(given_up)
            raise given_up

    def _forbidden(self, reply: Reply, wrote: bool) -> None:
        if reply.status != 403 or (self.wrote if wrote else self.proven):
            return
        self.forbidden += 1
        if self.forbidden > 1 or not wrote:
            raise DestinationError(
                f"the platform forbids it (status 403): {reply.words}",
                where=f"destination {self._destination}",
                hint="Check what the account may do",
            )

    def end(self, reason: DestinationError | Interrupted) -> None:
        """The run ends; what waits for a worker is not sent any more. A refused login is every job's."""
        self.pause(math.inf)
        if isinstance(reason, LoginError):
            self.gate.shut(reason, for_good=True)

    def pause(self, seconds: float) -> None:
        self._rest_until = max(self._rest_until, self._clock.monotonic() + seconds)

    def rest(self, attempts: int) -> None:
        """Wait before one read or record is tried again, after so many attempts."""
        self.pause(backoff(attempts, self.gate.dice))

    def may_repeat(self) -> bool:
        """Whether a failed write may be repeated now."""
        return self.gate.may_repeat()
