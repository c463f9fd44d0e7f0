"""The columns that decide which job is next."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add nullable columns, since the release before writes rows without them."""
    op.add_column("computations", sa.Column("estimated_seconds", sa.Double()))
    op.add_column("computations", sa.Column("due", sa.Double()))
