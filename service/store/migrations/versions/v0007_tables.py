"""All tables, as `service.store.rows` declares them.

The first migration after a release must not change what this one creates: it copies the tables as
they were released to here.
"""

from alembic import op

from service.store.rows import metadata

revision = "0007"  # the first; earlier numbers belong to tables that were never released
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the tables."""
    connection = op.get_bind()
    metadata.create_all(connection, checkfirst=False)
    if connection.dialect.name == "postgresql":
        # Float64 hardly compresses, so the server need not try.
        op.execute("ALTER TABLE arrays ALTER COLUMN data SET STORAGE EXTERNAL")
