"""Alerts that are open, kept so that a restart tells nobody twice and forgets no recovery."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, delete, select

from kpisync.state.columns import plain
from kpisync.state.numbering import insert_into
from kpisync.state.store import Store
from kpisync.state.tables import alert

SAID_LIMIT = 2000

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
