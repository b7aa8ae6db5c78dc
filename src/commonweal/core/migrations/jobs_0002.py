"""Who works on the queue."""

import sqlalchemy as sa
from alembic import op

from commonweal.core.database import UtcDateTime

revision = "jobs_0002"
down_revision = "jobs_0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the table."""
    op.create_table(
        "job_worker",
        sa.Column("id", sa.String(32), primary_key=True),
        sa.Column("machine", sa.Text(), nullable=False),
        sa.Column("process", sa.Integer(), nullable=False),
        sa.Column("process_started", sa.BigInteger(), nullable=False),
        sa.Column("began", UtcDateTime(), nullable=False),
        sa.Column("seen", UtcDateTime(), nullable=False),
    )
