"""Stripe's test cards and test tokens: what each looks like, and what happens when it is used.

    >>> by_token("pm_card_visa").last4
    '4242'
    >>> by_token("pm_card_chargeDeclinedInsufficientFunds").outcome
    'decline:insufficient_funds'
    >>> by_number("4000000000000259").outcome
    'dispute:fraudulent'

A payment method that was stored remembers its test card by its fingerprint, as a real one keeps its number hidden:

    >>> by_fingerprint(by_number("4000000000009995").fingerprint).outcome
    'decline:insufficient_funds'

Any decline code has a token of its own: `pm_card_chargeDeclinedDoNotHonor`, `pm_card_chargeDeclinedTryAgainLater`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from hashlib import blake2b
from typing import Any

from bookhand.sandbox.money.declines import BLOCKED, CARD

JSON = dict[str, Any]
LETTERS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
EXPIRY_MONTH, EXPIRY_YEAR = 8, 2034


@dataclass(frozen=True, slots=True)
class TestCard:
    """A card that does one thing; `kind` is the payment method's type, for bank debits too."""

    __test__ = False

    number: str
    token: str
    brand: str = "visa"
    country: str = "US"
    funding: str = "credit"
    outcome: str = "ok"
    kind: str = "card"

    @property
    def last4(self) -> str:
        """The four digits that are shown."""
        return self.number[-4:]

    @property
    def fingerprint(self) -> str:
        """Sixteen letters that belong to this number for ever."""
        return fingerprint(self.number + self.token if self.number == GENERAL_DECLINE else self.number)


GENERAL_DECLINE = "4000000000000002"
PLAIN = (
    ("4242424242424242", "visa", "visa", "US", "credit"),
    ("4000056655665556", "visa_debit", "visa", "US", "debit"),
    ("5555555555554444", "mastercard", "mastercard", "US", "credit"),
    ("5200828282828210", "mastercard_debit", "mastercard", "US", "debit"),
    ("5105105105105100", "mastercard_prepaid", "mastercard", "US", "prepaid"),
    ("378282246310005", "amex", "amex", "US", "credit"),
    ("6011111111111117", "discover", "discover", "US", "credit"),
    ("3056930009020004", "diners", "diners", "US", "credit"),
    ("3566002020360505", "jcb", "jcb", "JP", "credit"),
    ("6200000000000005", "unionpay", "unionpay", "CN", "credit"),
    ("4000000760000002", "br", "visa", "BR", "credit"),
    ("4000001240000000", "ca", "visa", "CA", "credit"),
    ("4000004840008001", "mx", "visa", "MX", "credit"),
    ("4000007840000001", "ae", "visa", "AE", "credit"),
    ("4000000400000008", "at", "visa", "AT", "credit"),
    ("4000000560000004", "be", "visa", "BE", "credit"),
    ("4000007560000009", "ch", "visa", "CH", "credit"),
    ("4000002760000016", "de", "visa", "DE", "credit"),
    ("4000002080000001", "dk", "visa", "DK", "credit"),
    ("4000007240000007", "es", "visa", "ES", "credit"),
    ("4000002500000003", "fr", "visa", "FR", "credit"),
    ("4000008260000000", "gb", "visa", "GB", "credit"),
    ("4000003720000005", "ie", "visa", "IE", "credit"),
    ("4000003800000008", "it", "visa", "IT", "credit"),
    ("4000005280000002", "nl", "visa", "NL", "credit"),
    ("4000007520000008", "se", "visa", "SE", "credit"),
    ("4000000360000006", "au", "visa", "AU", "credit"),
    ("4000003920000003", "jp", "visa", "JP", "credit"),
    ("4000007020000003", "sg", "visa", "SG", "credit"),
)
SPECIAL = (
    ("4000000000009995", "visa_chargeDeclinedInsufficientFunds", "decline:insufficient_funds"),
    ("4000000000009987", "visa_chargeDeclinedLostCard", "decline:lost_card"),
    ("4000000000009979", "visa_chargeDeclinedStolenCard", "decline:stolen_card"),
    ("4000000000000069", "chargeDeclinedExpiredCard", "decline:expired_card"),
    ("4000000000000127", "chargeDeclinedIncorrectCvc", "decline:incorrect_cvc"),
    ("4000000000000119", "chargeDeclinedProcessingError", "decline:processing_error"),
    ("4000000000006975", "visa_chargeDeclinedVelocityLimitExceeded", "decline:card_velocity_exceeded"),
    ("4000000000000341", "chargeCustomerFail", "decline:generic_decline"),
    ("4000000000009235", "riskLevelElevated", "elevated"),
    ("4100000000000019", "radarBlock", "decline:highest_risk_level"),
    ("4000000000004954", "riskLevelHighest", "decline:highest_risk_level"),
    ("4000000000000259", "createDispute", "dispute:fraudulent"),
    ("4000000000002685", "createDisputeProductNotReceived", "dispute:product_not_received"),
    ("4000000000001976", "createDisputeInquiry", "inquiry:fraudulent"),
    ("4000000404000038", "createCe3EligibleDispute", "dispute:ce3"),
    ("4000008400000779", "createComplianceDispute", "dispute:noncompliant"),
    ("4000000000005423", "createIssuerFraudRecord", "warning"),
    ("4000000000007726", "pendingRefund", "refund_pending"),
    ("4000000000005126", "refundFail", "refund_fail"),
    ("4000000000000077", "bypassPending", "bypass_pending"),
    ("4000000000003220", "threeDSecure2Required", "action"),
    ("4000002760003184", "authenticationRequired", "action"),
    ("4000002500003155", "authenticationRequiredOnSetup", "action_unless_set_up"),
    ("4000003800000446", "authenticationRequiredSetupForOffSession", "action_on_session"),
    (
        "4000008260003178",
        "authenticationRequiredChargeDeclinedInsufficientFunds",
        "action:insufficient_funds",
    ),
)
DEBITS = (
    ("000123456789", "usBankAccount_success", "us_bank_account", "ok"),
    ("000111111113", "usBankAccount_accountClosed", "us_bank_account", "fail:account_closed"),
    ("000111111116", "usBankAccount_noAccount", "us_bank_account", "fail:no_account"),
    ("000222222227", "usBankAccount_insufficientFunds", "us_bank_account", "fail:insufficient_funds"),
    ("000333333335", "usBankAccount_debitNotAuthorized", "us_bank_account", "fail:debit_not_authorized"),
    ("000666666661", "usBankAccount_accountFrozen", "us_bank_account", "fail:account_frozen"),
    ("000555555559", "usBankAccount_dispute", "us_bank_account", "dispute:insufficient_funds"),
    ("DE89370400440532013000", "sepaDebit_success", "sepa_debit", "ok"),
    ("DE62370400440532013001", "sepaDebit_fail", "sepa_debit", "fail:generic_could_not_process"),
    ("DE35370400440532013002", "sepaDebit_dispute", "sepa_debit", "dispute:debit_not_authorized"),
)
CARDS = (
    *(
        TestCard(number, f"pm_card_{name}", brand, country, funding)
        for number, name, brand, country, funding in PLAIN
    ),
    *(TestCard(number, f"pm_card_{name}", outcome=outcome) for number, name, outcome in SPECIAL),
    *(
        TestCard(number, f"pm_{name}", "", "US" if kind == "us_bank_account" else "DE", "", outcome, kind)
        for number, name, kind, outcome in DEBITS
    ),
)
_TOKENS = {card.token: card for card in CARDS}
_NUMBERS = {card.number: card for card in CARDS}
_TOKENS["pm_card_us"] = _TOKENS["pm_card_visa"]
_DECLINED = re.compile(r"^pm_card_(?:visa_)?chargeDeclined(\w*)$")


