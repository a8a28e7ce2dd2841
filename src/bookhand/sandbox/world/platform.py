"""The seeded company as a platform: partners sell through it and it keeps a part of what they earn.

platform = Platform(desk, agenda, random)
platform.open()          # three connected accounts
platform.month(start, length)
"""

from __future__ import annotations

from random import Random
from typing import TYPE_CHECKING

from bookhand.sandbox.world.agenda import DAY, Agenda

if TYPE_CHECKING:
    from bookhand.sandbox.stripe.errors import JSON
    from bookhand.sandbox.world.desk import Desk

PARTNERS = (("Fjord Templates", "US"), ("Maple Plugins", "US"), ("Kestrel Design", "US"))


class Platform:
    """Connected accounts, destination and direct charges with fees, transfers and their reversals."""

    def __init__(self, desk: Desk, agenda: Agenda, random: Random) -> None:
        self.desk, self.agenda, self.random = desk, agenda, random
        self.partners: list[str] = []

    def open(self) -> None:
        """Sign the partners up."""
        for name, country in PARTNERS:
            account = self.desk.post(
                "/v1/accounts",
                type="express",
                country=country,
                email=f"{name.split()[0].lower()}@partners.example",
                business_profile={"name": name},
                capabilities={"transfers": {"requested": True}, "card_payments": {"requested": True}},
            )
            self.partners.append(account["id"])

    def month(self, start: int, length: int) -> None:
        """A month of the partners' trade."""
        for deed in (self._sell_for_a_partner,) * 5 + (self._sell_as_a_partner,) * 3:
            self.agenda.at(start + self.random.randrange(length), deed)
        self.agenda.at(start + 12 * DAY, self._send_a_bonus)

    def _sell_for_a_partner(self) -> None:
        """The platform charges, keeps 15 % and passes the rest on."""
        amount = self.random.randrange(2_000, 30_000, 100)
        attempt = self.desk.attempt(
            "/v1/payment_intents",
            amount=amount,
            currency="usd",
            payment_method="pm_card_visa",
            allowed_payment_method_types=["card"],
            confirm=True,
            application_fee_amount=amount * 15 // 100,
            transfer_data={"destination": self.random.choice(self.partners)},
        )
        if attempt.ok and self.random.random() < 0.15:
            self.agenda.after(4 * DAY, lambda: self._undo(attempt.body))

    def _undo(self, intent: JSON) -> None:
        self.desk.attempt(
            "/v1/refunds", payment_intent=intent["id"], reverse_transfer=True, refund_application_fee=True
        )

    def _sell_as_a_partner(self) -> None:
        """The partner charges on its own account; the platform's fee comes out of that."""
        amount = self.random.randrange(1_500, 12_000, 100)
        self.desk.on(self.random.choice(self.partners)).attempt(
            "/v1/payment_intents",
            amount=amount,
            currency="usd",
            payment_method="pm_card_mastercard",
            allowed_payment_method_types=["card"],
            confirm=True,
            application_fee_amount=amount // 10,
        )

    def _send_a_bonus(self) -> None:
        """A transfer out of the balance; every third is too much and comes back in part."""
        amount = self.random.randrange(1_000, 5_000, 50)
        sent = self.desk.attempt(
            "/v1/transfers", amount=amount, currency="usd", destination=self.random.choice(self.partners)
        )
        if sent.ok and self.random.random() < 0.34:
            path = f"/v1/transfers/{sent.body['id']}/reversals"
            self.agenda.after(2 * DAY, lambda: self.desk.attempt(path, amount=amount // 2))
