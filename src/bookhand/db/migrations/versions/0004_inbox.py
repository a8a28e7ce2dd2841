"""The inbox: deliveries as they came, what is not yet read, the latest state of each object, and what is still to be fetched."""

from alembic import op

revision = "0004"
down_revision = "0003"

# Every name of Stripe's sorts by bytes: collation "C" halves the cost of an index. The hot tables carry no foreign key to
# `connection`: the endpoint knows its connection, and a check a row would cost more than the row.
_TABLES = """
create table delivery (
    workspace_id int not null,
    connection_id int not null,
    seq bigint not null generated always as identity,
    kind text not null check (kind in ('event', 'thin', 'listed', 'fetched')),
    key text collate "C" not null,
    object text collate "C" not null,
    object_id text collate "C" not null,
    created bigint not null,
    api_version text,
    event_type text,
    body bytea not null,
    received_at timestamptz not null default now(),
    primary key (workspace_id, connection_id, seq),
    unique (key, connection_id, workspace_id)      -- the key first: or a planner without statistics takes it for the other one
);
create table queued (
    workspace_id int not null,
    connection_id int not null,
    lane smallint not null,
    seq bigint not null,
    primary key (workspace_id, connection_id, lane, seq)
) with (autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_threshold = 5000);
create table parked (
    workspace_id int not null,
    connection_id int not null,
    seq bigint not null,
    kind text not null,
    message text not null,
    parked_at timestamptz not null default now(),
    primary key (workspace_id, connection_id, seq)
);
create table snapshot (
    workspace_id int not null,
    connection_id int not null,
    object text collate "C" not null,
    object_id text collate "C" not null,
    as_of bigint not null,
    told_by text not null,
    digest text collate "C" not null,
    gone boolean not null,
    seq bigint not null,
    primary key (workspace_id, connection_id, object, object_id)
);
create table errand (
    workspace_id int not null,
    connection_id int not null,
    kind text not null check (kind in ('pull', 'members', 'fetch')),
    object text collate "C" not null,
    object_id text collate "C" not null,
    path text,
    born bigint,
    wanted bigint not null default 1,
    due_at timestamptz not null default now(),
    tries int not null default 0,
    note text,
    primary key (workspace_id, connection_id, kind, object, object_id)
);
create table reading (
    workspace_id int not null,
    connection_id int not null,
    name text not null,
    newest_id text,
    newest_created bigint not null default 0,
    read_at timestamptz not null default now(),
    primary key (workspace_id, connection_id, name)
);
create table backfill (
    workspace_id int not null,
    connection_id int not null,
    backfill_id bigint not null generated always as identity,
    since bigint not null,
    until bigint not null,
    lists text[] not null,
    status text not null default 'running' check (status in ('running', 'complete', 'incomplete')),
    verdict text[] not null default '{}',
    started_at timestamptz not null default now(),
    finished_at timestamptz,
    primary key (workspace_id, connection_id, backfill_id),
    foreign key (workspace_id, connection_id) references connection
);
create unique index backfill_running on backfill (workspace_id, connection_id) where status = 'running';
create table slice (
    workspace_id int not null,
    connection_id int not null,
    backfill_id bigint not null,
    list text not null,
    number int not null,
    since bigint not null,
    until bigint not null,
    cursor_id text,
    reached bigint not null,
    first_id text,
    state text not null default 'waiting' check (state in ('waiting', 'done', 'refused')),
    seen bigint not null default 0,
    fresh bigint not null default 0,
    pages bigint not null default 0,
    note text,
    primary key (workspace_id, connection_id, backfill_id, list, number),
    foreign key (workspace_id, connection_id, backfill_id) references backfill
);
"""

# Where the server was built with it, lz4 costs a fifth of the default's time on bodies above two kilobytes.
_LZ4 = """
do $$ begin
    alter table delivery alter column body set compression lz4;
exception when others then null;
end $$;
"""


def upgrade() -> None:
    op.execute(_TABLES)
    op.execute(_LZ4)
    for table in ("delivery", "queued", "parked", "snapshot", "errand", "reading", "backfill", "slice"):
        op.execute(f"select bookhand_protect('{table}')")
    op.execute("select bookhand_append_only('delivery')")


def downgrade() -> None:
    raise SystemExit("bookhand's books only go forward: restore a backup instead.")
