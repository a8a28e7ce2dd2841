"""Invoices while they can still change: made, given lines, added up.

    invoice = draft(call, customer, currency="usd", reason="subscription_cycle", lines=lines, sub=sub)
    # status "draft", totals filled, `automatically_finalizes_at` an hour away, invoice.created told

`add_up` is the one place where the figures of an invoice are computed; it may run as often as lines change.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from bookhand.sandbox.billing import balances, coupons, rates, totals
from bookhand.sandbox.billing import lines as line_shapes

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bookhand.sandbox.billing.totals import Rate
    from bookhand.sandbox.stripe.call import Call

JSON = dict[str, Any]
GRACE_SECONDS = 3600
SHOWN = 10
DAY = 86_400


def draft(
    call: Call,
    customer: JSON,
    *,
    currency: str,
    reason: str,
    lines: list[JSON],
    sub: JSON | None = None,
    period: tuple[int, int] | None = None,
    auto_advance: bool = True,
    grace: int | None = GRACE_SECONDS,
    fields: JSON | None = None,
) -> JSON:
    """A new invoice of these lines; with a grace it finalises itself after so many seconds."""
    invoice = blank(call, customer, currency, reason)
    if sub is not None:
        _follow(invoice, sub)
    invoice |= fields or {}
    start, end = period or (call.now, call.now)
    invoice["period_start"], invoice["period_end"] = start, end
    invoice["auto_advance"] = auto_advance
    add_up(call, invoice, customer, lines)
    if auto_advance and grace is not None:
        invoice["automatically_finalizes_at"] = call.now + grace
        call.at(call.now + grace, "billing.invoice.finalize", invoice=invoice["id"])
    call.add(
        invoice,
        customer=customer["id"],
        subscription=subscription_of(invoice),
        status="draft",
        collection=invoice["collection_method"],
    )
    keep_lines(call, invoice, lines)
    call.emit("invoice.created", invoice)
    return invoice


def add_up(call: Call, invoice: JSON, customer: JSON, lines: list[JSON]) -> None:
    """Compute discounts, taxes and totals of an invoice from its lines; nothing is saved."""
    reductions = coupons.reductions(call, invoice["discounts"], lines, moment=invoice["created"])
    taxes = _rates(call, invoice, customer, lines)
    sums = totals.settle(lines, reductions, taxes)
    for line in lines:
        line["invoice"] = invoice["id"]
    invoice["lines"] = line_shapes.listing(lines, invoice["id"])
    invoice["subtotal"], invoice["total"] = sums.subtotal, sums.total
    invoice["subtotal_excluding_tax"] = sums.subtotal_excluding_tax
    invoice["total_excluding_tax"] = sums.total_excluding_tax
    invoice["total_discount_amounts"], invoice["total_taxes"] = sums.discounts, sums.taxes
    invoice["total_pretax_credit_amounts"] = [
        {
            "amount": d["amount"],
            "credit_balance_transaction": None,
            "discount": d["discount"],
            "type": "discount",
        }
        for d in sums.discounts
    ]
    invoice["starting_balance"] = balances.of(call, customer, invoice["currency"])
    due = max(0, sums.total + invoice["starting_balance"]) if sums.total > 0 else 0
    invoice["amount_due"] = invoice["amount_remaining"] = due


def rebuild(call: Call, invoice: JSON, customer: JSON, lines: list[JSON]) -> JSON:
    """Give a draft other lines: added up, saved and told."""
    names = ("amount_due", "subtotal", "total")
    previous = {name: invoice[name] for name in names}
    add_up(call, invoice, customer, lines)
    keep_lines(call, invoice, lines)
    call.save(invoice)
    call.emit("invoice.updated", invoice, previous)
    return invoice


def lines_of(call: Call, invoice: JSON) -> list[JSON]:
    """All lines of an invoice, also those past the first ten."""
    if not invoice["lines"]["has_more"]:
        found: list[JSON] = invoice["lines"]["data"]
        return found
    rest: list[JSON] = call.get("invoice_lines", invoice["id"])["data"]
    return rest


def keep_lines(call: Call, invoice: JSON, lines: list[JSON]) -> None:
    """Store the lines of a long invoice beside it."""
    if len(lines) <= SHOWN:
        return
    kept: JSON = {"id": invoice["id"], "object": "invoice_lines", "data": lines}
    if call.look("invoice_lines", invoice["id"]) is None:
        call.add(kept, stamp=False)
    else:
        call.save(kept)


def subscription_of(invoice: JSON) -> str | None:
    """The subscription an invoice bills."""
    details = (invoice["parent"] or {}).get("subscription_details") or {}
    return details.get("subscription")


def want_rates(line: JSON, tax_rates: Sequence[JSON]) -> JSON:
    """Mark the tax rates that a line is to be taxed with."""
    line["taxes"] = [{"tax_rate_details": {"tax_rate": rate["id"]}} for rate in tax_rates]
    return line


def _rates(call: Call, invoice: JSON, customer: JSON, lines: list[JSON]) -> list[list[Rate]]:
    if invoice["automatic_tax"]["enabled"]:
        return _automatic(call, invoice, customer, lines)
    known = {rate["id"]: rate for rate in invoice["default_tax_rates"]}
    found = []
    for line in lines:
        ids = [tax["tax_rate_details"]["tax_rate"] for tax in line["taxes"]]
        chosen = [known.get(id_) or call.get("tax_rate", id_) for id_ in ids] or invoice["default_tax_rates"]
        found.append(rates.of(chosen, customer))
    return found


def _automatic(call: Call, invoice: JSON, customer: JSON, lines: list[JSON]) -> list[list[Rate]]:
    located = rates.known(customer)
    invoice["automatic_tax"] |= {
        "provider": "stripe",
        "status": "complete" if located else "requires_location_inputs",
    }
    if not located:
        return [[] for _ in lines]
    by_behavior: dict[bool, list[Rate]] = {}
    found = []
    for line in lines:
        price = ((line["pricing"] or {}).get("price_details") or {}).get("price")
        known = (call.look("price", price) if price else None) or {}
        inclusive = rates.inclusive_by(call, known, invoice["currency"])
        if inclusive not in by_behavior:
            by_behavior[inclusive] = rates.automatic(call, customer, inclusive=inclusive)
        found.append(by_behavior[inclusive])
    return found


def _follow(invoice: JSON, sub: JSON) -> None:
    invoice["parent"] = {
        "quote_details": None,
        "subscription_details": {"metadata": sub["metadata"], "subscription": sub["id"]},
        "type": "subscription_details",
    }
    invoice["discounts"] = list(sub["discounts"]) or invoice["discounts"]
    invoice["default_tax_rates"] = sub["default_tax_rates"] or []
    invoice["automatic_tax"]["enabled"] = sub["automatic_tax"]["enabled"]
    invoice["automatic_tax"]["liability"] = sub["automatic_tax"]["liability"]
    invoice["collection_method"] = sub["collection_method"]
    invoice["on_behalf_of"] = sub["on_behalf_of"]
    invoice["description"] = sub["invoice_settings"]["description"]
    if sub["collection_method"] == "send_invoice":
        invoice["due_date"] = invoice["created"] + (sub["days_until_due"] or 0) * DAY


def blank(call: Call, customer: JSON, currency: str, reason: str) -> JSON:
    """An invoice without lines."""
    account = call.look("account", call.account) or {}
    settings = customer["invoice_settings"]
    own = customer["discount"]
    return {
        "id": call.new_id("in"),
        "object": "invoice",
        "account_country": account.get("country"),
        "account_name": (account.get("business_profile") or {}).get("name"),
        "account_tax_ids": None,
        "amount_due": 0,
        "amount_overpaid": 0,
        "amount_paid": 0,
        "amount_paid_off_stripe": 0,
        "amount_remaining": 0,
        "amount_shipping": 0,
        "application": None,
        "attempt_count": 0,
        "attempted": False,
        "auto_advance": False,
        "automatic_tax": {
            "disabled_reason": None,
            "enabled": False,
            "liability": None,
            "provider": None,
            "status": None,
        },
        "automatically_finalizes_at": None,
        "billing_reason": reason,
        "collection_method": "charge_automatically",
        "created": call.now,
        "currency": currency,
        "custom_fields": settings["custom_fields"],
        "customer": customer["id"],
        "customer_account": None,
        "customer_address": customer["address"],
        "customer_email": customer["email"],
        "customer_name": customer["name"],
        "customer_phone": customer["phone"],
        "customer_shipping": customer["shipping"],
        "customer_tax_exempt": customer["tax_exempt"],
        "customer_tax_ids": [],
        "default_payment_method": None,
        "default_source": None,
        "default_tax_rates": [],
        "description": None,
        "discounts": [own["id"]] if own else [],
        "due_date": None,
        "effective_at": None,
        "ending_balance": None,
        "footer": settings["footer"],
        "from_invoice": None,
        "hosted_invoice_url": None,
        "invoice_pdf": None,
        "issuer": {"type": "self"},
        "last_finalization_error": None,
        "latest_revision": None,
        "lines": None,
        "livemode": call.livemode,
        "metadata": {},
        "next_payment_attempt": None,
        "number": None,
        "on_behalf_of": None,
        "parent": None,
        "payment_settings": {
            "default_mandate": None,
            "payment_method_options": None,
            "payment_method_types": None,
        },
        "period_end": call.now,
        "period_start": call.now,
        "post_payment_credit_notes_amount": 0,
        "pre_payment_credit_notes_amount": 0,
        "receipt_number": None,
        "rendering": None,
        "shipping_cost": None,
        "shipping_details": None,
        "starting_balance": 0,
        "statement_descriptor": None,
        "status": "draft",
        "status_transitions": {
            "finalized_at": None,
            "marked_uncollectible_at": None,
            "paid_at": None,
            "voided_at": None,
        },
        "subtotal": 0,
        "subtotal_excluding_tax": 0,
        "test_clock": customer["test_clock"],
        "total": 0,
        "total_discount_amounts": [],
        "total_excluding_tax": 0,
        "total_pretax_credit_amounts": [],
        "total_taxes": [],
        "webhooks_delivered_at": None,
    }
