"""Many plain sales, for load: up to millions of charges without the ceremony of a request for each.

    Bulk(desk, agenda, random, start, until).plan(1_000_000)     # spread evenly, an hour at a time

They are as real as any other charge (payment intent, balance transaction, payout); one in fifty is refunded.
"""

from __future__ import annotations

from functools import partial
from random import Random
from typing import TYPE_CHECKING

from bookhand.sandbox.money.payments import pay
from bookhand.sandbox.world.agenda import HOUR, Agenda

if TYPE_CHECKING:
    from bookhand.sandbox.world.desk import Desk

CURRENCIES = ("usd", "usd", "usd", "usd", "usd", "usd", "eur", "eur", "jpy", "kwd")
CARDS = {"usd": "pm_card_visa", "eur": "pm_card_de", "jpy": "pm_card_jp", "kwd": "pm_card_mastercard"}
AMOUNTS = {
    "usd": (500, 20_000, 1),
    "eur": (500, 20_000, 1),
    "jpy": (800, 30_000, 1),
    "kwd": (1_500, 60_000, 10),
}
REFUNDED = 50


class Bulk:
    """Sales at an even pace from start to until."""

    def __init__(self, desk: Desk, agenda: Agenda, random: Random, start: int, until: int) -> None:
        self.desk, self.agenda, self.random = desk, agenda, random
        self.start, self.hours = start, max(1, (until - start) // HOUR)
        self._cards: dict[str, str] = {}

    def plan(self, how_many: int) -> None:
        """Put the first hour on the agenda; each hour plans the next."""
        self.agenda.at(self.start, lambda: self._hour(0, how_many))

    def _hour(self, at: int, how_many: int) -> None:
        first, last = how_many * at // self.hours, how_many * (at + 1) // self.hours
        if last > first:
            self._sell(last - first)
        if at + 1 < self.hours:
            self.agenda.at(self.start + (at + 1) * HOUR, lambda: self._hour(at + 1, how_many))

    def _sell(self, how_many: int) -> None:
        random = self.random
        refunds = []
        with self.desk.engine.session(self.desk.account, livemode=self.desk.livemode) as call:
            base = call.now
            for at in range(how_many):
                call.now = base + at * HOUR // how_many
                currency = random.choice(CURRENCIES)
                least, most, step = AMOUNTS[currency]
                intent = pay(
                    call,
                    amount=random.randrange(least, most, step),
                    currency=currency,
                    customer=None,
                    payment_method=self._card(currency),
                    off_session=False,
                )
                if random.randrange(REFUNDED) == 0:
                    refunds.append(intent["id"])
        for intent_id in refunds:
            self.agenda.after(
                random.randint(2, 480) * HOUR,
                partial(self.desk.attempt, "/v1/refunds", payment_intent=intent_id),
            )

    def _card(self, currency: str) -> str:
        """One stored payment method for each currency, so that a million charges do not make a million of them."""
        if currency not in self._cards:
            made = self.desk.post(
                "/v1/payment_methods", type="card", card={"token": "tok_" + CARDS[currency][8:]}
            )
            self._cards[currency] = made["id"]
        return self._cards[currency]
