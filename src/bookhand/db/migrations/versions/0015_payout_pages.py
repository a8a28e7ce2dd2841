"""What the pages about payouts read by: payouts that are looked for, lines of all accounts by day, files by when they came."""

from alembic import op

revision = "0015"
down_revision = "0014"

_SQL = """
create index payout_of_connection on payout (workspace_id, connection_id, created desc, payout_id desc);
create index payout_open_newest on payout_open (workspace_id, since desc, payout_id desc);
create index statement_line_newest on statement_line (workspace_id, day desc, line_id desc);
create index bank_file_newest on bank_file (workspace_id, received_at desc, hash);
create index break_by_cause on break (workspace_id, cause, since, break_id) where state <> 'closed';
create index bank_question_asked on bank_question (workspace_id, asked_at, question_id);
"""


def upgrade() -> None:
    op.execute(_SQL)


def downgrade() -> None:
    raise SystemExit("bookhand's books only go forward: restore a backup instead.")
