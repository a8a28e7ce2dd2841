"""What may be in manual and instant payouts: their candidates out of the journal, the solver's answers kept, a person's word kept.

A candidate is a balance transaction of the payout's currency that was there and available when the payout was made, and that went out
with no other payout: by Stripe's list, by a person's word, or by the only solution of an earlier one. Those of which nothing says that they
went out stand in `payout_candidate`, which triggers keep where entries, members, words and solutions are written: nothing else is looked
through. When money became available is read from the balance transaction as Stripe listed it; where that is not known nothing is claimed.
An instant payout may take money that is not available yet: Stripe books an advance for it, whose source is the payout, and that is
certainly in it.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

import msgspec

from bookhand.core.caller import Caller
from bookhand.core.facts import BalanceTransaction, Link, Payout
from bookhand.core.money import as_text
from bookhand.core.problems import Conflict, Refusal
from bookhand.journal import opening_store
from bookhand.journal import store as journal
from bookhand.systems.stripe.translate import facts_of
from bookhand.workflows.payouts.contents.proposed import Proposed, proposal_says
from bookhand.workflows.payouts.contents.solver import MOST_CANDIDATES, Solution, solve
from bookhand.workflows.payouts.payout_store import COLUMNS, Kept, kept_of

if TYPE_CHECKING:
    from psycopg import Connection as Transaction

_MINE = "workspace_id = %(workspace)s and connection_id = %(connection)s"
_DUE = f"""
    select {COLUMNS} from payout p
    where {_MINE} and not p.automatic and p.amount > 0
        and p.status not in ('canceled', 'failed')
        and not exists (select from payout_solution s where s.workspace_id = p.workspace_id and s.connection_id = p.connection_id
            and s.payout_id = p.payout_id)
        and exists (select from journal_entry e where e.workspace_id = p.workspace_id and e.connection_id = p.connection_id
            and e.key = p.balance_transaction)
    order by p.created, p.payout_id limit %(most)s
"""
# Movements of which nothing says that they went out are walked along the key of `payout_candidate`, and the walk ends early. Beside them stand
# those that only solutions hold which take nothing from this payout: its own, those of later ones, and of such that failed. Each row is
# looked up by its key, whatever the planner believes (see journal.lookups).
_ENTRY = """lateral (select e.net, e.kind, e.source, e.settles, e.accounts from journal_entry e where e.workspace_id = %(workspace)s
    and e.connection_id = %(connection)s and e.key = c.balance_transaction offset 0) e"""
_NO_RETURN = """not (e.kind = 'payout_reversal' and exists (select from payout q where q.workspace_id = %(workspace)s
    and q.connection_id = %(connection)s and q.payout_id = e.source collate "default" and not q.automatic offset 0))"""
_EARLIER = "p.status not in ('canceled', 'failed') and (p.created, p.payout_id) < (%(created)s, %(payout)s)"
_CANDIDATES = f"""
    with free as (
        select c.balance_transaction, c.happened_at, e.net from payout_candidate c cross join {_ENTRY}
        where c.workspace_id = %(workspace)s and c.connection_id = %(connection)s and c.currency = %(currency)s
            and c.happened_at <= %(created)s and {_NO_RETURN}
        order by c.happened_at, c.balance_transaction limit %(most)s),
    held as (
        select distinct c.balance_transaction, c.happened_at, e.net from payout_solution s
        join payout p on p.workspace_id = s.workspace_id and p.connection_id = s.connection_id and p.payout_id = s.payout_id
        cross join lateral (select o.balance_transaction, o.happened_at from payout_only o where o.workspace_id = %(workspace)s
            and o.connection_id = %(connection)s and o.payout_id = s.payout_id and o.happened_at <= %(created)s offset 0) c
        cross join {_ENTRY}
        where s.workspace_id = %(workspace)s and s.connection_id = %(connection)s and s.outcome = 'unique' and not ({_EARLIER})
            and e.settles = %(currency)s and e.accounts[1] = 'stripe_clearing:payments' and e.kind not in ('payout', 'advance')
            and {_NO_RETURN}
            and not exists (select from payout_only o join payout p on p.workspace_id = o.workspace_id
                and p.connection_id = o.connection_id and p.payout_id = o.payout_id
                where o.workspace_id = %(workspace)s and o.connection_id = %(connection)s
                    and o.balance_transaction = c.balance_transaction and {_EARLIER} offset 0)
            and not exists (select from journal_member m where m.workspace_id = %(workspace)s and m.connection_id = %(connection)s
                and m.balance_transaction = c.balance_transaction offset 0)
            and not exists (select from payout_confirmed m where m.workspace_id = %(workspace)s and m.connection_id = %(connection)s
                and m.balance_transaction = c.balance_transaction offset 0))
    select c.balance_transaction, c.happened_at, c.net, d.body
    from (select * from free union all select * from held order by happened_at, balance_transaction limit %(most)s) c
    left join lateral (select s.seq from snapshot s where s.workspace_id = %(workspace)s and s.connection_id = %(connection)s
        and s.object = 'balance_transaction' and s.object_id = c.balance_transaction offset 0) s on true
    left join lateral (select d.body from delivery d where d.workspace_id = %(workspace)s and d.connection_id = %(connection)s
        and d.seq = s.seq offset 0) d on true
    order by c.happened_at, c.balance_transaction
