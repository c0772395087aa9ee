"""Which runs look again at what is rejected: those of the jobs that have open rejects, over the same dates."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from kpisync.jobs import Request
from kpisync.state.rejects import OpenReject


def retries(rejects: Collection[OpenReject]) -> Iterator[Request]:
    """The jobs that were rejected over the same dates run together, those over their own dates first."""
    dates = dict.fromkeys((reject.first, reject.last) for reject in rejects)
    for first, last in sorted(dates, key=lambda each: [(day is not None, day) for day in each]):
        jobs = dict.fromkeys(reject.job for reject in rejects if (reject.first, reject.last) == (first, last))
        yield Request(tuple(jobs), first, last)
