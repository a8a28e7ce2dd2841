"""The bank: statements and their lines, whole."""

from alembic import op

revision = "0011"
down_revision = "0010"

_SQL = (
    """
create table bank_account (
    workspace_id int not null,
    connection_id int not null,
    account text not null,               -- as the file or feed names it
    currency text,
    name text,
    created_at timestamptz not null default now(),
    primary key (workspace_id, connection_id, account),
    foreign key (workspace_id, connection_id) references connection
);
create table bank_file (
    workspace_id int not null,
    hash text not null,                  -- SHA-256 of the file, in hex
    name text not null,
    raw bytea not null,
    by_who text not null,
    received_at timestamptz not null default now(),
    primary key (workspace_id, hash)
);
create table bank_statement (
    workspace_id int not null,
    connection_id int not null,
    account text not null,
    statement_id bigint not null generated always as identity,
    file_hash text,                      -- null: a feed's
    format text not null,
    currency text,
    number text,
    opening_minor bigint,
    closing_minor bigint,
    opening_day date,
    closing_day date,
    first_day date,
    last_day date,
    lines int not null,
    new_lines int not null,
    warnings jsonb not null default '[]',
    read_at timestamptz not null default now(),
    primary key (workspace_id, connection_id, account, statement_id),
    foreign key (workspace_id, connection_id, account) references bank_account
);
create index bank_statement_of_file on bank_statement (workspace_id, file_hash) where file_hash is not null;
create index bank_statement_newest on bank_statement (workspace_id, statement_id desc);

create table statement_line (
    workspace_id int not null,
    connection_id int not null,
    account text not null,
    key text not null,
    line_id bigint not null generated always as identity,
    statement_id bigint,                 -- null: a feed's
    day date not null,
    value_day date,
    currency text not null,
    minor bigint not null,               -- money in is positive
    description text not null,
    counterparty text,
    refs text[] not null,
    native_id text,
    code text,
    reversal boolean not null,
    original_minor bigint,
    original_currency text,
    raw text not null,
    recorded_at timestamptz not null default now(),
    primary key (workspace_id, connection_id, account, key),
    foreign key (workspace_id, connection_id, account) references bank_account
);
create unique index statement_line_id on statement_line (workspace_id, line_id);
create index statement_line_native on statement_line (workspace_id, connection_id, account, native_id) where native_id is not null;
create index statement_line_day on statement_line (workspace_id, connection_id, account, day, line_id);

-- A line that the bank took back or told anew: it stays, and does not count any more.
create table line_superseded (
    workspace_id int not null,
    connection_id int not null,
    account text not null,
    key text not null,
    by_key text,                         -- null: taken back
    why text not null,
    at timestamptz not null default now(),
    primary key (workspace_id, connection_id, account, key),
    foreign key (workspace_id, connection_id, account, key) references statement_line
);
create table csv_profile (
    workspace_id int not null,
    connection_id int not null,
    account text not null,
    fingerprint text not null,
    profile jsonb not null,
    by_who text not null,
    confirmed_at timestamptz not null default now(),
    primary key (workspace_id, connection_id, account, fingerprint),
    foreign key (workspace_id, connection_id, account) references bank_account
);
create table feed_cursor (
    workspace_id int not null,
    connection_id int not null,
    cursor text not null,
    moved_at timestamptz not null default now(),
    primary key (workspace_id, connection_id),
    foreign key (workspace_id, connection_id) references connection
);
-- The lines that count.
create view bank_line with (security_invoker = true) as
    select l.* from statement_line l
    where not exists (
        select 1 from line_superseded s
        where (s.workspace_id, s.connection_id, s.account, s.key) = (l.workspace_id, l.connection_id, l.account, l.key)
    );
grant select on bank_line to bookhand_app;
""",
)
_TABLES = (
    "bank_account", "bank_file", "bank_statement", "statement_line", "line_superseded", "csv_profile", "feed_cursor",
)  # fmt: skip
_APPEND_ONLY = ("bank_file", "bank_statement", "statement_line", "line_superseded")


def upgrade() -> None:
    for sql in _SQL:
        op.get_bind().exec_driver_sql(sql.replace("%", "%%"))
    for table in _TABLES:
        op.execute(f"select bookhand_protect('{table}')")
    for table in _APPEND_ONLY:
        op.execute(f"select bookhand_append_only('{table}')")


def downgrade() -> None:
    raise SystemExit("bookhand's books only go forward: restore a backup instead.")
