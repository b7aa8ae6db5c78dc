"""Projects, epochs and imported files."""

import sqlalchemy as sa
from alembic import op

from commonweal.core.database import UtcDateTime

revision = "mobility_0001"
down_revision = None
branch_labels = ("mobility",)
depends_on = None


def upgrade() -> None:
    """Create the tables."""
    op.create_table(
        "mobility_project",
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("time_zone", sa.String(), nullable=False),
        sa.Column("day_starts", sa.Integer(), nullable=False),
        sa.Column("epoch_length", sa.String(), nullable=False),
        sa.Column("area_set", sa.String(), nullable=False),
        sa.Column("minimum_people", sa.Integer(), nullable=False),
        sa.Column("retention_days", sa.Integer(), nullable=True),
        sa.Column("bucket_bits", sa.Integer(), nullable=False),
        sa.Column("country_code", sa.String(), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("created_by", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_mobility_project")),
    )
    op.create_table(
        "mobility_epoch",
        sa.Column("project", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("starts_at", UtcDateTime(), nullable=False),
        sa.Column("ends_at", UtcDateTime(), nullable=False),
        sa.Column("fingerprint", sa.String(), nullable=False),
        sa.Column("destroyed_at", UtcDateTime(), nullable=True),
        sa.ForeignKeyConstraint(
            ["project"], ["mobility_project.name"], name=op.f("fk_mobility_epoch_project_mobility_project")
        ),
        sa.PrimaryKeyConstraint("project", "name", name=op.f("pk_mobility_epoch")),
        sa.UniqueConstraint("project", "starts_at", name=op.f("uq_mobility_epoch_project_starts_at")),
    )
    op.create_table(
        "mobility_import",
        sa.Column("project", sa.String(), nullable=False),
        sa.Column("digest", sa.String(), nullable=False),
        sa.Column("layout", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("country_code", sa.String(), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("rows", sa.BigInteger(), nullable=False),
        sa.Column("accepted", sa.BigInteger(), nullable=False),
        sa.Column("rejected", sa.JSON(), nullable=False),
        sa.Column("imported_at", UtcDateTime(), nullable=False),
        sa.Column("imported_by", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(
            ["project"], ["mobility_project.name"], name=op.f("fk_mobility_import_project_mobility_project")
        ),
        sa.PrimaryKeyConstraint("project", "digest", "layout", name=op.f("pk_mobility_import")),
    )
