"""People who are on their way to an identity provider and back."""

import sqlalchemy as sa
from alembic import op

from commonweal.core.database import UtcDateTime

revision = "people_0002"
down_revision = "people_0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the table."""
    op.create_table(
        "sign_in_request",
        sa.Column("digest", sa.String(64), primary_key=True),
        sa.Column("wanted", sa.Text(), nullable=False),
        sa.Column("ends", UtcDateTime(), nullable=False),
    )
