"""The door: permissions, budgets, standing approvals, proposals, decisions, calls and the trail."""

from alembic import op

revision = "0009"
down_revision = "0008"

_RIGHTS = """
create table permission (
    workspace_id int not null,
    connection_id int not null,          -- 0: every connection
    grantee text not null,
    pattern text not null,
    allowed boolean not null,
    by_who text not null,
    at timestamptz not null default now(),
    primary key (workspace_id, connection_id, grantee, pattern)
);
create table revocation (
    workspace_id int not null,
    connection_id int not null,          -- 0: every connection
    revocation_id bigint not null generated always as identity,
    grantee text not null,
    pattern text not null,
    by_who text not null,
    why text not null,
    at timestamptz not null default clock_timestamp(),
    primary key (workspace_id, connection_id, revocation_id)
);
create table budget (
    workspace_id int not null,
    connection_id int not null,          -- 0: every connection
    budget_id int not null generated always as identity,
    grantee text not null,
    pattern text not null,
    currency text,
    day_minor bigint check (day_minor >= 0),
    day_count int check (day_count >= 0),
    customer_minor bigint check (customer_minor >= 0),
    customer_count int check (customer_count >= 0),
    four_eyes_minor bigint check (four_eyes_minor >= 0),
    by_who text not null,
    at timestamptz not null default now(),
    ended_at timestamptz,
    ended_by text,
    primary key (workspace_id, connection_id, budget_id)
);
create table budget_use (
    workspace_id int not null,
    connection_id int not null,
    day date not null,
    grantee text not null,
    standing_id text not null,           -- '': under no standing approval
    action text not null,
    currency text not null,
    customer text not null,
    count int not null,
    minor bigint not null,
    primary key (workspace_id, connection_id, day, grantee, standing_id, action, currency, customer)
);
create table standing_approval (
    workspace_id int not null,
    standing_id text not null,
    connection_id int,
    grantee text not null,
    patterns text[] not null,
    terms jsonb not null,
    terms_hash text not null,
    only_values jsonb not null default '{}',
    currency text,
    call_minor bigint,
    day_minor bigint,
    day_count int,
    agreed_by text not null,
    agreed_name text not null,
    agreed_at timestamptz not null default now(),
    why text not null,
    expires_at timestamptz,
    state text not null default 'open' check (state in ('open', 'stopped', 'ended')),
    state_why text,
    primary key (workspace_id, standing_id)
);
"""

