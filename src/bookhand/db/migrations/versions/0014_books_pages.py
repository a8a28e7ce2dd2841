"""The journal by day, its seldom kinds by day, and the documents that came to nothing: what the pages of the books are read by."""

from alembic import op

revision = "0014"
down_revision = "0013"

# None begins as the primary key does: a planner without statistics would take it for a look-up by key, and read all of it.
_INDEXES = (
    "create index journal_entry_day on journal_entry (booked_on, connection_id, happened_at, key)",
    # What there is much of is found soon by day; an index of it would be paid for with every charge.
    """
    create index journal_entry_seldom on journal_entry (kind, connection_id, booked_on, happened_at, key)
        where kind not in ('charge', 'refund', 'payout', 'stripe_fee', 'tax', 'exchange', 'bank_match')
    """,
    "create index book_document_ended on book_document (state, connection_id, day, key) where state in ('failed', 'reversed')",
)


def upgrade() -> None:
    for statement in _INDEXES:
        op.execute(statement)


def downgrade() -> None:
    raise SystemExit("bookhand's books only go forward: restore a backup instead.")
