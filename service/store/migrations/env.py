"""Alembic runs this; the connection, with its transaction begun, comes from `service.store`."""

from alembic import context

from service.store.tables import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    transactional_ddl=True,  # SQLite can, once its driver does not begin and commit by itself
)
context.run_migrations()
