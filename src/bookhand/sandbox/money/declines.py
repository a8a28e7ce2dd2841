"""Why a payment fails, in the words of the issuer, of Stripe and of the bank.

    >>> decline("insufficient_funds").message
    'Your card has insufficient funds.'
    >>> decline("insufficient_funds").code, decline("expired_card").code
    ('card_declined', 'expired_card')

An unknown code is answered as Stripe does, with the general sentence, so that a world can use any of them.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

GENERAL = "Your card was declined."
SOFT, CHECK, HARD = "try_again_later", "confirm_card_data", "do_not_try_again"


@dataclass(frozen=True, slots=True)
class Decline:
    """One way to fail; `network_code` is what the card network answered, None when Stripe did not ask it."""

    decline_code: str
    code: str
    message: str
    advice: str | None
    network_code: str | None
    outcome: str = "issuer_declined"


# decline code: (message, advice, network's code)
CARD = {
    "approve_with_id": (GENERAL, SOFT, "08"),
    "authentication_required": (
        "Your card was declined. This transaction requires authentication.",
        CHECK,
        "65",
    ),
    "call_issuer": (GENERAL, SOFT, "02"),
    "card_not_supported": ("Your card does not support this type of purchase.", HARD, "57"),
    "card_velocity_exceeded": (
        "Your card was declined for making repeated attempts too frequently or exceeding its amount limit.",
        SOFT,
        "61",
    ),
    "currency_not_supported": ("Your card is not supported for this currency.", HARD, "57"),
    "do_not_honor": (GENERAL, SOFT, "05"),
    "do_not_try_again": (GENERAL, HARD, "R0"),
    "duplicate_transaction": (
        "A transaction with identical amount and credit card information was submitted very recently.",
        None,
        "94",
    ),
    "expired_card": ("Your card has expired.", CHECK, "54"),
    "fraudulent": (GENERAL, HARD, "59"),
    "generic_decline": (GENERAL, SOFT, "01"),
    "incorrect_cvc": ("Your card's security code is incorrect.", CHECK, "N7"),
    "incorrect_number": ("Your card number is incorrect.", CHECK, None),
    "incorrect_pin": ("Your card's PIN is incorrect.", CHECK, "55"),
    "incorrect_zip": ("Your card's zip code failed validation.", CHECK, "N7"),
    "insufficient_funds": ("Your card has insufficient funds.", SOFT, "51"),
    "invalid_account": (GENERAL, HARD, "14"),
    "invalid_amount": ("The payment amount is invalid, or exceeds the amount allowed.", None, "13"),
    "invalid_cvc": ("Your card's security code is invalid.", CHECK, None),
    "invalid_expiry_month": ("Your card's expiration month is invalid.", CHECK, None),
    "invalid_expiry_year": ("Your card's expiration year is invalid.", CHECK, None),
    "invalid_number": ("Your card number is invalid.", CHECK, None),
    "issuer_not_available": (GENERAL, SOFT, "91"),
    "lost_card": (GENERAL, HARD, "41"),
    "merchant_blacklist": (GENERAL, HARD, None),
    "new_account_information_available": (GENERAL, CHECK, "N0"),
    "no_action_taken": (GENERAL, SOFT, "21"),
    "not_permitted": (GENERAL, SOFT, "57"),
    "pickup_card": (GENERAL, HARD, "04"),
    "pin_try_exceeded": (GENERAL, HARD, "75"),
    "processing_error": (
        "An error occurred while processing your card. Try again in a little bit.",
        SOFT,
        "96",
    ),
    "reenter_transaction": (GENERAL, SOFT, "19"),
    "restricted_card": (GENERAL, HARD, "62"),
    "revocation_of_all_authorizations": (GENERAL, HARD, "R1"),
    "revocation_of_authorization": (GENERAL, HARD, "R0"),
    "security_violation": (GENERAL, SOFT, "63"),
    "service_not_allowed": (GENERAL, SOFT, "57"),
    "stolen_card": (GENERAL, HARD, "43"),
    "stop_payment_order": (GENERAL, HARD, "R0"),
    "testmode_decline": ("Your card was declined. Your request was in test mode.", CHECK, None),
    "transaction_not_allowed": (GENERAL, HARD, "57"),
    "try_again_later": (GENERAL, SOFT, "19"),
    "withdrawal_count_limit_exceeded": (GENERAL, SOFT, "65"),
}
# These are told as the error's own code; every other card decline is `card_declined`.
OWN_CODE = frozenset(
    (
        "expired_card",
        "incorrect_cvc",
        "incorrect_number",
        "incorrect_zip",
        "invalid_cvc",
        "invalid_expiry_month",
        "invalid_expiry_year",
        "invalid_number",
        "processing_error",
        "authentication_required",
    )
)
BLOCKED = frozenset(
    ("highest_risk_level", "low_probability_of_authorization", "previously_declined_do_not_retry", "rule")
)
BANK = {
    "account_closed": "The customer's bank account has been closed.",
    "account_frozen": "The customer's bank account has been frozen.",
    "authorization_revoked": "The customer has revoked the authorization of this debit.",
    "bank_account_restricted": "The customer's account cannot be used with the payment method.",
    "debit_disputed": "The customer has disputed this payment with their bank.",
    "debit_not_authorized": "The customer has notified their bank that this payment was unauthorized.",
    "generic_could_not_process": "The customer's bank could not process this payment.",
    "insufficient_funds": "The customer's account has insufficient funds to cover this payment.",
    "invalid_account_number": "The customer's bank account number is incorrect.",
    "no_account": "The customer's bank account could not be located.",
    "payment_method_bank_account_blocked": "This bank account failed verification in the past.",
    "recipient_deceased": "The customer's bank says that the account's owner has died.",
    "refer_to_customer": "The customer's bank asks you to speak with the customer.",
}
PAYOUT = {
    "account_closed": "The bank account has been closed",
    "account_frozen": "The bank account has been frozen",
    "bank_account_restricted": "The bank account has restrictions on either the type, or the number, of payouts allowed",
    "bank_ownership_changed": "The destination bank account is no longer valid because its branch has changed ownership",
    "could_not_process": "The bank could not process this payout",
    "debit_not_authorized": "Debit transactions are not approved on the bank account",
    "declined": "The bank has declined this transfer",
    "incorrect_account_holder_name": "Your bank notified us that the bank account holder name on file is incorrect",
    "insufficient_funds": "Your Stripe account has insufficient funds to cover the payout",
    "invalid_account_number": "The routing number seems correct, but the account number is invalid",
    "invalid_currency": "The bank was unable to process this payout because of its currency",
    "no_account": "The bank account details on file are probably incorrect. No bank account could be located with those details",
    "unsupported_card": "The bank no longer supports payouts to this card",
}


@lru_cache(maxsize=512)
def decline(code: str) -> Decline:
    """What is told when a card payment fails with this decline code (or is blocked by Radar)."""
    if code in BLOCKED:
        told = "fraudulent" if code != "previously_declined_do_not_retry" else "generic_decline"
        return Decline(told, "card_declined", GENERAL, None, None, outcome="blocked")
    message, advice, network = CARD.get(code, (GENERAL, SOFT, "05"))
    return Decline(code, code if code in OWN_CODE else "card_declined", message, advice, network)


def bank_message(code: str) -> str:
    """The sentence for a bank debit that came back."""
    return BANK.get(code, BANK["generic_could_not_process"])


def payout_message(code: str) -> str:
    """The sentence for a payout that the bank sent back."""
    return PAYOUT.get(code, PAYOUT["could_not_process"])
