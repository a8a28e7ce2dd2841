"""What pages look up: the trail of a time however long ago, and a payout by its id alone."""

from alembic import op

revision = "0022"
down_revision = "0021"


def upgrade() -> None:
    op.execute("create index trail_at on trail (workspace_id, at, seq)")
    op.execute("create index payout_by_id on payout (payout_id)")


def downgrade() -> None:
    raise SystemExit("bookhand's books only go forward: restore a backup instead.")
