"""What may have moved at the bank, by day: the end of a reconciliation statement's last month is summed from it, and not from every charge."""

from alembic import op

revision = "0020"
down_revision = "0019"

# The kinds that no rule posts to a bank account, as `statement_store` names them. It does not begin as the primary key does: see 0014.
_INDEX = """
create index journal_entry_at_bank on journal_entry (booked_on, connection_id)
    where kind not in ('charge', 'refund', 'stripe_fee', 'tax', 'exchange')
"""


def upgrade() -> None:
    op.execute(_INDEX)


def downgrade() -> None:
    raise SystemExit("bookhand's books only go forward: restore a backup instead.")
