"""Connections on pages: a backfill that a person asked for, paused and watched there, and a connection's open runs."""

from alembic import op

revision = "0017"
down_revision = "0016"

_SQL = """
alter table backfill
    add column asked_by text,               -- who asked for it on a page: a worker then brings it in, and goes on after every restart
    add column paused_by text,              -- who lets it stand; null: nobody
    add column told jsonb,                  -- how far it said it is, by whoever runs it
    add column told_at timestamptz;
create index run_open_of on run (workspace_id, connection_id, created_at desc, run_id desc) where finished_at is null
"""


def upgrade() -> None:
    op.execute(_SQL)


def downgrade() -> None:
    raise SystemExit("bookhand's books only go forward: restore a backup instead.")
