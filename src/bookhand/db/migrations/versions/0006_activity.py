"""What each month changed in each account, kept beside the running balances: books assert month ends from it."""

from alembic import op

revision = "0006"
down_revision = "0005"

_ACTIVITY = """
create table journal_activity (
    workspace_id int not null,
    connection_id int not null,
    month text not null,
    account text not null,
    currency text not null,
    minor bigint not null,
    primary key (workspace_id, connection_id, month, account, currency)
) with (fillfactor = 50);
insert into journal_activity
    select workspace_id, connection_id, to_char(booked_on, 'YYYY-MM'), account, currency, sum(minor)
    from journal_posting group by 1, 2, 3, 4, 5;
"""


def upgrade() -> None:
    op.get_bind().exec_driver_sql(_ACTIVITY.replace("%", "%%"))
    op.execute("select bookhand_protect('journal_activity')")


def downgrade() -> None:
    raise SystemExit("bookhand's books only go forward: restore a backup instead.")
