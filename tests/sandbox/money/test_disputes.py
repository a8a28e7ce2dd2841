"""Disputes: every way they go, and the money on each."""

from __future__ import annotations

import io

import pytest
import stripe
from stripe import StripeClient

from .conftest import DAY, Till

PNG = b"\x89PNG\r\n\x1a\n" + b"0" * 100


def upload(data: bytes) -> io.BytesIO:
    found = io.BytesIO(data)
    found.name = "x.png"
    return found


def disputed(till: Till, card: str = "pm_card_createDispute", amount: int = 5000) -> tuple[str, str]:
    charge = till.charge(amount, card)["id"]
    return charge, till.get("/v1/disputes", charge=charge)["data"][0]["id"]


def money(till: Till, dispute: str) -> list[tuple[str, str, int, int]]:
    found = till.txns(source=dispute)[::-1]
    return [(one["type"], one["reporting_category"], one["amount"], one["fee"]) for one in found]


def test_a_chargeback_takes_the_money_with_a_fee(till: Till) -> None:
    charge, dispute = disputed(till)
    found = till.get("/v1/disputes/" + dispute)
    assert (found["status"], found["reason"], found["amount"]) == ("needs_response", "fraudulent", 5000)
    assert money(till, dispute) == [("adjustment", "dispute", -5000, 1500)]
    assert [one["net"] for one in found["balance_transactions"]] == [-6500]
    assert till.get("/v1/charges/" + charge)["disputed"]
    assert (found["evidence_details"]["due_by"] + 1) % DAY == 0
    assert {"charge.dispute.created", "charge.dispute.funds_withdrawn"} <= set(till.events())


@pytest.mark.parametrize(("text", "status"), [("winning_evidence", "won"), ("losing_evidence", "lost")])
def test_evidence_decides(till: Till, text: str, status: str) -> None:
    _, dispute = disputed(till)
    sent = till.post("/v1/disputes/" + dispute, evidence={"uncategorized_text": text})
    assert sent["status"] == "under_review"
    assert sent["evidence_details"]["submission_count"] == 1
    assert [one["amount"] for one in till.txns(type="stripe_fee")] == [-1500]
    till.wait(0.01)
    assert till.get("/v1/disputes/" + dispute)["status"] == status
    counter = [one["amount"] for one in till.txns(type="stripe_fee")]
    reinstated = ("adjustment", "dispute_reversal", 5000, 0)
    assert (reinstated in money(till, dispute)) == (status == "won")
    assert counter == ([1500, -1500] if status == "won" else [-1500])
    assert "charge.dispute.closed" in till.events()
    assert ("charge.dispute.funds_reinstated" in till.events()) == (status == "won")
    till.check()


def test_evidence_is_submitted_unless_told_otherwise_and_once(sdk: StripeClient) -> None:
    intent = sdk.v1.payment_intents.create(
        {"amount": 5000, "currency": "usd", "payment_method": "pm_card_createDispute", "confirm": True}
    )
    dispute = sdk.v1.disputes.list({"payment_intent": intent.id}).data[0]
    receipt = sdk.v1.files.create({"purpose": "dispute_evidence", "file": upload(PNG)})
    staged = sdk.v1.disputes.update(
        dispute.id, {"evidence": {"receipt": receipt.id, "customer_name": "Ada"}, "submit": False}
    )
    assert (staged.status, staged.evidence_details.has_evidence) == ("needs_response", True)
    assert staged.evidence_details.submission_count == 0
    sent = sdk.v1.disputes.update(dispute.id, {"evidence": {"product_description": "Bread"}})
    assert (sent.status, sent.evidence.customer_name, sent.evidence.receipt) == (
        "under_review",
        "Ada",
        receipt.id,
    )
    with pytest.raises(stripe.InvalidRequestError, match="already been submitted"):
        sdk.v1.disputes.update(dispute.id, {"evidence": {"customer_name": "Bob"}})
    assert sdk.v1.disputes.update(dispute.id, {"metadata": {"case": "1"}}).metadata["case"] == "1"


def test_evidence_has_bounds(till: Till) -> None:
    _, dispute = disputed(till)
    path = "/v1/disputes/" + dispute
    long = dict.fromkeys(("cancellation_rebuttal", "refund_policy_disclosure", "service_date"), "x" * 20000)
    for part in (
        "access_activity_log",
        "billing_address",
        "customer_name",
        "product_description",
        "shipping_address",
    ):
        long[part] = "x" * 20_000
    assert "150,000" in till.refused(path, evidence=long)["message"]
    assert till.refused(path, evidence={"receipt": "file_none"})["code"] == "resource_missing"
    assert till.refused(path, evidence={"no_such_field": "x"})["code"] == "parameter_unknown"
    assert till.get(path)["status"] == "needs_response"


