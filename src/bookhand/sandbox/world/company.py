"""The subscribers of the seeded company: they join, pay, grow, fail to pay, come back or leave.

    company = Company(desk, agenda, catalogue, start=…, until=…)
    company.expect(person)      # puts everything this person will do on the agenda

Renewals are not made here: the stand-in bills by itself as time passes, as Stripe does.
"""

from __future__ import annotations

from random import Random
from typing import TYPE_CHECKING

from bookhand.sandbox.stripe.errors import JSON
from bookhand.sandbox.world.agenda import DAY, HOUR, Agenda
from bookhand.sandbox.world.catalogue import Catalogue, next_plan

if TYPE_CHECKING:
    from bookhand.sandbox.world.desk import Desk
    from bookhand.sandbox.world.people import Person

# Why a renewal fails, and whether trying again with the same card can help.
SOFT = ("insufficient_funds", "do_not_honor", "generic_decline", "try_again_later", "issuer_not_available")
HARD = (
    "expired_card",
    "lost_card",
    "stolen_card",
    "pickup_card",
    "revocation_of_all_authorizations",
    "invalid_account",
)
OTHER = (
    "card_velocity_exceeded",
    "processing_error",
    "incorrect_cvc",
    "fraudulent",
    "transaction_not_allowed",
)
DECLINES = SOFT + HARD + OTHER


