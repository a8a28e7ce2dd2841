"""Traffic that goes on: payments, refunds, declines, now and then a dispute, at a steady rate until told to stop.

stop = threading.Event()
Live(engine, per_second=2.0).run(stop)       # on a thread of its own; the engine's lock keeps order
"""

from __future__ import annotations

import threading
from random import Random
from typing import TYPE_CHECKING

from bookhand.sandbox.stripe.engine import DEFAULT_ACCOUNT
from bookhand.sandbox.world.desk import Desk

if TYPE_CHECKING:
    from bookhand.sandbox.stripe.engine import Pinstripe

# what, how often in a thousand
MIX = (("sale", 880), ("decline", 60), ("refund", 45), ("dispute", 3), ("payout", 3), ("partner", 9))
CALM = 0.05
"""Deeds a second at which the seeded company goes on as it lived: a sale every twenty seconds, an instant payout every few hours."""
CURRENCIES = ("usd", "usd", "usd", "usd", "usd", "eur", "eur", "jpy", "kwd")
CARDS = {"usd": "pm_card_visa", "eur": "pm_card_de", "jpy": "pm_card_jp", "kwd": "pm_card_mastercard"}
TIMES = {"usd": 1, "eur": 1, "jpy": 1, "kwd": 3}
"""A price in dollar cents to about as much in the currency's minor units."""
DECLINED = ("InsufficientFunds", "DoNotHonor", "ExpiredCard", "LostCard", "TryAgainLater", "ProcessingError")
DISPUTED = ("createDispute", "createDisputeProductNotReceived", "createDisputeInquiry")


class Live:
    """A stream of deeds; the same seed makes the same deeds in the same order."""

    def __init__(
        self,
        engine: Pinstripe,
        *,
        per_second: float = 2.0,
        account: str = DEFAULT_ACCOUNT,
        livemode: bool = False,
        seed: int = 1,
    ) -> None:
        self.engine = engine
        self.desk = Desk(engine, account, livemode=livemode)
        self.per_second = per_second
        self.random = Random(f"{seed}:live")
        self.done = 0
        self._sold: list[str] = []

    def run(self, stop: threading.Event, *, at_most: int | None = None) -> int:
        """Go on until told to stop (or until so many are done); how many deeds were done."""
        while not stop.wait(self.random.expovariate(self.per_second)):
            self.step()
            if at_most is not None and self.done >= at_most:
                break
        return self.done

    def step(self) -> str:
        """One deed; its name."""
        what = self.random.choices([w for w, _ in MIX], [n for _, n in MIX])[0]
        if what == "refund" and not self._sold:
            what = "sale"
        getattr(self, f"_{what}")()
        self.done += 1
        return what

    def _sale(self) -> None:
        currency = self.random.choice(CURRENCIES)
        amount = self.random.randrange(50, 400) * 10 * TIMES[currency]
        self._pay(amount, currency, CARDS[currency])

    def _decline(self) -> None:
        self._pay(2_900, "usd", f"pm_card_chargeDeclined{self.random.choice(DECLINED)}")

    def _dispute(self) -> None:
        self._pay(self.random.randrange(3_000, 8_000), "usd", f"pm_card_{self.random.choice(DISPUTED)}")

    def _refund(self) -> None:
        intent = self._sold.pop(self.random.randrange(len(self._sold)))
        whole = self.random.random() < 0.5
        self.desk.attempt("/v1/refunds", payment_intent=intent, **({} if whole else {"amount": 500}))

    def _payout(self) -> None:
        self.desk.attempt("/v1/payouts", amount=5_000, currency="usd", method="instant")

    def _partner(self) -> None:
        partners = self.desk.every("/v1/accounts")
        if not partners:
            return self._sale()
        amount = self.random.randrange(1_000, 4_000)
        return self._pay(
            amount,
            "usd",
            "pm_card_visa",
            application_fee_amount=amount // 10,
            transfer_data={"destination": self.random.choice(partners)["id"]},
        )

    def _pay(self, amount: int, currency: str, card: str, **more: object) -> None:
        paid = self.desk.attempt(
            "/v1/payment_intents",
            amount=amount,
            currency=currency,
            payment_method=card,
            allowed_payment_method_types=["card"],
            confirm=True,
            **more,
        )
        if paid.ok and currency != "kwd" and amount > 1_000:
            self._sold = [*self._sold[-199:], paid.body["id"]]
