"""What is said of manual payouts is said anew where history comes in that they may hold, or a list that says what they do not."""

from alembic import op

revision = "0024"
down_revision = "0023"

# Who solves has the journal's turn, as who writes these tables has: an answer is given before them or sees them.
_AGAIN = """
create or replace function payout_solve_again() returns trigger language plpgsql as $$
begin
    if exists (select from payout_solution where outcome <> 'confirmed') then
        delete from payout_solution s using payout p, (
            select e.workspace_id, e.connection_id, {currency} as settles, min(e.happened_at) as since from {entries}
            where e.settles is not null or e.kind = 'opening_balance' group by 1, 2, 3) n
        where s.outcome <> 'confirmed' and p.workspace_id = s.workspace_id and p.connection_id = s.connection_id
            and p.payout_id = s.payout_id and n.workspace_id = s.workspace_id and n.connection_id = s.connection_id
            and n.settles = p.currency and p.created >= n.since;
    end if;
    return null;
end $$;
create or replace trigger payout_solve_again after insert on {table}
    referencing new table as added for each statement execute function payout_solve_again();
"""
_CURRENCY = "coalesce(e.settles, e.currencies[1])"  # of an opening balance, all lines are in one currency
_MEMBERS = """added m cross join lateral (select * from journal_entry e where e.workspace_id = m.workspace_id
                and e.connection_id = m.connection_id and e.key = m.balance_transaction offset 0) e"""


def upgrade() -> None:
    entries = _AGAIN.format(entries="added e", table="journal_entry", currency=_CURRENCY)
    listed = _AGAIN.format(entries=_MEMBERS, table="journal_member", currency=_CURRENCY)
    for sql in (entries, listed.replace("payout_solve_again()", "payout_solve_again_listed()")):
        op.get_bind().exec_driver_sql(sql.replace("%", "%%"))


def downgrade() -> None:
    raise SystemExit("bookhand's books only go forward: restore a backup instead.")
