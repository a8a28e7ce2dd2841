"""Payouts: a million charges counted into their payouts, and what manual payouts hold, solved or declared ambiguous.

The journal's rows are laid by SQL (posting has figures of its own); the count is what `bookhand` does after them, beside the bare join
that sums the same rows and keeps nothing. The solver gets questions that are easy to answer, that have thousands of answers, and that were
made to be hard; each answer that says ``unique`` is tried to be refuted by a count of another kind.
"""

from __future__ import annotations

import argparse
import random
import time
from collections.abc import Callable, Iterator
from functools import partial
from typing import TypeVar

import psycopg

from bench.figures import Figure
from bench.ground import Ground
from bookhand.db.engine import Database
from bookhand.workflows.payouts.contents import breakdown_store
from bookhand.workflows.payouts.contents.solver import solve
from bookhand.workflows.payouts.reconciling.workflow import reconcile

SECTION = "payouts"
A_PAYOUT = 1_000
CANDIDATES = 1_000
Result = TypeVar("Result")
_LAY = """
    insert into journal_entry (workspace_id, connection_id, key, happened_at, booked_on, kind, why, accounts, currencies, minors,
        source, settles, amount, net, hash, delivery)
    select 1, %(c)s, 'txn_' || n, 1767225600 + n, '2026-01-01', kind, 'x', '{a,b}', '{USD,USD}', array[net, -net],
        source, 'USD', net + fee, net, '\\x00', 1
    from (select n, 'charge' as kind, 'ch_' || n as source, 30 as fee, 1000 + n %% 977 as net from generate_series(1, %(n)s) n) m;
"""
_OWN = """
    insert into journal_entry (workspace_id, connection_id, key, happened_at, booked_on, kind, why, accounts, currencies, minors,
        source, settles, amount, net, hash, delivery)
    select 1, %(c)s, 'txn_po_' || p, 1767225600, '2026-01-01', 'payout', 'x', '{a,b}', '{USD,USD}', array[-net, net],
        'po_' || p, 'USD', -net, -net, '\\x00', 1
    from (select (n - 1) / %(a)s as p, sum(1000 + n %% 977)::bigint as net from generate_series(1, %(n)s) n group by 1) m;
    insert into journal_member (workspace_id, connection_id, balance_transaction, payout)
    select 1, %(c)s, 'txn_' || n, 'po_' || (n - 1) / %(a)s from generate_series(1, %(n)s) n
    union all select 1, %(c)s, 'txn_po_' || p, 'po_' || p from generate_series(0, (%(n)s - 1) / %(a)s) p;
    insert into journal_payout (workspace_id, connection_id, payout, currency, members, net)
    select 1, %(c)s, payout, 'USD', count(*), 0 from journal_member where connection_id = %(c)s group by payout;
    insert into payout (workspace_id, connection_id, payout_id, created, currency, amount, status, automatic, method, arrival_date,
        reconciliation_status, as_of, stage, hash)
    select 1, %(c)s, source, 0, 'USD', -net, 'paid', true, 'standard', 0, 'completed', 0, 0, '\\x00' from journal_entry
    where connection_id = %(c)s and kind = 'payout';
"""
_BARE = """
    select count(*) from (
        select m.payout, sum(e.net) from journal_member m join journal_entry e
            on (e.workspace_id, e.connection_id, e.key) = (m.workspace_id, m.connection_id, m.balance_transaction)
        where m.workspace_id = 1 and m.connection_id = %(c)s group by 1) s
"""


def measure(ground: Ground, options: argparse.Namespace) -> Iterator[Figure]:
    yield from _breakdown(ground, options.payouts_charges)
    yield from _reconciling(ground, options.payouts_arrived)
    yield from _solver()


def options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--payouts-charges", type=int, default=1_000_000, help="charges to count into payouts"
    )
    parser.add_argument("--payouts-arrived", type=int, default=20_000, help="payouts to find at the bank")


def _breakdown(ground: Ground, charges: int) -> Iterator[Figure]:
    with ground.place(base_url="http://127.0.0.1:1") as place, Database(place.url) as db:
        link = place.link
        asked = {"c": link.connection_id, "n": charges, "a": A_PAYOUT}
        with psycopg.connect(place.url, autocommit=True) as owner:
            for statement in (_LAY + _OWN).split(";\n"):
                if statement.strip():
                    owner.execute(statement, {k: v for k, v in asked.items() if f"%({k})s" in statement})
            owner.execute("vacuum analyze")
            bare, _ = _timed(lambda: owner.execute(_BARE, {"c": link.connection_id}).fetchone())

        def counted() -> tuple[int, int]:
            with db.transaction() as cx:
                found = breakdown_store.count(cx, link)
                return len(found), len(breakdown_store.wrong(cx, link, found))

        took, (payouts, wrong) = _timed(counted)
        again, (none, _) = _timed(counted)
    note = f"{charges:,} charges in {payouts:,} payouts, {wrong} wrong; the bare join {bare:.1f} s"
    yield Figure(
        section=SECTION,
        name="breakdown of all",
        value=round(took, 2),
        unit="s",
        most=30.0 * charges / 1e6,
        note=note,
    )
    yield Figure(
        section=SECTION,
        name="beside the bare join",
        value=round(took, 2),
        unit="s",
        peer="bare join",
        peer_value=round(bare, 2),
    )
    yield Figure(
        section=SECTION,
        name="once more",
        value=round(again * 1000, 1),
        unit="ms",
        note=f"{none} payouts were due",
    )


# --- the whole way: matched, posted, kept ---

