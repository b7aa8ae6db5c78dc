"""The ledger, with triggers that refuse to change or delete what it holds, and proposals of releases."""

import sqlalchemy as sa
from alembic import op

from commonweal.core.append_only import AppendOnly
from commonweal.core.database import UtcDateTime

revision = "ledger_0001"
down_revision = None
branch_labels = ("ledger",)
depends_on = None


def upgrade() -> None:
    """Create the tables, then the triggers."""
    op.create_table(
        "disclosure_ledger",
        sa.Column(
            "sequence",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            primary_key=True,
            autoincrement=False,
            nullable=False,
        ),
        sa.Column("at", sa.Text(), nullable=False),
        sa.Column("who", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("said", sa.Text(), nullable=False),
        sa.Column("previous", sa.Text(), nullable=False),
        sa.Column("hash", sa.Text(), nullable=False),
        sa.Column("signature", sa.Text(), nullable=False),
    )
    AppendOnly("disclosure_ledger", "the ledger", "commonweal disclosure ledger verify").restore(op.get_bind())
    op.create_table(
        "disclosure_proposal",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("domain", sa.String(), nullable=False),
        sa.Column("said", sa.JSON(), nullable=False),
        sa.Column("evidence", sa.JSON(), nullable=True),
        sa.Column("proposed_at", UtcDateTime(), nullable=False),
        sa.Column("decided_at", UtcDateTime(), nullable=True),
        sa.Column("decided_by", sa.String(), nullable=True),
        sa.Column("why", sa.String(), nullable=True),
        sa.Column("entry", sa.BigInteger(), nullable=True),
        sa.Column("releases", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_disclosure_proposal")),
    )
    op.create_index(op.f("ix_disclosure_proposal_domain"), "disclosure_proposal", ["domain"])
