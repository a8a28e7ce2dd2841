"""The journal's steps: read facts into entries, close and reopen periods.

`read` is the journal's reader (see `core.ports`): in the transaction that is open it posts one entry for each new balance
transaction, keeps the facts that refinements join, writes the refinements that are now complete and moves the running sums.
Facts in any order, doubled or split over batches, make the same journal, byte for byte.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import msgspec

from bookhand.core.facts import BalanceTransaction, Charge, Link, OpeningBalance, Seen
from bookhand.core.problems import Problem
from bookhand.journal import case_store, fact_store, payout_store, period_store, store
from bookhand.journal.disputes import outcome
from bookhand.journal.fact_store import Touched
from bookhand.journal.opening import entries_of
from bookhand.journal.refine import charge_entries
from bookhand.journal.rules import entry_of
from bookhand.journal.store import Draft
from bookhand.journal.tax import settled

if TYPE_CHECKING:
    from psycopg import Connection as Transaction

    from bookhand.journal.periods import Late


def read(cx: Transaction[Any], link: Link, facts: Sequence[Seen]) -> list[Problem]:
    """Post what follows from `facts`; what was found wrong with them."""
    if not facts:
        return []
    store.take_turn(cx, link)
    moves = {seen.fact.id: seen for seen in reversed(facts) if isinstance(seen.fact, BalanceTransaction)}
    drafts, problems = _movements(facts)
    added = store.add(cx, link, drafts)
    touched = fact_store.keep(cx, link, [seen.fact for seen in facts])
    new = [
        fact for key in added.keys if key in moves and isinstance(fact := moves[key].fact, BalanceTransaction)
    ]
    _touch(cx, link, new, touched)
    delivery = max(seen.delivery for seen in facts)
    foreign = touched.charges - _settling_in_own_currency([seen.fact for seen in facts])
    refined, findings = _refinements(cx, link, touched, foreign=foreign, delivery=delivery)
    payout_store.link_members(cx, link, new_moves=added.keys, new_members=touched.members)
    posted = store.add(cx, link, refined)
    return problems + added.problems + findings + posted.problems


def release_waiting(cx: Transaction[Any], link: Link) -> tuple[int, list[Problem]]:
    """Post what waits for a closed period into the open one, as a person decided; how many entries moved, and the findings."""
    store.take_turn(cx, link)
    keys = store.release(cx, link, period_store.calendar(cx, link.workspace_id))
    touched = Touched()
    moved = store.movements(cx, link, keys)
    _touch(cx, link, moved, touched)
    refined, findings = _refinements(cx, link, touched, foreign=touched.charges, delivery=0)
    payout_store.link_members(cx, link, new_moves=keys, new_members=())
    posted = store.add(cx, link, refined, released=True)
    return len(keys), findings + posted.problems


def configure(cx: Transaction[Any], link: Link, *, timezone: str, late: Late) -> None:
    """Set the company's time zone and what becomes of facts whose period is closed."""
    period_store.configure(cx, link.workspace_id, timezone=timezone, late=late)


def close_period(cx: Transaction[Any], link: Link, period: str, *, who: str, why: str) -> None:
    """Close a month (``2026-10``) for every book of the workspace: nothing is written in it from now on."""
    period_store.record(cx, link.workspace_id, period=period, act="close", who=who, why=why)


def reopen_period(cx: Transaction[Any], link: Link, period: str, *, who: str, why: str) -> None:
    """Open a closed month again."""
    period_store.record(cx, link.workspace_id, period=period, act="reopen", who=who, why=why)


def _movements(facts: Sequence[Seen]) -> tuple[list[Draft], list[Problem]]:
    drafts, problems = [], []
    for seen in facts:
        if isinstance(bt := seen.fact, BalanceTransaction):
            entry, findings = entry_of(bt, delivery=seen.delivery)
            drafts.append(Draft(entry, bt))
            problems += findings
        elif isinstance(seen.fact, OpeningBalance):
            drafts += [
                Draft(msgspec.structs.replace(entry, delivery=seen.delivery))
                for entry in entries_of(seen.fact)
            ]
    return drafts, problems


def _touch(cx: Transaction[Any], link: Link, new: Sequence[BalanceTransaction], touched: Touched) -> None:
    """Add the charges and disputes behind new balance transactions, and the charges behind new invoices."""
    sources = {bt.source for bt in new if bt.source}
    touched.charges |= case_store.charges_of_moves(cx, link, sources - touched.charges)
    touched.charges |= case_store.charges_of_invoices(cx, link, touched.invoices)
    touched.disputes |= {bt.source for bt in new if bt.source and bt.reporting_category.startswith("dispute")}


def _refinements(
    cx: Transaction[Any], link: Link, touched: Touched, *, foreign: set[str], delivery: int
) -> tuple[list[Draft], list[Problem]]:
    problems, entries = [], []
    cases = case_store.charge_cases(cx, link, touched.charges, foreign=foreign)
    for case in cases:
        found, findings = charge_entries(case)
        entries += found
        problems += findings
    paying = [case.charge for case in cases if case.payments]
    for invoice in case_store.invoice_cases(cx, link, touched.invoices, paying):
        entries += settled(invoice)
    for dispute in case_store.dispute_cases(cx, link, touched.disputes):
        entries += outcome(dispute)
    return [Draft(msgspec.structs.replace(entry, delivery=delivery)) for entry in entries], problems


def _settling_in_own_currency(facts: Sequence[object]) -> set[str]:
    """Charges whose only balance transaction is among `facts` too, in the same currency: they need no exchange."""
    charges = {fact.id: fact.currency for fact in facts if isinstance(fact, Charge)}
    settled_in: dict[str, set[str]] = {}
    for fact in facts:
        if isinstance(fact, BalanceTransaction) and fact.source in charges:
            settled_in.setdefault(fact.source, set()).add(fact.currency)
    return {id_ for id_, currencies in settled_in.items() if currencies == {charges[id_]}}
