"""The door: permissions, budgets, proposals, decisions, calls and the trail."""

from alembic import op

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    op.execute("select 1")


def downgrade() -> None:
    raise SystemExit("bookhand's books only go forward: restore a backup instead.")
