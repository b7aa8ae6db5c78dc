"""Agreements to read, and looks at what is about people."""

import sqlalchemy as sa
from alembic import op

from commonweal.core.database import UtcDateTime

revision = "people_0003"
down_revision = "people_0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the tables."""
    op.create_table(
        "person_agreement",
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column("person_id", sa.Integer(), sa.ForeignKey("person.id"), nullable=False),
        sa.Column("datasets", sa.JSON(), nullable=False),
        sa.Column("purpose", sa.Text(), nullable=False),
        sa.Column("until", sa.Date(), nullable=False),
        sa.Column("area", sa.Text(), nullable=False),
        sa.Column("level", sa.Integer(), nullable=True),
        sa.Column("first_day", sa.Date(), nullable=True),
        sa.Column("last_day", sa.Date(), nullable=True),
        sa.Column("given_by", sa.Text(), nullable=False),
        sa.Column("given", UtcDateTime(), nullable=False),
        sa.Column("withdrawn", UtcDateTime(), nullable=True),
    )
    op.create_table(
        "look",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), primary_key=True),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.Column("person_id", sa.Integer(), sa.ForeignKey("person.id"), nullable=True),
        sa.Column("token_id", sa.Integer(), sa.ForeignKey("person_token.id"), nullable=True),
        sa.Column("dataset", sa.String(200), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("form", sa.String(40), nullable=False),
        sa.Column("agreement_id", sa.Integer(), sa.ForeignKey("person_agreement.id"), nullable=True),
    )
    op.create_index("ix_person_agreement_person_id", "person_agreement", ["person_id"])
    for column in ("at", "person_id", "dataset"):
        op.create_index(f"ix_look_{column}", "look", [column])
