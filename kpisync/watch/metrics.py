"""What Prometheus reads: the pictures of a moment and the tally of the process, in its text format."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import accumulate

from prometheus_client import CollectorRegistry, ProcessCollector, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from kpisync import __version__
from kpisync.watch.model import Complete, DestinationHealth, JobHealth, Live, Overview, Topic, Trouble
from kpisync.watch.tally import BOUNDS, Counts, Durations, Tally

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"

_RUNS = "Runs that have ended since the start, by outcome: ok, partial, failed, held, skipped or interrupted"
_VALUES = "Values of these runs by what became of them; one that was created can be confirmed too"
_BEAT = "Seconds since the scheduler last looked whether anything is due"
_RATE = "Requests a second at most, as the platform's answers have taught, or as configured"
_CONFIRMED_AT = "When a value of the job was last confirmed by its platform"

Samples = Sequence[tuple[tuple[str, ...], float]]  # values of the labels, number


@dataclass(frozen=True, slots=True)
class _Family:
    """One metric with its samples; a counter's name is without its `_total`."""

    name: str
    said: str
    labels: tuple[str, ...]
    samples: Samples
    counts: bool = False

    def of(self, samples: Samples) -> Metric:
        make = CounterMetricFamily if self.counts else GaugeMetricFamily
        family: CounterMetricFamily | GaugeMetricFamily = make(f"kpisync_{self.name}", self.said, labels=self.labels)
        for values, number in samples:
            family.add_metric(values, number)
        return family


@dataclass
class Kept:
    """The lines of the last time, by family: with many jobs, most of them are the same the next time."""

    lines: dict[str, dict[tuple[tuple[str, ...], float], str]] = field(default_factory=dict)


def exposition(
    overview: Overview | None,
    destinations: Sequence[DestinationHealth],
    live: Live,
    tally: Tally,
    kept: Kept | None = None,
) -> bytes:
    """`overview` None: the state store cannot be read; what is known without it is there all the same.

    Of the states of a job or a gate only the one that holds is there. Labels are names of the configuration. Given
    the same `kept` each time, it is several times faster.
    """
    counts = tally.counts()
    families = [*_of_daemon(overview, live), *_of_tally(counts), *_of_destinations(destinations)]
    if overview is not None:
        families += [*_of_jobs(overview.jobs, live.now), *_of_boards(overview.answers)]
    kept = kept or Kept()
    text = "".join(_written(family, kept) for family in families)
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Collected([_durations(counts)]))
    ProcessCollector(registry=registry)
    return text.encode() + generate_latest(registry)


class _Collected(Collector):
    def __init__(self, families: Sequence[Metric]) -> None:
        self._families = families

    def collect(self) -> Iterable[Metric]:
        return self._families


def _written(family: _Family, kept: Kept) -> str:
    """A family as the library writes it, whose lines are in the order of its samples."""
    before = kept.lines.get(family.name, {})
    new = [sample for sample in family.samples if sample not in before]
    text = generate_latest(_Collected([family.of(new)])).decode()
    said, kind, *lines = text.removesuffix("\n").split("\n")
    written = dict(zip(new, lines, strict=True))
    now = {sample: before.get(sample) or written[sample] for sample in family.samples}
    kept.lines[family.name] = now
    return "\n".join((said, kind, *now.values(), ""))


def _one(name: str, said: str, number: float | None) -> _Family:
    return _Family(name, said, (), [] if number is None else [((), number)])


def _counter(name: str, said: str, labels: tuple[str, ...], counts: Mapping[tuple[str, str], int]) -> _Family:
    return _Family(name, said, labels, sorted(counts.items()), counts=True)


# ---------------------------------------------------------------- the daemon


def _of_daemon(overview: Overview | None, live: Live) -> Iterator[_Family]:
    troubles = _troubles(overview, live)
    counts = Counter(trouble.topic for trouble in troubles)
    if overview is None:
        counts[Topic.STATE] = max(1, counts[Topic.STATE])
    ready = overview is not None and live.beat is not None and not any(trouble.stops for trouble in troubles)
    yield _Family("build_info", "1; what runs is in the label", ("version",), [((__version__,), 1)])
    yield _one(
        "start_timestamp_seconds", "When the daemon was started", live.started.timestamp() if live.started else None
    )
    yield _one("ready", "1 if the daemon can do its work, as /readyz says", ready)
    topics = [((str(topic),), float(counts[topic])) for topic in Topic]
    yield _Family("trouble", "Troubles of the whole daemon that last, by what they are about", ("topic",), topics)
    yield _one("scheduler_beat_age_seconds", _BEAT, live.beat)
    yield _one("queue", "Jobs that wait for a place to run", len(live.queued))
    yield _one("running", "Jobs that run", len(live.running))
    yield _one("stuck", "Jobs that run on after the time by which they were to end", len(live.stuck))


