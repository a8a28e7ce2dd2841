"""What making, finalizing, sending, paying, voiding and crediting an invoice would do; pure.

    void({"invoice": "in_1"}, {"invoice": {…}}).says
    # 'Void invoice 8A2F-0001 of Fernwood Bakery over $80.00 (in_1)'

An invoice is draft, then open, then paid, void or uncollectible: each call says which of these it needs.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bookhand.core.action import Change, Movement, Moves, Preview, Values
from bookhand.core.problems import Refusal
from bookhand.systems.stripe.actions.previews_money import converted, incoming, takes
from bookhand.systems.stripe.actions.previews_subscriptions import item_words
from bookhand.systems.stripe.actions.words import (
    at,
    clocked,
    day,
    id_of,
    inside,
    method,
    money,
    rows,
    text,
    there,
    whole,
    whom,
)

Found = Mapping[str, Any]

FEE = "Stripe's processing fee is taken from what is paid; how much is known once it is charged."


def create(values: Values, found: Found) -> Preview:
    """A draft."""
    customer = there(found, "customer", "customer", values["customer"])
    waiting = rows(found.get("pending_items")) if _takes_pending(values) else []
    coin = text(
        values.get("currency") or (waiting[0].get("currency") if waiting else customer.get("currency")), 8
    )
    mine = [one for one in waiting if one.get("currency") == coin]
    total = sum(whole(one, "amount") for one in mine)
    holds = f"with {_count(len(mine))}, {money(total, coin)} before tax" if mine else "without lines yet"
    later = values.get("auto_advance") is True
    return Preview(
        says=f"Draft an invoice for {whom(customer)}, {holds}",
        subject=id_of(customer),
        customer=id_of(customer),
        changes=(Change("invoice", None, "draft"),),
        warnings=(
            *(("Stripe finalizes it by itself after about an hour, and then collects it.",) if later else ()),
            *clocked(customer),
        ),
    )  # fmt: skip


def finalize(values: Values, found: Found) -> Preview:
    """A draft made final."""
    invoice = _at(values, found, "finalized", "draft")
    due, coin = whole(invoice, "amount_due"), text(invoice.get("currency"), 8)
    advance = values.get("auto_advance", invoice.get("auto_advance"))
    collects = bool(advance) and invoice.get("collection_method") == "charge_automatically" and due > 0
    return _preview(
        invoice,
        f"Finalize {_named(invoice)}: {money(due, coin)} becomes due",
        changes=(Change("status", "draft", "open" if due > 0 else "paid"),),
        moves=(Moves(-due, coin, "becomes due"),) if due > 0 else (),
        fees=(FEE,) if collects else (),
        cannot_undo="A final invoice cannot be changed or deleted: it can be voided or credited.",
        warnings=(
            *(
                ("Stripe charges the customer's default payment method within about an hour.",)
                if collects
                else ()
            ),
            *_nothing_due(due),
        ),
    )


def send(values: Values, found: Found) -> Preview:
    """An invoice mailed to be paid."""
    invoice = _at(values, found, "sent", "draft", "open")
    if invoice.get("collection_method") != "send_invoice":
        raise Refusal(
            f"Invoice {id_of(invoice)} is charged automatically: only one with collection_method send_invoice is sent."
        )
    draft = invoice.get("status") == "draft"
    due, coin = invoice.get("amount_due"), invoice.get("currency")
    to = (
        text(invoice.get("customer_email") or at(invoice, "customer.email"), 80)
        or "an unknown e-mail address"
    )
    return _preview(
        invoice,
        f"Send {_named(invoice)} by e-mail to {to}: {money(due, coin)} due {_due(invoice)}",
        changes=(Change("status", "draft", "open"),) if draft else (),
        moves=(Moves(-whole(invoice, "amount_due"), text(coin, 8), "asked for by e-mail"),) if draft else (),
        cannot_undo="An e-mail that was sent cannot be called back"
        + (", and a draft is made final by it." if draft else "."),
        warnings=("In test mode Stripe sends no e-mail.",) if invoice.get("livemode") is False else (),
    )


def pay(values: Values, found: Found) -> Preview:
    """An open invoice collected now, or marked as paid elsewhere."""
    invoice = _at(values, found, "paid", "open", "uncollectible")
    _not_on_its_way(invoice)
    due, coin = whole(invoice, "amount_remaining"), text(invoice.get("currency"), 8)
    if values.get("paid_out_of_band"):
        return _preview(
            invoice,
            f"Mark {_named(invoice)} as paid outside Stripe: {money(due, coin)} is charged to nobody",
            changes=(Change("status", text(invoice.get("status")), "paid"),),
            cannot_undo="An invoice that is paid stays paid; a credit note can correct it.",
            warnings=("No money moves at Stripe: the receipt must be booked where the money arrived.",),
        )
    card = inside(found.get("payment_method")) or _default_method(invoice)
    using = (
        f"the {method(card or values['payment_method'])}"
        if card or values.get("payment_method")
        else "the default payment method"
    )
    return _preview(
        invoice,
        f"Charge {money(due, coin)} to {using} of {whom(invoice.get('customer'))} for {_short(invoice)}",
        changes=(
            Change("status", text(invoice.get("status")), "paid"),
            Change("remaining", money(due, coin), money(0, coin)),
        ),
        moves=(Moves(-due, coin, f"from {whom(invoice.get('customer'))}"),),
        movement=incoming(due, coin, card, found.get("balance")) if due else None,
        fees=(FEE,),
        cannot_undo="A payment is not undone: it can be refunded, and Stripe keeps its fee.",
        warnings=(*_pay_warnings(values, invoice, card), *converted(coin, found.get("balance"))),
    )


def void(values: Values, found: Found) -> Preview:
    """A final invoice made as if it never was."""
    invoice = _at(values, found, "voided", "open", "uncollectible")
    due, coin = whole(invoice, "amount_remaining"), text(invoice.get("currency"), 8)
    paid = whole(invoice, "amount_paid")
    return _preview(
        invoice,
        f"Void {_named(invoice)}: {money(due, coin)} is owed no longer",
        changes=(
            Change("status", text(invoice.get("status")), "void"),
            Change("owed", money(due, coin), money(0, coin)),
        ),
        moves=(Moves(due, coin, "is not collected any more"),) if due else (),
        cannot_undo="A void invoice cannot be opened, collected or changed again.",
        warnings=(f"{money(paid, coin)} of it was paid already: voiding does not refund it.",)
        if paid
        else (),
    )


def item(values: Values, found: Found) -> Preview:
    """A line for a draft, or for the next invoice."""
    customer = there(found, "customer", "customer", values["customer"])
    target = values.get("invoice")
    if target:
        _at(values, found, "added to", "draft")
    price = inside(found.get("price"))
    each = values.get("amount", whole(price, "unit_amount"))
    sum_ = each * (values.get("quantity", 1) if price else 1)
    coin = text(values.get("currency") or price.get("currency"), 8)
    about = text(values.get("description"), 80) or (
        item_words(price, values.get("quantity")) if price else "an item"
    )
    where = f"draft invoice {target}" if target else "the next invoice"
    verb = "Credit" if sum_ < 0 else "Add"
    return Preview(
        says=f"{verb} {money(abs(sum_), coin)} on {where} of {whom(customer)}: {about}",
        subject=target or id_of(customer),
        customer=id_of(customer),
        changes=(Change("invoice item", None, f"{about}: {money(sum_, coin)}"),),
        moves=(Moves(-sum_, coin, f"on {where}"),) if sum_ else (),
        warnings=(
            *(("A negative item lowers what the customer pays.",) if sum_ < 0 else ()),
            *(
                ()
                if target
                else (
                    "It waits until an invoice takes it: that of a subscription at its renewal, or one that includes pending items.",
                )
            ),
            *clocked(customer),
        ),
    )


def credit_note(values: Values, found: Found) -> Preview:
    """A final invoice made smaller."""
    invoice = _at(values, found, "credited", "open", "paid", "uncollectible")
    coin = text(invoice.get("currency"), 8)
    note = inside(found.get("note"))
    total = whole(note, "total") or whole(note, "amount") or values.get("amount", 0)
    left = _creditable(invoice)
    if total > left:
        raise Refusal(
            f"Only {money(left, coin)} of {_short(invoice)} can still be credited, not {money(total, coin)}: ask for less."
        )
    if values.get("refund_amount"):
        takes(values["refund_amount"], coin)
    before = min(total, whole(invoice, "amount_remaining"))
    _told_apart(values, total - before, coin)
    return _preview(
        invoice,
        f"Credit {money(total, coin)} on {_named(invoice)}: {_ways(values, before, coin)}",
        changes=_credit_changes(values, invoice, before),
        moves=_credit_moves(values, before, coin),
        movement=_refund_of(invoice, values["refund_amount"], coin) if values.get("refund_amount") else None,
        fees=("Stripe's fee on the payment is not returned.",) if values.get("refund_amount") else (),
        cannot_undo="A credit note can be voided only while its invoice is open; a refund it makes stays made.",
        warnings=("Stripe mails the note to the customer if the account sends such e-mails.",)
        if values.get("email_type") != "none"
        else (),
    )


def _at(values: Values, found: Found, done: str, *statuses: str) -> Found:
    invoice = there(found, "invoice", "invoice", values["invoice"])
    status = text(invoice.get("status")) or "in an unknown state"
    if status in statuses:
        return invoice
    help_ = {
        "draft": "finalize it first (invoices.finalize), or delete it",
        "paid": "it is settled; credit it (credit_notes.create) or refund its payment",
        "void": "that is final; make a new invoice",
    }.get(status, f"it must be {' or '.join(statuses)}")
    raise Refusal(f"Invoice {id_of(invoice)} is {status} and cannot be {done}: {help_}.")


def _preview(invoice: Found, says: str, **more: Any) -> Preview:
    warnings = (*more.pop("warnings", ()), *clocked(invoice))
    return Preview(
        says=says,
        subject=id_of(invoice),
        customer=id_of(invoice.get("customer")),
        warnings=tuple(dict.fromkeys(warnings)),
        **more,
    )


def _short(invoice: Found) -> str:
    return f"invoice {text(invoice.get('number'), 40) or id_of(invoice)}"


def _named(invoice: Found) -> str:
    named = text(invoice.get("customer_name"), 60)
    who = named or whom(invoice.get("customer"))
    total = money(invoice.get("total"), invoice.get("currency"))
    numbered = f" ({id_of(invoice)})" if text(invoice.get("number")) else ""
    return f"{_short(invoice)} of {who} over {total}{numbered}"


def _count(items: int) -> str:
    return "1 waiting item" if items == 1 else f"{items} waiting items"


def _takes_pending(values: Values) -> bool:
    default = "include" if values.get("subscription") else "exclude"
    return bool(values.get("pending_invoice_items_behavior", default) == "include")


def _due(invoice: Found) -> str:
    return f"by {day(invoice['due_date'])}" if invoice.get("due_date") else "when it arrives"


def _nothing_due(due: int) -> tuple[str, ...]:
    return () if due > 0 else ("Nothing is due on it, so it counts as paid at once.",)


def _intents(invoice: Found) -> list[Found]:
    return [inside(at(one, "payment.payment_intent")) for one in rows(invoice.get("payments"))]


def _not_on_its_way(invoice: Found) -> None:
    for intent in _intents(invoice):
        if intent.get("status") == "processing":
            raise Refusal(
                f"A payment of {_short(invoice)} is on its way already ({id_of(intent)}): wait until the bank has answered."
            )


def _default_method(invoice: Found) -> Found:
    own = inside(invoice.get("default_payment_method"))
    return own or inside(at(invoice, "customer.invoice_settings.default_payment_method"))


def _pay_warnings(values: Values, invoice: Found, card: Found) -> tuple[str, ...]:
    told = []
    if not card and not values.get("payment_method"):
        told.append("No default payment method was found: Stripe may refuse.")
    if whole(invoice, "attempt_count"):
        told.append(
            f"It was tried {whole(invoice, 'attempt_count')} times: banks punish too many tries (Visa: 15 in 30 days)."
        )
    if invoice.get("next_payment_attempt"):
        told.append(f"Stripe tries again by itself on {day(invoice['next_payment_attempt'])}.")
    return tuple(told)


def _creditable(invoice: Found) -> int:
    """What is not credited yet: what remains to be paid, and what was paid and not credited afterwards."""
    from_balance = max(0, whole(invoice, "ending_balance") - whole(invoice, "starting_balance"))
    paid = whole(invoice, "amount_paid") + from_balance - whole(invoice, "post_payment_credit_notes_amount")
    return whole(invoice, "amount_remaining") + max(0, paid)


def _refund_of(invoice: Found, amount: int, coin: str) -> Movement:
    debited = any(str(id_of(one.get("latest_charge"))).startswith("py_") for one in _intents(invoice))
    return Movement(
        category="refund", type="payment_refund" if debited else "refund", currency=coin, amount=-amount
    )


_AFTER = {
    "refund_amount": "refunded",
    "credit_amount": "credited to the customer's balance",
    "out_of_band_amount": "paid back outside Stripe",
}


def _told_apart(values: Values, after: int, coin: str) -> None:
    told = sum(values.get(name, 0) for name in _AFTER)
    if told != after:
        raise Refusal(
            f"{money(after, coin)} of this credit was paid already, and {money(told, coin)} of it is told apart: refund_amount, "
            f"credit_amount and out_of_band_amount must add up to {after}."
        )


def _ways(values: Values, before: int, coin: str) -> str:
    ways = [f"{money(before, coin)} less is owed"] if before else []
    ways += [f"{money(values[name], coin)} is {way}" for name, way in _AFTER.items() if values.get(name)]
    return ", ".join(ways) or "nothing moves"


def _credit_changes(values: Values, invoice: Found, before: int) -> tuple[Change, ...]:
    coin, owed = invoice.get("currency"), whole(invoice, "amount_remaining")
    after = whole(invoice, "post_payment_credit_notes_amount")
    more = sum(values.get(name, 0) for name in _AFTER)
    told = []
    if before:
        told.append(Change("owed", money(owed, coin), money(owed - before, coin)))
    if more:
        told.append(Change("credited after payment", money(after, coin), money(after + more, coin)))
    return tuple(told)


def _credit_moves(values: Values, before: int, coin: str) -> tuple[Moves, ...]:
    told = [Moves(before, coin, "is not collected any more")] if before else []
    told += [Moves(values[name], coin, way) for name, way in _AFTER.items() if values.get(name)]
    return tuple(told)
