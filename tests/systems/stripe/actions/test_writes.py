"""The catalogue of writes: names, parameters and permissions are Stripe's own, and wrong parameters are told in a sentence."""

from __future__ import annotations

import re
from base64 import b64encode
from functools import reduce
from typing import Any

import pytest
from pydantic import ValidationError
from tests.sandbox.stripe import sdk_parameters

from bookhand.core.action import MARKER
from bookhand.sandbox.stripe import parameters

from .scenes import SCENES
from .sdk_params import described, missing
from .writing import WRITES, Shop

TAKES = {
    "refunds.create": "RefundCreateParams",
    "payment_intents.create": "PaymentIntentCreateParams",
    "payouts.create": "PayoutCreateParams",
    "disputes.stage_evidence": "DisputeUpdateParams",
    "disputes.submit_evidence": "DisputeUpdateParams",
    "customers.create": "CustomerCreateParams",
    "customers.update": "CustomerUpdateParams",
    "customer_balance_transactions.create": "CustomerCreateBalanceTransactionParams",
    "coupons.create": "CouponCreateParams",
    "payment_links.create": "PaymentLinkCreateParams",
    "subscriptions.create": "SubscriptionCreateParams",
    "subscriptions.update": "SubscriptionUpdateParams",
    "subscriptions.cancel_at_period_end": "SubscriptionUpdateParams",
    "subscriptions.cancel": "SubscriptionCancelParams",
    "subscriptions.pause_collection": "SubscriptionUpdateParams",
    "subscriptions.resume_collection": "SubscriptionUpdateParams",
    "subscriptions.resume": "SubscriptionResumeParams",
    "invoices.create": "InvoiceCreateParams",
    "invoices.finalize": "InvoiceFinalizeInvoiceParams",
    "invoices.send": "InvoiceSendInvoiceParams",
    "invoices.pay": "InvoicePayParams",
    "invoices.void": "InvoiceVoidInvoiceParams",
    "invoice_items.create": "InvoiceItemCreateParams",
    "credit_notes.create": "CreditNoteCreateParams",
    "disputes.accept": "DisputeCloseParams",
}
NAMES = sorted(WRITES)
RISKS = {
    "money": {"refunds.create", "payment_intents.create", "payouts.create", "subscriptions.create", "subscriptions.update",
              "subscriptions.resume", "invoices.pay", "credit_notes.create", "customer_balance_transactions.create"},
    "irreversible": {"subscriptions.cancel", "invoices.void", "invoices.finalize", "invoices.send", "disputes.submit_evidence",
                     "disputes.accept"},
}  # fmt: skip
PDF = b64encode(b"%PDF-1.7").decode()


def test_every_write_has_a_scene_and_all_its_parts() -> None:
    assert set(SCENES) == set(NAMES)
    for name, action in WRITES.items():
        assert action.call is not None
        assert action.plan is not None
        assert action.lookup is not None
        assert all((action.summary, action.scope, action.limits, action.when, action.result.fields)), name
        assert set(action.plan.needed) <= set(action.plan.watched) | {"balance", "payment_method"}, name
        expected = next((risk for risk, names in RISKS.items() if name in names), "write")
        assert action.risk == expected, name


@pytest.mark.parametrize("name", NAMES)
def test_what_was_read_previewed_and_sent_can_be_found_again(name: str) -> None:
    shop = Shop()
    done = shop.do(name, **SCENES[name](shop))
    assert done.preview.says
    assert "None" not in repr((done.preview.says, done.preview.fees, done.preview.warnings))
    found = shop.look_up(done)
    assert any(found.values()), found
    marked = found.get("listed") or found.get("marked")
    call = done.action.call
    assert call is not None
    assert bool(marked) == call.marked


@pytest.mark.parametrize("name", NAMES)
def test_paths_and_parameters_are_the_sdks(name: str) -> None:
    action = WRITES[name]
    call = action.call
    assert call is not None
    known = sdk_parameters.endpoints()[parameters.named(call.way, call.path)]
    inside = re.findall(r"{(\w+)}", call.path)
    if call.upload:
        return
    assert set(inside) <= set(action.params.model_fields)
    assert set(action.params.model_fields) - set(inside) <= known
    assert set(call.fixed) <= known
    assert not call.marked or "metadata" in known
    assert not list(missing(action.params, TAKES[name], at=name, but=tuple(inside)))