def test_silence_loses(till: Till) -> None:
    _, dispute = disputed(till)
    till.wait(16)
    found = till.get("/v1/disputes/" + dispute)
    assert (found["status"], found["evidence_details"]["past_due"]) == ("lost", True)


def test_a_lost_dispute_may_be_won_late(till: Till) -> None:
    _, dispute = disputed(till)
    assert till.post(f"/v1/disputes/{dispute}/close")["status"] == "lost"
    assert till.refused(f"/v1/disputes/{dispute}/close")["message"] == "This dispute is already closed."
    till.wait(40)
    assert till.post(f"/_pinstripe/disputes/{dispute}/decide", won=True)["status"] == "won"
    assert money(till, dispute) == [
        ("adjustment", "dispute", -5000, 1500),
        ("adjustment", "dispute_reversal", 5000, 0),
    ]
    till.check()


@pytest.mark.parametrize("late", [False, True])
def test_a_dispute_may_be_won_in_part(till: Till, late: bool) -> None:
    charge = till.charge(5001, currency="eur")["id"]
    dispute = till.post(f"/_pinstripe/charges/{charge}/dispute")["id"]
    (taken,) = till.get("/v1/disputes/" + dispute)["balance_transactions"]
    if late:
        till.post(f"/v1/disputes/{dispute}/close")
    lever = f"/_pinstripe/disputes/{dispute}/decide"
    assert till.refused(lever, won=True, returned=5002)["param"] == "returned"
    assert till.refused(lever, won=False, returned=5)["message"]
    assert till.post(lever, won=True, returned=2000)["status"] == "won"
    (_, back) = till.get("/v1/disputes/" + dispute)["balance_transactions"]
    assert back["reporting_category"] == "dispute_reversal"
    assert back["amount"] == -taken["amount"] * 2000 // 5001
    assert 0 < back["amount"] < -taken["amount"]
    till.check()


def test_an_inquiry_moves_no_money_until_it_is_escalated(till: Till) -> None:
    charge, dispute = disputed(till, "pm_card_createDisputeInquiry")
    found = till.get("/v1/disputes/" + dispute)
    assert (found["status"], found["balance_transactions"]) == ("warning_needs_response", [])
    assert found["payment_method_details"]["card"]["case_type"] == "inquiry"
    assert not till.get("/v1/charges/" + charge)["disputed"]
    asked = till.post("/v1/disputes/" + dispute, evidence={"uncategorized_text": "Here it is"})
    assert asked["status"] == "warning_under_review"
    assert till.txns(type="stripe_fee") == []
    raised = till.post(f"/_pinstripe/disputes/{dispute}/escalate")
    assert (raised["status"], raised["payment_method_details"]["card"]["case_type"]) == (
        "needs_response",
        "chargeback",
    )
    assert money(till, dispute) == [("adjustment", "dispute", -5000, 1500)]


def test_a_refund_in_full_keeps_an_inquiry_from_being_escalated(till: Till) -> None:
    charge, dispute = disputed(till, "pm_card_createDisputeInquiry")
    till.post("/v1/refunds", charge=charge)
    assert "refunded" in till.refused(f"/_pinstripe/disputes/{dispute}/escalate")["message"]
    assert money(till, dispute) == []


def test_an_inquiry_that_nobody_escalates_closes(till: Till) -> None:
    _, dispute = disputed(till, "pm_card_createDisputeInquiry")
    till.wait(121)
    assert till.get("/v1/disputes/" + dispute)["status"] == "warning_closed"
    assert money(till, dispute) == []


def test_a_prevented_dispute_is_a_refund(till: Till) -> None:
    charge = till.charge(4000)["id"]
    found = till.post(f"/_pinstripe/charges/{charge}/dispute", prevented=True)
    assert (found["status"], found["evidence_details"]["due_by"]) == ("prevented", None)
    assert till.get("/v1/charges/" + charge)["refunded"]
    assert money(till, found["id"]) == []


def test_a_part_of_a_charge_can_be_disputed_in_its_own_currency(till: Till) -> None:
    charge = till.charge(10_000, currency="eur")["id"]
    found = till.post(f"/_pinstripe/charges/{charge}/dispute", amount=4000, reason="product_not_received")
    assert (found["amount"], found["currency"], found["network_reason_code"]) == (4000, "eur", "13.1")
    taken = found["balance_transactions"][0]
    assert taken["currency"] == "usd"
    assert taken["amount"] == -round(4000 * taken["exchange_rate"])
    till.post(f"/_pinstripe/disputes/{found['id']}/decide", won=True)
    assert money(till, found["id"])[1][2] == -taken["amount"]


