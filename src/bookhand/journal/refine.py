"""Refine: a case to all its refinements, in one call.

>>> case = ChargeCase(charge="py_1", currency="USD", amount=900, transfer="tr_1", arrivals=(Moved(1, "txn_1", "charge", "USD", 900),))
>>> [(line.account, line.minor) for line in charge_entries(case)[0][0].postings]
[('revenue', 900), ('connect_income', -900)]
"""

from __future__ import annotations

from bookhand.core.entry import Entry
from bookhand.core.problems import Problem
from bookhand.journal.cases import ChargeCase, Moved, refinement
from bookhand.journal.exchange import exchange
from bookhand.journal.rules import roles_by_kind
from bookhand.journal.tax import misfit, tax


def charge_entries(case: ChargeCase) -> tuple[list[Entry], list[Problem]]:
    """Exchange, tax and connect entries of a charge, and what could not be split."""
    misfits = [misfit(payment, case) for payment in case.payments]
    entries = [*exchange(case), *tax(case), *_from_platform(case)]
    return entries, [problem for problem in misfits if problem is not None]


def _from_platform(case: ChargeCase) -> list[Entry]:
    """A platform's transfer arrives as a payment: income from the platform, not a sale (and back, when it is reversed)."""
    if case.transfer is None:
        return []
    moves = [*case.arrivals, *(one.moved for one in case.returns)]
    return [entry for moved in moves for entry in _as_connect_income(case, moved)]


def _as_connect_income(case: ChargeCase, moved: Moved) -> list[Entry]:
    role = roles_by_kind().get(moved.kind, ("", ""))[moved.amount > 0]
    if role not in {"revenue", "refunds"}:
        return []
    return refinement(
        f"{moved.key}:connect",
        at=moved.created,
        kind="connect_income",
        why=f"{case.charge} came with transfer {case.transfer}",
        lines=[(role, moved.currency, moved.amount), ("connect_income", moved.currency, -moved.amount)],
        refs={"balance_transaction": moved.key, "charge": case.charge, "transfer": case.transfer or ""},
    )