@pytest.mark.parametrize("name", NAMES)
def test_what_is_read_and_looked_up_are_endpoints(name: str) -> None:
    shop = Shop()
    values = shop.values(name, **SCENES[name](shop))
    action = WRITES[name]
    assert action.plan is not None
    assert action.lookup is not None
    looks = [look(values) for look in (action.lookup.listed, action.lookup.marked) if look is not None]
    looks += [action.lookup.state[0](values)] if action.lookup.state else []
    endpoints = {
        re.compile(re.sub(r"{}", "[^/]+", named.partition(" ")[2])): (named, names)
        for named, names in sdk_parameters.endpoints().items()
        if named.startswith("GET ") or named == "POST /v1/invoices/create_preview"
    }
    for get in [*action.plan.reads(values).values(), *looks]:
        taken = [names for pattern, (_, names) in endpoints.items() if pattern.fullmatch(get.path)]
        assert any(set(get.params) <= names for names in taken), get


@pytest.mark.parametrize("name", NAMES)
def test_what_an_approval_binds_is_there(name: str) -> None:
    shop = Shop()
    values = shop.values(name, **SCENES[name](shop))
    plan = WRITES[name].plan
    assert plan is not None
    there = {read: found for read, found in shop.reads(name, values).items() if found is not None}
    for read, found in there.items():
        for path in plan.watched.get(read, ()):
            *steps, last = path.split(".")
            inside = reduce(lambda obj, step: obj[step], steps, found)
            assert last == "deleted" or last in inside, (read, path)


@pytest.mark.parametrize("name", NAMES)
def test_every_field_is_described(name: str) -> None:
    assert not list(described(WRITES[name].params, at=name))


@pytest.mark.parametrize("name", NAMES)
def test_the_scope_is_what_a_restricted_key_lacks(name: str) -> None:
    shop = Shop()
    values = shop.values(name, **SCENES[name](shop))
    action = WRITES[name]
    call = action.call
    assert call is not None
    key = shop.engine.restricted(shop.engine.default_account, {"*": "read"})
    answer = shop.engine.call(call.way, call.path.format(**values), {}, key=key)
    assert answer.status == 403
    assert f"'{action.scope}'" in answer.json()["error"]["message"]


