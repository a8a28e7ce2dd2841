"""Refunds, payments, payouts, disputes and files: what was foretold is what came of it, and what cannot be is refused before."""

from __future__ import annotations

from base64 import b64encode
from typing import Any

import pytest

from bookhand.core.action import Change
from bookhand.core.problems import Refusal
from bookhand.systems.stripe.actions.previews_money import refund

from .writing import DAY, START, WRITES, Done, Shop, booked, looked

PDF = b64encode(b"%PDF-1.7 a receipt").decode()


@pytest.fixture
def shop() -> Shop:
    return Shop()


# refunds


def test_a_refund_in_part(shop: Shop) -> None:
    customer = shop.customer()
    charge = shop.charge(8000, shop.method(customer), customer=customer["id"])
    done = shop.do("refunds.create", charge=charge["id"], amount=1500)
    assert done.preview.says == f"Refund $15.00 of $80.00 to Fernwood Bakery ({charge['id']})"
    assert done.preview.fees == ("Stripe's fee of $2.62 on this charge is not returned.",)
    assert (done.preview.subject, done.preview.customer) == (charge["id"], customer["id"])
    assert done.preview.warnings == ()
    after = shop.get(f"charges/{charge['id']}")
    assert done.preview.changes == (Change("refunded of this charge", "$0.00", "$15.00"),)
    assert after["amount_refunded"] == 1500
    booked(shop, done.preview.movement, done.made["id"])
    looked(shop, done, "listed", "events")


def test_a_refund_without_an_amount_gives_back_what_is_left(shop: Shop) -> None:
    paid = shop.charge(8000)
    shop.do("refunds.create", charge=paid["id"], amount=1500)
    done = shop.do("refunds.create", payment_intent=paid["payment_intent"], reason="fraudulent")
    assert done.preview.says.startswith("Refund $65.00 of $80.00")
    assert (done.made["amount"], done.preview.moves[0].minor) == (6500, 6500)
    assert "block lists" in done.preview.warnings[0]
    looked(shop, done, "listed", "events")
    with pytest.raises(Refusal, match="refunded in full"):
        shop.preview("refunds.create", charge=paid["id"])


def test_a_refund_of_what_a_bank_debited_is_a_payment_refund(shop: Shop) -> None:
    charge = shop.charge(8000, "pm_usBankAccount_success")
    shop.day(9)
    done = shop.do("refunds.create", charge=charge["id"])
    booked(shop, done.preview.movement, done.made["id"])


def test_a_refund_in_another_currency_is_an_estimate(shop: Shop) -> None:
    charge = shop.charge(8000, currency="eur")
    done = shop.do("refunds.create", charge=charge["id"], amount=4000)
    (txn,) = shop.get("balance_transactions", source=done.made["id"])["data"]
    assert done.preview.movement is not None
    assert done.preview.movement.currency == txn["currency"] == "usd"
    assert abs(done.preview.movement.amount - txn["amount"]) <= abs(txn["amount"]) // 10
    assert any("today's rate" in one for one in done.preview.warnings)
    assert done.preview.says.startswith("Refund €40.00 of €80.00")


def test_a_refund_of_a_partly_captured_charge(shop: Shop) -> None:
    held = shop.post("payment_intents", amount=8000, currency="usd", payment_method="pm_card_visa", confirm=True,
                     capture_method="manual")  # fmt: skip
    with pytest.raises(Refusal, match="not captured"):
        shop.preview("refunds.create", payment_intent=held["id"])
    shop.post(f"payment_intents/{held['id']}/capture", amount_to_capture=5000)
    with pytest.raises(Refusal, match=r"Only \$50\.00"):
        shop.preview("refunds.create", payment_intent=held["id"], amount=5001)
    assert shop.do("refunds.create", payment_intent=held["id"]).made["amount"] == 5000


def test_refunds_that_cannot_be(shop: Shop) -> None:
    charge = shop.charge(8000)
    with pytest.raises(Refusal, match=r"Only \$80\.00 of ch_\w+ is left to refund, not \$80\.01"):
        shop.preview("refunds.create", charge=charge["id"], amount=8001)
    with pytest.raises(Refusal, match="There is no charge ch_none"):
        shop.preview("refunds.create", charge="ch_none")
    waiting = shop.post("payment_intents", amount=500, currency="usd")
    with pytest.raises(Refusal, match="has no charge"):
        shop.preview("refunds.create", payment_intent=waiting["id"])


def test_a_refund_on_top_of_a_chargeback_is_refused(shop: Shop) -> None:
    dispute = shop.dispute()
    with pytest.raises(Refusal, match=f"charged back .{dispute['id']}, needs_response.: Stripe refuses"):
        shop.preview("refunds.create", charge=dispute["charge"])
    with pytest.raises(AssertionError, match="charge_disputed"):
        shop.post("refunds", charge=dispute["charge"])


