"""All tables, as declared in `service.store.rows`.

The first migration after a release must not change the tables created here: it copies the released
tables to this file.
"""

from alembic import op

from service.store.rows import metadata

revision = "0007"  # the first; earlier numbers belong to unreleased tables
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the tables."""
    connection = op.get_bind()
    metadata.create_all(connection, checkfirst=False)
    if connection.dialect.name == "postgresql":
        # Float64 is hardly compressible, so compression is disabled.
        op.execute("ALTER TABLE arrays ALTER COLUMN data SET STORAGE EXTERNAL")
