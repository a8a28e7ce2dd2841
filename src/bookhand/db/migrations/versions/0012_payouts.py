"""Payouts: what is known of them, what was in each, matches with bank lines, questions and Breaks."""

from alembic import op

revision = "0012"
down_revision = "0011"

_PAYOUTS = """
create table payout (                    -- the newest state of each
    workspace_id int not null,
    connection_id int not null,
    payout_id text not null,
    created bigint not null,
    currency text not null,
    amount bigint not null,
    status text not null,
    automatic boolean not null,
    method text not null,
    type text,
    arrival_date bigint not null,
    reconciliation_status text not null,
    balance_transaction text,
    failure_balance_transaction text,
    failure_code text,
    failure_message text,
    original_payout text,
    reversed_by text,
    trace_id text,
    trace_status text,
    descriptor text,
    description text,
    destination text,
    destination_last4 text,
    as_of bigint not null,               -- when that was true; of two tellings of one second the further one, then the bytes decide
    stage int not null,
    hash bytea not null,
    primary key (workspace_id, connection_id, payout_id)
);
create index payout_newest on payout (workspace_id, created desc, payout_id desc);

create table payout_open (               -- those that are looked for at the bank: no match stands, or it failed after one
    workspace_id int not null,
    connection_id int not null,
    payout_id text not null,
    since bigint not null,               -- the payout's creation
    held boolean not null default false, -- a person took its match apart: only a person matches it again
    primary key (workspace_id, connection_id, payout_id)
);
"""

_CONTENTS = """
alter table journal_payout add column counted bigint not null default -1;    -- how many members the kept breakdown has
create index journal_member_payout on journal_member (workspace_id, connection_id, payout);
create index journal_payout_uncounted on journal_payout (workspace_id, connection_id, payout) where counted <> members;

create table payout_total (
    workspace_id int not null,
    connection_id int not null,
    payout_id text not null,
    currency text not null,
    kind text not null,
    count bigint not null,
    amount bigint not null,
    fee bigint not null,
    net bigint not null,
    primary key (workspace_id, connection_id, payout_id, currency, kind)
);
create table payout_solution (           -- what may be in a payout that Stripe has no list of
    workspace_id int not null,
    connection_id int not null,
    payout_id text not null,
    outcome text not null check (outcome in ('unique', 'ambiguous', 'unsolved', 'gave_up', 'confirmed')),
    how text not null,
    at_least int not null,
    candidates int not null,
    members text[] not null,
    fee bigint not null,
    says text not null,
    solved_at timestamptz not null default now(),
    primary key (workspace_id, connection_id, payout_id)
);
create table payout_confirmed (          -- a person's word that a balance transaction went out with a payout
    workspace_id int not null,
    connection_id int not null,
    balance_transaction text collate "C" not null,
    payout_id text not null,
    by_who text not null,
    by_name text not null,
    at timestamptz not null default now(),
    primary key (workspace_id, connection_id, balance_transaction)
);
create index payout_confirmed_of on payout_confirmed (workspace_id, connection_id, payout_id);
"""

_MATCHES = """
create table bank_match (                -- a row matches, or undoes an earlier one
    workspace_id int not null,
    match_id text not null,
    seq bigint not null generated always as identity,
    undoes text,
    rule text not null,
    reason text not null,
    certain boolean not null,
    currency text not null,
    difference_minor bigint not null,
    difference_kind text,
    day date not null,
    content jsonb not null,
    by_who text not null,
    by_name text not null,
    at timestamptz not null default clock_timestamp(),
    primary key (workspace_id, match_id)
);
create unique index bank_match_undone_once on bank_match (workspace_id, undoes) where undoes is not null;
create index bank_match_fee on bank_match (workspace_id, match_id) where difference_kind = 'bank_fee';
create index bank_match_newest on bank_match (workspace_id, seq desc);

create table bank_match_payout (         -- what stands matched now: each payout once, each line once
    workspace_id int not null,
    connection_id int not null,
    payout_id text not null,
    match_id text not null,
    rule text not null,
    primary key (workspace_id, connection_id, payout_id)
);
create index bank_match_payout_of on bank_match_payout (workspace_id, match_id);
create table bank_match_line (
    workspace_id int not null,
    connection_id int not null,
    account text not null,
    key text not null,
    line_id bigint not null,
    match_id text not null,
    primary key (workspace_id, connection_id, account, key)
);
create index bank_match_line_of on bank_match_line (workspace_id, match_id);

create table line_open (                 -- lines that no payout explains; `looked`: the matcher has seen them
    workspace_id int not null,
    connection_id int not null,
    account text not null,
    key text not null,
    line_id bigint not null,
    day date not null,
    looked boolean not null default false,
    held boolean not null default false,
    primary key (workspace_id, account, key, connection_id)
);
create index line_open_new on line_open (workspace_id, connection_id) where not looked;
create index line_open_day on line_open (workspace_id, day);

create function line_opened() returns trigger language plpgsql as $$
begin
    insert into line_open (workspace_id, connection_id, account, key, line_id, day)
    select workspace_id, connection_id, account, key, line_id, day from added on conflict do nothing;
    return null;
end $$;
create trigger line_opened after insert on statement_line
    referencing new table as added for each statement execute function line_opened();
create function line_withdrawn() returns trigger language plpgsql as $$
begin
    delete from line_open o using added where (o.workspace_id, o.account, o.key, o.connection_id)
        = (added.workspace_id, added.account, added.key, added.connection_id);
    return null;
end $$;
create trigger line_withdrawn after insert on line_superseded
    referencing new table as added for each statement execute function line_withdrawn();
insert into line_open (workspace_id, connection_id, account, key, line_id, day)
    select workspace_id, connection_id, account, key, line_id, day from bank_line;

create table bank_question (             -- what only a person can decide
    workspace_id int not null,
    question_id text not null,
    cause text not null,
    says text not null,
    payouts jsonb not null,
    lines jsonb not null,
    content jsonb not null,
    asked_at timestamptz not null default now(),
    primary key (workspace_id, question_id)
);

create table break (
    workspace_id int not null,
    break_id text not null,
    cause text not null,
    currency text not null,
    minor bigint not null,               -- as at the bank: positive where the bank has more than is explained
    since date not null,
    payouts jsonb not null,
    lines jsonb not null,                -- [account, key]
    note text not null,                  -- what is known beyond the cause's own sentence
    owner text,
    explanation text,
    explained_by text,
    state text not null default 'open' check (state in ('open', 'explained', 'closed')),
    found_at timestamptz not null default now(),
    closed_at timestamptz,
    primary key (workspace_id, break_id)
);
create index break_open on break (workspace_id, since, break_id) where state <> 'closed';
"""

_TABLES = (
    "payout", "payout_open", "payout_total", "payout_solution", "payout_confirmed", "bank_match", "bank_match_payout", "bank_match_line",
    "line_open", "bank_question", "break",
)  # fmt: skip
_APPEND_ONLY = ("bank_match",)
_SQL = (_PAYOUTS, _CONTENTS, _MATCHES)


def upgrade() -> None:
    for sql in _SQL:
        op.get_bind().exec_driver_sql(sql.replace("%", "%%"))
    for table in _TABLES:
        op.execute(f"select bookhand_protect('{table}')")
    for table in _APPEND_ONLY:
        op.execute(f"select bookhand_append_only('{table}')")


def downgrade() -> None:
    raise SystemExit("bookhand's books only go forward: restore a backup instead.")
