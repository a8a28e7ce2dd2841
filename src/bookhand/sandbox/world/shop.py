"""What the seeded company sells once, and how some of it comes back: refunds that work and fail, captures, disputes.

shop = Shop(desk, agenda, random, customers)
shop.buy(customer, "usd", "credits")                # a payment intent, confirmed
shop.month(start_of_month)                          # a month's worth of all that, on the agenda
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from random import Random
from typing import TYPE_CHECKING

from bookhand.sandbox.stripe.errors import JSON
from bookhand.sandbox.world.agenda import DAY, HOUR, Agenda
from bookhand.sandbox.world.catalogue import ONCE

if TYPE_CHECKING:
    from bookhand.sandbox.world.desk import Desk

REASONS = ("requested_by_customer", "duplicate", "requested_by_customer", "fraudulent")
DECLINED = (
    "pm_card_chargeDeclinedInsufficientFunds",
    "pm_card_chargeDeclinedDoNotHonor",
    "pm_card_chargeDeclinedLostCard",
    "pm_card_chargeDeclinedStolenCard",
    "pm_card_chargeDeclinedExpiredCard",
    "pm_card_chargeDeclinedIncorrectCvc",
    "pm_card_chargeDeclinedProcessingError",
    "pm_card_chargeDeclinedFraudulent",
    "pm_card_radarBlock",
)
CARDS = {"usd": "pm_card_visa", "eur": "pm_card_de", "jpy": "pm_card_jp", "kwd": "pm_card_mastercard"}


class Shop:
    """One-off payments and what follows from them."""

    def __init__(self, desk: Desk, agenda: Agenda, random: Random, customers: dict[int, str]) -> None:
        self.desk, self.agenda, self.random, self.customers = desk, agenda, random, customers

    def month(self, start: int, length: int, *, sales: int) -> None:
        """Spread a month of selling over the agenda; the last two days and the first two are busy with refunds."""
        for _ in range(sales):
            self._later(start, length, self._sell_something)
        for _ in range(max(1, sales // 12)):
            self._later(start, length, self._decline_then_pay)
        self._later(start, length - 8 * DAY, self._authorise_and_capture_less)
        self._later(start, length - 8 * DAY, self._authorise_and_let_go)
        self._later(start, length, self._refund_that_fails)
        self._later(start, length, self._refund_that_waits)
        self._later(start, length, self._debit_a_bank)
        self.agenda.at(start + length - DAY // 2, self._sell_for_next_months_refund)
        self.agenda.at(start + 17 * DAY + 3 * HOUR, lambda: self._refund_some(7))

    def buy(
        self,
        currency: str,
        amount: int,
        *,
        card: str | None = None,
        customer: str | None = None,
        **more: object,
    ) -> JSON | None:
        """A payment, confirmed at once; None when it was declined."""
        asked: JSON = {
            "amount": amount,
            "currency": currency,
            "payment_method": card or CARDS[currency],
            "allowed_payment_method_types": ["card"],
            "confirm": True,
            **({"customer": customer} if customer else {}),
            **more,
        }
        attempt = self.desk.attempt("/v1/payment_intents", **asked)
        return attempt.body if attempt.ok else None

    def refund(self, intent: JSON, amount: int | None = None) -> None:
        """Give money back, all of it or a part."""
        self.desk.attempt(
            "/v1/refunds",
            payment_intent=intent["id"],
            reason=self.random.choice(REASONS),
            **({"amount": amount} if amount else {}),
        )

    def _later(self, start: int, length: int, deed: Callable[[], object]) -> None:
        self.agenda.at(start + self.random.randrange(max(length, DAY)), deed)

    def _someone(self) -> str | None:
        return self.random.choice(list(self.customers.values())) if self.customers else None

    def _sell_something(self) -> None:
        currency = self.random.choices(("usd", "eur", "jpy", "kwd"), (60, 22, 12, 6))[0]
        thing = self.random.choices(tuple(ONCE), (1, 5))[0]
        amount = _rounded(ONCE[thing][currency] * self.random.choice((1, 1, 1, 2, 3)), currency)
        intent = self.buy(
            currency, amount, customer=self._someone(), description=thing.title(), metadata={"sku": thing}
        )
        if intent and self.random.random() < 0.08:
            whole = self.random.random() < 0.4
            part = None if whole else _rounded(amount * self.random.randint(15, 60) // 100, currency)
            self.agenda.after(self.random.randint(1, 25) * DAY, lambda: self.refund(intent, part))

    def _decline_then_pay(self) -> None:
        self.buy("usd", ONCE["credits"]["usd"], card=self.random.choice(DECLINED), customer=self._someone())
        if self.random.random() < 0.6:
            self.agenda.after(
                20 * 60, lambda: self.buy("usd", ONCE["credits"]["usd"], customer=self._someone())
            )

    def _authorise_and_capture_less(self) -> None:
        intent = self.buy("usd", 40_000, customer=self._someone(), capture_method="manual")
        if intent:
            self.agenda.after(
                3 * DAY,
                lambda: self.desk.post(
                    f"/v1/payment_intents/{intent['id']}/capture", amount_to_capture=31_500
                ),
            )

    def _authorise_and_let_go(self) -> None:
        intent = self.buy("usd", 22_000, customer=self._someone(), capture_method="manual")
        if intent:
            self.agenda.after(2 * DAY, lambda: self.desk.post(f"/v1/payment_intents/{intent['id']}/cancel"))

    def _refund_that_fails(self) -> None:
        intent = self.buy("usd", 7_500, card="pm_card_refundFail", customer=self._someone())
        if intent:
            self.agenda.after(2 * DAY, lambda: self.refund(intent, 5_000))

    def _refund_that_waits(self) -> None:
        intent = self.buy("usd", 6_400, card="pm_card_pendingRefund", customer=self._someone())
        if intent:
            self.agenda.after(DAY, lambda: self.refund(intent))

    def _debit_a_bank(self) -> None:
        token = self.random.choice(("pm_usBankAccount_success", "pm_usBankAccount_insufficientFunds"))
        self.desk.attempt(
            "/v1/payment_intents",
            amount=48_000,
            currency="usd",
            payment_method=token,
            allowed_payment_method_types=["us_bank_account"],
            confirm=True,
            mandate_data={"customer_acceptance": {"type": "offline"}},
        )

    def _sell_for_next_months_refund(self) -> None:
        """Paid on a month's last day, given back on the next month's second: it crosses the books' border."""
        for currency, share in (("usd", None), ("eur", 40), ("jpy", 25), ("kwd", 50)):
            amount = ONCE["credits"][currency]
            intent = self.buy(currency, amount, customer=self._someone())
            part = None if share is None else _rounded(amount * share // 100, currency)
            if intent:
                self.agenda.after(2 * DAY, partial(self.refund, intent, part))

    def _refund_some(self, days: int) -> None:
        """The helpdesk gives a few of the last days' renewals back."""
        recent = self.desk.every("/v1/charges", created={"gte": self.desk.now - days * DAY})
        for charge in recent:
            left = charge["amount_captured"] - charge["amount_refunded"]
            if (
                charge["status"] != "succeeded"
                or charge["customer"] is None  # a licence, which may be disputed: its story is told elsewhere
                or not left
                or charge["disputed"]
                or self.random.random() > 0.05
            ):
                continue
            part = _rounded(left * self.random.choice((25, 50, 100)) // 100, charge["currency"])
            self.desk.attempt("/v1/refunds", charge=charge["id"], amount=part, reason="requested_by_customer")


def _rounded(amount: int, currency: str) -> int:
    """The last of a dinar's three decimals must be zero."""
    return amount // 10 * 10 if currency == "kwd" else amount
