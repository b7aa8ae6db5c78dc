"""Area sets, and their areas with the time they were valid."""

import sqlalchemy as sa
from alembic import op

revision = "areas_0001"
down_revision = None
branch_labels = ("areas",)
depends_on = None


def upgrade() -> None:
    """Create both tables."""
    op.create_table(
        "area_set",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_area_set"),
        sa.UniqueConstraint("name", name="uq_area_set_name"),
    )
    op.create_table(
        "area",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("set_id", sa.Integer(), nullable=False),
        sa.Column("level", sa.Integer(), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("names", sa.JSON(), nullable=False),
        sa.Column("parent", sa.Text(), nullable=True),
        sa.Column("valid_from", sa.Date(), nullable=True),
        sa.Column("valid_to", sa.Date(), nullable=True),
        sa.Column("outline", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_area"),
        sa.ForeignKeyConstraint(["set_id"], ["area_set.id"], name="fk_area_set_id_area_set"),
    )
    op.create_index("ix_area_set_code", "area", ["set_id", "code"])
