"""What pages looked through everything for: movements of which nothing says that they went out, and the documents of each day."""

from alembic import op

revision = "0023"
down_revision = "0022"

_TABLES = """
create table payout_only (               -- members of the only solutions of payouts made by hand, as `payout_solution` has them
    workspace_id int not null,
    connection_id int not null,
    payout_id text not null,
    happened_at bigint not null,
    balance_transaction text collate "C" not null,
    primary key (workspace_id, connection_id, payout_id, happened_at, balance_transaction)
);
create index payout_only_of on payout_only (balance_transaction, connection_id);

create table payout_candidate (          -- balance transactions that nothing says went out: no list of Stripe's, no person, no only solution
    workspace_id int not null,
    connection_id int not null,
    currency text not null,
    happened_at bigint not null,
    balance_transaction text collate "C" not null,
    primary key (workspace_id, connection_id, currency, happened_at, balance_transaction)
);

create table book_day (                  -- documents of a day that can be undone, with their sum; those undone that hold what they covered
    workspace_id int not null,
    connection_id int not null,
    day date not null,
    currency text not null,
    standing bigint not null,
    total bigint not null,
    undone bigint not null,
    primary key (workspace_id, connection_id, day, currency)
) with (fillfactor = 50);
"""

_FILLED = """
insert into payout_only
    select s.workspace_id, s.connection_id, s.payout_id, e.happened_at, e.key
    from payout_solution s cross join lateral unnest(s.members) as m (id)
    join journal_entry e on e.workspace_id = s.workspace_id and e.connection_id = s.connection_id and e.key = m.id
    where s.outcome = 'unique';
insert into payout_candidate
    select e.workspace_id, e.connection_id, e.settles, e.happened_at, e.key from journal_entry e
    left join (select workspace_id, connection_id, balance_transaction from journal_member
            union select workspace_id, connection_id, balance_transaction from payout_confirmed
            union select workspace_id, connection_id, balance_transaction from payout_only) m
        on m.workspace_id = e.workspace_id and m.connection_id = e.connection_id and m.balance_transaction = e.key
    where e.settles is not null and e.accounts[1] = 'stripe_clearing:payments' and e.kind not in ('payout', 'advance')
        and m.balance_transaction is null;
insert into book_day
    select d.workspace_id, d.connection_id, d.day, d.currency, count(*) filter (where d.state = 'done'),
        coalesce(sum(d.total) filter (where d.state = 'done'), 0), count(c.base) filter (where d.state = 'reversed')
    from book_document d
    left join (select distinct workspace_id, connection_id, base from book_cover) c
        on c.workspace_id = d.workspace_id and c.connection_id = d.connection_id and c.base = d.base
    where d.reverses is null and d.state in ('done', 'reversed') group by 1, 2, 3, 4
"""

# As these began, a planner without statistics took them for the look-up by a movement's key, and read all of them: see 0010.
_INDEXES = """
drop index journal_member_payout, payout_confirmed_of;
create index journal_member_payout on journal_member (payout, connection_id, workspace_id);
create index payout_confirmed_of on payout_confirmed (payout_id, connection_id, workspace_id);
"""

# What is looked for here is looked up by its key, row by row, whatever the planner believes of tables that have just grown: see
# journal.lookups. Who writes to these tables has the journal's turn, so that each sees what the one before it did.
_PUT = """
    insert into payout_candidate (workspace_id, connection_id, currency, happened_at, balance_transaction)
    select e.workspace_id, e.connection_id, e.settles, e.happened_at, e.key from [entries] e
    where e.settles is not null and e.accounts[1] = 'stripe_clearing:payments' and e.kind not in ('payout', 'advance')
        and not exists (select from journal_member m where m.workspace_id = e.workspace_id and m.connection_id = e.connection_id
            and m.balance_transaction = e.key offset 0)[nor]
    on conflict do nothing;
    return null;
"""
_CAME = f"""
create function payout_candidates_came() returns trigger language plpgsql as $$
begin
    {_PUT.strip().replace("[entries]", "changed").replace("[nor]", "")}
end $$;
create trigger payout_candidates_came after insert on journal_entry
    referencing new table as changed for each statement execute function payout_candidates_came();
"""
# A person's word and a solution are about movements that are in the journal: they are asked for only where one comes back.
_NOR = """
        and not exists (select from payout_confirmed c where c.workspace_id = e.workspace_id and c.connection_id = e.connection_id
            and c.balance_transaction = e.key offset 0)
        and not exists (select from payout_only o where o.workspace_id = e.workspace_id and o.connection_id = e.connection_id
            and o.balance_transaction = e.key offset 0)"""
_RETURNED = """changed x cross join lateral (select * from journal_entry e
        where e.workspace_id = x.workspace_id and e.connection_id = x.connection_id and e.key = x.balance_transaction offset 0)"""
_BACK = f"""
create function payout_candidates_back() returns trigger language plpgsql as $$
begin
    {_PUT.strip().replace("[entries]", _RETURNED).replace("[nor]", _NOR)}
end $$;
create trigger payout_candidates_back after delete on payout_confirmed
    referencing old table as changed for each statement execute function payout_candidates_back();
create trigger payout_candidates_back after delete on payout_only
    referencing old table as changed for each statement execute function payout_candidates_back();
"""
_LEFT = """
create function payout_candidates_left() returns trigger language plpgsql as $$
begin
    delete from payout_candidate where ctid = any (array(
        select c.ctid from changed x
        cross join lateral (select settles, happened_at from journal_entry e where e.workspace_id = x.workspace_id
            and e.connection_id = x.connection_id and e.key = x.balance_transaction and e.settles is not null offset 0) e
        cross join lateral (select c.ctid from payout_candidate c where c.workspace_id = x.workspace_id
            and c.connection_id = x.connection_id and c.currency = e.settles and c.happened_at = e.happened_at
            and c.balance_transaction = x.balance_transaction offset 0) c));
    return null;
end $$;
create trigger payout_candidates_left after insert on journal_member
    referencing new table as changed for each statement execute function payout_candidates_left();
create trigger payout_candidates_left after insert on payout_confirmed
    referencing new table as changed for each statement execute function payout_candidates_left();
create trigger payout_candidates_left after insert on payout_only
    referencing new table as changed for each statement execute function payout_candidates_left();
"""
_ONLY = """
create function payout_solution_only() returns trigger language plpgsql as $$
begin
    if tg_op <> 'INSERT' and old.outcome = 'unique' then
        delete from payout_only where workspace_id = old.workspace_id and connection_id = old.connection_id
            and payout_id = old.payout_id;
    end if;
    if tg_op <> 'DELETE' and new.outcome = 'unique' then
        insert into payout_only (workspace_id, connection_id, payout_id, happened_at, balance_transaction)
        select new.workspace_id, new.connection_id, new.payout_id, e.happened_at, e.key
        from unnest(new.members) as m (id) cross join lateral (select * from journal_entry e where e.workspace_id = new.workspace_id
            and e.connection_id = new.connection_id and e.key = m.id offset 0) e on conflict do nothing;
    end if;
    return null;
end $$;
create trigger payout_solution_only after insert or update or delete on payout_solution
    for each row execute function payout_solution_only();
"""


def upgrade() -> None:
    for sql in (_INDEXES, _TABLES, _FILLED, _CAME, _BACK, _LEFT, _ONLY):
        op.get_bind().exec_driver_sql(sql.replace("%", "%%"))
    for table in ("payout_only", "payout_candidate", "book_day"):
        op.execute(f"select bookhand_protect('{table}')")


def downgrade() -> None:
    raise SystemExit("bookhand's books only go forward: restore a backup instead.")
