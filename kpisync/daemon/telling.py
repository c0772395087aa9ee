"""What people should know of an overview, what of it is news, and the message that tells it."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, tzinfo
from typing import NamedTuple

from kpisync.config.schema import AlertEvent
from kpisync.state.alerts import AlertKey, OpenAlert
from kpisync.watch.model import JobHealth, LastRun, Overview, Topic, Trouble, Word

ITSELF = "kpisync "  # what the daemon's own subjects begin with; the blank keeps them apart from every job's name
_FAILED = (Word.BROKEN, Word.STUCK, Word.FAILED)
_NOT_WELL = (*_FAILED, Word.HELD, Word.SKIPPED)
_TOLD_IN_FULL = 10
_LONGEST = 600  # characters of what is said of one alert


@dataclass(frozen=True)
class Picture:
    """What holds now, whether or not anybody wants to be told.

    `unwell` are subjects of which no recovery is told; `resting` those of which nothing can be told while they run;
    `subjects` all there are.
    """

    holds: dict[AlertKey, OpenAlert] = field(default_factory=dict)
    unwell: set[str] = field(default_factory=set)
    resting: set[str] = field(default_factory=set)
    subjects: set[str] = field(default_factory=set)


class News(NamedTuple):
    """What is open now, and the subjects that are well again and of which people still believe otherwise.

    The row of a subject under RECOVERED is that belief: it is there from when somebody was told of a trouble until
    somebody is told of its end.
    """

    rows: dict[AlertKey, OpenAlert]
    recovered: frozenset[str]


@dataclass(frozen=True, slots=True)
class Message:
    """`keys` are what is told with it."""

    keys: frozenset[AlertKey]
    subject: str
    body: str


def picture(overview: Overview, rejects_above: int) -> Picture:
    """Derive what holds from what the page shows. A job that is switched off is no subject."""
    found = Picture()
    for job in overview.jobs:
        if job.word is Word.OFF:
            continue
        found.subjects.add(job.job)
        if job.running_since is not None and job.word not in (Word.STUCK, Word.BROKEN):
            found.resting.add(job.job)  # its counts are those of a moment in the middle of its work
            continue
        for event, since, said in _of_job(job, overview.now, rejects_above):
            found.holds[job.job, event] = OpenAlert(since, said, None)
        if job.word in _NOT_WELL or any((job.job, event) in found.holds for event in AlertEvent):
            found.unwell.add(job.job)
    found.subjects.update(ITSELF + topic for topic in Topic)
    for topic in Topic:
        told = [each for each in overview.troubles if each.topic is topic and _is_told(each)]
        if told:
            said = "\n".join(dict.fromkeys(_short(each.said) for each in told))
            found.holds[ITSELF + topic, AlertEvent.FAILED] = OpenAlert(min(each.since for each in told), said, None)
            found.unwell.add(ITSELF + topic)
    return found


def _is_told(trouble: Trouble) -> bool:
    """Of a job's own trouble the job tells; that alerts do not arrive cannot be told by one."""
    return (
        trouble.job is None and trouble.topic is not Topic.ALERTS and (trouble.stops or trouble.topic is Topic.CONFIG)
    )


def _of_job(job: JobHealth, now: datetime, rejects_above: int) -> Iterator[tuple[AlertEvent, datetime, str]]:
    name, last = job.job, job.last_run
    ended = (last and last.ended) or now
    if job.word in _FAILED or job.kept:
        yield AlertEvent.FAILED, _failed_since(job, now), _why_failed(job)
    if job.word is Word.HELD:
        why = (last and last.held) or job.trouble or "its guard stopped it; nothing was sent"
        yield AlertEvent.HELD, ended, _said(why, f"kpisync plan {name}; if meant: kpisync run --yes-over-guard {name}")
    if last and last.conflicts:
        what = f"{_values(last.conflicts)} on the platform were written by somebody else; they were left as they are"
        yield AlertEvent.CONFLICT, ended, _said(what, f"kpisync history {last.id}; kpisync adopt {name} accepts them")
    if job.in_doubt:
        what = f"{_values(job.in_doubt)} were sent without a clear answer; the next run looks at them first"
        yield AlertEvent.IN_DOUBT, now, _said(what, "kpisync resolve shows the evidence")
    if job.rejected > rejects_above:
        what = f"{job.rejected:,} rows or values are rejected"
        yield AlertEvent.REJECTS, now, _said(what, f"kpisync rejects {name}")
    if job.missing:
        what = f"{_values(job.missing)} are due and absent"
        yield AlertEvent.STALE, now, _said(what, f"see whether its source holds them, then: kpisync run {name}")


def _failed_since(job: JobHealth, now: datetime) -> datetime:
    if job.word is Word.STUCK:
        return job.running_since or now
    return (job.word is Word.FAILED and job.last_run and job.last_run.ended) or now