def test_compelling_evidence_qualifies_when_it_is_whole(till: Till) -> None:
    _, dispute = disputed(till, "pm_card_createCe3EligibleDispute")
    path = "/v1/disputes/" + dispute
    assert till.get(path)["enhanced_eligibility_types"] == ["visa_compelling_evidence_3"]
    who = {
        "customer_purchase_ip": "1.2.3.4",
        "customer_device_id": "device-1234567890",
        "product_description": "Software",
    }
    given = {"disputed_transaction": {**who, "merchandise_or_services": "services"}}
    half = till.post(
        path, evidence={"enhanced_evidence": {"visa_compelling_evidence_3": given}}, submit=False
    )
    state = half["evidence_details"]["enhanced_eligibility"]["visa_compelling_evidence_3"]
    assert (state["status"], state["required_actions"]) == (
        "requires_action",
        ["missing_prior_undisputed_transactions"],
    )
    given["prior_undisputed_transactions"] = [{"charge": "ch_1", **who}, {"charge": "ch_2", **who}]
    whole = till.post(
        path, evidence={"enhanced_evidence": {"visa_compelling_evidence_3": given}}, submit=False
    )
    state = whole["evidence_details"]["enhanced_eligibility"]["visa_compelling_evidence_3"]
    assert state == {"required_actions": [], "status": "qualified"}
    assert whole["evidence_details"]["submission_count"] == 0


def test_an_appeal_opens_a_lost_dispute_again(till: Till) -> None:
    _, dispute = disputed(till)
    till.post(f"/v1/disputes/{dispute}/close")
    assert till.post(f"/_pinstripe/disputes/{dispute}/appeal")["status"] == "appeal_needs_response"
    sent = till.post(
        "/v1/disputes/" + dispute,
        evidence={
            "appeal": {"card": {"reason_for_filing": "New proof"}},
            "uncategorized_text": "winning_evidence",
        },
    )
    assert sent["status"] == "appeal_under_review"
    till.wait(0.01)
    assert till.get("/v1/disputes/" + dispute)["status"] == "won"
    till.check()


def test_a_fraud_warning_is_settled_by_a_refund(till: Till) -> None:
    charge = till.charge(2000, "pm_card_createIssuerFraudRecord")["id"]
    warning = till.get("/v1/radar/early_fraud_warnings", charge=charge)["data"][0]
    assert warning["actionable"]
    till.post("/v1/refunds", charge=charge)
    assert not till.get("/v1/radar/early_fraud_warnings/" + warning["id"])["actionable"]


@pytest.mark.parametrize(
    ("data", "purpose", "says"),
    [
        (b"", "dispute_evidence", "empty"),
        (b"hello", "dispute_evidence", "not supported"),
        (PNG + b"0" * 5_000_001, "dispute_evidence", "too large"),
        (PNG, "no_such_purpose", "purpose"),
    ],
)
def test_files_that_are_refused(sdk: StripeClient, data: bytes, purpose: str, says: str) -> None:
    with pytest.raises(stripe.InvalidRequestError, match=says):
        sdk.v1.files.create({"purpose": purpose, "file": upload(data)})  # type: ignore[typeddict-item]


def test_a_file_can_be_listed(sdk: StripeClient) -> None:
    made = sdk.v1.files.create({"purpose": "dispute_evidence", "file": upload(PNG)})
    assert (made.type, made.size, made.filename) == ("png", len(PNG), "x.png")
    assert made.id in [one.id for one in sdk.v1.files.list({"purpose": "dispute_evidence"}).data]


@pytest.mark.parametrize(
    ("wanted", "setting", "method"),
    [
        ("smart_disputes", False, "smart_disputes"),
        (None, True, "smart_disputes"),
        ("manual", True, "not_submitted"),
    ],
)
def test_stripe_answers_by_itself_unless_it_is_kept_out(
    till: Till, wanted: str | None, setting: bool, method: str
) -> None:
    _, dispute = disputed(till)
    till.post("/_pinstripe/settings", smart_disputes=setting)
    if wanted:
        till.post("/v1/disputes/" + dispute, intended_submission_method=wanted)
    till.wait(15)
    found = till.get("/v1/disputes/" + dispute)
    assert found["evidence_details"]["submission_method"] == method
    assert found["status"] == ("lost" if method == "not_submitted" else "under_review")


def test_a_compliance_dispute_is_countered_only_with_its_fee_acknowledged(till: Till) -> None:
    _, dispute = disputed(till, "pm_card_createComplianceDispute")
    path = "/v1/disputes/" + dispute
    assert "acknowledge" in till.refused(path, evidence={"customer_name": "Ada"})["message"]
    told = {"visa_compliance": {"fee_acknowledged": True}}
    sent = till.post(path, evidence={"uncategorized_text": "winning_evidence", "enhanced_evidence": told})
    assert sent["status"] == "under_review"
    assert [one["amount"] for one in till.txns(type="stripe_fee")] == [-51_500]
