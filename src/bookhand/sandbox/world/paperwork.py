"""What the seeded company's bookkeeper does by hand: single invoices, credit notes, a plan change set for later.

Paperwork(desk, agenda, random, company).month(start, length)
"""

from __future__ import annotations

from random import Random
from typing import TYPE_CHECKING

from bookhand.sandbox.world.agenda import DAY, HOUR, Agenda
from bookhand.sandbox.world.catalogue import ONCE

if TYPE_CHECKING:
    from bookhand.sandbox.stripe.errors import JSON
    from bookhand.sandbox.world.company import Company
    from bookhand.sandbox.world.desk import Desk

REASONS = ("order_change", "product_unsatisfactory", "duplicate")


class Paperwork:
    """Invoices and credit notes that no subscription makes."""

    def __init__(self, desk: Desk, agenda: Agenda, random: Random, company: Company) -> None:
        self.desk, self.agenda, self.random, self.company = desk, agenda, random, company

    def month(self, start: int, length: int) -> None:
        """A month of it."""
        for _ in range(2):
            self.agenda.at(start + self.random.randrange(length), self._invoice_a_service)
        self.agenda.at(start + 11 * DAY + 9 * HOUR, self._credit_a_paid_invoice)
        self.agenda.at(start + 19 * DAY + 9 * HOUR, self._credit_an_open_invoice)
        self.agenda.at(start + 21 * DAY, self._set_a_change_for_later)

    def _invoice_a_service(self) -> None:
        """Onboarding, on an invoice of its own; the customer's card is charged."""
        customer = self._someone()
        if customer is None:
            return
        invoice = self._draft(customer, ONCE["onboarding"])
        self.desk.attempt(f"/v1/invoices/{invoice['id']}/pay")

    def _credit_a_paid_invoice(self) -> None:
        """A part of a paid invoice is given back: to the card, or to the customer's balance with us."""
        paid = [i for i in self.desk.every("/v1/invoices", status="paid") if i["amount_paid"] > 4_000]
        if not paid:
            return
        invoice = self.random.choice(paid)
        amount = invoice["amount_paid"] * self.random.choice((10, 25, 50)) // 1_000 * 10
        back = "refund_amount" if self.random.random() < 0.6 else "credit_amount"
        self._credit(invoice, amount, **{back: amount})

    def _credit_an_open_invoice(self) -> None:
        """An invoice that is not paid yet becomes smaller; once in a while the note itself was a mistake."""
        customer = self._someone()
        if customer is None:
            return
        invoice = self._draft(customer, ONCE["credits"])
        note = self._credit(invoice, invoice["total"] // 50 * 10)
        if note is not None and self.random.random() < 0.3:
            self.desk.attempt(f"/v1/credit_notes/{note['id']}/void")
        self.agenda.after(2 * DAY, lambda: self.desk.attempt(f"/v1/invoices/{invoice['id']}/pay"))

    def _draft(self, customer: JSON, amounts: dict[str, int]) -> JSON:
        currency = customer["currency"] or "usd"
        self.desk.post(
            "/v1/invoiceitems",
            customer=customer["id"],
            amount=amounts[currency],
            currency=currency,
            description="Onboarding and training",
        )
        draft = self.desk.post(
            "/v1/invoices",
            customer=customer["id"],
            currency=currency,
            auto_advance=False,
            pending_invoice_items_behavior="include",
        )
        return self.desk.post(f"/v1/invoices/{draft['id']}/finalize")

    def _credit(self, invoice: JSON, amount: int, **how: int) -> JSON | None:
        made = self.desk.attempt(
            "/v1/credit_notes",
            invoice=invoice["id"],
            amount=amount,
            reason=self.random.choice(REASONS),
            **how,
        )
        return made.body if made.ok else None

    def _set_a_change_for_later(self) -> None:
        """A subscription is put on a schedule: the same for its current period, one seat more after it."""
        active = [s for s in self.desk.every("/v1/subscriptions", status="active") if not s["schedule"]]
        if not active:
            return
        made = self.desk.attempt(
            "/v1/subscription_schedules", from_subscription=self.random.choice(active)["id"]
        )
        if not made.ok:
            return
        phase = made.body["phases"][0]
        item = phase["items"][0]
        now = {"items": [{"price": item["price"], "quantity": item["quantity"]}]}
        then = {"items": [{"price": item["price"], "quantity": item["quantity"] + 1}], "iterations": 1}
        self.desk.attempt(
            f"/v1/subscription_schedules/{made.body['id']}",
            end_behavior="release",
            phases=[{**now, "start_date": phase["start_date"], "end_date": phase["end_date"]}, then],
        )

    def _someone(self) -> JSON | None:
        known = list(self.company.customers.values())
        return self.desk.get(f"/v1/customers/{self.random.choice(known)}") if known else None
