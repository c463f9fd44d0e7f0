"""The columns of computations that workers execute."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add columns with defaults, since the release before writes rows without them."""
    for column in (
        sa.Column("ticket", sa.Text()),
        sa.Column("owner", sa.Text()),
        sa.Column("heartbeat_at", sa.DateTime(timezone=True)),
        sa.Column("deliveries", sa.Integer(), nullable=False, server_default="0"),
        sa.Column("latest", sa.JSON()),
    ):
        op.add_column("computations", column)
    op.create_index("ix_computations_ticket", "computations", ["ticket"], unique=True)
    op.create_index("ix_computations_status_created_at", "computations", ["status", "created_at"])
