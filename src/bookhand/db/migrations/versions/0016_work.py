"""What the pages of work list: proposals that wait, by their end; those that were decided, by who asked; runs that stand or ended badly."""

from alembic import op

revision = "0016"
down_revision = "0015"

_SQL = """
create index proposal_due on proposal (workspace_id, expires_at, proposal_id) where state = 'waiting';
create index proposal_asked on proposal (workspace_id, created_at desc, proposal_id desc) where standing_id is null;
create index proposal_asked_state on proposal (workspace_id, state, created_at desc, proposal_id desc) where standing_id is null;
create index proposal_passed on proposal (workspace_id, created_at desc, proposal_id desc) where standing_id is not null;
create index proposal_passed_state on proposal (workspace_id, state, created_at desc, proposal_id desc) where standing_id is not null;
create index run_open on run (workspace_id, created_at desc, run_id desc) where finished_at is null;
create index run_stood on run (workspace_id, state, created_at desc, run_id desc) where state in ('paused', 'parked', 'failed', 'cancelled');
"""


def upgrade() -> None:
    op.execute(_SQL)


def downgrade() -> None:
    raise SystemExit("bookhand's books only go forward: restore a backup instead.")
