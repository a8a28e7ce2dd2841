"""What making or changing a customer, crediting a balance, and offering a coupon or a payment link would do; pure.

balance({"customer": "cus_1", "amount": -1500, "currency": "usd"}, {"customer": {…}}).says
# 'Credit $15.00 to the balance of Fernwood Bakery: the next invoice is lower by it'
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bookhand.core.action import Change, Moves, Preview, Values
from bookhand.core.problems import Refusal
from bookhand.systems.stripe.actions.previews_subscriptions import item_words
from bookhand.systems.stripe.actions.words import (
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


def create(values: Values, found: Found) -> Preview:
    """A new customer."""
    after = {name: one for name, one in values.items() if name not in ("metadata", "payment_method")}
    same = [
        one
        for one in rows(found.get("same_email"))
        if values.get("email") and one.get("email") == values["email"]
    ]
    others = ", ".join(filter(None, map(id_of, same[:3])))
    return Preview(
        says=f"Create customer {whom(values)}",
        changes=changes({}, after),
        warnings=(f"{len(same)} customers have this e-mail address already ({others}): is this a new one?",)
        if same
        else (),
    )


def update(values: Values, found: Found) -> Preview:
    """A customer's details."""
    customer = there(found, "customer", "customer", values["customer"])
    after = {name: one for name, one in values.items() if name not in ("customer", "metadata")}
    told = changes(customer, after)
    named = ", ".join(one.what for one in told) or ("metadata" if "metadata" in values else "nothing")
    return Preview(
        says=f"Change customer {whom(customer)} ({id_of(customer)}): {named}",
        subject=id_of(customer),
        customer=id_of(customer),
        changes=(*told, *_metadata(customer, values)),
        warnings=(
            *(("Every value is as it is already.",) if not told and "metadata" not in values else ()),
            *clocked(customer),
        ),
    )


def balance(values: Values, found: Found) -> Preview:
    """A credit to a customer, or something more that they owe."""
    customer = there(found, "customer", "customer", values["customer"])
    amount, coin, who = values["amount"], values["currency"], whom(customer)
    credit = amount < 0
    sum_ = money(abs(amount), coin)
    says = (
        f"Credit {sum_} to the balance of {who}: the next invoice is lower by it"
        if credit
        else f"Add {sum_} to what {who} owes: the next invoice is higher by it"
    )
    same = customer.get("currency") in (None, coin)
    before = whole(customer, "balance")
    return Preview(
        says=says,
        subject=id_of(customer),
        customer=id_of(customer),
        changes=(Change("balance", _owes(before, coin), _owes(before + amount, coin)),) if same else (),
        moves=(
            Moves(-amount, coin, "promised to the customer" if credit else "asked of the customer, with the next invoice"),
        ),
        cannot_undo="A line of a balance is not deleted: the opposite amount corrects it.",
        warnings=(
            *(
                ()
                if same
                else (
                    f"The customer is billed in {text(customer.get('currency'), 8).upper()}: this balance counts for invoices in {coin.upper()} alone.",
                )
            ),
            *clocked(customer),
        ),
    )  # fmt: skip


def coupon(values: Values, found: Found) -> Preview:
    """A discount that others may then give."""
    old = inside(found.get("coupon"))
    if old and not old.get("deleted"):
        raise Refusal(f"Coupon {id_of(old)} exists already: take another id, or use that one.")
    off = (
        f"{values['percent_off']}%"
        if "percent_off" in values
        else money(values["amount_off"], values["currency"])
    )
    named = f"'{text(values['name'], 40)}', " if values.get("name") else ""
    return Preview(
        says=f"Create a coupon: {named}{off} off {_lasting(values)}{_bounds(values)}",
        subject=values.get("id"),
        changes=(Change("coupon", None, f"{off} off {_lasting(values)}"),),
        warnings=(
            *(("Anyone who may give discounts can give it without end: no max_redemptions, no redeem_by.",)
              if "max_redemptions" not in values and "redeem_by" not in values else ()),
            *(("100% off: what it is given to costs nothing.",) if values.get("percent_off") in ("100", "100.0", "100.00") else ()),
        ),
    )  # fmt: skip


def link(values: Values, found: Found) -> Preview:
    """A page where anyone who has its address can pay."""
    sold = [_sold(line, found, index) for index, line in enumerate(values["line_items"])]
    limit = inside(values.get("restrictions")).get("completed_sessions", {}).get("limit")
    return Preview(
        says=f"Create a payment link for {'; '.join(sold)}",
        changes=(Change("payment link", None, "; ".join(sold)),),
        warnings=("Anyone who has the address can pay, again and again, until it is switched off at Stripe.",)
        if limit is None
        else (),
    )


def _metadata(customer: Found, values: Values) -> tuple[Change, ...]:
    old = inside(customer.get("metadata"))
    return tuple(
        Change(f"metadata {text(key, 40)}", text(old[key]) if key in old else None, text(one) or None)
        for key, one in values.get("metadata", {}).items()
        if old.get(key) != one
    )


def _owes(minor: int, coin: str) -> str:
    if not minor:
        return money(0, coin)
    return f"{money(abs(minor), coin)} {'credit' if minor < 0 else 'owed'}"


def _lasting(values: Values) -> str:
    months = values.get("duration_in_months")
    return {
        "once": "once",
        "forever": "for ever",
        "repeating": f"for {months} months",
    }[values["duration"]]


def _bounds(values: Values) -> str:
    told = []
    if "max_redemptions" in values:
        told.append(f"at most {values['max_redemptions']} times")
    if "redeem_by" in values:
        told.append(f"until {day(values['redeem_by'])}")
    return f", {' and '.join(told)}" if told else ""


def _sold(line: Values, found: Found, index: int) -> str:
    price = inside(found.get(f"price_{index}"))
    if price.get("active") is False:
        raise Refusal(f"Price {id_of(price)} is not active at Stripe: take another, or activate it there.")
    return item_words(price or line.get("price"), line.get("quantity"))
