"""Money between the seeded company, Stripe and the bank, beyond the daily payouts that happen by themselves.

treasury = Treasury(desk, agenda, until=…)
treasury.plan(start)     # Stripe's monthly fees, a payout that fails, one at once, some by hand, a top-up, a reserve
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from bookhand.sandbox.money.balance import book
from bookhand.sandbox.world.agenda import DAY, HOUR, Agenda

if TYPE_CHECKING:
    from bookhand.sandbox.world.desk import Desk

BILLING_FEE_PER_MILLE = 7


class Treasury:
    """Payouts out of the ordinary and what Stripe books by its own hand."""

    def __init__(self, desk: Desk, agenda: Agenda, *, until: int) -> None:
        self.desk, self.agenda, self.until = desk, agenda, until

    def plan(self, months: list[int]) -> None:
        """Everything of a year on the agenda; `months` are the starts of the months."""
        for at, start in enumerate(months):
            self.agenda.at(start + 2 * HOUR, self._pay_stripe)
            if at % 3 == 1:
                self.agenda.at(start + 9 * DAY + 7 * HOUR, partial(self._pay_out_by_hand, at))
        span = self.until - months[0]
        self.agenda.at(months[0] + span * 3 // 10, self._let_a_payout_fail)
        self.agenda.at(months[0] + span * 4 // 10, self._pay_out_at_once)
        self.agenda.at(months[0] + span * 5 // 10, self._top_up)
        self.agenda.at(months[0] + span * 6 // 10, lambda: self._reserve(80_000))

    def odd(self) -> None:
        """One balance transaction of a type that no table lists."""
        self.agenda.at(self.until - 9 * DAY, self._levy)

    def _levy(self) -> None:
        with self.desk.engine.session(self.desk.account, livemode=self.desk.livemode) as call:
            book(
                call,
                type="moon_levy",
                reporting_category="moon_levy",
                amount=-1_234,
                currency="usd",
                available_in_days=0,
                description="Something new",
            )

    def _pay_stripe(self) -> None:
        """Stripe's own products cost money of their own, and in some places tax on it."""
        self._book("stripe_fee", -self._share(BILLING_FEE_PER_MILLE, 900), "Billing - Usage Fee", "fee")
        self._book("stripe_fee", -self._share(1, 250), "Radar (screened payments)", "fee")
        self._book("tax_fee", -self._share(1, 83), "Sales tax on Stripe fees", "tax")

    def _share(self, per_mille: int, least: int) -> int:
        rows = self.desk.every("/v1/balance_transactions", type="charge", currency="usd")
        taken = sum(int(row["amount"]) for row in rows)
        return max(least, taken * per_mille // 1_000)

    def _book(self, kind: str, amount: int, description: str, category: str) -> None:
        self.desk.post(
            "/_pinstripe/balance_transactions",
            type=kind,
            amount=amount,
            currency="usd",
            description=description,
            reporting_category=category,
        )

    def _let_a_payout_fail(self) -> None:
        """The bank sends one daily payout back: the account behind it was closed for a day."""
        self.desk.post("/_pinstripe/settings", payout_failure="account_closed")
        self.agenda.after(DAY, lambda: self.desk.post("/_pinstripe/settings", payout_failure=""))

    def _pay_out_at_once(self) -> None:
        """An instant payout takes what is still pending, for a fee."""
        instant = next(r for r in self.desk.get("/v1/balance")["instant_available"] if r["currency"] == "usd")
        if instant["amount"] > 1_000:
            self.desk.post("/v1/payouts", amount=instant["amount"] // 2, currency="usd", method="instant")

    def _pay_out_by_hand(self, at: int) -> None:
        """For three days the schedule is manual; one payout is made by hand, one called off, one fetched back."""
        self.desk.post("/v1/balance_settings", payments={"payouts": {"schedule": {"interval": "manual"}}})
        self.agenda.after(2 * DAY + HOUR, lambda: self._send_by_hand(call_off=at == 4, fetch_back=at == 7))
        self.agenda.after(
            3 * DAY,
            lambda: self.desk.post(
                "/v1/balance_settings", payments={"payouts": {"schedule": {"interval": "daily"}}}
            ),
        )

    def _send_by_hand(self, *, call_off: bool, fetch_back: bool) -> None:
        free = next(r for r in self.desk.get("/v1/balance")["available"] if r["currency"] == "usd")["amount"]
        if free < 2_000:
            return
        sent = self.desk.post("/v1/payouts", amount=free * 6 // 10, currency="usd", description="By hand")
        if call_off:
            second = self.desk.post("/v1/payouts", amount=free // 10, currency="usd", description="Too early")
            self.desk.post(f"/v1/payouts/{second['id']}/cancel")
        if fetch_back:
            self.agenda.after(6 * DAY, lambda: self.desk.post(f"/v1/payouts/{sent['id']}/reverse"))

    def _top_up(self) -> None:
        self.desk.post("/v1/topups", amount=250_000, currency="usd", description="For refunds")

    def _reserve(self, amount: int) -> None:
        """Stripe holds something back for two months."""
        self._book("reserve_hold", -amount, "Reserve hold", "risk_reserved_funds")
        self.agenda.after(
            60 * DAY, lambda: self._book("reserve_release", amount, "Reserve release", "risk_reserved_funds")
        )
