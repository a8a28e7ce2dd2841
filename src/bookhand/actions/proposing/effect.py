"""What a call will do to the books, before it is done: the journal's own rules on the balance transaction that it is expected to make.

>>> lines_of(Movement(category="refund", type="refund", currency="usd", amount=-1500))
('Refunds: +15.00 USD', 'Stripe clearing (payments): -15.00 USD')
"""

from __future__ import annotations

from bookhand.core.action import Movement
from bookhand.core.entry import Posting
from bookhand.core.facts import BalanceTransaction, FeeDetail
from bookhand.core.money import Money
from bookhand.journal.rules import entry_of


def lines_of(movement: Movement) -> tuple[str, ...]:
    """One line an account, debits first; a positive amount is a debit."""
    return tuple(_line(posting) for posting in postings_of(movement))


def postings_of(movement: Movement) -> tuple[Posting, ...]:
    """The same as postings."""
    fees = (FeeDetail("stripe_fee", movement.currency.upper(), movement.fee),) if movement.fee else ()
    expected = BalanceTransaction(
        id="txn_expected", created=0, available_on=0, type=movement.type, reporting_category=movement.category,
        balance_type=movement.balance_type, currency=movement.currency.upper(), amount=movement.amount, fee=movement.fee,
        net=movement.amount - movement.fee, source=None, fee_details=fees,
    )  # fmt: skip
    entry, _ = entry_of(expected)
    return tuple(sorted(entry.postings, key=lambda line: -line.minor))


def _line(posting: Posting) -> str:
    role, _, detail = posting.account.partition(":")
    name = role.replace("_", " ").capitalize() + (f" ({detail})" if detail else "")
    sign = "+" if posting.minor > 0 else ""
    return f"{name}: {sign}{Money(posting.minor, posting.currency)}"
