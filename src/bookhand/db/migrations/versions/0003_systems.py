"""Systems: rate limits that all workers share, reads by day, and OAuth sign-ins that are under way."""

from alembic import op

revision = "0003"
down_revision = "0002"

_TABLES = """
create unlogged table rate_limit (
    workspace_id int not null,
    connection_id int not null,
    moments bytea not null,
    primary key (workspace_id, connection_id),
    foreign key (workspace_id, connection_id) references connection
);
create table read_count (
    workspace_id int not null,
    connection_id int not null,
    day date not null,
    reads bigint not null,
    primary key (workspace_id, connection_id, day),
    foreign key (workspace_id, connection_id) references connection
);
create table sign_in (
    workspace_id int not null references workspace,
    state_hash bytea not null,
    plan jsonb not null,
    expires_at timestamptz not null,
    primary key (workspace_id, state_hash)
);
"""


def upgrade() -> None:
    op.get_bind().exec_driver_sql(_TABLES)
    for table in ("rate_limit", "read_count", "sign_in"):
        op.execute(f"select bookhand_protect('{table}')")


def downgrade() -> None:
    raise SystemExit("bookhand's books only go forward: restore a backup instead.")
