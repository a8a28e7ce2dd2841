"""For each write, a shop where it can be made, and the parameters that make it."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Callable
from typing import Any

from .writing import JSON, Shop

Scene = Callable[[Shop], JSON]


def _refund(shop: Shop) -> JSON:
    who = shop.customer()
    return {"charge": shop.charge(8000, shop.method(who), customer=who["id"])["id"], "amount": 1500}


def _payment(shop: Shop) -> JSON:
    who = shop.customer()
    return {
        "amount": 500,
        "currency": "usd",
        "customer": who["id"],
        "payment_method": shop.method(who),
        "confirm": True,
    }


def _payout(shop: Shop) -> JSON:
    shop.charge(80_000, "pm_card_bypassPending")
    return {"amount": 5000, "currency": "usd", "method": "instant"}


def _evidence(shop: Shop) -> JSON:
    pdf = b64encode(b"%PDF-1.7").decode()
    file = shop.do("files.create", filename="a.pdf", content_base64=pdf, purpose="dispute_evidence").made[
        "id"
    ]
    return {
        "dispute": shop.dispute()["id"],
        "evidence": {"receipt": file, "uncategorized_text": "It was sent."},
    }


def _of_sub(**more: Any) -> Scene:
    return lambda shop: {"subscription": shop.subscription()["id"], **more}


def _items(shop: Shop) -> JSON:
    sub = shop.subscription()
    return {"subscription": sub["id"], "items": [{"id": sub["items"]["data"][0]["id"], "quantity": 2}, {"price": shop.price()["id"]}],
            "trial_end": "now", "description": "Two", "discounts": [{"coupon": shop.post("coupons", percent_off=5)["id"]}],
            "billing_cycle_anchor": {"type": "unchanged"}, "automatic_tax": {"enabled": False}}  # fmt: skip


def _resume_collection(shop: Shop) -> JSON:
    sub = shop.subscription()
    shop.post(f"subscriptions/{sub['id']}", pause_collection={"behavior": "void"})
    return {"subscription": sub["id"]}


def _resume(shop: Shop) -> JSON:
    sub = shop.subscription()
    shop.post(f"subscriptions/{sub['id']}/pause")
    return {"subscription": sub["id"]}


def _waiting(shop: Shop) -> JSON:
    who = shop.customer()
    shop.post("invoiceitems", customer=who["id"], amount=500, currency="usd")
    return {"customer": who["id"], "pending_invoice_items_behavior": "include"}


def _note(shop: Shop) -> JSON:
    invoice = shop.post(f"invoices/{shop.open_invoice()['id']}/pay")
    return {"invoice": invoice["id"], "amount": 3000, "refund_amount": 2000, "credit_amount": 1000}


SCENES: dict[str, Scene] = {
    "refunds.create": _refund,
    "payment_intents.create": _payment,
    "payouts.create": _payout,
    "disputes.stage_evidence": _evidence,
    "disputes.submit_evidence": _evidence,
    "disputes.accept": lambda shop: {"dispute": shop.dispute()["id"]},
    "files.create": lambda _: {"filename": "a.pdf", "content_base64": b64encode(b"%PDF-1.7").decode(), "purpose": "dispute_evidence"},
    "customers.create": lambda _: {"name": "Ada", "email": "ada@example.com", "address": {"country": "DE"}},
    "customers.update": lambda shop: {"customer": shop.customer()["id"], "name": "Ada", "address": {"city": "Ulm"}, "metadata": {"a": "1"}},
    "customer_balance_transactions.create": lambda shop: {"customer": shop.customer()["id"], "amount": -500, "currency": "usd"},
    "coupons.create": lambda _: {"id": "SPRING", "percent_off": 20},
    "payment_links.create": lambda shop: {"line_items": [{"price": shop.price()["id"]}]},
    "subscriptions.create": lambda shop: {"customer": shop.customer()["id"], "items": [{"price": shop.price()["id"]}]},
    "subscriptions.update": _items,
    "subscriptions.cancel_at_period_end": _of_sub(),
    "subscriptions.cancel": _of_sub(prorate=True),
    "subscriptions.pause_collection": _of_sub(pause_collection={"behavior": "keep_as_draft"}),
    "subscriptions.resume_collection": _resume_collection,
    "subscriptions.resume": _resume,
    "invoices.create": _waiting,
    "invoices.finalize": lambda shop: {"invoice": shop.draft()["id"]},
    "invoices.send": lambda shop: {"invoice": shop.draft(collection_method="send_invoice", days_until_due=3)["id"]},
    "invoices.pay": lambda shop: {"invoice": shop.open_invoice()["id"]},
    "invoices.void": lambda shop: {"invoice": shop.open_invoice()["id"]},
    "invoice_items.create": lambda shop: {"customer": shop.customer()["id"], "amount": 500, "currency": "usd"},
    "credit_notes.create": _note,
}  # fmt: skip
