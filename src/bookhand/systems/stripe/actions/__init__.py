"""What Stripe offers to do, and what it tells of, as data: the catalogue of one vendor.

    from bookhand.systems.stripe.actions import ACTIONS, EVENT_KINDS

Names are the resource and what is done (``refunds.create``); each is there once.
"""

from __future__ import annotations

from importlib import import_module
from importlib.util import find_spec

from bookhand.core.action import Action
from bookhand.systems.stripe.actions.events import EVENT_KINDS
from bookhand.systems.stripe.actions.reads_account import ACCOUNT_READS
from bookhand.systems.stripe.actions.reads_billing import BILLING_READS
from bookhand.systems.stripe.actions.reads_catalog import CATALOG_READS
from bookhand.systems.stripe.actions.reads_customers import CUSTOMER_READS
from bookhand.systems.stripe.actions.reads_payments import PAYMENT_READS

__all__ = ["ACTIONS", "EVENT_KINDS", "READS"]

READS: tuple[Action, ...] = (
    *PAYMENT_READS,
    *CUSTOMER_READS,
    *BILLING_READS,
    *CATALOG_READS,
    *ACCOUNT_READS,
)


def _writes(module: str, name: str) -> tuple[Action, ...]:
    """The writes of a module beside this one; none while there is no such module."""
    path = f"{__name__}.{module}"
    found: tuple[Action, ...] = getattr(import_module(path), name) if find_spec(path) else ()
    return found


ACTIONS: tuple[Action, ...] = (
    *READS,
    *_writes("writes_money", "MONEY_WRITES"),
    *_writes("writes_billing", "BILLING_WRITES"),
)
"""Everything that can be done at Stripe."""
