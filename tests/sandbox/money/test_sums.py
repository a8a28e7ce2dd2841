"""Whatever happens in whatever order: the balance is the sum of its balance transactions, each payout of its members."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from hypothesis import example, given, settings
from hypothesis import strategies as st

from bookhand.sandbox.money.kinds import KINDS

from .conftest import Till

CARDS = (
    "pm_card_visa",
    "pm_card_de",
    "pm_card_bypassPending",
    "pm_card_createDispute",
    "pm_card_createDisputeInquiry",
    "pm_card_refundFail",
    "pm_card_pendingRefund",
    "pm_card_chargeDeclined",
    "pm_usBankAccount_success",
    "pm_usBankAccount_noAccount",
    "pm_sepaDebit_dispute",
)
CURRENCIES = ("usd", "eur", "jpy", "kwd", "huf")
INTERVALS = ("daily", "weekly", "monthly", "manual")


class Shop(Till):
    """A till whose every operation may be refused, and must then leave no trace."""

    def any(self, path: str, pick: int) -> str:
        found = self.get(path, limit=100)["data"]
        return found[pick % len(found)]["id"] if found else "none"

    def pay_with(self, pick: int, size: int) -> None:
        currency = CURRENCIES[size % len(CURRENCIES)]
        self.send(
            "POST",
            "/v1/payment_intents",
            {
                "amount": 200_000 + size * 100,
                "currency": currency,
                "payment_method": CARDS[pick % len(CARDS)],
                "confirm": True,
                "capture_method": "manual" if pick % 7 == 6 else "automatic",
            },
        )

    def capture(self, pick: int, size: int) -> None:
        intent = self.any("/v1/payment_intents", pick)
        self.send("POST", f"/v1/payment_intents/{intent}/capture", {"amount_to_capture": 100_000 + size * 10})

    def refund(self, pick: int, size: int) -> None:
        amount = {} if size % 3 == 0 else {"amount": 10 * size}
        self.send("POST", "/v1/refunds", {"charge": self.any("/v1/charges", pick), **amount})

    def fail_refund(self, pick: int, size: int) -> None:
        path = ("/_pinstripe/refunds/{}/fail", "/v1/refunds/{}/cancel")[size % 2]
        self.send("POST", path.format(self.any("/v1/refunds", pick)), {})

    def dispute(self, pick: int, size: int) -> None:
        charge = self.any("/v1/charges", pick)
        how: dict[str, Any] = ({}, {"inquiry": True}, {"prevented": True}, {"amount": 100 + size})[size % 4]
        self.send("POST", f"/_pinstripe/charges/{charge}/dispute", how)

    def answer(self, pick: int, size: int) -> None:
        dispute = self.any("/v1/disputes", pick)
        text = ("winning_evidence", "losing_evidence", "perhaps")[size % 3]
        self.send("POST", f"/v1/disputes/{dispute}", {"evidence": {"uncategorized_text": text}})

    def bank_says(self, pick: int, size: int) -> None:
        dispute = self.any("/v1/disputes", pick)
        paths = ("decide", "escalate", "appeal", "decide")
        self.send("POST", f"/_pinstripe/disputes/{dispute}/{paths[size % 4]}", {"won": size % 2 == 0})

    def return_debit(self, pick: int, size: int) -> None:
        self.send("POST", f"/_pinstripe/charges/{self.any('/v1/charges', pick)}/fail", {})

    def pay_out(self, pick: int, size: int) -> None:
        method = ("standard", "instant")[pick % 2]
        self.send("POST", "/v1/payouts", {"amount": 1000 + size * 50, "currency": "usd", "method": method})

    def payout_trouble(self, pick: int, size: int) -> None:
        payout = self.any("/v1/payouts", pick)
        path = ("/_pinstripe/payouts/{}/fail", "/v1/payouts/{}/cancel", "/v1/payouts/{}/reverse")[size % 3]
        self.send("POST", path.format(payout), {})

    def top_up(self, pick: int, size: int) -> None:
        if pick % 2:
            self.send("POST", f"/_pinstripe/topups/{self.any('/v1/topups', pick)}/fail", {})
        else:
            self.post("/v1/topups", amount=1 + size, currency="usd")

    def other(self, pick: int, size: int) -> None:
        kinds = sorted(KINDS)
        kind = kinds[pick * 7 % len(kinds)]
        fee = {"fee": 5} if size % 2 else {}
        self.post(
            "/_pinstripe/balance_transactions", type=kind, amount=size + 1, available_in_days=size % 4, **fee
        )

    def keep_back(self, pick: int, size: int) -> None:
        if pick % 2:
            self.post("/_pinstripe/reserve_holds", amount=1 + size, days=1 + pick % 9)
        else:
            self.post("/_pinstripe/reserve_transactions", amount=size - 500)

    def reschedule(self, pick: int, size: int) -> None:
        schedule = {"interval": INTERVALS[pick % len(INTERVALS)]}
        least = {"minimum_balance_by_currency": {"usd": 1000 * (size % 5) or ""}}
        self.post("/v1/balance_settings", payments={"payouts": {"schedule": schedule, **least}})
        self.post("/_pinstripe/settings", fees_later=size % 2 * 90, settles=["eur"] if size % 3 else ["huf"])

    def pass_time(self, pick: int, size: int) -> None:
        self.wait(1 + pick % 6 + (60 if size % 11 == 0 else 0))


OPERATIONS: tuple[Callable[[Shop, int, int], None], ...] = (
    Shop.pay_with,
    Shop.pay_with,
    Shop.pay_with,
    Shop.pass_time,
    Shop.pass_time,
    Shop.refund,
    Shop.refund,
    Shop.capture,
    Shop.fail_refund,
    Shop.dispute,
    Shop.answer,
    Shop.bank_says,
    Shop.return_debit,
    Shop.pay_out,
    Shop.payout_trouble,
    Shop.top_up,
    Shop.other,
    Shop.keep_back,
    Shop.reschedule,
)


@settings(max_examples=150, deadline=None)
@given(
    st.lists(
        st.tuples(st.sampled_from(OPERATIONS), st.integers(0, 40), st.integers(0, 999)),
        min_size=10,
        max_size=60,
    )
)
@example([(Shop.pay_with, 0, 0), (Shop.refund, 0, 0), (Shop.dispute, 0, 0), (Shop.answer, 0, 0)])
def test_sums_hold_after_any_sequence(steps: list[tuple[Callable[[Shop, int, int], None], int, int]]) -> None:
    shop = Shop()
    for operation, pick, size in steps:
        operation(shop, pick, size)
    shop.check()
    shop.wait(200)
    shop.check()
    balance = shop.get("/v1/balance")
    assert all(row["amount"] == 0 for row in balance["pending"])


def test_every_kind_of_balance_transaction_can_be_made(till: Till) -> None:
    for kind in KINDS:
        made = till.post("/_pinstripe/balance_transactions", type=kind, amount=700, fee=30)
        assert made["type"] == kind
        assert made["reporting_category"] in KINDS[kind].categories
        assert made["net"] == made["amount"] - 30
    till.check()
    found = till.get("/v1/balance_transactions", limit=100)["data"]
    assert {one["type"] for one in found} == set(KINDS)
    assert till.refused("/_pinstripe/balance_transactions", type="no_such", amount=1)["param"] == "type"


def test_natural_kinds_come_from_what_happens(till: Till) -> None:
    """One shop's month with a partner, in which everything happens that needs no hand of Stripe's own."""
    partner = till.post("/v1/accounts", country="US")["id"]
    least = {"minimum_balance_by_currency": {"usd": 100}}
    till.post("/v1/balance_settings", payments={"payouts": least})
    till.pay(90_000, "pm_card_bypassPending")
    till.pay(40_000)
    till.post("/v1/payouts", amount=100_000, currency="usd", method="instant")
    failing, returned = (till.charge(9000, f"pm_usBankAccount_{one}") for one in ("noAccount", "success"))
    till.pay(5000, "pm_card_createDispute")
    intent = till.pay(8000, transfer_data={"destination": partner}, application_fee_amount=900)
    till.post(
        "/v1/refunds",
        payment_intent=intent["id"],
        amount=4000,
        reverse_transfer=True,
        refund_application_fee=True,
    )
    till.post("/v1/refunds", charge=till.charge(700, "pm_card_refundFail")["id"])
    topup = till.post("/v1/topups", amount=60_000, currency="usd")["id"]
    till.post("/_pinstripe/reserve_transactions", amount=10)
    till.post("/_pinstripe/reserve_holds", amount=10, days=2)
    till.wait(8)
    assert till.get("/v1/charges/" + failing["id"])["status"] == "failed"
    till.post("/v1/refunds", charge=returned["id"], amount=100)
    till.post(f"/_pinstripe/charges/{returned['id']}/fail")
    till.post(f"/_pinstripe/topups/{topup}/fail")
    till.pay(90_000, "pm_card_bypassPending")
    payout = till.post("/v1/payouts", amount=2000, currency="usd")["id"]
    till.post(f"/v1/payouts/{payout}/cancel")
    till.wait(3)
    automatic = till.get("/v1/payouts", status="paid")["data"][0]["id"]
    till.post(f"/_pinstripe/payouts/{automatic}/fail")
    till.post("/_pinstripe/balance_transactions", partner, type="stripe_fee", amount=90_000)
    till.post("/_pinstripe/connect_collections", account=partner)
    till.check()
    till.check(partner)
    with till.engine.session(till.account) as call:
        happened = {one["type"] for one in call.find("balance_transaction")}
    assert happened == {name for name, kind in KINDS.items() if kind.natural}