_ARRIVED = """
    insert into payout (workspace_id, connection_id, payout_id, created, currency, amount, status, automatic, method, arrival_date,
        reconciliation_status, trace_id, trace_status, as_of, stage, hash)
    select 1, %(c)s, 'po_' || n, 1767225600 + n / 40 * 86400, 'USD', 10000 + n * 7 %% 90001, 'paid', true, 'standard',
        1767225600 + (2 + n / 40) * 86400, 'completed', 'TRACE' || (1000000 + n), 'supported', 0, 0, '\\x00' from generate_series(1, %(n)s) n;
    insert into payout_open (workspace_id, connection_id, payout_id, since)
    select workspace_id, connection_id, payout_id, created from payout where connection_id = %(c)s;
    insert into connection (workspace_id, system, account, mode, livemode, name, api_version, auth)
    values (1, 'bank', 'DE1', 'test', false, 'Bank', '', 'files');
    insert into bank_account (workspace_id, connection_id, account) select 1, connection_id, 'DE1' from connection where system = 'bank';
    insert into statement_line (workspace_id, connection_id, account, key, day, currency, minor, description, refs, reversal, raw)
    select 1, c.connection_id, 'DE1', 'k' || n, '2026-01-03'::date + n / 40, 'USD', case when n %% 6 = 0 then -n else 10000 + n * 7 %% 90001 end,
        case when n %% 6 = 0 then 'RENT' else 'STRIPE PAYOUT TRACE' || (1000000 + n) end, '{}', false, ''
    from generate_series(1, %(n)s) n, connection c where c.system = 'bank';
"""


def _reconciling(ground: Ground, payouts: int) -> Iterator[Figure]:
    with ground.place(base_url="http://127.0.0.1:1") as place, Database(place.url) as db:
        asked = {"c": place.link.connection_id, "n": payouts}
        with psycopg.connect(place.url, autocommit=True) as owner:
            for statement in _ARRIVED.split(";\n"):
                if statement.strip():
                    owner.execute(statement, {k: v for k, v in asked.items() if f"%({k})s" in statement})
            owner.execute("vacuum analyze")
        took, report = _timed(lambda: reconcile(db, mode="test"))
        again, second = _timed(lambda: reconcile(db, mode="test"))
    told = f"{payouts:,} payouts and as many lines: {report.matches:,} matched and posted, {report.breaks:,} Breaks"
    yield Figure(
        section=SECTION, name="reconciled, the whole way", value=round(payouts / took), unit="/s", note=told
    )
    yield Figure(
        section=SECTION, name="reconciled again", value=round(again * 1000), unit="ms",
        note=f"nothing changed: {not second.changed}; {second.breaks:,} payouts are still open",
    )  # fmt: skip


# --- the solver ---


def _solver() -> Iterator[Figure]:
    slowest, said, refuted, cases = ("", 0.0), dict[str, int](), 0, 0
    for name, amounts, target in _questions(random.Random(7)):
        took, answer = _timed(partial(solve, amounts, target))
        said[answer.outcome] = said.get(answer.outcome, 0) + 1
        slowest = max(slowest, (name, took), key=lambda each: each[1])
        if answer.members is not None and sum(amounts[place] for place in answer.members) != target:
            refuted += 1
        if answer.outcome == "unique" and len(amounts) <= 20 and _all_ways(amounts, target) != 1:
            refuted += 1
        cases += 1
    told = ", ".join(f"{count} {outcome}" for outcome, count in sorted(said.items()))
    yield Figure(
        section=SECTION,
        name="slowest manual payout",
        value=round(slowest[1], 3),
        unit="s",
        most=1.0,
        note=f"{slowest[0]}; {cases} questions: {told}",
    )
    yield Figure(section=SECTION, name="wrong answers", value=refuted, unit="", most=0)


def _questions(chance: random.Random) -> Iterator[tuple[str, list[int], int]]:
    """Name, candidates, target."""
    for _ in range(300):
        few = [chance.randint(-300, 900) for _ in range(chance.randint(2, 16))]
        yield "few", few, sum(each for each in few if chance.random() < 0.5) + chance.choice((0, 0, 1))
    n = CANDIDATES
    plain = [chance.randint(500, 30_000) for _ in range(n)]
    signed = [each if chance.random() < 0.9 else -each for each in plain]
    large = [chance.randint(1_000, 99_999_999) for _ in range(n)]
    coarse = [5_000 * chance.randint(1, 4) for _ in range(n - 1)]
    for name, amounts in (("plain", plain), ("signed", signed), ("large", large), ("coarse", coarse)):
        yield f"{name}, a run", amounts, sum(amounts[: n // 3])
        yield f"{name}, any", amounts, sum(each for each in amounts if chance.random() < 0.5)
        yield f"{name}, off by one", amounts, sum(amounts[: n // 3]) + 1
        yield f"{name}, all", amounts, sum(amounts)
    yield "coarse and one", [*coarse, 7], sum(coarse) // 2 + 3
    yield "equal and one", [*[10_000] * (n - 1), 7], 10_000 * (n // 3) + 5
    yield "equal", [10_000] * n, 10_000 * (n // 2)
    yield "doubling", [2**place for place in range(52)], 0x5A5A5A5A5A5A5
    yield "even, odd target", [2 * each for each in plain], sum(plain) // 2 * 2 + 1
    yield "widest that is counted", [*[249 + 250 * (place % 7) for place in range(n - 1)], 250], 2_400_000


def _all_ways(amounts: list[int], target: int) -> int:
    ways = {0: 1}
    for amount in amounts:
        more: dict[int, int] = dict(ways)
        for total, count in ways.items():
            more[total + amount] = more.get(total + amount, 0) + count
        ways = more
    return ways.get(target, 0)


def _timed(work: Callable[[], Result]) -> tuple[float, Result]:
    at = time.perf_counter()
    found = work()
    return time.perf_counter() - at, found
