"""Runs the migrations on the connection that the program hands over, inside its transaction."""

from alembic import context

from kpisync.state.tables import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    render_as_batch=True,  # SQLite alters a table by building it anew
)
with context.begin_transaction():
    context.run_migrations()