class Company:
    """Everyone who subscribes, and what they do."""

    def __init__(
        self, desk: Desk, agenda: Agenda, catalogue: Catalogue, *, seed: str, start: int, until: int
    ) -> None:
        self.desk, self.agenda, self.catalogue = desk, agenda, catalogue
        self.seed, self.start, self.until = seed, start, until
        self.customers: dict[int, str] = {}
        self.subscriptions: dict[int, str] = {}

    def expect(self, person: Person) -> None:
        """Put a person's whole story on the agenda."""
        random = Random(f"{self.seed}:story:{person.number}")
        joins = self._moment(person.joins) + random.randrange(DAY)
        self.agenda.at(joins, lambda: self.join(person, random))

    def join(self, person: Person, random: Random) -> None:
        """Become a customer and subscribe; three in a hundred are refused once and use another card."""
        customer = self.desk.post(
            "/v1/customers",
            name=person.company,
            email=person.email,
            address=person.address,
            metadata={"contact": person.name, "row": person.number},
        )
        self.customers[person.number] = customer["id"]
        if random.random() < 0.03:
            refused = random.choice(
                ("pm_card_chargeDeclinedInsufficientFunds", "pm_card_chargeDeclinedExpiredCard")
            )
            self.desk.attempt(f"/v1/payment_methods/{refused}/attach", customer=customer["id"])
        self.use_card(customer["id"], person.card)
        self.subscribe(person, random)
        self.agenda.at(
            self._moment(person.fate_at) + random.randrange(DAY), lambda: self.meet_fate(person, random)
        )

    def use_card(self, customer: str, token: str) -> JSON:
        """Attach a payment method and make it the default."""
        method = self.desk.post(f"/v1/payment_methods/{token}/attach", customer=customer)
        self.desk.post(f"/v1/customers/{customer}", invoice_settings={"default_payment_method": method["id"]})
        return method

    def subscribe(self, person: Person, random: Random) -> None:
        """Start the subscription, in trial for some; a twelfth of them with a coupon."""
        params: JSON = {
            "customer": self.customers[person.number],
            "items": [{"price": self._price(person, person.plan), "quantity": person.seats}],
            "metadata": {"plan": person.plan},
        }
        if person.trial_days:
            params["trial_period_days"] = person.trial_days
        if person.coupon:
            usable = self.catalogue.coupons if person.currency == "usd" else self.catalogue.coupons[:2]
            params["discounts"] = [{"coupon": random.choice(usable)}]
        if person.by_invoice:
            params |= {"collection_method": "send_invoice", "days_until_due": 14}
            self._pay_by_hand(person, random)
        params |= self._taxed(person)
        subscription = self.desk.post("/v1/subscriptions", **params)
        self.subscriptions[person.number] = subscription["id"]

    def meet_fate(self, person: Person, random: Random) -> None:
        """What becomes of this one."""
        subscription = self.desk.get(f"/v1/subscriptions/{self.subscriptions[person.number]}")
        if subscription["status"] not in {"active", "trialing"}:
            return
        match person.fate:
            case "leaves":
                self._leave(subscription, random)
            case "leaves at once":
                self.desk.delete(f"/v1/subscriptions/{subscription['id']}", prorate=True, invoice_now=True)
            case "upgrades" | "downgrades":
                self._move(person, subscription, 1 if person.fate == "upgrades" else -1)
            case "grows":
                self._grow(subscription, random)
            case "recovers" | "lost":
                self._fail(person, random)
            case "pauses":
                self._pause(subscription)
            case "stays":
                pass

    def _leave(self, subscription: JSON, random: Random) -> None:
        feedback = random.choice(("too_expensive", "unused", "switched_service", "missing_features"))
        self.desk.post(
            f"/v1/subscriptions/{subscription['id']}",
            cancel_at_period_end=True,
            cancellation_details={"feedback": feedback},
        )

    def _move(self, person: Person, subscription: JSON, step: int) -> None:
        plan = next_plan(person.plan, step)
        item = subscription["items"]["data"][0]
        self.desk.attempt(
            f"/v1/subscriptions/{subscription['id']}",
            items=[{"id": item["id"], "price": self._price(person, plan), "quantity": item["quantity"]}],
            proration_behavior="always_invoice" if step > 0 else "create_prorations",
            metadata={"plan": plan},
        )

    def _grow(self, subscription: JSON, random: Random) -> None:
        item = subscription["items"]["data"][0]
        quantity = item["quantity"] + random.randint(1, 4)
        self.desk.attempt(
            f"/v1/subscriptions/{subscription['id']}",
            items=[{"id": item["id"], "quantity": quantity}],
            proration_behavior="create_prorations",
        )

    def _pause(self, subscription: JSON) -> None:
        self.desk.post(f"/v1/subscriptions/{subscription['id']}", pause_collection={"behavior": "void"})
        self.agenda.after(
            40 * DAY,
            lambda: self.desk.attempt(f"/v1/subscriptions/{subscription['id']}", pause_collection=""),
        )

    def _fail(self, person: Person, random: Random) -> None:
        """The card turns bad before the next renewal; who recovers brings another one within two weeks of it."""
        customer = self.customers[person.number]
        code = DECLINES[person.number % len(DECLINES)]
        self.turn_bad(customer, code)
        if person.fate == "recovers":
            end = self._period_end(person)
            self.agenda.at(end + random.randint(1, 12) * DAY + HOUR, lambda: self._recover(person))

    def turn_bad(self, customer: str, code: str) -> None:
        """From now on the issuer refuses this customer's card."""
        held = self.desk.get(f"/v1/customers/{customer}")["invoice_settings"]["default_payment_method"]
        self.desk.post(f"/_pinstripe/payment_methods/{held}/outcome", outcome=f"decline:{code}", times=100)

    def _recover(self, person: Person) -> None:
        customer = self.customers[person.number]
        method = self.use_card(customer, "pm_card_visa" if person.currency != "eur" else "pm_card_de")
        for invoice in self.desk.every("/v1/invoices", customer=customer, status="open"):
            self.desk.attempt(f"/v1/invoices/{invoice['id']}/pay", payment_method=method["id"])

    def _pay_by_hand(self, person: Person, random: Random) -> None:
        """Some get an invoice by mail: most pay late, one in six never, one in six by a bank transfer outside Stripe."""

        def settle() -> None:
            for invoice in self.desk.every(
                "/v1/invoices", customer=self.customers[person.number], status="open"
            ):
                way = random.randrange(6)
                if way == 0:
                    self.desk.attempt(f"/v1/invoices/{invoice['id']}/mark_uncollectible")
                elif way == 1:
                    self.desk.attempt(f"/v1/invoices/{invoice['id']}/pay", paid_out_of_band=True)
                else:
                    self.desk.attempt(f"/v1/invoices/{invoice['id']}/pay")
            self.agenda.after(15 * DAY, settle)

        self.agenda.after(9 * DAY, settle)

    def _taxed(self, person: Person) -> JSON:
        if person.tax == "automatic":
            return {"automatic_tax": {"enabled": True}}
        rate = self.catalogue.rate(person) if person.tax != "none" else None
        return {"default_tax_rates": [rate]} if rate else {}

    def _price(self, person: Person, plan: str) -> str:
        inside = person.tax == "inclusive"
        return self.catalogue.price(plan, person.interval, person.currency, inside=inside)

    def _period_end(self, person: Person) -> int:
        subscription = self.desk.get(f"/v1/subscriptions/{self.subscriptions[person.number]}")
        return int(subscription["items"]["data"][0]["current_period_end"])

    def _moment(self, share: float) -> int:
        return self.start + int(share * (self.until - self.start))
