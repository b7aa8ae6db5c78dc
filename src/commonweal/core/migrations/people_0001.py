"""People, their roles, sessions, tokens, links, and failed attempts to sign in."""

import sqlalchemy as sa
from alembic import op

from commonweal.core.database import UtcDateTime

revision = "people_0001"
down_revision = None
branch_labels = ("people",)
depends_on = None


def upgrade() -> None:
    """Create the tables."""
    op.create_table(
        "person",
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column("name", sa.Text(), nullable=False, unique=True),
        sa.Column("full_name", sa.Text(), nullable=False),
        sa.Column("password", sa.Text(), nullable=True),
        sa.Column("subject", sa.Text(), nullable=True, unique=True),
        sa.Column("made", UtcDateTime(), nullable=False),
        sa.Column("disabled", UtcDateTime(), nullable=True),
    )
    op.create_table(
        "person_grant",
        sa.Column("id", sa.Integer(), primary_key=True),
        _person(),
        sa.Column("role", sa.String(20), nullable=False),
        sa.Column("domain", sa.Text(), nullable=False),
        sa.Column("area", sa.Text(), nullable=False),
        sa.UniqueConstraint("person_id", "role", "domain", "area"),
    )
    op.create_table(
        "person_session",
        sa.Column("digest", sa.String(64), primary_key=True),
        _person(),
        sa.Column("begun", UtcDateTime(), nullable=False),
        sa.Column("seen", UtcDateTime(), nullable=False),
        sa.Column("ends", UtcDateTime(), nullable=False),
    )
    op.create_table(
        "person_token",
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column("digest", sa.String(64), nullable=False, unique=True),
        _person(),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("permissions", sa.JSON(), nullable=False),
        sa.Column("made", UtcDateTime(), nullable=False),
        sa.Column("ends", UtcDateTime(), nullable=False),
        sa.Column("used", UtcDateTime(), nullable=True),
        sa.Column("revoked", UtcDateTime(), nullable=True),
    )
    op.create_table(
        "person_link",
        sa.Column("digest", sa.String(64), primary_key=True),
        _person(nullable=True),
        sa.Column("made", UtcDateTime(), nullable=False),
        sa.Column("ends", UtcDateTime(), nullable=False),
    )
    op.create_table(
        "sign_in_failure",
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column("key", sa.String(64), nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
    )
    for table in ("person_grant", "person_session", "person_token", "person_link"):
        op.create_index(f"ix_{table}_person_id", table, ["person_id"])
    op.create_index("ix_sign_in_failure_key", "sign_in_failure", ["key"])


def _person(nullable: bool = False) -> sa.Column[int]:
    return sa.Column("person_id", sa.Integer(), sa.ForeignKey("person.id"), nullable=nullable)
