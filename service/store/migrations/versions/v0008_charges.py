"""The table of CPU seconds to charge."""

from alembic import op

from service.store.tables import charges

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the table, unless the first migration has created all tables of this release."""
    charges.create(op.get_bind(), checkfirst=True)
