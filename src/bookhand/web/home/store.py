"""What the first page reads: sums that are kept as they grow, and how much waits for a person. No query grows with the journal."""

from __future__ import annotations

from typing import Any

import msgspec
import psycopg

from bookhand.workspace.store import count_causes

Transaction = psycopg.Connection[Any]

CLEARING, TRANSIT, BANK, SALES, RETURNED = "stripe_clearing", "bank_in_transit", "bank", "revenue", "refunds"
FEES = ("processing_fees", "network_costs", "dispute_fees", "payout_fees", "fx_fees", "tax_on_fees")
MOST = 100
"""Where counting ends: what is more is told as more."""


class Sum(msgspec.Struct, frozen=True, kw_only=True):
    """An amount of one currency, in its minor units."""

    currency: str
    minor: int


class Month(msgspec.Struct, frozen=True, kw_only=True):
    """What one month changed, as money comes and goes: sales are positive, refunds and fees negative."""

    month: str
    sales: int = 0
    refunds: int = 0
    fees: int = 0

    @property
    def left(self) -> int:
        """Sales after refunds and fees."""
        return self.sales + self.refunds + self.fees


class Waits(msgspec.Struct, frozen=True, kw_only=True):
    """How much of each kind waits for a person, counted up to `MOST`."""

    approvals: int
    questions: int
    breaks: int
    runs: int
    problems: int
    unknown: int
    pauses: tuple[str, ...] = ()

    @property
    def any(self) -> bool:
        """Whether anything does."""
        return bool(
            self.approvals
            or self.questions
            or self.breaks
            or self.runs
            or self.problems
            or self.unknown
            or self.pauses
        )


def mode(cx: Transaction) -> str:
    """Whose money the page shows: live money where a live account is connected, else test money."""
    row = cx.execute("select bool_or(mode = 'live') from connection where system = 'stripe'").fetchone()
    return "live" if row and row[0] else "test"


def standing(cx: Transaction, mode: str) -> dict[str, list[Sum]]:
    """What stands in the accounts where money waits (`CLEARING`, `TRANSIT`) and in the bank's: by role, currency by currency."""
    rows = cx.execute(
        """
        select split_part(b.account, ':', 1), b.currency, sum(b.minor)::bigint
        from journal_balance b join connection c using (workspace_id, connection_id)
        where (c.mode = 'live') = %s and split_part(b.account, ':', 1) = any (%s) group by 1, 2 order by 1, 3 desc
        """,
        (mode == "live", [CLEARING, TRANSIT, BANK]),
    )
    found: dict[str, list[Sum]] = {CLEARING: [], TRANSIT: [], BANK: []}
    for role, currency, minor in rows:
        if minor:
            found[role].append(Sum(currency=currency, minor=int(minor)))
    return found


def currencies(cx: Transaction, mode: str) -> list[str]:
    """The currencies in which anything was sold: first those in which Stripe holds a balance, the largest number of entries first."""
    rows = cx.execute(
        """
        select a.currency from journal_activity a join connection c using (workspace_id, connection_id)
        where (c.mode = 'live') = %(live)s and a.account = %(sales)s group by 1
        order by exists (
            select from journal_balance b join connection o using (workspace_id, connection_id)
            where (o.mode = 'live') = %(live)s and split_part(b.account, ':', 1) = %(clearing)s and b.currency = a.currency
        ) desc, count(distinct c.connection_id) desc, count(*) desc, 1 desc
        """,
        {"live": mode == "live", "sales": SALES, "clearing": CLEARING},
    )
    return [currency for (currency,) in rows]


def months(cx: Transaction, mode: str, currency: str, *, since: str) -> list[Month]:
    """Month by month from `since` (``2025-12``), in the minor units of `currency`."""
    rows = cx.execute(
        """
        select a.month,
            coalesce(-sum(a.minor) filter (where a.account = %(sales)s), 0)::bigint,
            coalesce(-sum(a.minor) filter (where a.account = %(returned)s), 0)::bigint,
            coalesce(-sum(a.minor) filter (where a.account = any (%(fees)s)), 0)::bigint
        from journal_activity a join connection c using (workspace_id, connection_id)
        where (c.mode = 'live') = %(live)s and a.currency = %(currency)s and a.month >= %(since)s
        group by 1 order by 1
        """,
        {
            "live": mode == "live", "currency": currency, "since": since, "sales": SALES, "returned": RETURNED,
            "fees": list(FEES),
        },
    )  # fmt: skip
    return [
        Month(month=month, sales=sales, refunds=refunds, fees=fees) for month, sales, refunds, fees in rows
    ]


def sold(cx: Transaction, mode: str, month: str) -> list[Sum]:
    """What was sold in `month`, before anything is taken off, currency by currency."""
    rows = cx.execute(
        """
        select a.currency, -sum(a.minor)::bigint from journal_activity a join connection c using (workspace_id, connection_id)
        where (c.mode = 'live') = %s and a.account = %s and a.month = %s group by 1 order by 2 desc
        """,
        (mode == "live", SALES, month),
    )
    return [Sum(currency=currency, minor=int(minor)) for currency, minor in rows if minor]


def waits(cx: Transaction) -> Waits:
    """What waits for a person now."""
    row = cx.execute(
        """
        select
            (select count(*) from (select 1 from proposal where state = 'waiting' limit %(most)s) as few),
            (select count(*) from (select 1 from bank_question limit %(most)s) as few),
            (select count(*) from (select 1 from break where state <> 'closed' limit %(most)s) as few),
            (select count(*) from (select 1 from run where state in ('paused', 'parked') limit %(most)s) as few),
            (select count(*) from (select 1 from proposal where state = 'unknown' limit %(most)s) as few)
        """,
        {"most": MOST},
    ).fetchone()
    paused = cx.execute(
        "select name from connection where status not in ('active', 'disconnected') order by connection_id limit 10"
    ).fetchall()
    approvals, questions, breaks, runs, unknown = row or (0, 0, 0, 0, 0)
    return Waits(
        approvals=approvals, questions=questions, breaks=breaks, runs=runs, problems=count_causes(cx, most=MOST), unknown=unknown,
        pauses=tuple(name for (name,) in paused),
    )  # fmt: skip


class Bank(msgspec.Struct, frozen=True, kw_only=True):
    """A bank account with the newest balance that its statements state; None where none does."""

    account: str
    currency: str
    minor: int | None
    day: str | None


def banks(cx: Transaction) -> list[Bank]:
    """Every bank account with its newest stated balance."""
    rows = cx.execute(
        """
        select b.account, b.currency, s.closing_minor, s.closing_day::text from bank_account b left join lateral (
            select closing_minor, closing_day from bank_statement s
            where (s.workspace_id, s.connection_id, s.account) = (b.workspace_id, b.connection_id, b.account)
                and closing_minor is not null order by closing_day desc nulls last, statement_id desc limit 1
        ) s on true where b.currency is not null order by b.connection_id, b.account limit 20
        """
    )
    return [
        Bank(account=account, currency=currency, minor=minor, day=day)
        for account, currency, minor, day in rows
    ]


def books(cx: Transaction) -> tuple[int, int]:
    """How many outside books are connected, and how many of them are set up."""
    row = cx.execute(
        """
        select count(*) filter (where c.system in ('quickbooks', 'netsuite', 'beancount')), count(b.connection_id)
        from connection c left join book b using (workspace_id, connection_id)
        """
    ).fetchone()
    return (int(row[0]), int(row[1])) if row else (0, 0)