"""
_FULL_LOOK = """
    with out as (
        select balance_transaction from journal_member where workspace_id = %(workspace)s and connection_id = %(connection)s
        union select balance_transaction from payout_confirmed where workspace_id = %(workspace)s and connection_id = %(connection)s
        union select unnest(members) collate "C" from payout_solution where workspace_id = %(workspace)s
            and connection_id = %(connection)s and outcome = 'unique'),
    loose as (
        select e.key from journal_entry e left join out on out.balance_transaction = e.key
        where e.workspace_id = %(workspace)s and e.connection_id = %(connection)s and e.settles is not null
            and e.accounts[1] = 'stripe_clearing:payments' and e.kind not in ('payout', 'advance') and out.balance_transaction is null),
    kept as (select balance_transaction as key from payout_candidate where workspace_id = %(workspace)s and connection_id = %(connection)s)
    select coalesce(loose.key, kept.key), kept.key is not null from loose full join kept on kept.key = loose.key
    where loose.key is null or kept.key is null order by 1 limit %(most)s
"""


class Candidates(msgspec.Struct, frozen=True, kw_only=True):
    """What a payout may hold: ids and nets in the order in which they became available, what is certainly in it, and its own movement."""

    ids: tuple[str, ...]
    nets: tuple[int, ...]
    certain: tuple[str, ...]
    certain_minor: int
    own: str
    own_net: int
    fee: int
    undated: int = 0
    """Movements of which nobody knows when they became available."""
    too_many: bool = False

    @property
    def target(self) -> int:
        """What the candidates must come to."""
        return -self.own_net - self.certain_minor


def solve_due(cx: Transaction[Any], link: Link, *, most: int = 10) -> list[Proposed]:
    """Solve manual payouts that nobody has solved yet, oldest first, up to `most`; what is said of each is kept."""
    rows = cx.execute(_DUE, _mine(link) | {"most": most}).fetchall()
    return [solve_one(cx, link, kept_of(row)) for row in rows]


def solve_one(cx: Transaction[Any], link: Link, kept: Kept) -> Proposed:
    """Solve one (again), and keep what is said of it."""
    found = candidates(cx, link, kept.payout)
    if found.too_many or found.undated:
        solution = Solution(outcome="gave_up", how="none")
    else:
        solution = solve(found.nets, found.target)
    before = _from_before(cx, link, kept.payout)
    if before and solution.outcome in {"unique", "unsolved"}:  # of what nobody knows, nothing is proven
        solution = msgspec.structs.replace(solution, outcome="gave_up")
    members = (
        () if solution.members is None else (*found.certain, *(found.ids[each] for each in solution.members))
    )
    made = Proposed(
        payout=kept.payout.id, outcome=solution.outcome, how=solution.how, at_least=solution.at_least, candidates=len(found.ids),
        members=members, fee=found.fee, says=proposal_says(kept.payout, found.undated, solution, len(found.ids), before=before),
    )  # fmt: skip
    _put(cx, link, made)
    return made


def candidates(cx: Transaction[Any], link: Link, payout: Payout) -> Candidates:
    """What `payout` may hold."""
    own = cx.execute(
        f"select key, amount, net from journal_entry where {_MINE} and key = %(bt)s",
        _mine(link) | {"bt": payout.balance_transaction},
    ).fetchone()
    if own is None:
        raise Refusal(f"The movement of {payout.id} is not in the journal yet: wait until it is read.")
    certain = cx.execute(
        f"select key, net from journal_entry where {_MINE} and source = %(payout)s and kind = 'advance' order by key",
        _mine(link) | {"payout": payout.id},
    ).fetchall()
    asked = _mine(link) | {
        "currency": payout.currency,
        "created": payout.created,
        "payout": payout.id,
        "most": MOST_CANDIDATES + 1,
    }
    rows = cx.execute(_CANDIDATES, asked, binary=True).fetchall()
    dated = [(_available_on(body), at, key, net) for key, at, net, body in rows]
    free = sorted(each for each in dated if each[0] is not None and each[0] <= payout.created)
    return Candidates(
        ids=tuple(each[2] for each in free), nets=tuple(each[3] for each in free), certain=tuple(key for key, _ in certain),
        certain_minor=sum(net for _, net in certain), own=own[0], own_net=own[2], fee=own[1] - own[2],
        undated=sum(each[0] is None for each in dated), too_many=len(rows) > MOST_CANDIDATES,
    )  # fmt: skip


def proposed(cx: Transaction[Any], link: Link, payout_id: str) -> Proposed | None:
    """The kept answer, if there is one."""
    row = cx.execute(
        f"select payout_id, outcome, how, at_least, candidates, members, fee, says from payout_solution where {_MINE}"
        " and payout_id = %(payout)s",
        _mine(link) | {"payout": payout_id},
    ).fetchone()
    return None if row is None else _proposed(row)


def open_ones(cx: Transaction[Any], link: Link) -> list[Proposed]:
    """Those that wait for a person: everything but what was confirmed."""
    rows = cx.execute(
        """
        select s.payout_id, outcome, how, at_least, candidates, members, fee, says from payout_solution s
        join payout p on p.workspace_id = s.workspace_id and p.connection_id = s.connection_id and p.payout_id = s.payout_id
        where s.workspace_id = %(workspace)s and s.connection_id = %(connection)s and outcome <> 'confirmed'
            and p.status not in ('canceled', 'failed') order by s.payout_id
        """,
        _mine(link),
    )
    return [_proposed(row) for row in rows]


def confirm(cx: Transaction[Any], link: Link, caller: Caller, kept: Kept, members: Sequence[str]) -> Proposed:
    """Keep a person's word that `members` went out with a payout; `Refusal` where they do not add up to it or went out otherwise."""
    payout = kept.payout
    journal.take_turn(cx, link)
    if payout.automatic:
        raise Refusal(f"{payout.id} is automatic: Stripe's own list says what is in it, and nobody has to.")
    found = candidates(cx, link, payout)
    chosen = sorted(set(members) - {found.own} - set(found.certain))
    nets = _free(cx, link, payout, chosen)
    total = sum(nets.values())
    if total != found.target:
        raise Refusal(
            f"These {len(chosen)} come to {as_text(total, payout.currency)}, but {payout.id} holds {as_text(found.target, payout.currency)}: "
            "choose others. Nothing was kept."
        )
    everything = sorted({*chosen, *found.certain, found.own})
    cx.execute(
        "insert into payout_confirmed (workspace_id, connection_id, balance_transaction, payout_id, by_who, by_name)"
        " select %s, %s, id, %s, %s, %s from unnest(%s::text[]) as m (id)",
        (link.workspace_id, link.connection_id, payout.id, caller.who, caller.name, everything),
    )
    agreed = _agreed(cx, link, payout, {*chosen, *found.certain})
    made = Proposed(
        payout=payout.id, outcome="confirmed", how="person", at_least=1, candidates=len(found.ids), members=tuple(everything),
        fee=found.fee, says=f"{caller.name} confirmed its {len(chosen) + len(found.certain):,} members.",
    )  # fmt: skip
    _put(cx, link, made)
    _solve_again(cx, link, payout, agreed)
    return made