BAD: list[tuple[str, dict[str, Any], str]] = [
    ("refunds.create", {}, "exactly one of charge and payment_intent: none"),
    ("refunds.create", {"charge": "ch_1", "payment_intent": "pi_1"}, "more than one"),
    ("refunds.create", {"charge": "re_1"}, "not the id of a charge"),
    ("refunds.create", {"charge": "ch_1", "amount": 0}, "greater than 0"),
    ("refunds.create", {"charge": "ch_1", "amount": 15.0}, "valid integer"),
    ("refunds.create", {"charge": "ch_1", "amount": "1500"}, "valid integer"),
    ("refunds.create", {"charge": "ch_1", "reason": "because"}, "requested_by_customer"),
    ("refunds.create", {"charge": "ch_1", "colour": "red"}, "Extra inputs"),
    ("refunds.create", {"charge": "ch_1", "metadata": {MARKER: "x"}}, "bookhand's own"),
    ("refunds.create", {"charge": "ch_1", "metadata": {str(n): "x" for n in range(50)}}, "keys"),
    ("refunds.create", {"charge": "ch_1", "metadata": {"k" * 41: "x"}}, "40 characters"),
    ("refunds.create", {"charge": "ch_1", "metadata": {"k": "x" * 501}}, "501 characters"),
    ("payment_intents.create", {"amount": 500}, "currency"),
    ("payment_intents.create", {"amount": 500, "currency": "zzz"}, "not known"),
    ("payment_intents.create", {"amount": 501, "currency": "kwd"}, "0.501 KWD cannot be asked for"),
    ("payment_intents.create", {"amount": 550, "currency": "isk"}, "5.50 ISK cannot be asked for"),
    ("payment_intents.create", {"amount": 5, "currency": "usd", "confirm": True}, "payment_method"),
    ("payment_intents.create", {"amount": 5, "currency": "usd", "off_session": True}, "only with confirm"),
    ("payment_intents.create", {"amount": 5, "currency": "usd", "confirm": True, "payment_method": "pm_1", "off_session": True}, "needs its customer"),
    ("payouts.create", {"amount": -5, "currency": "usd"}, "greater than 0"),
    ("payouts.create", {"amount": 5, "currency": "usd", "statement_descriptor": "x" * 23}, "22 characters"),
    ("disputes.stage_evidence", {"dispute": "du_1", "evidence": {}}, "No evidence"),
    ("disputes.stage_evidence", {"dispute": "du_1", "evidence": {"uncategorized_text": "x" * 20_001}}, "20000 characters"),
    ("disputes.stage_evidence", {"dispute": "du_1", "evidence": {"receipt": "a receipt"}}, "not the id of a file"),
    ("disputes.stage_evidence", {"dispute": "du_1", "submit": True, "evidence": {"customer_name": "A"}}, "Extra inputs"),
    ("disputes.submit_evidence", {"dispute": "ch_1"}, "not the id of a dispute"),
    ("files.create", {"filename": "a.exe", "content_base64": PDF, "purpose": "dispute_evidence"}, "pattern"),
    ("files.create", {"filename": "../a.pdf", "content_base64": PDF, "purpose": "dispute_evidence"}, "pattern"),
    ("files.create", {"filename": "a.pdf", "content_base64": "%%%", "purpose": "dispute_evidence"}, "not base64"),
    ("files.create", {"filename": "a.pdf", "content_base64": b64encode(b"MZ").decode(), "purpose": "dispute_evidence"}, "no PDF"),
    ("files.create", {"filename": "a.pdf", "content_base64": b64encode(b"%PDF-" + b"0" * 4_500_000).decode(), "purpose": "dispute_evidence"}, "at most 4,500,000"),
    ("customers.create", {"email": "nobody"}, "pattern"),
    ("customers.update", {"customer": "cus_1"}, "Nothing to change"),
    ("customer_balance_transactions.create", {"customer": "cus_1", "amount": 0, "currency": "usd"}, "changes nothing"),
    ("coupons.create", {}, "exactly one of percent_off and amount_off"),
    ("coupons.create", {"percent_off": 101}, "pattern"),
    ("coupons.create", {"percent_off": 0}, "more than 0"),
    ("coupons.create", {"amount_off": 500}, "go together"),
    ("coupons.create", {"percent_off": 5, "duration": "repeating"}, "duration_in_months"),
    ("coupons.create", {"percent_off": 5, "duration_in_months": 3}, "duration=repeating"),
    ("payment_links.create", {"line_items": []}, "at least 1 item"),
    ("payment_links.create", {"line_items": [{"price": "a/b"}]}, "letters, digits"),
    ("subscriptions.create", {"customer": "cus_1", "items": [{"price": "price_1"}], "trial_period_days": 3, "trial_end": 2_000_000_000}, "not both"),
    ("subscriptions.create", {"customer": "cus_1", "items": [{"price": "price_1"}], "collection_method": "send_invoice"}, "needs days_until_due"),
    ("subscriptions.create", {"customer": "cus_1", "items": [{"price": "price_1"}], "discounts": [{}]}, "exactly one of coupon"),
    ("subscriptions.update", {"subscription": "sub_1"}, "Nothing to change"),
    ("subscriptions.update", {"subscription": "sub_sched_1", "description": "x"}, "not the id of a subscription"),
    ("subscriptions.update", {"subscription": "sub_1", "items": [{"quantity": 2}]}, "Name the item"),
    ("subscriptions.update", {"subscription": "sub_1", "items": [{"id": "si_1"}]}, "Say what changes"),
    ("subscriptions.update", {"subscription": "sub_1", "cancel_at_period_end": True}, "False"),
    ("subscriptions.pause_collection", {"subscription": "sub_1", "pause_collection": {}}, "required"),
    ("invoices.create", {"customer": "cus_1", "collection_method": "send_invoice"}, "needs days_until_due or due_date"),
    ("invoices.create", {"customer": "cus_1", "days_until_due": 5}, "go only with it"),
    ("invoices.pay", {"invoice": "in_1", "paid_out_of_band": True, "payment_method": "pm_1"}, "leave payment_method out"),
    ("invoice_items.create", {"customer": "cus_1"}, "exactly one of amount"),
    ("invoice_items.create", {"customer": "cus_1", "amount": 5}, "go together"),
    ("invoice_items.create", {"customer": "cus_1", "amount": 0, "currency": "usd"}, "changes nothing"),
    ("invoice_items.create", {"customer": "cus_1", "amount": 5, "currency": "usd", "quantity": 2}, "leave it out"),
    ("invoice_items.create", {"customer": "cus_1", "amount": 5, "currency": "usd", "period": {"start": 9, "end": 8}}, "after it begins"),
    ("credit_notes.create", {"invoice": "in_1"}, "exactly one of amount and lines"),
    ("credit_notes.create", {"invoice": "in_1", "lines": [{"type": "invoice_line_item", "invoice_line_item": "il_1"}]}, "exactly one"),
    ("credit_notes.create", {"invoice": "in_1", "lines": [{"type": "custom_line_item", "quantity": 1}]}, "needs description"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("name", "given", "words"), BAD, ids=[f"{name}-{n}" for n, (name, _, _) in enumerate(BAD)]
)
def test_wrong_parameters_are_told_in_a_sentence(name: str, given: dict[str, Any], words: str) -> None:
    with pytest.raises(ValidationError, match=words):
        WRITES[name].params(**given)


def test_every_write_refuses_what_it_does_not_know() -> None:
    for name, action in WRITES.items():
        with pytest.raises(ValidationError, match="Extra inputs are not permitted"):
            action.params(api_key="x")
        assert action.params.model_config["extra"] == "forbid", name
