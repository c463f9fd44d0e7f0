"""Datasets, computations, their arrays, and the totals of jobs."""

import sqlalchemy as sa
from alembic import op

revision = "0007"  # the first; earlier numbers belong to tables that were never released
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the tables."""
    _datasets()
    _computations()
    _arrays()
    op.create_table(
        "job_totals",
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("estimated_ms", sa.BigInteger(), nullable=False),
        sa.Column("actual_ms", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("kind", name="pk_job_totals"),
    )


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
        sa.Column("created_by", sa.Text()),
        sa.Column("name", sa.Text()),
        sa.PrimaryKeyConstraint("id", name="pk_datasets"),
    )
    op.create_index("ix_datasets_created_at_id", "datasets", ["created_at", "id"])


def _computations() -> None:
    op.create_table(
        "computations",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("request", sa.JSON(), nullable=False),
        sa.Column("result_version", sa.BigInteger(), nullable=False),
        sa.Column("progress_total", sa.BigInteger(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("dataset_id", sa.Text()),
        sa.Column("result", sa.JSON()),
        sa.Column("error", sa.JSON()),
        sa.Column("attempt", sa.BigInteger(), nullable=False),
        sa.Column("progress_done", sa.BigInteger(), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True)),
        sa.Column("finished_at", sa.DateTime(timezone=True)),
        sa.Column("compute_seconds", sa.Double()),
        sa.Column("created_by", sa.Text()),
        sa.Column("lease", sa.Text()),
        sa.Column("owner", sa.Text()),
        sa.Column("heartbeat_at", sa.DateTime(timezone=True)),
        sa.Column("deliveries", sa.BigInteger(), nullable=False),
        sa.Column("latest", sa.JSON()),
        sa.Column("estimated_seconds", sa.Double()),
        sa.Column("due", sa.Double()),
        sa.Column("client", sa.Text()),
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
    op.create_index("ix_computations_lease", "computations", ["lease"], unique=True)
    for columns in (
        ["dataset_id"],
        ["kind", "created_at", "id"],
        ["kind", "status", "created_at", "id"],
        ["status", "created_at"],
    ):
        op.create_index(f"ix_computations_{'_'.join(columns)}", "computations", columns)


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