def take_back(cx: Transaction[Any], link: Link, payout_id: str) -> int:
    """Forget a person's word on a payout, so that it is solved again; how many members it had named."""
    journal.take_turn(cx, link)
    count = cx.execute(
        f"delete from payout_confirmed where {_MINE} and payout_id = %(payout)s",
        _mine(link) | {"payout": payout_id},
    ).rowcount
    cx.execute(
        f"delete from payout_solution where {_MINE} and payout_id = %(payout)s",
        _mine(link) | {"payout": payout_id},
    )
    return count


def miskept(cx: Transaction[Any], link: Link, *, limit: int = 20) -> list[str]:
    """Where `payout_candidate` is not what a look through everything says, in sentences, up to `limit`."""
    rows = cx.execute(_FULL_LOOK, _mine(link) | {"most": limit})
    return [
        f"{key} went out with a payout, and is kept as a candidate of payouts made by hand."
        if is_kept
        else f"{key} is in no payout, and is not kept as a candidate of payouts made by hand."
        for key, is_kept in rows
    ]


def _free(cx: Transaction[Any], link: Link, payout: Payout, ids: Sequence[str]) -> dict[str, int]:
    """Their nets; `Refusal` that names what is unknown, of another currency, or in a payout already."""
    rows = cx.execute(
        f"""
        select e.key, e.net, e.settles, coalesce(
            (select min(m.payout) from journal_member m where m.workspace_id = e.workspace_id and m.connection_id = e.connection_id and m.balance_transaction = e.key),
            (select min(c.payout_id) from payout_confirmed c where c.workspace_id = e.workspace_id and c.connection_id = e.connection_id and c.balance_transaction = e.key))
        from journal_entry e where {_MINE} and e.key = any (%(ids)s) and e.settles is not null order by e.key
        """,
        _mine(link) | {"ids": list(ids)},
    ).fetchall()
    unknown = sorted(set(ids) - {row[0] for row in rows})
    if unknown:
        raise Refusal(f"{unknown[0]} is no balance transaction in the journal of this connection.")
    for key, _, currency, elsewhere in rows:
        if elsewhere is not None:
            raise Conflict(f"{key} went out with {elsewhere} already.")
        if currency != payout.currency:
            raise Refusal(f"{key} is in {currency}, and {payout.id} in {payout.currency}.")
    return {key: net for key, net, _, _ in rows}


