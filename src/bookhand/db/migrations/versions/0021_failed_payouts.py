"""Payouts that failed and never reached the bank are settled by themselves; they stay open, for a line may come after all."""

from alembic import op

revision = "0021"
down_revision = "0020"

_SETTLED = """
alter table payout_open
    add column settled text collate "C",     -- the balance transaction that put the money of a failed payout back; null: it is looked for
    add column settled_says text
"""


def upgrade() -> None:
    op.execute(_SETTLED)


def downgrade() -> None:
    raise SystemExit("bookhand's books only go forward: restore a backup instead.")