def fingerprint(number: str) -> str:
    """Sixteen letters made from a card number."""
    digest = blake2b(number.encode(), digest_size=16).digest()
    return "".join(LETTERS[byte % 62] for byte in digest)


_FINGERPRINTS = {card.fingerprint: card for card in CARDS}


@lru_cache(maxsize=1024)
def by_token(token: str) -> TestCard | None:
    """The card behind `pm_card_…`, `pm_usBankAccount_…` or `tok_…`; None for anything else."""
    name = "pm_card_" + token[4:] if token.startswith("tok_") else token
    found = _TOKENS.get(name) or _TOKENS.get(name.replace("pm_card_", "pm_card_visa_", 1))
    declined = _DECLINED.match(name)
    if found is None and declined is not None:
        code = re.sub(r"(?<!^)(?=[A-Z])", "_", declined[1]).lower() or "generic_decline"
        found = TestCard(GENERAL_DECLINE, f"pm_card_chargeDeclined{declined[1]}", outcome=f"decline:{code}")
        _FINGERPRINTS.setdefault(found.fingerprint, found)
    return found


def by_number(number: str) -> TestCard | None:
    """The test card with this number, or None for one that simply works."""
    plain = re.sub(r"\D", "", number) if number[:2].isdigit() else number.replace(" ", "")
    if plain == GENERAL_DECLINE:
        return by_token("pm_card_chargeDeclined")
    return _NUMBERS.get(plain)


def by_fingerprint(mark: str | None) -> TestCard | None:
    """The test card that a stored payment method was made from."""
    return _FINGERPRINTS.get(mark or "")


def payment_method_type_details(card: TestCard, month: int = EXPIRY_MONTH, year: int = EXPIRY_YEAR) -> JSON:
    """What a payment method made from this card holds under its type."""
    if card.kind == "us_bank_account":
        return {
            "account_holder_type": "individual",
            "account_type": "checking",
            "bank_name": "STRIPE TEST BANK",
            "financial_connections_account": None,
            "fingerprint": card.fingerprint,
            "last4": card.last4,
            "networks": {"preferred": "ach", "supported": ["ach"]},
            "routing_number": "110000000",
            "status_details": None,
        }
    if card.kind == "sepa_debit":
        return {
            "bank_code": "37040044",
            "branch_code": "",
            "country": card.country,
            "fingerprint": card.fingerprint,
            "generated_from": {"charge": None, "setup_attempt": None},
            "last4": card.last4,
        }
    return {
        "brand": card.brand,
        "checks": {"address_line1_check": None, "address_postal_code_check": None, "cvc_check": "pass"},
        "country": card.country,
        "display_brand": card.brand,
        "exp_month": month,
        "exp_year": year,
        "fingerprint": card.fingerprint,
        "funding": card.funding,
        "generated_from": None,
        "last4": card.last4,
        "networks": {"available": [card.brand], "preferred": None},
        "regulated_status": "unregulated",
        "three_d_secure_usage": {"supported": True},
        "wallet": None,
    }


def _name_every_decline() -> None:
    for code in (*CARD, *BLOCKED):
        by_token("pm_card_chargeDeclined" + "".join(part.capitalize() for part in code.split("_")))
    by_token("pm_card_chargeDeclined")


_name_every_decline()
