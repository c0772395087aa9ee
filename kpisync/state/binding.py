"""Which platform each destination is: what is known of one is never taken for what another holds."""

from __future__ import annotations

from sqlalchemy import Connection, select

from kpisync.errors import ConfigError
from kpisync.state.columns import plain
from kpisync.state.numbering import insert_into
from kpisync.state.tables import binding


def bound_to(connection: Connection, destination: str) -> str | None:
    """The platform that is known under a destination's name; None if nothing was sent or adopted there yet."""
    return connection.execute(select(binding.c.identity).where(binding.c.destination == destination)).scalar()


def require(connection: Connection, destination: str, identity: str) -> None:
    """Raises ConfigError if a destination is known as another platform."""
    known = bound_to(connection, destination)
    if known is not None and known != plain(identity):
        raise ConfigError(
            f"the state store knows destination {destination} as {known}, and the configuration says {identity}; "
            "nothing was sent",
            hint=f"If it is the same platform under a new address: `kpisync state rebind {destination}`. "
            "If it is another one: give it a name of its own under destinations.",
        )


def bind(connection: Connection, destination: str, identity: str) -> None:
    """Remember a platform under a destination's name, unless one is remembered. Raises as `require`."""
    row = {"destination": destination, "identity": plain(identity)}
    connection.execute(insert_into(connection, binding).on_conflict_do_nothing(), row)
    require(connection, destination, identity)


def rebind(connection: Connection, destination: str, identity: str) -> str | None:
    """Remember a platform in place of the one before, which is returned; None, and nothing done, if there was none."""
    before = bound_to(connection, destination)
    if before is not None:
        here = binding.c.destination == destination
        connection.execute(binding.update().where(here).values(identity=plain(identity)))
    return before


def rate_of(connection: Connection, destination: str) -> float | None:
    return connection.execute(select(binding.c.rate).where(binding.c.destination == destination)).scalar()


def put_rate(connection: Connection, destination: str, rate: float) -> None:
    connection.execute(binding.update().where(binding.c.destination == destination).values(rate=rate))
