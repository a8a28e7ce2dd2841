"""People: who signs in, how, with which role; sessions, tokens and invitations."""

from alembic import op

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    op.execute("select 1")


def downgrade() -> None:
    raise SystemExit("bookhand's books only go forward: restore a backup instead.")
