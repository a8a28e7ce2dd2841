"""What starting, changing, pausing and ending a subscription would do; pure.

    cancel_at_period_end({"subscription": "sub_1"}, {"subscription": {…}}).says
    # 'Cancel the subscription of Fernwood Bakery (sub_1) at the end of its period, 14 Mar 2026'

Amounts come from Stripe's own invoice preview where one was read; a proration moves by the second until it is done.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bookhand.core.action import Change, Moves, Preview, Values
from bookhand.core.problems import Refusal
from bookhand.systems.stripe.actions.previews_money import converted, incoming
from bookhand.systems.stripe.actions.words import (
    at,
    changes,
    clocked,
    day,
    id_of,
    inside,
    money,
    rows,
    text,
    there,
    whole,
    whom,
)

Found = Mapping[str, Any]

OVER = ("canceled", "incomplete_expired")
MANY = 2
_APART = frozenset(("subscription", "items", "metadata", "proration_behavior", "proration_date", "payment_behavior",
                    "off_session", "expand", "trial_end", "discounts", "billing_cycle_anchor", "cancellation_details"))  # fmt: skip


def create(values: Values, found: Found) -> Preview:
    """A new subscription, and the invoice it begins with."""
    customer = there(found, "customer", "customer", values["customer"])
    sells = [_new_item(item, found, index) for index, item in enumerate(values["items"])]
    trial = bool(values.get("trial_period_days") or values.get("trial_end"))
    first = {} if trial else inside(found.get("first_invoice"))
    due, coin = whole(first, "amount_due"), text(first.get("currency"), 8)
    charged = due > 0 and values.get("collection_method") != "send_invoice"
    waits = values.get("payment_behavior") == "default_incomplete"
    return Preview(
        says=f"Start a subscription for {whom(customer)}: {'; '.join(sells)}{_begins(values, due, coin, trial=trial)}",
        subject=id_of(customer),
        customer=id_of(customer),
        changes=(Change("subscription", None, "; ".join(sells)),),
        moves=(Moves(-due, coin, "the first invoice"),) if due > 0 else (),
        movement=incoming(due, coin, {}, found.get("balance")) if charged and not waits else None,
        fees=("Stripe's processing and billing fees are taken from each payment.",),
        cannot_undo="It can be canceled; what was charged until then stays charged unless it is refunded.",
        warnings=(
            *clocked(customer),
            *_create_warnings(values, customer, found),
            *(converted(coin, found.get("balance")) if due > 0 else ()),
        ),
    )


def update(values: Values, found: Found) -> Preview:
    """Other items, terms or settings."""
    sub = _living(values, found)
    after = {name: one for name, one in values.items() if name not in _APART}
    return _preview(
        sub,
        f"Change the {_of(sub)}: {_what(values, after)}{_costs(values, found)}",
        changes=(*_items(values, sub, found), *_ends(values, sub), *changes(sub, after)),
        moves=_due_now(values, found),
        warnings=_update_warnings(values, sub),
    )


def cancel_at_period_end(values: Values, found: Found) -> Preview:
    """The last period runs out, then it ends."""
    sub = _living(values, found)
    if sub.get("cancel_at_period_end") is True:
        raise Refusal(
            f"Subscription {id_of(sub)} is already to be canceled at the end of its period: nothing to do."
        )
    end = day(_period_end(sub))
    return _preview(
        sub,
        f"Cancel the {_of(sub)} at the end of its period, {end}",
        changes=(Change("ends", _end_of(sub), end),),
        warnings=_trouble(sub),
    )


def cancel(values: Values, found: Found) -> Preview:
    """The end, now."""
    sub = _living(values, found)
    prorated = (
        "a credit for the unused time is made" if values.get("prorate") else "the unused time is not credited"
    )
    billed = ", and a last invoice is made" if values.get("invoice_now") else ""
    return _preview(
        sub,
        f"Cancel the {_of(sub)} now: {prorated}{billed}",
        changes=(Change("status", text(sub.get("status")), "canceled"),),
        cannot_undo="A canceled subscription cannot be started again: a new one would be needed.",
        warnings=(
            "Nothing is refunded by this: a refund is a call of its own (refunds.create).",
            f"Its period was paid until {day(_period_end(sub))}; to let it run out, use subscriptions.cancel_at_period_end.",
            *_trouble(sub),
        ),
    )


def pause_collection(values: Values, found: Found) -> Preview:
    """Its invoices are not collected for a while; the subscription goes on."""
    sub = _living(values, found)
    pause = values["pause_collection"]
    until = f"until {day(pause['resumes_at'])}" if pause.get("resumes_at") else "until somebody resumes it"
    how = {
        "keep_as_draft": "its invoices stay drafts",
        "mark_uncollectible": "its invoices are written off",
        "void": "its invoices are voided",
    }[pause["behavior"]]
    return _preview(
        sub,
        f"Pause collecting the {_of(sub)} {until}: {how}",
        changes=changes(sub, {"pause_collection": pause}),
        warnings=(
            "Its status stays as it is: the customer is served and not charged.",
            *(("Voided and written-off invoices are not collected later.",) if pause["behavior"] != "keep_as_draft" else ()),
            *_trouble(sub),
        ),
    )  # fmt: skip


def resume_collection(values: Values, found: Found) -> Preview:
    """Its invoices are collected again."""
    sub = _living(values, found)
    if not sub.get("pause_collection"):
        raise Refusal(
            f"Collecting subscription {id_of(sub)} is not paused: nothing to resume"
            + (
                " (the subscription itself is paused: use subscriptions.resume)."
                if sub.get("status") == "paused"
                else "."
            )
        )
    return _preview(
        sub,
        f"Resume collecting the {_of(sub)}: its next invoice is collected again",
        changes=(Change("pause collection", _said_pause(sub), None),),
        warnings=("Drafts kept during the pause are not collected by this: finalize each.",),
    )


def resume(values: Values, found: Found) -> Preview:
    """A paused subscription goes on."""
    sub = _living(values, found)
    if sub.get("status") != "paused":
        raise Refusal(
            f"Subscription {id_of(sub)} is {text(sub.get('status'))}, not paused"
            + (
                ": to end a pause of collection, use subscriptions.resume_collection."
                if sub.get("pause_collection")
                else "."
            )
        )
    anchor = at(values, "billing_cycle_anchor.type") or "now"
    begins = "a new period begins today and is billed" if anchor == "now" else "in its old rhythm"
    return _preview(
        sub,
        f"Resume the {_of(sub)}: {begins}",
        changes=(Change("status", "paused", "active"),),
        moves=(Moves(-_worth(sub), text(sub.get("currency"), 8), "a new period, before tax and discounts"),)
        if anchor == "now" and _worth(sub)
        else (),
        warnings=("It goes on also if the invoice it makes is not paid at once.",),
    )


def item_words(price: Any, quantity: Any = None) -> str:
    """An item in words: ``2 x Pro at $30.00 a month``."""
    obj = inside(price)
    name = text(at(obj, "product.name") or obj.get("nickname"), 60) or f"price {id_of(price) or 'of its own'}"
    many = f"{quantity} x " if type(quantity) is int and quantity != 1 else ""
    return f"{many}{name} at {price_words(obj)}" if obj else f"{many}{name}"


def price_words(price: Found) -> str:
    """What one costs: ``$30.00 a month``, ``$5.00 every 3 months``."""
    cost = money(price.get("unit_amount"), price.get("currency"))
    if price.get("unit_amount") is None:
        cost = "a tiered or fractional price"
    every = inside(price.get("recurring"))
    unit, count = text(every.get("interval"), 10), whole(every, "interval_count")
    if not unit:
        return cost
    return f"{cost} a {unit}" if count < MANY else f"{cost} every {count} {unit}s"


def _living(values: Values, found: Found) -> Found:
    sub = there(found, "subscription", "subscription", values["subscription"])
    if sub.get("status") in OVER:
        raise Refusal(
            f"Subscription {id_of(sub)} is {text(sub.get('status')).replace('_', ' ')} already: that is final; start a new one instead."
        )
    return sub


def _preview(sub: Found, says: str, **more: Any) -> Preview:
    warnings = (*more.pop("warnings", ()), *clocked(sub))
    return Preview(
        says=says, subject=id_of(sub), customer=id_of(sub.get("customer")), warnings=tuple(dict.fromkeys(warnings)), **more
    )  # fmt: skip


def _of(sub: Found) -> str:
    return f"subscription of {whom(sub.get('customer'))} ({id_of(sub)})"


def _period_end(sub: Found) -> Any:
    ends = [one for item in rows(sub.get("items")) if type(one := item.get("current_period_end")) is int]
    return max(ends, default=sub.get("current_period_end"))


def _end_of(sub: Found) -> str:
    return day(sub["cancel_at"]) if sub.get("cancel_at") else "renews until canceled"


def _worth(sub: Found) -> int:
    return sum(
        whole(item, "price.unit_amount") * (whole(item, "quantity") or 1) for item in rows(sub.get("items"))
    )


def _said_pause(sub: Found) -> str:
    return text(at(sub, "pause_collection.behavior")).replace("_", " ") or "paused"


def _trouble(sub: Found) -> tuple[str, ...]:
    status = sub.get("status")
    if status in ("past_due", "unpaid"):
        return (f"It is {text(status).replace('_', ' ')}: an invoice of it is still open.",)
    return ()


def _new_item(item: Values, found: Found, index: int) -> str:
    price = inside(found.get(f"price_{index}"))
    _active(price)
    return item_words(price or item.get("price"), item.get("quantity"))


def _active(price: Found) -> None:
    if price.get("active") is False:
        raise Refusal(f"Price {id_of(price)} is not active at Stripe: take another, or activate it there.")
    if price and price.get("recurring") is None:
        raise Refusal(
            f"Price {id_of(price)} is paid once, not again and again: a subscription takes recurring prices."
        )


def _begins(values: Values, due: int, coin: str, *, trial: bool) -> str:
    if values.get("trial_period_days"):
        return f"; {values['trial_period_days']} days of trial first"
    if trial:
        return f"; trial until {day(values['trial_end'])}"
    if not coin:
        return ""
    verb = "invoiced" if values.get("collection_method") == "send_invoice" else "charged"
    return f"; {money(due, coin)} is {verb} now"


def _create_warnings(values: Values, customer: Found, found: Found) -> tuple[str, ...]:
    told = []
    charged = values.get("collection_method") != "send_invoice"
    has = (
        values.get("default_payment_method")
        or at(customer, "invoice_settings.default_payment_method")
        or customer.get("default_source")
    )
    if charged and not has:
        told.append("The customer has no default payment method: the first invoice may stay unpaid.")
    if any(one.get("status") not in OVER for one in rows(found.get("subscriptions"))):
        told.append("The customer has a subscription already: this is one more.")
    return tuple(told)


def _items(values: Values, sub: Found, found: Found) -> tuple[Change, ...]:
    known = {id_of(item): item for item in rows(sub.get("items"))}
    return tuple(_item(item, known, found, index) for index, item in enumerate(values.get("items", ())))


def _item(item: Values, known: Mapping[Any, Found], found: Found, index: int) -> Change:
    price = inside(found.get(f"price_{index}"))
    _active(price)
    if item.get("id") is None:
        return Change("item", None, item_words(price or item.get("price"), item.get("quantity")))
    old = known.get(item["id"])
    if old is None:
        raise Refusal(
            f"Item {text(item['id'])} is not on this subscription: it has {', '.join(map(str, known)) or 'none'}."
        )
    before = item_words(old.get("price"), old.get("quantity"))
    if item.get("deleted"):
        return Change("item", before, None)
    chosen = price or item.get("price") or old.get("price")
    return Change("item", before, item_words(chosen, item.get("quantity", old.get("quantity"))))


def _ends(values: Values, sub: Found) -> tuple[Change, ...]:
    told = []
    if "trial_end" in values:
        until = "ends now" if values["trial_end"] == "now" else day(values["trial_end"])
        told.append(Change("trial", day(sub["trial_end"]) if sub.get("trial_end") else None, until))
    if "discounts" in values:
        shown = ", ".join(text(next(iter(one.values()))) for one in values["discounts"] if one) or None
        told.append(Change("discounts", _given(sub), shown))
    if "billing_cycle_anchor" in values:
        since = f"from {day(sub.get('billing_cycle_anchor'))}"
        told.append(Change("billing cycle", since, _anchored(values) or since))
    return tuple(told)


def _given(sub: Found) -> str | None:
    held = sub.get("discounts")
    return ", ".join(filter(None, map(id_of, held))) or None if isinstance(held, list) else None


def _anchored(values: Values) -> str:
    return "from now" if at(values, "billing_cycle_anchor.type") == "now" else ""


def _what(values: Values, after: Values) -> str:
    named = [name for name in ("items", "trial_end", "discounts", "billing_cycle_anchor") if name in values]
    return ", ".join(name.replace("_", " ") for name in (*named, *after)) or "its metadata"


def _prorations(invoice: Found) -> int:
    return sum(
        whole(line, "amount")
        for line in rows(invoice.get("lines"))
        if at(line, "parent.subscription_item_details.proration")
        or at(line, "parent.invoice_item_details.proration")
    )


def _costs(values: Values, found: Found) -> str:
    invoice = inside(found.get("next_invoice"))
    if not invoice:
        return ""
    coin, due = invoice.get("currency"), money(invoice.get("amount_due"), invoice.get("currency"))
    if values.get("proration_behavior") == "always_invoice":
        return f"; about {due} is invoiced now"
    part = _prorations(invoice)
    mixed = f", of it about {money(part, coin)} for the rest of this period" if part else ""
    return f"; the next invoice is about {due}{mixed}"


def _due_now(values: Values, found: Found) -> tuple[Moves, ...]:
    invoice = inside(found.get("next_invoice"))
    due = whole(invoice, "amount_due")
    if not due:
        return ()
    now = values.get("proration_behavior") == "always_invoice"
    return (Moves(-due, text(invoice.get("currency"), 8), "invoiced now" if now else "on the next invoice"),)


def _update_warnings(values: Values, sub: Found) -> tuple[str, ...]:
    told = list(_trouble(sub))
    if values.get("items") and values.get("proration_behavior") is None:
        told.append("Stripe prorates by default: the difference stands on the next invoice.")
    if (
        values.get("items")
        and not values.get("proration_date")
        and values.get("proration_behavior") != "none"
    ):
        told.append(
            "A proration is computed by the second: without proration_date the amounts move a little."
        )
    if sub.get("schedule"):
        told.append(f"Schedule {id_of(sub['schedule'])} drives this subscription and may change it again.")
    return tuple(told)
