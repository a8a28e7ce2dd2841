"""What is said in a dispute: the fields Stripe knows, laid over what was there, checked as Stripe checks them.

    lay(call, dispute, call.sub("evidence"))     # changes dispute["evidence"] and its details

An empty string unsets a field. All texts together hold 150,000 characters; a file must have been uploaded for
`dispute_evidence`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from bookhand.sandbox.stripe.errors import JSON, StripeError, unknown_parameter

if TYPE_CHECKING:
    from bookhand.sandbox.stripe.call import Call
    from bookhand.sandbox.stripe.params import Params

FILES = frozenset(
    (
        "cancellation_policy",
        "customer_communication",
        "customer_signature",
        "duplicate_charge_documentation",
        "receipt",
        "refund_policy",
        "service_documentation",
        "shipping_documentation",
        "uncategorized_file",
    )
)
TEXTS = (
    "access_activity_log",
    "billing_address",
    "cancellation_policy_disclosure",
    "cancellation_rebuttal",
    "customer_email_address",
    "customer_name",
    "customer_purchase_ip",
    "duplicate_charge_explanation",
    "duplicate_charge_id",
    "product_description",
    "refund_policy_disclosure",
    "refund_refusal_explanation",
    "service_date",
    "shipping_address",
    "shipping_carrier",
    "shipping_date",
    "shipping_tracking_number",
    "uncategorized_text",
)
MOST_CHARACTERS = 150_000
CE3, COMPLIANCE = "visa_compelling_evidence_3", "visa_compliance"
TRANSACTION = (
    "customer_account_id",
    "customer_device_fingerprint",
    "customer_device_id",
    "customer_email_address",
    "customer_purchase_ip",
    "product_description",
    "shipping_address",
)


def empty_evidence(types: list[str]) -> JSON:
    """Every field, unsaid; enhanced evidence only where the dispute can have it."""
    enhanced: JSON = {}
    if CE3 in types:
        enhanced[CE3] = {"disputed_transaction": None, "prior_undisputed_transactions": []}
    if COMPLIANCE in types:
        enhanced[COMPLIANCE] = {"fee_acknowledged": False}
    return {**dict.fromkeys(sorted([*TEXTS, *FILES])), "enhanced_evidence": enhanced}


def lay(call: Call, dispute: JSON, given: Params) -> bool:
    """Lay what was sent over the evidence; whether anything was."""
    evidence = dispute["evidence"]
    for name in given.params:
        if name in FILES:
            evidence[name] = _file(call, given, name)
        elif name in TEXTS:
            evidence[name] = given.text(name, max=20_000 if name != "uncategorized_text" else MOST_CHARACTERS)
        elif name == "enhanced_evidence":
            _enhance(dispute, given.sub(name))
        elif name == "appeal":
            _appeal(call, evidence, given.sub(name))
        else:
            raise unknown_parameter(given.named(name))
    if sum(len(evidence[name] or "") for name in TEXTS) > MOST_CHARACTERS:
        raise StripeError(
            "The total character count of the evidence's text fields must be at most 150,000.",
            param="evidence",
        )
    details = dispute["evidence_details"]
    details["has_evidence"] = any(evidence[name] for name in (*TEXTS, *FILES)) or any(
        _said(one) for one in evidence["enhanced_evidence"].values()
    )
    details["enhanced_eligibility"] = eligibility(
        dispute["enhanced_eligibility_types"], evidence["enhanced_evidence"]
    )
    return bool(given.params)


def eligibility(types: list[str], enhanced: JSON) -> JSON:
    """What is still missing before a network takes the case by its own rules."""
    found: JSON = {}
    if CE3 in types:
        missing = _missing(enhanced.get(CE3) or {})
        found[CE3] = {"required_actions": missing, "status": "requires_action" if missing else "qualified"}
    if COMPLIANCE in types:
        acknowledged = (enhanced.get(COMPLIANCE) or {}).get("fee_acknowledged")
        found[COMPLIANCE] = {"status": "fee_acknowledged" if acknowledged else "requires_fee_acknowledgement"}
    return found


def _missing(told: JSON) -> list[str]:
    disputed = told.get("disputed_transaction") or {}
    priors = told.get("prior_undisputed_transactions") or []
    missing = []
    if not _identified(disputed):
        missing.append("missing_customer_identifiers")
    if not disputed.get("product_description"):
        missing.append("missing_disputed_transaction_description")
    if not disputed.get("merchandise_or_services"):
        missing.append("missing_merchandise_or_services")
    if any(not one.get("product_description") for one in priors):
        missing.append("missing_prior_undisputed_transaction_description")
    if len(priors) < 2 or any(not _identified(one) for one in priors):
        missing.append("missing_prior_undisputed_transactions")
    return missing


def _identified(told: JSON) -> bool:
    main = [
        told.get("customer_purchase_ip"),
        told.get("customer_device_id") or told.get("customer_device_fingerprint"),
    ]
    others = ("customer_email_address", "customer_account_id", "shipping_address")
    return any(main) and sum(map(bool, main)) + any(told.get(name) for name in others) >= 2


def _enhance(dispute: JSON, given: Params) -> None:
    enhanced, types = dispute["evidence"]["enhanced_evidence"], dispute["enhanced_eligibility_types"]
    for name in given.params:
        if name not in types:
            raise StripeError(f"This dispute is not eligible for {name}.", param=given.named(name))
    if given.sent(CE3):
        ce3 = given.sub(CE3)
        disputed = ce3.sub("disputed_transaction")
        if disputed.params:
            kind = disputed.choice("merchandise_or_services", ("merchandise", "services"))
            enhanced[CE3]["disputed_transaction"] = {
                **_transaction(disputed),
                "merchandise_or_services": kind,
            }
        priors = ce3.subs("prior_undisputed_transactions")
        if priors:
            enhanced[CE3]["prior_undisputed_transactions"] = [
                {"charge": one.text("charge", required=True), **_transaction(one)} for one in priors
            ]
    if given.sent(COMPLIANCE):
        enhanced[COMPLIANCE]["fee_acknowledged"] = bool(given.boolean(f"{COMPLIANCE}[fee_acknowledged]"))


def _transaction(given: Params) -> JSON:
    found: JSON = {name: given.text(name) for name in TRANSACTION if name != "shipping_address"}
    address = given.mapping("shipping_address")
    keys = ("city", "country", "line1", "line2", "postal_code", "state")
    found["shipping_address"] = {key: address.get(key) for key in keys} if address else None
    return found


def _appeal(call: Call, evidence: JSON, given: Params) -> None:
    card = given.sub("card")
    files = [str(one) for one in card.listing("supporting_files")]
    for one in files:
        call.get("file", one, param=card.named("supporting_files"))
    evidence["appeal"] = {
        "card": {"reason_for_filing": card.text("reason_for_filing"), "supporting_files": files}
    }


def _file(call: Call, given: Params, name: str) -> str | None:
    sent = given.text(name)
    if sent is None:
        return None
    found = call.get("file", sent, param=given.named(name))
    if found["purpose"] != "dispute_evidence":
        raise StripeError(
            f"The file {sent} was uploaded with purpose {found['purpose']}, not dispute_evidence.",
            param=given.named(name),
        )
    return sent


def _said(told: Any) -> bool:
    if isinstance(told, dict):
        return any(_said(one) for one in told.values())
    return bool(told)
