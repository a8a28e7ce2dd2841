"""Why something was decided, in words: a sentence for each rule, and days and amounts as sentences have them; pure.

>>> days(0), days(-1), days(2), shown(125_00, "USD")
('on its arrival day', '1 business day early', '2 business days late', '125.00 USD')
"""

from __future__ import annotations

from functools import lru_cache

from bookhand.core.money import as_text
from bookhand.workflows.payouts.matching import Expected, Rule


def of_pair(rule: Rule, payout: Expected, key: str, lag: int) -> str:
    """Why one line (by its key) is one payout, of the same amount and currency."""
    if rule == "amount":
        return _has_amount(lag)
    if rule == "trace" and payout.trace_id:  # `carries`, in one go, for there are many of them
        return f"The line carries trace {payout.trace_id}{_and_amount(lag)}"
    if rule == "descriptor":
        return f"The line shows {payout.descriptor} and has the amount, {days(lag)}; no other has it in these days."
    return carries(payout, key, lag)


def carries(payout: Expected, key: str, lag: int) -> str:
    """The line names the payout, and has its amount."""
    return f"The line carries {id_in_words(payout, key)}{_and_amount(lag)}"


@lru_cache(maxsize=64)
def _and_amount(lag: int) -> str:
    return f", and has its amount, {days(lag)}."


def id_in_words(payout: Expected, key: str) -> str:
    """What of a payout a line carries."""
    return f"trace {payout.trace_id}" if payout.trace_id else f"the id of payout {payout.id} ({key})"


@lru_cache(maxsize=64)
def _has_amount(lag: int) -> str:
    return f"The line says Stripe and has the amount, {days(lag)}; no other of Stripe's has it in these days."


@lru_cache(maxsize=64)
def days(lag: int) -> str:
    """A lag in words: ``on its arrival day``, ``1 business day late``."""
    if lag == 0:
        return "on its arrival day"
    return f"{abs(lag)} business day{'s' * (abs(lag) > 1)} {'late' if lag > 0 else 'early'}"


def shown(minor: int, currency: str) -> str:
    """An amount in a sentence; of a currency that nobody knows, in minor units, for matching goes on."""
    return as_text(minor, currency)
