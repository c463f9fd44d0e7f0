"""The environment of Alembic. `service.store.migrate` passes the connection and its transaction."""

from alembic import context

context.configure(
    connection=context.config.attributes["connection"],
    transactional_ddl=True,  # SQLite supports it when its driver does not begin and commit
)
context.run_migrations()