def test_a_refund_beside_a_dispute_warns(shop: Shop) -> None:
    inquiry = shop.dispute(inquiry=True)
    done = shop.do("refunds.create", charge=inquiry["charge"], amount=100)
    assert any(f"Inquiry {inquiry['id']} over $80.00 is open" in one for one in done.preview.warnings)
    values = shop.values("refunds.create", charge=inquiry["charge"], amount=100)
    found = shop.reads("refunds.create", values)
    for status, words in (
        ("needs_response", "pays the customer twice"),
        ("lost", "a refund pays twice"),
        ("won", ""),
    ):
        told = refund(values, {**found, "disputes": [{**inquiry, "status": status}]}).warnings
        assert [one for one in told if inquiry["id"] in one and words in one] == list(told)
        assert bool(told) == bool(words)


# payments


def test_a_payment_off_session(shop: Shop) -> None:
    customer = shop.customer()
    done = shop.do(
        "payment_intents.create", amount=1234, currency="usd", customer=customer["id"],
        payment_method=shop.method(customer), confirm=True, off_session=True, metadata={"order": "7"},
    )  # fmt: skip
    assert done.preview.says == "Charge $12.34 to the visa ending 4242 of Fernwood Bakery"
    assert (done.made["status"], done.made["amount_received"]) == ("succeeded", 1234)
    assert done.made["metadata"]["order"] == "7"
    booked(shop, done.preview.movement, done.made["latest_charge"])
    looked(shop, done, "listed", "events")


def test_a_payment_that_only_waits(shop: Shop) -> None:
    done = shop.do("payment_intents.create", amount=500, currency="jpy")
    assert "¥500" in done.preview.says
    assert "nothing is charged" in done.preview.says
    assert (done.preview.movement, done.made["status"]) == (None, "requires_payment_method")
    looked(shop, done, "listed", "events")


def test_a_hold(shop: Shop) -> None:
    done = shop.do("payment_intents.create", amount=500, currency="usd", payment_method="pm_card_visa",
                   confirm=True, capture_method="manual")  # fmt: skip
    assert done.preview.says.startswith("Hold $5.00")
    assert (done.preview.movement, done.made["status"]) == (None, "requires_capture")


def test_a_declined_payment_is_found_by_its_mark(shop: Shop) -> None:
    customer = shop.customer("pm_card_chargeCustomerFail")
    given = {"amount": 500, "currency": "usd", "customer": customer["id"], "payment_method": shop.method(customer),
             "confirm": True, "off_session": True}  # fmt: skip
    values = shop.values("payment_intents.create", **given)
    with pytest.raises(AssertionError, match="card_declined"):
        shop.send(WRITES["payment_intents.create"], values, "k", "m")
    done = Done(
        WRITES["payment_intents.create"],
        values,
        shop.preview("payment_intents.create", **given),
        {},
        "k",
        "m",
    )
    found = shop.look_up(done)
    assert found["listed"] is not None
    assert found["events"] is not None


def test_a_payment_with_somebody_elses_card_is_refused(shop: Shop) -> None:
    one, other = shop.customer(), shop.customer()
    with pytest.raises(Refusal, match="belongs to"):
        shop.preview("payment_intents.create", amount=500, currency="usd", customer=one["id"],
                     payment_method=shop.method(other), confirm=True)  # fmt: skip
    gone = shop.customer()
    shop.call("DELETE", f"/v1/customers/{gone['id']}")
    with pytest.raises(Refusal, match="any more"):
        shop.preview("payment_intents.create", amount=500, currency="usd", customer=gone["id"])


# payouts


def test_a_payout(shop: Shop) -> None:
    shop.charge(80_000, "pm_card_bypassPending")
    has = shop.get("balance")["available"][0]["amount"]
    done = shop.do("payouts.create", amount=5000, currency="usd")
    assert done.preview.says == "Pay out $50.00 to your bank account by a standard payout"
    after = shop.get("balance")["available"][0]["amount"]
    assert (has - after, done.made["status"]) == (5000, "pending")
    assert done.preview.changes[0].after == f"${after // 100}.{after % 100:02d}"
    booked(shop, done.preview.movement, done.made["id"])
    looked(shop, done, "listed", "events")
    with pytest.raises(Refusal, match=r"available for a payout, not \$10,000\.00"):
        shop.preview("payouts.create", amount=1_000_000, currency="usd")
    with pytest.raises(Refusal, match=r"€0\.00 is available"):
        shop.preview("payouts.create", amount=100, currency="eur")


def test_an_instant_payout_names_its_fee(shop: Shop) -> None:
    shop.charge(80_000, "pm_card_bypassPending")
    done = shop.do("payouts.create", amount=10_000, currency="usd", method="instant")
    assert "about $1.50 here" in done.preview.fees[0]
    (txn,) = [
        one
        for one in shop.get("balance_transactions", source=done.made["id"])["data"]
        if one["type"] == "payout"
    ]
    assert done.preview.movement is not None
    assert (done.preview.movement.amount, done.preview.movement.fee) == (txn["amount"], txn["fee"])


def test_a_payout_of_half_a_forint_is_refused(shop: Shop) -> None:
    with pytest.raises(Refusal, match=r"whole units, which 10\.50 HUF is not"):
        shop.preview("payouts.create", amount=1050, currency="huf")


