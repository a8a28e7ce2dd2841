"""Stripe's writes that decide what is billed: customers and offers, subscriptions, invoices.

sorted(action.name for action in BILLING_WRITES if action.risk == "irreversible")
# ['invoices.finalize', 'invoices.send', 'invoices.void', 'subscriptions.cancel']
"""

from __future__ import annotations

from bookhand.core.action import Action
from bookhand.systems.stripe.actions.writes_customers import CUSTOMER_WRITES
from bookhand.systems.stripe.actions.writes_invoices import INVOICE_WRITES
from bookhand.systems.stripe.actions.writes_subscriptions import SUBSCRIPTION_WRITES

BILLING_WRITES: tuple[Action, ...] = (*CUSTOMER_WRITES, *SUBSCRIPTION_WRITES, *INVOICE_WRITES)
"""Everything that bills, or decides what will be billed."""
