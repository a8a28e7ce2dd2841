"""Every kind of balance transaction: its reporting category, its usual sign and the balance it moves.

`natural` kinds come from a flow of the stand-in (a charge, a payout, a transfer ...). The others happen at Stripe by
its own hand (Climate, Issuing, Brazil's receivables ...): `POST /_pinstripe/balance_transactions` makes those.

    >>> KINDS["charge"].categories
    ('charge',)
    >>> KINDS["issuing_transaction"].balance_type
    'issuing'
"""

from __future__ import annotations

from typing import NamedTuple


class Kind(NamedTuple):
    """The first category is the default; `sign` is +1, -1, or 0 where both happen."""

    categories: tuple[str, ...]
    sign: int = 0
    balance_type: str = "payments"
    natural: bool = False


ADJUSTMENTS = ("other_adjustment", "dispute", "dispute_reversal", "refund_failure", "fee")

KINDS: dict[str, Kind] = {
    "adjustment": Kind(ADJUSTMENTS, 0, natural=True),
    "advance": Kind(("advance",), 1, natural=True),
    "advance_funding": Kind(("advance_funding",), -1, natural=True),
    "anticipation_repayment": Kind(("anticipation_repayment",), -1),
    "application_fee": Kind(("platform_earning",), 1, natural=True),
    "application_fee_refund": Kind(("platform_earning_refund",), -1, natural=True),
    "charge": Kind(("charge",), 1, natural=True),
    "climate_order_purchase": Kind(("climate_order_purchase",), -1),
    "climate_order_refund": Kind(("climate_order_refund",), 1),
    "connect_collection_transfer": Kind(("connect_collection_transfer",), -1, natural=True),
    "contribution": Kind(("contribution",), -1),
    "fee_credit_funding": Kind(("fee",), 1),
    "inbound_transfer": Kind(("inbound_transfer",), 1),
    "inbound_transfer_reversal": Kind(("inbound_transfer_reversal",), -1),
    "issuing_authorization_hold": Kind(("issuing_authorization_hold",), -1, "issuing"),
    "issuing_authorization_release": Kind(("issuing_authorization_release",), 1, "issuing"),
    "issuing_dispute": Kind(("issuing_dispute",), 1, "issuing"),
    "issuing_dispute_provisional_credit": Kind(("issuing_dispute",), 1, "issuing"),
    "issuing_dispute_provisional_credit_reversal": Kind(("issuing_dispute",), -1, "issuing"),
    "issuing_transaction": Kind(("issuing_transaction",), -1, "issuing"),
    "obligation_outbound": Kind(("other_adjustment",), -1),
    "obligation_reversal_inbound": Kind(("other_adjustment",), 1),
    "payment": Kind(("charge",), 1, natural=True),
    "payment_failure_refund": Kind(("charge_failure",), -1, natural=True),
    "payment_network_reserve_hold": Kind(("payment_network_reserve_hold",), -1),
    "payment_network_reserve_release": Kind(("payment_network_reserve_release",), 1),
    "payment_refund": Kind(("refund",), -1, natural=True),
    "payment_reversal": Kind(("charge_failure",), -1, natural=True),
    "payment_unreconciled": Kind(("unreconciled_customer_funds",), 1),
    "payout": Kind(("payout",), -1, natural=True),
    "payout_cancel": Kind(("payout_reversal",), 1, natural=True),
    "payout_failure": Kind(("payout_reversal",), 1, natural=True),
    "payout_minimum_balance_hold": Kind(("payout_minimum_balance_hold",), -1, natural=True),
    "payout_minimum_balance_release": Kind(("payout_minimum_balance_release",), 1, natural=True),
    "refund": Kind(("refund", "partial_capture_reversal"), -1, natural=True),
    "refund_failure": Kind(("refund_failure",), 1, natural=True),
    "reserve_hold": Kind(("risk_reserved_funds",), -1, natural=True),
    "reserve_release": Kind(("risk_reserved_funds",), 1, natural=True),
    "reserve_transaction": Kind(("connect_reserved_funds",), 0, natural=True),
    "reserved_funds": Kind(("risk_reserved_funds",), 0),
    "stripe_balance_payment_debit": Kind(("other_adjustment",), -1),
    "stripe_balance_payment_debit_reversal": Kind(("other_adjustment",), 1),
    "stripe_fee": Kind(("fee", "network_cost"), -1, natural=True),
    "stripe_fx_fee": Kind(("fee",), -1),
    "tax_fee": Kind(("tax",), -1),
    "tax_fund": Kind(("other_adjustment",), 0),
    "topup": Kind(("topup",), 1, natural=True),
    "topup_reversal": Kind(("topup_reversal",), -1, natural=True),
    "transfer": Kind(("transfer",), -1, natural=True),
    "transfer_cancel": Kind(("transfer_reversal",), 1),
    "transfer_failure": Kind(("transfer_reversal",), 1),
    "transfer_refund": Kind(("transfer_reversal",), 1, natural=True),
    # Older kinds that history may still hold.
    "adjusted_for_overdraft_transaction": Kind(("dispute",)),
    "balance_transfer_inbound": Kind(("other_adjustment",), 1),
    "balance_transfer_outbound": Kind(("other_adjustment",), -1),
    "climate_reservation_purchase": Kind(("climate_order_purchase",), -1),
    "climate_reservation_refund": Kind(("climate_order_refund",), 1),
    "issuing_disbursement": Kind(("issuing_disbursement",), 1, "issuing"),
    "recipient_transfer": Kind(("transfer",), -1),
    "recipient_transfer_cancel": Kind(("transfer_reversal",), 1),
    "recipient_transfer_failure": Kind(("transfer_reversal",), 1),
    "transferred_to_balance_transaction": Kind(("unreconciled_customer_funds",), 1),
    "validation": Kind(("charge",), 1),
}
BALANCE_TYPES = ("payments", "issuing", "refund_and_dispute_prefunding", "risk_reserved")