def _why_failed(job: JobHealth) -> str:
    last: LastRun | None = job.last_run
    if job.kept or job.word is Word.BROKEN:
        what = job.trouble or "its configuration has problems"
        kept = "\nIt goes on with its last good version." if job.kept else ""
        return _said(what, "kpisync check") + kept
    if job.word is Word.STUCK:
        return _said(job.trouble or "it was to end long ago, and does not", "look at its source; restart kpisync")
    what = (last and last.error) or job.trouble or "its last run could not be carried out"
    return _said(what, f"kpisync history {last.id}" if last else f"kpisync run {job.job}")


def _said(what: str, then: str) -> str:
    return f"{_short(what)}\nNext: {then}"


def _short(text: str) -> str:
    text = " ".join(text.split())
    return text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…"


def _values(count: int) -> str:
    return f"{count:,} value{'s' * (count != 1)}"


# ---------------------------------------------------------------- what is news


def compare(rows: Mapping[AlertKey, OpenAlert], now: Picture, on: Collection[AlertEvent]) -> News:
    """What is open after a look, given what was open before it."""
    after: dict[AlertKey, OpenAlert] = {}
    recovered: set[str] = set()
    for key, row in rows.items():
        subject, event = key
        if subject not in now.subjects:
            continue  # it is gone, or switched off: that is known to whoever did it
        if event == AlertEvent.RECOVERED:
            if subject in now.unwell or subject in now.resting:
                after[key] = row
            elif AlertEvent.RECOVERED in on:
                after[key] = row  # until somebody was told
                recovered.add(subject)
        elif subject in now.resting and event in on:
            after[key] = row
    for key, hold in now.holds.items():
        if key[1] in on:
            before = rows.get(key)
            # What nobody was told yet is told as it is now, and as long as it lasts already.
            after[key] = hold if before is None else before if before.told else OpenAlert(before.since, hold.said, None)
    return News(after, frozenset(recovered))


# ---------------------------------------------------------------- the message


def message(rows: Mapping[AlertKey, OpenAlert], keys: Collection[AlertKey], zone: tzinfo, missed: int = 0) -> Message:
    """One message for all of it: the worst first, the first ones in full, the others counted."""
    order = list(AlertEvent)
    ordered = sorted(keys, key=lambda key: (order.index(AlertEvent(key[1])), key[0]))
    blocks = [_block(key, rows[key], zone) for key in ordered[:_TOLD_IN_FULL]]
    if len(ordered) > _TOLD_IN_FULL:
        blocks.append(f"And {len(ordered) - _TOLD_IN_FULL:,} more: kpisync status")
    if missed:
        told = f"{missed:,} alert{'s' * (missed != 1)} could not be told in time, and are over"
        blocks.append(f"{told}.\nNext: kpisync history shows the runs.")
    return Message(frozenset(keys), f"kpisync: {_headline(ordered)}", "\n\n".join(blocks))


def _headline(keys: Sequence[AlertKey]) -> str:
    if not keys:
        return "alerts arrive again"
    if len(keys) == 1:
        return _sentence(keys[0])
    counts = {event: sum(key[1] == event for key in keys) for event in AlertEvent}
    return ", ".join(f"{count:,} {_COUNTED[event]}" for event, count in counts.items() if count)


def _block(key: AlertKey, row: OpenAlert, zone: tzinfo) -> str:
    if key[1] == AlertEvent.RECOVERED:
        return f"{_sentence(key)}.\n{row.said}"
    return f"{_since(key, row, zone)}.\n{row.said}"


def belief(key: AlertKey, row: OpenAlert, zone: tzinfo) -> str:
    """What a recovery reminds people of."""
    return f"Before: {_since(key, row, zone)}."


def _since(key: AlertKey, row: OpenAlert, zone: tzinfo) -> str:
    return f"{_sentence(key)}, since {row.since.astimezone(zone):%Y-%m-%d %H:%M %Z}"


def _sentence(key: AlertKey) -> str:
    subject, event = key
    if subject.startswith(ITSELF):
        verb = "is well again" if event == AlertEvent.RECOVERED else "needs somebody"
        return f"kpisync itself ({subject.removeprefix(ITSELF)}) {verb}"
    return f"{subject} {_VERBS[AlertEvent(event)]}"


_VERBS = {
    AlertEvent.FAILED: "failed",
    AlertEvent.HELD: "is held by its guard",
    AlertEvent.CONFLICT: "is in conflict with its platform",
    AlertEvent.IN_DOUBT: "has values in doubt",
    AlertEvent.REJECTS: "has rejects",
    AlertEvent.STALE: "lacks values that are due",
    AlertEvent.RECOVERED: "is well again",
}
_COUNTED = {
    AlertEvent.FAILED: "failed",
    AlertEvent.HELD: "held",
    AlertEvent.CONFLICT: "in conflict",
    AlertEvent.IN_DOUBT: "in doubt",
    AlertEvent.REJECTS: "with rejects",
    AlertEvent.STALE: "late",
    AlertEvent.RECOVERED: "well again",
}
