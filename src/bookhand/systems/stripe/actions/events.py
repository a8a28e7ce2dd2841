"""What happens at Stripe, as entries of the catalogue: each event that our endpoint asks for, in exactly one of them.

Where Stripe tells one thing in two events (``refund.updated`` and ``charge.refund.updated``) they are one entry. An event is a
hint: it may come twice, late or out of order, and shows its object as it was; what is done about it reads the object as it is.

>>> [kind.types for kind in EVENT_KINDS if kind.name == "disputes.created"]
[('charge.dispute.created',)]
"""

from __future__ import annotations

from bookhand.core.action import EventKind
from bookhand.systems.stripe.actions.entries import VENDOR

_PAYMENTS = {
    "charges.succeeded": ("A payment was taken", "charge.succeeded"),
    "charges.pending": ("A payment is on its way, as bank debits are for days", "charge.pending"),
    "charges.failed": ("A payment was refused", "charge.failed"),
    "charges.captured": ("An authorised payment was taken", "charge.captured"),
    "charges.expired": ("An authorised payment was not taken in time", "charge.expired"),
    "charges.refunded": ("A payment was given back, in part or whole", "charge.refunded"),
    "charges.updated": ("A payment's details changed", "charge.updated"),
    "payment_intents.succeeded": ("A customer paid what was asked", "payment_intent.succeeded"),
    "payment_intents.processing": ("A payment is being worked on", "payment_intent.processing"),
    "payment_intents.requires_action": ("A customer must confirm a payment", "payment_intent.requires_action"),
    "payment_intents.failed": ("An attempt to pay failed", "payment_intent.payment_failed"),
    "payment_intents.canceled": ("A payment was called off", "payment_intent.canceled"),
    "refunds.created": ("A refund was made", "refund.created"),
    "refunds.updated": ("A refund changed, as when it arrived", "refund.updated", "charge.refund.updated"),
    "refunds.failed": ("A refund did not arrive, and the money is back", "refund.failed"),
    "disputes.created": ("A customer's bank asks for a payment back", "charge.dispute.created"),
    "disputes.updated": ("A dispute changed, as when evidence went out", "charge.dispute.updated"),
    "disputes.closed": ("A dispute was won, lost or given up", "charge.dispute.closed"),
    "disputes.funds_withdrawn": ("A disputed payment was taken from the balance", "charge.dispute.funds_withdrawn"),
    "disputes.funds_reinstated": ("A disputed payment came back to the balance", "charge.dispute.funds_reinstated"),
    "early_fraud_warnings.created": ("A bank suspects fraud, before a dispute", "radar.early_fraud_warning.created"),
    "early_fraud_warnings.updated": ("A bank's suspicion of fraud changed", "radar.early_fraud_warning.updated"),
}  # fmt: skip
_BILLING = {
    "subscriptions.created": ("A customer subscribed", "customer.subscription.created"),
    "subscriptions.updated": ("A subscription changed: price, quantity, status, an end that was set", "customer.subscription.updated"),
    "subscriptions.deleted": ("A subscription ended", "customer.subscription.deleted"),
    "subscriptions.paused": ("A subscription was paused", "customer.subscription.paused"),
    "subscriptions.resumed": ("A paused subscription goes on", "customer.subscription.resumed"),
    "subscriptions.trial_will_end": ("A trial ends in three days", "customer.subscription.trial_will_end"),
    "subscriptions.pending_update_applied": ("A change that waited for its payment took effect", "customer.subscription.pending_update_applied"),
    "subscriptions.pending_update_expired": ("A change that waited for its payment was dropped", "customer.subscription.pending_update_expired"),
    "invoices.finalized": ("An invoice became final", "invoice.finalized"),
    "invoices.finalization_failed": ("An invoice could not become final", "invoice.finalization_failed"),
    "invoices.paid": ("An invoice was paid, or marked as paid", "invoice.paid"),
    "invoices.payment_failed": ("An invoice's payment failed", "invoice.payment_failed"),
    "invoices.payment_action_required": ("A customer must confirm an invoice's payment", "invoice.payment_action_required"),
    "invoices.overdue": ("An invoice is past its due date", "invoice.overdue"),
    "invoices.overpaid": ("More was paid than an invoice asked", "invoice.overpaid"),
    "invoices.marked_uncollectible": ("An invoice was given up", "invoice.marked_uncollectible"),
    "invoices.voided": ("An invoice was made void", "invoice.voided"),
    "invoices.updated": ("An invoice changed", "invoice.updated"),
    "invoices.deleted": ("A draft of an invoice was deleted", "invoice.deleted"),
    "invoice_payments.paid": ("A payment was put to an invoice", "invoice_payment.paid"),
    "credit_notes.created": ("A credit note was issued", "credit_note.created"),
    "credit_notes.updated": ("A credit note changed", "credit_note.updated"),
    "credit_notes.voided": ("A credit note was made void", "credit_note.voided"),
}  # fmt: skip
_CUSTOMERS = {
    "customers.created": ("A customer was added", "customer.created"),
    "customers.updated": ("A customer's details changed", "customer.updated"),
    "customers.deleted": ("A customer was deleted", "customer.deleted"),
    "customer_cash_balance_transactions.created": ("A customer's cash balance moved, as when a bank transfer came", "customer_cash_balance_transaction.created"),
    "products.created": ("A product was added", "product.created"),
    "products.updated": ("A product changed", "product.updated"),
    "products.deleted": ("A product was deleted", "product.deleted"),
    "prices.created": ("A price was added", "price.created"),
    "prices.updated": ("A price changed", "price.updated"),
    "prices.deleted": ("A price was deleted", "price.deleted"),
}  # fmt: skip
_ACCOUNT = {
    "balance.available": ("Money became available for payouts", "balance.available"),
    "payouts.created": ("Money set out for the bank", "payout.created"),
    "payouts.updated": ("A payout changed", "payout.updated"),
    "payouts.paid": ("A payout should be at the bank", "payout.paid"),
    "payouts.failed": ("A payout did not arrive, and the money is back", "payout.failed"),
    "payouts.canceled": ("A payout was called off", "payout.canceled"),
    "payouts.reconciliation_completed": ("What an automatic payout holds can be listed", "payout.reconciliation_completed"),
    "topups.created": ("The balance is being filled from the bank", "topup.created"),
    "topups.succeeded": ("The balance was filled from the bank", "topup.succeeded"),
    "topups.failed": ("The balance could not be filled from the bank", "topup.failed"),
    "topups.canceled": ("Filling the balance was called off", "topup.canceled"),
    "topups.reversed": ("The bank took a top-up back", "topup.reversed"),
    "transfers.created": ("Money went to a connected account", "transfer.created"),
    "transfers.updated": ("A transfer's details changed", "transfer.updated"),
    "transfers.reversed": ("Money came back from a connected account", "transfer.reversed"),
    "application_fees.created": ("A platform took a fee", "application_fee.created"),
    "application_fees.refunded": ("A platform's fee went back", "application_fee.refunded"),
    "application_fee_refunds.updated": ("A refund of a platform's fee changed", "application_fee.refund.updated"),
    "reserve_holds.created": ("Stripe holds a part of the balance", "reserve.hold.created"),
    "reserve_holds.updated": ("What Stripe holds of the balance changed", "reserve.hold.updated"),
    "reserve_releases.created": ("Stripe let go of what it held", "reserve.release.created"),
    "accounts.deauthorized": ("The account took back our access", "account.application.deauthorized"),
}  # fmt: skip

EVENT_KINDS: tuple[EventKind, ...] = tuple(
    EventKind(name=name, vendor=VENDOR, summary=summary, types=tuple(types))
    for name, (summary, *types) in (_PAYMENTS | _BILLING | _CUSTOMERS | _ACCOUNT).items()
)
"""Every kind of event, by family."""
