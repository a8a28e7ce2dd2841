"""Runs: durable executions, their owners, rights and schedules."""

from alembic import op

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    op.execute("select 1")


def downgrade() -> None:
    raise SystemExit("bookhand's books only go forward: restore a backup instead.")
