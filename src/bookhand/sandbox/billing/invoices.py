"""Invoices over the API: made by hand, changed while drafts, finalised, sent, paid, voided, given up.

POST /v1/invoices customer=cus_1                # a draft of what waits for the customer
POST /v1/invoices/in_1/finalize                 # "open", numbered
POST /v1/invoices/in_1/pay                      # "paid", or 402 with the decline
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from bookhand.sandbox.billing import (
    collecting,
    coupons,
    drafts,
    fields,
    invoice_payments,
    invoiceitems,
    rates,
)
from bookhand.sandbox.billing.clocks import enter
from bookhand.sandbox.billing.customers import get as get_customer
from bookhand.sandbox.billing.drafts import DAY
from bookhand.sandbox.billing.standing import bill_of, close
from bookhand.sandbox.money import payments
from bookhand.sandbox.stripe.errors import StripeError, missing, parameter_missing
from bookhand.sandbox.stripe.routes import route

if TYPE_CHECKING:
    from bookhand.sandbox.billing.standing import Bill
    from bookhand.sandbox.stripe.call import Call
    from bookhand.sandbox.stripe.params import Params

JSON = dict[str, Any]
KIND = "invoice"
METHODS = ("charge_automatically", "send_invoice")
STATUSES = ("draft", "open", "paid", "uncollectible", "void")
PENDING = ("exclude", "include")


@route("POST", "/v1/invoices")
def create(call: Call) -> JSON:
    """A draft, of what waits for the customer or empty."""
    customer = get_customer(call, call.text("customer", required=True) or "")
    id_ = call.text("subscription")
    sub = call.get("subscription", id_, param="subscription") if id_ else None
    money = fields.currency(call) or (sub or {}).get("currency") or customer["currency"] or _home(call)
    pending = []
    default = "include" if sub is not None else "exclude"
    if call.choice("pending_invoice_items_behavior", PENDING, default=default) == "include":
        pending = invoiceitems.waiting(call, customer["id"], money, (sub or {}).get("id"))
    chosen = _chosen(call, customer)
    invoice = drafts.draft(
        call,
        customer,
        currency=money,
        reason="subscription_update" if sub is not None else "manual",
        lines=invoiceitems.bill(call, pending),
        sub=sub,
        auto_advance=bool(call.boolean("auto_advance", default=False)),
        fields=chosen,
    )
    invoiceitems.take(call, pending, invoice["id"])
    return invoice


@route("GET", "/v1/invoices")
def index(call: Call) -> JSON:
    """Invoices, newest first."""
    return call.page(
        KIND,
        customer=call.text("customer"),
        subscription=call.text("subscription"),
        status=call.choice("status", STATUSES),
        collection=call.choice("collection_method", METHODS),
    )


@route("GET", "/v1/invoices/{id}")
def read(call: Call) -> JSON:
    """One invoice."""
    return call.get(KIND, call.path["id"])


@route("GET", "/v1/invoices/{id}/lines")
def lines(call: Call) -> JSON:
    """All its lines, a page at a time."""
    found = drafts.lines_of(call, call.get(KIND, call.path["id"]))
    return part(call, found)


@route("POST", "/v1/invoices/{id}")
def change(call: Call) -> JSON:
    """A draft can change everywhere; a final one only in words and in how it is collected."""
    before = call.get(KIND, call.path["id"])
    customer = get_customer(call, before["customer"])
    after = fields.copy(before)
    if before["status"] == "draft":
        after |= _chosen(call, customer, before)
        drafts.add_up(call, after, customer, drafts.lines_of(call, after))
    fields.set_texts(call, after, ("description", "footer", "statement_descriptor", "default_payment_method"))
    after["metadata"] = call.metadata(old=after["metadata"])
    if call.sent("auto_advance"):
        after["auto_advance"] = call.boolean("auto_advance")
        _advance_again(call, after)
    return fields.update(call, before, after, "invoice.updated")


@route("DELETE", "/v1/invoices/{id}")
def remove(call: Call) -> JSON:
    """Only a draft can go; its items wait again."""
    invoice = _at(call, "draft")
    for item in call.find(invoiceitems.KIND, invoice=invoice["id"]):
        item["invoice"] = None
        call.save(item, invoice=None, pending=item["customer"], waiting="true")
    gone = call.delete(KIND, invoice["id"], stub=False)
    call.emit("invoice.deleted", invoice)
    return gone


@route("POST", "/v1/invoices/{id}/finalize")
def finalize(call: Call) -> JSON:
    """Make a draft final."""
    bill = bill_of(call, _at(call, "draft"))
    collecting.finalize(call, bill, auto_advance=call.boolean("auto_advance"))
    _collect_soon(call, bill)
    return close(call, bill)


@route("POST", "/v1/invoices/{id}/send")
def send(call: Call) -> JSON:
    """Mail an invoice to be paid, finalising it first."""
    bill = bill_of(call, _at(call, "draft", "open"))
    if bill.invoice["collection_method"] != "send_invoice":
        raise StripeError("You can only manually send an invoice if its collection method is 'send_invoice'.")
    if bill.invoice["status"] == "draft":
        collecting.finalize(call, bill)
    call.emit("invoice.sent", bill.invoice)
    return close(call, bill)


@route("POST", "/v1/invoices/{id}/pay")
def pay(call: Call) -> JSON:
    """Collect now, with the default or a given method, or say that it was paid elsewhere."""
    found = call.get(KIND, call.path["id"])
    if found["status"] == "paid":
        raise StripeError("Invoice is already paid", code="invoice_already_paid")
    bill = bill_of(call, _at(call, "draft", "open", "uncollectible"))
    if bill.invoice["status"] == "draft":
        collecting.finalize(call, bill)
    if bill.invoice["status"] == "paid":
        return close(call, bill)
    if call.boolean("paid_out_of_band", default=False):
        collecting.settle(call, bill, out_of_band=True)
        return close(call, bill)
    return _pay(call, bill)


@route("POST", "/v1/invoices/{id}/attach_payment")
def attach_payment(call: Call) -> JSON:
    """Count a payment intent made elsewhere toward this invoice."""
    bill = bill_of(call, _at(call, "open", "uncollectible"))
    id_ = call.text("payment_intent")
    if id_ is None:
        raise parameter_missing("payment_intent")
    intent = call.get("payment_intent", id_, param="payment_intent")
    if call.first("invoice_payment", payment_intent=id_):
        raise StripeError("This payment intent is already attached to an invoice.", param="payment_intent")
    collecting.attach(call, bill, intent)
    return close(call, bill)


@route("POST", "/v1/invoices/{id}/void")
def void(call: Call) -> JSON:
    """Undo a final invoice that is not paid."""
    bill = bill_of(call, _at(call, "open", "uncollectible"))
    collecting.void(call, bill)
    return close(call, bill)


@route("POST", "/v1/invoices/{id}/mark_uncollectible")
def mark_uncollectible(call: Call) -> JSON:
    """Give it up as a bad debt."""
    bill = bill_of(call, _at(call, "open"))
    collecting.give_up(call, bill, "user_forgiven")
    return close(call, bill)


@route("POST", "/v1/invoices/{id}/add_lines")
def add_lines(call: Call) -> JSON:
    """Put lines on a draft."""
    invoice = _at(call, "draft")
    customer = get_customer(call, invoice["customer"])
    for params in call.subs("lines"):
        existing = params.text("invoice_item")
        if existing:
            item = call.get(invoiceitems.KIND, existing, param=params.named("invoice_item"))
            invoiceitems.take(call, [item], invoice["id"])
        else:
            item = invoiceitems.read_new(call, params, customer, invoice["currency"])
            invoiceitems.keep(call, item, None)
            invoiceitems.take(call, [item], invoice["id"])
        drafts.rebuild(
            call, invoice, customer, [*drafts.lines_of(call, invoice), *invoiceitems.bill(call, [item])]
        )
    return invoice


@route("POST", "/v1/invoices/{id}/remove_lines")
def remove_lines(call: Call) -> JSON:
    """Take lines off a draft: deleted, or waiting again."""
    invoice = _at(call, "draft")
    customer = get_customer(call, invoice["customer"])
    chosen = {params.text("id", required=True): params.text("behavior") for params in call.subs("lines")}
    kept = []
    for line in drafts.lines_of(call, invoice):
        if line["id"] not in chosen:
            kept.append(line)
            continue
        details = (line["parent"] or {}).get("invoice_item_details") or {}
        item = call.look(invoiceitems.KIND, details.get("invoice_item"))
        if item is not None and chosen[line["id"]] == "delete":
            call.delete(invoiceitems.KIND, item["id"])
        elif item is not None:
            item["invoice"] = None
            call.save(item, invoice=None, pending=item["customer"], waiting="true")
    return drafts.rebuild(call, invoice, customer, kept)


@route("POST", "/v1/invoices/{id}/update_lines")
def update_lines(call: Call) -> JSON:
    """Change lines of a draft."""
    invoice = _at(call, "draft")
    wanted = {params.text("id", required=True): params for params in call.subs("lines")}
    own = drafts.lines_of(call, invoice)
    for line in own:
        if line["id"] in wanted:
            _edit_line(call, wanted[line["id"]], line)
    return drafts.rebuild(call, invoice, get_customer(call, invoice["customer"]), own)


@route("POST", "/v1/invoices/{id}/lines/{line}")
def update_line(call: Call) -> JSON:
    """Change one line of a draft."""
    invoice = _at(call, "draft")
    own = drafts.lines_of(call, invoice)
    line = next((line for line in own if line["id"] == call.path["line"]), None)
    if line is None:
        raise missing("line_item", call.path["line"], param="line_item_id")
    _edit_line(call, call, line)
    drafts.rebuild(call, invoice, get_customer(call, invoice["customer"]), own)
    return line


def _edit_line(call: Call, params: Params, line: JSON) -> None:
    fields.set_texts(params, line, ("description",))
    line["metadata"] = params.metadata(old=line["metadata"])
    quantity = params.integer("quantity", min=0)
    if params.sent("amount"):
        line["amount"] = params.integer("amount", required=True, min=-(10**12))
    elif quantity is not None and line["quantity"]:
        line["amount"] = line["amount"] // line["quantity"] * quantity
    if quantity is not None:
        line["quantity"], line["quantity_decimal"] = quantity, str(quantity)
    line["subtotal"] = line["amount"]
    if params.sent("tax_rates"):
        drafts.want_rates(line, rates.by_hand(call, params.listing("tax_rates")))


def part(call: Call, found: list[JSON]) -> JSON:
    """A page of objects that are stored inside another."""
    size = call.integer("limit", default=10, min=1, max=100) or 10
    after = call.text("starting_after")
    begin = next((i + 1 for i, obj in enumerate(found) if obj["id"] == after), 0)
    page = call.embedded(found[begin : begin + size], call.url, has_more=len(found) > begin + size)
    return {**page, "total_count": len(found)} if "/lines" in call.url and begin == 0 else page


def _pay(call: Call, bill: Bill) -> JSON:
    method = call.text("payment_method") or call.text("source")
    if method is None and invoice_payments.method_of(bill) is None:
        raise StripeError(
            "There is no `default_payment_method` set on this Customer or Invoice. Please set either the "
            "`customer.invoice_settings.default_payment_method` or the `default_payment_method` for this invoice.",
            code="missing",
        )
    intent = collecting.attempt(
        call,
        bill,
        method=method,
        off_session=bool(call.boolean("off_session", default=False)),
        automatic=False,
    )
    invoice = close(call, bill)
    if intent is not None and intent["status"] == "requires_action":
        raise StripeError(
            "This payment requires additional user action before it can be completed successfully.",
            type="card_error",
            code="invoice_payment_intent_requires_action",
            status=402,
            extra={"payment_intent": intent},
        )
    if intent is not None and intent["last_payment_error"] and invoice["status"] != "paid":
        raise payments.declined_error(intent)
    return invoice


def _at(call: Call, *statuses: str) -> JSON:
    invoice = call.get(KIND, call.path["id"])
    if invoice["status"] not in statuses:
        raise StripeError(
            f"This invoice is {invoice['status']}; for this it must be {' or '.join(statuses)}.",
            code="invoice_not_editable",
        )
    enter(call, invoice)
    return invoice


def _collect_soon(call: Call, bill: Bill) -> None:
    invoice = bill.invoice
    if invoice["status"] != "open":
        return
    if invoice["auto_advance"] and invoice["collection_method"] == "charge_automatically":
        soon = invoice["next_payment_attempt"] = call.now + drafts.GRACE_SECONDS
        call.at(soon, "billing.invoice.retry", invoice=invoice["id"])
    collecting.open_intent(call, bill)


def _chosen(call: Call, customer: JSON, old: JSON | None = None) -> JSON:
    chosen: JSON = {} if old is not None else {"metadata": call.metadata()}
    for name in (
        "description",
        "footer",
        "number",
        "statement_descriptor",
        "default_payment_method",
        "on_behalf_of",
    ):
        if call.sent(name):
            chosen[name] = call.text(name)
    if call.sent("collection_method"):
        chosen["collection_method"] = call.choice("collection_method", METHODS)
    if call.sent("custom_fields"):
        chosen["custom_fields"] = fields.custom_fields(call)
    if call.sent("default_tax_rates"):
        chosen["default_tax_rates"] = rates.by_hand(call, call.listing("default_tax_rates"))
    if call.sent("automatic_tax[enabled]"):
        known = old or {
            "automatic_tax": {"disabled_reason": None, "liability": None, "provider": None, "status": None}
        }
        chosen["automatic_tax"] = {
            **known["automatic_tax"],
            "enabled": bool(call.boolean("automatic_tax[enabled]")),
        }
    if call.sent("discounts"):
        chosen["discounts"] = coupons.give(call, call.subs("discounts"), customer=customer)
    days, due = call.integer("days_until_due", min=0), call.timestamp("due_date")
    if days is not None or due is not None:
        chosen["due_date"] = due if due is not None else call.now + (days or 0) * DAY
    elif chosen.get("collection_method") == "send_invoice" and old is None:
        raise StripeError(
            "If `collection_method`=`send_invoice`, you must specify `due_date` or `days_until_due`.",
            param="days_until_due",
        )
    return chosen


def _advance_again(call: Call, invoice: JSON) -> None:
    if not invoice["auto_advance"]:
        invoice["automatically_finalizes_at"] = None
    elif invoice["status"] == "draft" and invoice["automatically_finalizes_at"] is None:
        soon = invoice["automatically_finalizes_at"] = call.now + drafts.GRACE_SECONDS
        call.at(soon, "billing.invoice.finalize", invoice=invoice["id"])


def _home(call: Call) -> str:
    return str(call.get("account", call.account)["default_currency"])