_PROPOSALS = """
create table proposal (
    workspace_id int not null,
    proposal_id text not null,
    connection_id int,                   -- null: bookhand's own
    vendor text not null,
    action text not null,
    risk text not null,
    params jsonb not null,
    mode text,
    account text,
    api_version text,
    endpoint text not null,
    call_hash text not null,
    version text not null,
    seen jsonb not null default '{}',
    preview jsonb not null,
    reason text not null,
    proposed_by text not null,
    proposed_name text not null,
    agent text,
    grantee text not null,
    channel text not null,
    rights_at timestamptz not null,
    run_id text,
    step text,
    request_key text,
    request_hash text,
    standing_id text,
    needs int not null,
    four_eyes boolean not null,
    size int not null default 1,
    state text not null check (state in ('waiting', 'approved', 'done', 'partly', 'failed', 'unknown', 'rejected', 'withdrawn',
        'expired', 'void', 'replaced')),
    state_why text,
    replaces text,
    root_id text not null,
    result_id text,
    created_at timestamptz not null default now(),
    expires_at timestamptz not null,
    finished_at timestamptz,
    primary key (workspace_id, proposal_id)
);
create unique index proposal_of_step on proposal (workspace_id, run_id, step) where run_id is not null and replaces is null;
create unique index proposal_of_request on proposal (workspace_id, proposed_by, request_key) where request_key is not null;
create index proposal_newest on proposal (workspace_id, created_at desc, proposal_id desc);
create index proposal_open on proposal (workspace_id, state, created_at) where state in ('waiting', 'approved', 'unknown');
create index proposal_of_root on proposal (workspace_id, root_id);
create index proposal_of_run on proposal (workspace_id, run_id) where run_id is not null;

create table proposal_row (
    workspace_id int not null,
    proposal_id text not null,
    row_no int not null,
    params jsonb not null,
    version text not null,
    seen jsonb not null default '{}',
    says text not null,
    customer text not null,
    moves jsonb not null,
    row_hash text not null,
    chosen boolean not null default true,
    primary key (workspace_id, proposal_id, row_no)
);

create table decision (
    workspace_id int not null,
    decision_id bigint not null generated always as identity,
    proposal_id text not null,
    kind text not null check (kind in ('approve', 'reject', 'edit', 'ask', 'answer', 'withdraw', 'standing', 'settle')),
    call_hash text not null,
    by_who text not null,
    by_name text not null,
    channel text not null,
    note text,
    details jsonb not null default '{}',
    at timestamptz not null default clock_timestamp(),
    primary key (workspace_id, decision_id)
);
create index decision_of on decision (workspace_id, proposal_id, decision_id);

create table call (
    workspace_id int not null,
    connection_id int not null,
    call_id text not null,
    proposal_id text not null,
    row_no int not null,
    action text not null,
    params jsonb not null,
    api_version text,
    key text not null,
    state text not null check (state in ('intended', 'sending', 'unknown', 'done', 'failed', 'void')),
    state_why text,
    attempts int not null default 0,
    claimed_by text,
    claimed_until timestamptz,
    first_sent_at timestamptz,
    sent_at timestamptz,
    finished_at timestamptz,
    request_id text,
    result_id text,
    result jsonb,
    created_at timestamptz not null default now(),
    primary key (workspace_id, connection_id, call_id),
    unique (workspace_id, proposal_id, row_no),
    unique (workspace_id, key)
);
create index call_open on call (workspace_id, proposal_id, row_no) where state in ('intended', 'sending', 'unknown');
create index call_unsettled on call (workspace_id, claimed_until) where state in ('sending', 'unknown');
"""

_TRAIL = """
create table trail_head (
    workspace_id int primary key,
    seq bigint not null,
    hash bytea not null
);
create table trail (
    workspace_id int not null,
    seq bigint not null,
    body text not null,
    prev bytea not null,
    hash bytea not null check (octet_length(hash) = 32),
    at text not null generated always as ((body::jsonb) ->> 'at') stored,
    what text not null generated always as ((body::jsonb) ->> 'what') stored,
    who text not null generated always as ((body::jsonb) ->> 'who') stored,
    subject text generated always as ((body::jsonb) ->> 'subject') stored,
    run text generated always as ((body::jsonb) ->> 'run') stored,
    proposal text generated always as ((body::jsonb) ->> 'proposal') stored,
    primary key (workspace_id, seq)
);
create index trail_run on trail (workspace_id, run, seq) where run is not null;
create index trail_proposal on trail (workspace_id, proposal, seq) where proposal is not null;
create index trail_subject on trail (workspace_id, subject, seq) where subject is not null;
create index trail_who on trail (workspace_id, who, seq);
create index trail_what on trail (workspace_id, what, seq);
"""

_TABLES = (
    "permission",
    "revocation",
    "budget",
    "budget_use",
    "standing_approval",
    "proposal",
    "proposal_row",
    "decision",
    "call",
    "trail_head",
    "trail",
)
_APPEND_ONLY = ("revocation", "decision", "trail")


def upgrade() -> None:
    for sql in (_RIGHTS, _PROPOSALS, _TRAIL):
        op.get_bind().exec_driver_sql(sql.replace("%", "%%"))
    for table in _TABLES:
        op.execute(f"select bookhand_protect('{table}')")
    for table in _APPEND_ONLY:
        op.execute(f"select bookhand_append_only('{table}')")


def downgrade() -> None:
    raise SystemExit("bookhand's books only go forward: restore a backup instead.")
