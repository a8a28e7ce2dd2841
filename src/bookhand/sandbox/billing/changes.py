"""Changing what a subscription sells in the middle of a period: proration.

    from 1 x 3,000 to 2 x 3,000 with half the period left:   -1,500 unused, +3,000 remaining

To the second: each side is `amount x seconds left / seconds of the period`, rounded to whole units. The pieces wait
as invoice items for the next invoice, or are invoiced at once (`always_invoice`, or when the period itself starts
anew because the interval or the anchor changed).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from bookhand.sandbox.billing import coupons, drafts, invoiceitems, items, life, lines, totals
from bookhand.sandbox.billing.cycles import day_words
from bookhand.sandbox.billing.shares import rounded

if TYPE_CHECKING:
    from bookhand.sandbox.stripe.call import Call

JSON = dict[str, Any]


def share(amount: int, item: JSON, moment: int) -> int:
    """The part of an amount that belongs to what is left of an item's period."""
    start, end = item["current_period_start"], item["current_period_end"]
    left = max(0, end - moment)
    return rounded(amount * min(left, end - start), end - start)


def credit(call: Call, customer: JSON, sub: JSON, item: JSON, moment: int) -> JSON | None:
    """Give back the unused time of an item as it is now."""
    amount = -share(_net(call, sub, item), item, moment)
    if not amount:
        return None
    words = f"Unused time on {_words(call, item)} after {day_words(moment)}"
    return invoiceitems.proration(
        call,
        customer,
        sub,
        item,
        amount=amount,
        words=words,
        start=moment,
        credited=_credited(call, sub, item),
    )


def debit(call: Call, customer: JSON, sub: JSON, item: JSON, moment: int) -> JSON | None:
    """Bill the remaining time of an item as it is now."""
    amount = share(_net(call, sub, item), item, moment)
    if not amount:
        return None
    words = f"Remaining time on {_words(call, item)} after {day_words(moment)}"
    return invoiceitems.proration(call, customer, sub, item, amount=amount, words=words, start=moment)


def swap(
    call: Call,
    customer: JSON,
    sub: JSON,
    after: list[JSON],
    *,
    behavior: str,
    moment: int,
    anchor_now: bool = False,
) -> JSON | None:
    """Give a subscription other items; the invoice that this makes at once, if any. The subscription is not saved."""
    before = {item["id"]: item for item in sub["items"]["data"]}
    new = {item["id"]: item for item in after}
    billed = sub["status"] in ("active", "past_due", "unpaid")
    anew = anchor_now or (billed and any(_restarts(before.get(id_), item) for id_, item in new.items()))
    prorates = billed and behavior != "none"
    gone = [item for id_, item in before.items() if anew or _differs(item, new.get(id_))]
    come = [item for id_, item in new.items() if _differs(item, before.get(id_))]
    for item in come:
        if item["id"] not in before:
            _join(sub, item)
    for item in gone if prorates else ():
        credit(call, customer, sub, item, moment)
    sub["items"]["data"], sub["items"]["total_count"] = after, len(after)
    if anew:
        return _restart(call, customer, sub)
    for item in come if prorates else ():
        debit(call, customer, sub, item, moment)
    if prorates and behavior == "always_invoice":
        return invoice_pending(call, customer, sub, reason="subscription_update")
    return None


def invoice_pending(
    call: Call, customer: JSON, sub: JSON, *, reason: str, made: list[JSON] | None = None
) -> JSON | None:
    """A draft of what waits, with further lines; None where there is nothing."""
    pending = invoiceitems.waiting(call, customer["id"], sub["currency"], sub["id"])
    if not pending and not made:
        return None
    own = [*invoiceitems.bill(call, pending), *(made or [])]
    invoice = drafts.draft(
        call, customer, currency=sub["currency"], reason=reason, lines=own, sub=sub, grace=None
    )
    invoiceitems.take(call, pending, invoice["id"])
    sub["latest_invoice"] = invoice["id"]
    return invoice


def _restart(call: Call, customer: JSON, sub: JSON) -> JSON | None:
    sub["billing_cycle_anchor"] = call.now
    items.date(sub["items"]["data"], call.now, call.now)
    made = [life.recurring(call, sub, item) for item in sub["items"]["data"]]
    return invoice_pending(call, customer, sub, reason="subscription_update", made=made)


def _join(sub: JSON, item: JSON) -> None:
    like = next((i for i in sub["items"]["data"] if items.every(i) == items.every(item)), None)
    if like is not None:
        item["current_period_start"] = like["current_period_start"]
        item["current_period_end"] = like["current_period_end"]
    elif sub["status"] == "trialing":
        item["current_period_start"], item["current_period_end"] = sub["trial_start"], sub["trial_end"]
    else:
        items.date([item], sub["billing_cycle_anchor"], item["created"])


def _restarts(old: JSON | None, new: JSON) -> bool:
    return old is not None and items.every(old) != items.every(new)


def _differs(old: JSON, new: JSON | None) -> bool:
    return new is None or bool(old["price"]["id"] != new["price"]["id"] or old["quantity"] != new["quantity"])


def _net(call: Call, sub: JSON, item: JSON) -> int:
    amount = items.cost(call, item, sub["currency"])
    line = {"amount": amount, "discountable": True, "discounts": list(item["discounts"]), "pricing": None}
    line["pricing"] = lines.price_details(item["price"], sub["currency"])
    if not sub["discounts"] and not item["discounts"]:
        return amount
    reductions = coupons.reductions(call, sub["discounts"], [line], moment=call.now)
    return totals.settle([line], reductions, [[]]).total


def _words(call: Call, item: JSON) -> str:
    quantity = item["quantity"] or 0
    name = lines.name_of(call, item["price"])
    return name if quantity == 1 else f"{quantity} \u00d7 {name}"


def _credited(call: Call, sub: JSON, item: JSON) -> JSON | None:
    invoice = call.look("invoice", sub["latest_invoice"])
    if invoice is None:
        return None
    found = [
        line["id"]
        for line in drafts.lines_of(call, invoice)
        if ((line["parent"] or {}).get("subscription_item_details") or {}).get("subscription_item")
        == item["id"]
        and line["amount"] > 0
    ]
    if not found:
        return None
    return {
        "invoice_line_item_details": {"invoice": invoice["id"], "invoice_line_items": found},
        "type": "invoice_line_items",
    }
