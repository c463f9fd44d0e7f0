"""Fits: a third kind of computation."""

from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

NAME = "ck_computations_kind"
KINDS = "kind IN ('training_run', 'basin_map', 'fit')"


def upgrade() -> None:
    """Replace the constraint of the column, on SQLite by a copy of the table."""
    with op.batch_alter_table("computations") as batch:
        batch.drop_constraint(op.f(NAME), type_="check")
        batch.create_check_constraint(op.f(NAME), KINDS)
