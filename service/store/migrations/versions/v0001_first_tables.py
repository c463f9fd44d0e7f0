"""Datasets, computations and their arrays."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the tables."""
    _datasets()
    _computations()
    _arrays()


def _datasets() -> None:
    op.create_table(
        "datasets",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("n_samples", sa.BigInteger(), nullable=False),
        sa.Column("n_steps", sa.BigInteger(), nullable=False),
        sa.Column("n_bytes", sa.BigInteger(), nullable=False),
        sa.Column("input_min", sa.Double(), nullable=False),
        sa.Column("input_max", sa.Double(), nullable=False),
        sa.Column("target_min", sa.Double(), nullable=False),
        sa.Column("target_max", sa.Double(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_datasets"),
    )
    op.create_index("ix_datasets_created_at_id", "datasets", ["created_at", "id"])


def _computations() -> None:
    op.create_table(
        "computations",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("request", sa.JSON(), nullable=False),
        sa.Column("result_version", sa.Integer(), nullable=False),
        sa.Column("dataset_id", sa.Text()),
        sa.Column("result", sa.JSON()),
        sa.Column("error", sa.JSON()),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("progress_done", sa.BigInteger(), nullable=False),
        sa.Column("progress_total", sa.BigInteger(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True)),
        sa.Column("finished_at", sa.DateTime(timezone=True)),
        sa.Column("compute_seconds", sa.Double()),
        sa.PrimaryKeyConstraint("id", name="pk_computations"),
        sa.ForeignKeyConstraint(
            ["dataset_id"],
            ["datasets.id"],
            name="fk_computations_dataset_id",
            ondelete="RESTRICT",
        ),
        sa.CheckConstraint(
            "kind IN ('training_run', 'basin_map')", name=op.f("ck_computations_kind")
        ),
        sa.CheckConstraint(
            "status IN ('queued', 'running', 'succeeded', 'failed', 'cancelled')",
            name=op.f("ck_computations_status"),
        ),
    )
    op.create_index("ix_computations_dataset_id", "computations", ["dataset_id"])
    op.create_index(
        "ix_computations_kind_created_at_id", "computations", ["kind", "created_at", "id"]
    )
    op.create_index(
        "ix_computations_kind_status_created_at_id",
        "computations",
        ["kind", "status", "created_at", "id"],
    )


def _arrays() -> None:
    op.create_table(
        "arrays",
        sa.Column("owner", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("part", sa.Integer(), nullable=False),
        sa.Column("data", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("owner", "name", "part", name="pk_arrays"),
    )
    if op.get_bind().dialect.name == "postgresql":
        # The encoded bytes hardly shrink further, so the server need not compress them.
        op.execute("ALTER TABLE arrays ALTER COLUMN data SET STORAGE EXTERNAL")
