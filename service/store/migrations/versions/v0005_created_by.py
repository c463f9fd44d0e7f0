"""The names of the API keys that created resources."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add nullable columns, since the release before writes rows without them."""
    for table in ("datasets", "computations"):
        op.add_column(table, sa.Column("created_by", sa.Text()))
