"""One dispute of every kind and in every state a dispute can be in, spread over the company's time.

    Disputes(desk, agenda, start=…, until=…).plan()

Each case names how the complaint comes, what the company answers and what the bank says in the end. The last weeks
leave some open, so that there is work to do for whoever looks at the company.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from bookhand.sandbox.world.agenda import DAY, HOUR, Agenda

if TYPE_CHECKING:
    from bookhand.sandbox.stripe.errors import JSON
    from bookhand.sandbox.world.desk import Desk


@dataclass(frozen=True, slots=True)
class Case:
    """`at` is a share of the time, or days before its end if negative; the steps are taken a few days apart."""

    at: float
    reason: str
    steps: tuple[str, ...] = ()
    amount: int = 12_900
    currency: str = "usd"
    part: int | None = None
    inquiry: bool = False
    prevented: bool = False


CASES = (
    Case(0.10, "fraudulent", ("win",)),
    Case(0.14, "product_not_received", ("lose",)),
    Case(0.18, "duplicate", ("accept",), amount=4_900),
    Case(0.21, "subscription_canceled", ("lose", "late win")),
    Case(0.25, "product_unacceptable", (), amount=8_800),
    Case(0.28, "fraudulent", ("win",), 9_900, "eur"),
    Case(0.31, "unrecognized", ("lose",), 18_000, "jpy"),
    Case(0.34, "fraudulent", ("accept",), 40_500, "kwd"),
    Case(0.37, "credit_not_processed", ("win",), amount=20_000, part=7_500),
    Case(0.39, "product_unacceptable", ("answer", "win part"), amount=19_999),
    Case(0.40, "fraudulent", (), inquiry=True),
    Case(0.44, "general", ("answer",), inquiry=True),
    Case(0.48, "product_not_received", ("escalate", "lose"), inquiry=True),
    Case(0.52, "fraudulent", ("escalate", "win"), inquiry=True),
    Case(0.56, "fraudulent", (), prevented=True),
    Case(0.60, "duplicate", (), prevented=True, amount=2_900),
    Case(0.66, "noncompliant", ("lose",), amount=30_000),
    Case(0.70, "fraudulent", ("lose", "appeal", "win")),
    Case(-18, "fraudulent", ("lose", "appeal"), amount=15_900),
    Case(-40, "product_unacceptable", ("answer",)),
    Case(-20, "fraudulent", ("answer",), 6_400, "eur"),
    Case(-16, "general", ("answer",), inquiry=True),
    Case(-9, "product_not_received", ("stage",), amount=24_900),
    Case(-6, "fraudulent"),
    Case(-4, "subscription_canceled", amount=29_000, part=14_500),
    Case(-3, "unrecognized", inquiry=True, amount=5_000),
)
ANSWER = "A subscription to Lantern Metrics, used until the day of the complaint"
CARDS = {"usd": "pm_card_visa", "eur": "pm_card_de", "jpy": "pm_card_jp", "kwd": "pm_card_mastercard"}
EVIDENCE = {"win": "winning_evidence", "lose": "losing_evidence"}


class Disputes:
    """The complaints and the company's answers."""

    def __init__(self, desk: Desk, agenda: Agenda, *, start: int, until: int) -> None:
        self.desk, self.agenda, self.start, self.until = desk, agenda, start, until

    def plan(self) -> None:
        """Put every case that fits into the time on the agenda."""
        for case in CASES:
            at = self._moment(case.at)
            if at > self.start:
                self.agenda.at(at, partial(self._sell, case))

    def _moment(self, share: float) -> int:
        if share < 0:
            return self.until + int(share * DAY) - 5 * DAY
        return self.start + int(share * (self.until - self.start))

    def _sell(self, case: Case) -> None:
        """The sale that will be disputed five days later."""
        intent = self.desk.post(
            "/v1/payment_intents",
            amount=case.amount,
            currency=case.currency,
            payment_method=CARDS[case.currency],
            allowed_payment_method_types=["card"],
            confirm=True,
            description="Annual licence",
        )
        self.agenda.after(5 * DAY - HOUR, lambda: self._complain(case, intent["latest_charge"]))

    def _complain(self, case: Case, charge: str) -> None:
        asked: JSON = {"reason": case.reason, "inquiry": case.inquiry, "prevented": case.prevented}
        if case.part:
            asked["amount"] = case.part
        dispute = self.desk.post(f"/_pinstripe/charges/{charge}/dispute", **asked)["id"]
        for at, step in enumerate(case.steps, start=1):
            self.agenda.after(at * 6 * DAY // 2, partial(self._take, case, step, dispute))

    def _take(self, case: Case, step: str, dispute: str) -> None:
        path = f"/v1/disputes/{dispute}"
        lever = f"/_pinstripe/disputes/{dispute}"
        match step:
            case "win" | "lose":
                evidence: JSON = {"uncategorized_text": EVIDENCE[step]}
                if case.reason == "noncompliant":
                    evidence["enhanced_evidence"] = {"visa_compliance": {"fee_acknowledged": True}}
                self.desk.post(path, evidence=evidence, submit=True)
            case "answer":
                self.desk.post(path, evidence={"product_description": ANSWER}, submit=True)
            case "stage":
                self.desk.post(path, evidence={"product_description": ANSWER}, submit=False)
            case "accept":
                self.desk.post(f"{path}/close")
            case "win part":
                self.desk.post(f"{lever}/decide", won=True, returned=case.amount * 2 // 5)
            case "late win":
                self.desk.post(f"{lever}/decide", won=True)
            case "escalate" | "appeal":
                self.desk.post(f"{lever}/{step}")
