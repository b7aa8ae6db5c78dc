"""Certificates that keys of epochs were destroyed."""

import sqlalchemy as sa
from alembic import op

revision = "mobility_0002"
down_revision = "mobility_0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the column."""
    op.add_column("mobility_epoch", sa.Column("destruction", sa.JSON(), nullable=True))