def _troubles(overview: Overview | None, live: Live) -> list[Trouble]:
    """Of both pictures, each once; one may be a second older."""
    return list(dict.fromkeys((*live.troubles, *(overview.troubles if overview else ()))))


def _of_tally(counts: Counts) -> Iterator[_Family]:
    yield _counter("runs", _RUNS, ("job", "outcome"), counts.runs)
    yield _counter("values", _VALUES, ("job", "outcome"), counts.values)
    yield _counter("requests", "Requests to platforms, by method", ("destination", "method"), counts.requests)
    answers = "Their answers by status; none: no answer that could be used"
    yield _counter("answers", answers, ("destination", "status"), counts.answers)


def _durations(counts: Counts) -> Metric:
    runs = HistogramMetricFamily("kpisync_run_seconds", "How long runs took, by kind of run", labels=("kind",))
    for kind, durations in sorted(counts.durations.items()):
        runs.add_metric((kind,), _buckets(durations), durations.seconds)
    return runs


def _buckets(durations: Durations) -> list[tuple[str, float]]:
    bounds = [*map(str, BOUNDS), "+Inf"]
    return list(zip(bounds, accumulate(map(float, durations.counts)), strict=True))


# ---------------------------------------------------------------- what the state store says


def _of_jobs(jobs: Sequence[JobHealth], now: datetime) -> Iterator[_Family]:
    yield _Family(
        "job_state", "1; how the job is", ("job", "state"), [((each.job, str(each.word)), 1) for each in jobs]
    )
    yield _per_job("in_doubt", "Values of which it is not known whether they arrived", jobs, "in_doubt")
    yield _per_job("rejected", "Values and rows that are rejected, and not put right yet", jobs, "rejected")
    yield _per_job("missing", "Numbers that are due and absent", jobs, "missing")
    confirmed = [((each.job,), each.confirmed_at) for each in jobs if each.confirmed_at]
    yield _Family("last_confirmed_timestamp_seconds", _CONFIRMED_AT, ("job",), _instants(confirmed))
    ages = [(name, (now - instant).total_seconds()) for name, instant in confirmed]
    yield _Family("last_confirmed_age_seconds", "Seconds since then", ("job",), ages)
    due = [((each.job,), each.next_due) for each in jobs if each.next_due]
    yield _Family("next_due_timestamp_seconds", "When the job is due next", ("job",), _instants(due))
    last = [((each.job,), each.last_run) for each in jobs if each.last_run]
    begun = _instants((name, run.started) for name, run in last)
    yield _Family("last_run_timestamp_seconds", "When the newest run of the job began", ("job",), begun)
    took = [(name, (run.ended - run.started).total_seconds()) for name, run in last if run.ended]
    yield _Family("last_run_seconds", "How long it took; absent while it runs", ("job",), took)


def _per_job(name: str, said: str, jobs: Sequence[JobHealth], attribute: str) -> _Family:
    return _Family(name, said, ("job",), [((each.job,), getattr(each, attribute)) for each in jobs])


def _instants(found: Iterable[tuple[tuple[str], datetime]]) -> Samples:
    return [(labels, instant.timestamp()) for labels, instant in found]


def _of_boards(answers: Sequence[Complete]) -> Iterator[_Family]:
    due = [((each.destination,), each.of) for each in answers]
    absent = [((each.destination,), each.missing) for each in answers]
    yield _Family("board_due", "Fields of the newest board that is due", ("destination",), due)
    yield _Family("board_missing", "Fields of it that are absent", ("destination",), absent)


# ---------------------------------------------------------------- platforms


def _of_destinations(destinations: Sequence[DestinationHealth]) -> Iterator[_Family]:
    gates = [((each.name, each.gate.word if each.gate else "unused"), 1.0) for each in destinations]
    said = "1; whether requests pass: open, paused, trouble, shut, or unused so far"
    yield _Family("destination_gate", said, ("destination", "state"), gates)
    flying = [((each.name,), each.gate.in_flight if each.gate else 0) for each in destinations]
    yield _Family("destination_in_flight", "Requests that have not been answered yet", ("destination",), flying)
    rates = [((each.name,), rate) for each in destinations if (rate := _rate(each)) is not None]
    yield _Family("destination_rate", _RATE, ("destination",), rates)


def _rate(health: DestinationHealth) -> float | None:
    taught = health.gate.rate if health.gate else None
    return next((rate for rate in (taught, health.rate_found, health.rate_limit) if rate is not None), None)