# disputes and files


def test_staging_then_submitting(shop: Shop) -> None:
    dispute = shop.dispute(reason="product_not_received")
    file = shop.do("files.create", filename="receipt 1.pdf", content_base64=PDF, purpose="dispute_evidence")
    assert "receipt 1.pdf (18 bytes)" in file.preview.says
    looked(shop, file, "listed")
    told = {"uncategorized_text": "It was sent.", "receipt": file.made["id"]}
    staged = shop.do("disputes.stage_evidence", dispute=dispute["id"], evidence=told)
    assert "without sending it: receipt, uncategorized text" in staged.preview.says
    assert Change("uncategorized text", None, "It was sent.") in staged.preview.changes
    assert any(
        one.what == "receipt" and "receipt 1-call" in (one.after or "") for one in staged.preview.changes
    )
    assert staged.made["status"] == "needs_response"
    assert staged.made["evidence"]["receipt"] == file.made["id"]
    assert staged.made["intended_submission_method"] == "manual"
    looked(shop, staged, "marked", "events")

    before = len(shop.get("balance_transactions", type="stripe_fee")["data"])
    sent = shop.do("disputes.submit_evidence", dispute=dispute["id"])
    assert "to the bank: receipt, uncategorized text" in sent.preview.says
    assert sent.preview.fees[0].startswith("Countering costs 15.00 USD")
    assert Change("status", "needs_response", sent.made["status"]) in sent.preview.changes
    fees = shop.get("balance_transactions", type="stripe_fee")["data"]
    assert sent.preview.movement is not None
    assert (len(fees) - before, fees[0]["amount"]) == (1, sent.preview.movement.amount)
    looked(shop, sent, "marked", "state", "events")
    with pytest.raises(Refusal, match="takes no evidence any more"):
        shop.preview("disputes.stage_evidence", dispute=dispute["id"], evidence=told)


def test_submitting_nothing_is_refused(shop: Shop) -> None:
    dispute = shop.dispute()
    with pytest.raises(Refusal, match="No evidence is staged"):
        shop.preview("disputes.submit_evidence", dispute=dispute["id"])


def test_a_compliance_case_wants_its_fee_acknowledged(shop: Shop) -> None:
    dispute = shop.dispute(reason="noncompliant")
    told: dict[str, Any] = {"uncategorized_text": "x"}
    with pytest.raises(Refusal, match="fee_acknowledged=true"):
        shop.preview("disputes.submit_evidence", dispute=dispute["id"], evidence=told)
    told["enhanced_evidence"] = {"visa_compliance": {"fee_acknowledged": True}}
    done = shop.do("disputes.submit_evidence", dispute=dispute["id"], evidence=told)
    assert "515.00 USD" in done.preview.fees[0]
    assert done.preview.movement is not None
    assert (
        shop.get("balance_transactions", type="stripe_fee")["data"][0]["amount"]
        == done.preview.movement.amount
    )


def test_evidence_for_another_purpose_is_refused(shop: Shop) -> None:
    dispute = shop.dispute()
    file = shop.do("files.create", filename="a.pdf", content_base64=PDF, purpose="additional_verification")
    with pytest.raises(Refusal, match="upload it again for dispute_evidence"):
        shop.preview("disputes.stage_evidence", dispute=dispute["id"], evidence={"receipt": file.made["id"]})
    with pytest.raises(Refusal, match="There is no file file_none"):
        shop.preview("disputes.stage_evidence", dispute=dispute["id"], evidence={"receipt": "file_none"})


def test_accepting(shop: Shop) -> None:
    dispute = shop.dispute()
    before = len(shop.get("balance_transactions")["data"])
    done = shop.do("disputes.accept", dispute=dispute["id"])
    assert done.preview.changes == (Change("status", "needs_response", done.made["status"]),)
    assert done.made["status"] == "lost"
    assert done.preview.movement is None
    assert len(shop.get("balance_transactions")["data"]) == before
    assert "$80.00" in (done.preview.cannot_undo or "")
    looked(shop, done, "state", "events")
    with pytest.raises(Refusal, match="is lost"):
        shop.preview("disputes.accept", dispute=dispute["id"])


def test_accepting_an_inquiry(shop: Shop) -> None:
    done = shop.do("disputes.accept", dispute=shop.dispute(inquiry=True)["id"])
    assert done.preview.changes == (Change("status", "warning_needs_response", done.made["status"]),)
    looked(shop, done, "state", "events")


def test_a_dispute_that_is_past_due_is_refused(shop: Shop) -> None:
    dispute = shop.dispute(inquiry=True)
    shop.day(20)
    assert shop.get(f"disputes/{dispute['id']}")["evidence_details"]["past_due"] is True
    with pytest.raises(Refusal, match="is over"):
        shop.preview("disputes.stage_evidence", dispute=dispute["id"], evidence={"uncategorized_text": "x"})
    assert shop.engine.clock.now() == START + 20 * DAY