def _from_before(cx: Transaction[Any], link: Link, payout: Payout) -> bool:
    """Whether money lay there before the history begins: what it is made of nobody knows, and it may be in any payout."""
    return opening_store.standing(cx, link).get((payout.currency, "payments"), (0, 0))[1] != 0


def _available_on(body: bytes | None) -> int | None:
    """When Stripe said that it would be available."""
    told = facts_of("balance_transaction", body) if body else []
    return next((fact.available_on for fact in told if isinstance(fact, BalanceTransaction)), None)


def _agreed(cx: Transaction[Any], link: Link, payout: Payout, members: Collection[str]) -> datetime | None:
    """Since when these are the only solution of a payout, if they are: later payouts were solved without them from then on."""
    row = cx.execute(
        f"select members, solved_at from payout_solution where {_MINE} and payout_id = %(payout)s and outcome = 'unique'",
        _mine(link) | {"payout": payout.id},
    ).fetchone()
    took = row is not None and payout.status not in {"canceled", "failed"} and {*row[0]} == {*members}
    return row[1] if row and took else None


def _solve_again(cx: Transaction[Any], link: Link, after: Payout, agreed: datetime | None) -> None:
    """A person's word leaves fewer candidates to the payouts after it; not to those that were solved since it was `agreed` already."""
    cx.execute(
        """
        delete from payout_solution s using payout p
        where s.workspace_id = %(workspace)s and s.connection_id = %(connection)s and s.outcome <> 'confirmed'
            and p.workspace_id = s.workspace_id and p.connection_id = s.connection_id and p.payout_id = s.payout_id
            and p.currency = %(currency)s and (p.created, p.payout_id) > (%(created)s, %(payout)s)
            and (%(agreed)s::timestamptz is null or s.solved_at < %(agreed)s)
        """,
        _mine(link)
        | {"currency": after.currency, "created": after.created, "payout": after.id, "agreed": agreed},
    )


def _put(cx: Transaction[Any], link: Link, made: Proposed) -> None:
    journal.take_turn(cx, link)
    cx.execute(
        """
        insert into payout_solution (workspace_id, connection_id, payout_id, outcome, how, at_least, candidates, members, fee, says)
        values (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s)
        on conflict (workspace_id, connection_id, payout_id) do update set outcome = excluded.outcome, how = excluded.how,
            at_least = excluded.at_least, candidates = excluded.candidates, members = excluded.members, fee = excluded.fee,
            says = excluded.says, solved_at = now()
        """,
        (
            link.workspace_id, link.connection_id, made.payout, made.outcome, made.how, made.at_least, made.candidates,
            list(made.members), made.fee, made.says,
        ),
    )  # fmt: skip


def _proposed(row: Sequence[Any]) -> Proposed:
    payout, outcome, how, at_least, count, members, fee, says = row
    return Proposed(
        payout=payout, outcome=outcome, how=how, at_least=at_least, candidates=count, members=tuple(members), fee=fee, says=says
    )  # fmt: skip


def _mine(link: Link) -> dict[str, Any]:
    return {"workspace": link.workspace_id, "connection": link.connection_id}
