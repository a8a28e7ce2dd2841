"""The journal: append-only entries that the database itself keeps balanced, what they add up to, and the facts they join."""

from alembic import op

revision = "0002"
down_revision = "0001"

_BALANCED = """
create function journal_balanced(accounts text[], currencies text[], minors bigint[]) returns boolean language plpgsql immutable as $$
declare
    total numeric := 0;
    line bigint;
begin
    if cardinality(accounts) <> cardinality(currencies) or cardinality(accounts) <> cardinality(minors) then
        return false;
    end if;
    if currencies[1] = all (currencies) then
        foreach line in array minors loop total := total + line; end loop;
        return total = 0;
    end if;
    return not exists (
        select from unnest(currencies, minors) as lines (currency, minor) group by currency having sum(minor) <> 0);
end $$;
"""

_ENTRIES = """
create table journal_entry (
    workspace_id int not null,
    connection_id int not null,
    key text collate "C" not null,
    happened_at bigint not null,
    booked_on date not null,          -- the ledger's date: that of happened_at, or the first open day after a closed period
    kind text not null,
    why text not null,
    accounts text[] not null,         -- the postings, line by line: account, currency, signed minor units
    currencies text[] not null,
    minors bigint[] not null,
    refs jsonb,                       -- null for a balance transaction's own entry: key and source say it
    reverses text,
    source text collate "C",          -- of a balance transaction, as are the next three
    settles text,
    amount bigint,
    net bigint,
    hash bytea not null,              -- of all that is above but booked_on
    delivery bigint not null,
    recorded_at timestamptz not null default now(),
    primary key (workspace_id, connection_id, key),
    constraint journal_entry_sums_to_zero check (journal_balanced(accounts, currencies, minors))
);
create index journal_entry_source on journal_entry (workspace_id, connection_id, source) where source is not null;
create index journal_entry_booked on journal_entry using brin (booked_on) with (pages_per_range = 16, autosummarize = on);

create table journal_waiting (
    like journal_entry including defaults including constraints,
    primary key (workspace_id, connection_id, key)
);

create view journal_posting with (security_invoker = on) as
    select workspace_id, connection_id, key, happened_at, booked_on, kind, lines.place, lines.account, lines.currency, lines.minor
    from journal_entry cross join lateral
        unnest(accounts, currencies, minors) with ordinality as lines (account, currency, minor, place);
"""

_SUMS = """
create table journal_balance (
    workspace_id int not null,
    connection_id int not null,
    account text not null,
    currency text not null,
    minor bigint not null,
    primary key (workspace_id, connection_id, account, currency)
) with (fillfactor = 50);
create table journal_month (
    workspace_id int not null,
    connection_id int not null,
    month text not null,
    entries bigint not null,
    primary key (workspace_id, connection_id, month)
) with (fillfactor = 50);
create table journal_payout (
    workspace_id int not null,
    connection_id int not null,
    payout text not null,
    currency text not null,
    members bigint not null,
    net bigint not null,
    primary key (workspace_id, connection_id, payout, currency)
) with (fillfactor = 70);
create table journal_proof (
    workspace_id int not null,
    connection_id int not null,
    proof_id bigint generated always as identity,
    currency text not null,
    as_of timestamptz not null default now(),
    clearing bigint not null,
    stripe_balance bigint,
    off_by bigint,
    unmatched bigint not null,
    suspense bigint not null,
    reason text not null,
    primary key (workspace_id, connection_id, proof_id)
);
create index journal_proof_newest on journal_proof (workspace_id, connection_id, currency, proof_id desc);
"""

