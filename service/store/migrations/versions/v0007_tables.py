"""All tables, as declared in `service.store.tables`.

Later migrations create what the databases of earlier releases lack.
"""

from alembic import op

from service.store.tables import metadata

revision = "0007"  # the first; earlier numbers, and 0008, belong to unreleased tables
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
