"""Alerts that are open, kept so that a restart tells nobody twice and forgets no recovery."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from sqlalchemy import Connection, delete, select, update

from kpisync.state.columns import plain
from kpisync.state.numbering import insert_into
from kpisync.state.store import Store
from kpisync.state.tables import alert, meta

SAID_LIMIT = 2000
_TELLER = "teller"  # in `meta`: until when who is the one that tells
_FOR = timedelta(seconds=150)  # two looks of a daemon, and a little

AlertKey = tuple[str, str]  # the subject and the event


@dataclass(frozen=True, slots=True)
class OpenAlert:
    """`said` is what people are told, in lines; `told` None: nobody was told yet."""

    since: datetime
    said: str
    told: datetime | None


def open_alerts(store: Store) -> dict[AlertKey, OpenAlert]:
    with store.reading() as connection:
        return _read(connection)


def keep_alerts(store: Store, alerts: Mapping[AlertKey, OpenAlert]) -> None:
    """Exactly these are open from now on."""
    with store.writing() as connection:
        there = _read(connection)
        for subject, event in there.keys() - alerts.keys():
            connection.execute(delete(alert).where(alert.c.subject == subject, alert.c.event == event))
        rows = [_row(key, each) for key, each in alerts.items() if there.get(key) != each]
        if rows:
            statement = insert_into(connection, alert)
            changed = {name: statement.excluded[name] for name in ("since", "said", "told")}
            connection.execute(statement.on_conflict_do_update(index_elements=["subject", "event"], set_=changed), rows)


def _read(connection: Connection) -> dict[AlertKey, OpenAlert]:
    return {
        (row.subject, row.event): OpenAlert(row.since, row.said, row.told)
        for row in connection.execute(select(alert).order_by(alert.c.subject, alert.c.event))
    }


def _row(key: AlertKey, each: OpenAlert) -> dict[str, object]:
    subject, event = key
    return {
        "subject": plain(subject),
        "event": event,
        "since": each.since,
        "said": plain(each.said, SAID_LIMIT),
        "told": each.told,
    }


# ---------------------------------------------------------------- who tells


def is_teller(store: Store, who: str, now: datetime) -> bool:
    """Whether this one, of several over the same store, is to tell people; it stays so as long as it goes on asking."""
    wanted = select(meta.c.value).where(meta.c.key == _TELLER)
    with store.reading() as connection:
        known: str | None = connection.execute(wanted).scalar()
    until, _, teller = (known or "").partition(" ")
    if known and teller != who and until > _text(now):
        return False
    if teller == who and until > _text(now + _FOR / 2):
        return True
    row = {"key": _TELLER, "value": f"{_text(now + _FOR)} {who}"}
    with store.writing() as connection:  # of two that ask at once, one finds its row in place of what it has read
        connection.execute(update(meta).where(meta.c.key == _TELLER, meta.c.value == known).values(row))
        connection.execute(insert_into(connection, meta).on_conflict_do_nothing(), row)
        return bool(connection.execute(wanted).scalar() == row["value"])


def _text(instant: datetime) -> str:
    """In a form that sorts."""
    return instant.astimezone(UTC).isoformat(timespec="seconds")