_FACTS = """
create table journal_source (          -- charges, and refunds with the charge they return
    workspace_id int not null,
    connection_id int not null,
    id text collate "C" not null,
    currency text not null,
    amount bigint not null,
    charge text collate "C",
    payment_intent text collate "C",
    transfer text,
    primary key (workspace_id, connection_id, id)
);
create index journal_source_charge on journal_source (workspace_id, connection_id, charge) where charge is not null;
create index journal_source_intent on journal_source (workspace_id, connection_id, payment_intent)
    where payment_intent is not null;
create table journal_member (
    workspace_id int not null,
    connection_id int not null,
    balance_transaction text collate "C" not null,
    payout text not null,
    primary key (workspace_id, connection_id, balance_transaction, payout)
);
create table journal_invoice (         -- those with tax
    workspace_id int not null,
    connection_id int not null,
    id text collate "C" not null,
    currency text not null,
    total bigint not null,
    taxes jsonb not null,
    primary key (workspace_id, connection_id, id)
);
create table journal_invoice_payment (
    workspace_id int not null,
    connection_id int not null,
    id text collate "C" not null,
    invoice text collate "C" not null,
    payment_intent text collate "C",
    charge text collate "C",
    paid bigint not null,
    primary key (workspace_id, connection_id, id)
);
create index journal_invoice_payment_invoice on journal_invoice_payment (workspace_id, connection_id, invoice);
create index journal_invoice_payment_intent on journal_invoice_payment (workspace_id, connection_id, payment_intent)
    where payment_intent is not null;
create index journal_invoice_payment_charge on journal_invoice_payment (workspace_id, connection_id, charge)
    where charge is not null;
create table journal_credit_note (     -- those that made refunds
    workspace_id int not null,
    connection_id int not null,
    id text collate "C" not null,
    created bigint not null,
    invoice text collate "C" not null,
    total bigint not null,
    taxes jsonb not null,
    refunds text[] not null,
    primary key (workspace_id, connection_id, id)
);
create table journal_credit_refund (
    workspace_id int not null,
    connection_id int not null,
    refund text collate "C" not null,
    credit_note text collate "C" not null,
    primary key (workspace_id, connection_id, refund, credit_note)
);
create table journal_dispute (         -- outcomes that disputes were told to have, with the movements embedded in a won one
    workspace_id int not null,
    connection_id int not null,
    id text collate "C" not null,
    outcome text not null,
    moves text[] not null,
    primary key (workspace_id, connection_id, id, outcome, moves)
);
"""

_PERIODS = """
create table journal_setting (
    workspace_id int primary key references workspace,
    timezone text not null default 'UTC',
    late text not null default 'post_open' check (late in ('post_open', 'ask'))
);
create table journal_period_act (      -- the last act on a period says whether it is open
    workspace_id int not null references workspace,
    act_id bigint generated always as identity,
    period text not null check (period ~ '^[0-9]{4}-(0[1-9]|1[0-2])$'),
    act text not null check (act in ('close', 'reopen')),
    who text not null,
    why text not null,
    at timestamptz not null default now(),
    primary key (workspace_id, period, act_id)
);
create view journal_closed_period with (security_invoker = on) as
    select workspace_id, period, who, at from (
        select distinct on (workspace_id, period) workspace_id, period, act, who, at from journal_period_act
        order by workspace_id, period, act_id desc
    ) as newest where act = 'close';

create function journal_refuse_closed() returns trigger language plpgsql as $$
declare
    found_period text;
begin
    if exists (select from journal_period_act) then
        select to_char(added.booked_on, 'YYYY-MM') into found_period from added join journal_closed_period as closed
            on closed.workspace_id = added.workspace_id and closed.period = to_char(added.booked_on, 'YYYY-MM') limit 1;
        if found then
            raise exception 'period % is closed: book into the open period, or reopen it', found_period
                using errcode = 'restrict_violation';
        end if;
    end if;
    return null;
end $$;
create trigger closed_periods after insert on journal_entry
    referencing new table as added for each statement execute function journal_refuse_closed();
"""

_TABLES = (
    "journal_entry", "journal_waiting", "journal_balance", "journal_month", "journal_payout", "journal_proof",
    "journal_source", "journal_member", "journal_invoice", "journal_invoice_payment", "journal_credit_note",
    "journal_credit_refund", "journal_dispute", "journal_setting", "journal_period_act",
)  # fmt: skip
_APPEND_ONLY = ("journal_entry", "journal_proof", "journal_period_act")


def upgrade() -> None:
    for sql in (_BALANCED, _ENTRIES, _SUMS, _FACTS, _PERIODS):
        op.get_bind().exec_driver_sql(sql.replace("%", "%%"))
    for table in _TABLES:
        op.execute(f"select bookhand_protect('{table}')")
    for table in _APPEND_ONLY:
        op.execute(f"select bookhand_append_only('{table}')")
    op.execute("grant select on journal_posting, journal_closed_period to bookhand_app")
    op.execute("grant usage, select on all sequences in schema public to bookhand_app")


def downgrade() -> None:
    raise SystemExit("bookhand's books only go forward: restore a backup instead.")
