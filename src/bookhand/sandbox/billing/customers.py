"""Customers: who is billed, at what address, with which default payment method, in which credit.

    POST /v1/customers email=a@example.com payment_method=pm_card_visa
    # {"id": "cus_…", "object": "customer", "balance": 0, "invoice_prefix": "K3J9AB12", …}

Lists of a customer (`sources`, `subscriptions`, `tax_ids`) are left out unless expanded, as Stripe leaves them out.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from bookhand.sandbox.billing import balances, fields, methods
from bookhand.sandbox.billing.clocks import KIND as CLOCK
from bookhand.sandbox.billing.clocks import enter
from bookhand.sandbox.billing.places import located, place_of
from bookhand.sandbox.stripe.errors import StripeError, missing
from bookhand.sandbox.stripe.routes import route

if TYPE_CHECKING:
    from bookhand.sandbox.stripe.call import Call

JSON = dict[str, Any]
ADDRESS = re.compile(r"[^\s@]+@[^\s@]+\.[^\s@]+")
ONLY_WHEN_KNOWN = ("business_name", "individual_name")
TEXTS = (*ONLY_WHEN_KNOWN, "description", "email", "name", "phone")


@route("POST", "/v1/customers")
def create(call: Call) -> JSON:
    """A new customer, perhaps on a test clock, perhaps with a card at once."""
    clock = call.text("test_clock")
    if clock:
        call.get(CLOCK, clock, param="test_clock")
        enter(call, {"test_clock": clock})
    customer = blank(call, clock)
    _read(call, customer)
    method = call.text("payment_method") or call.text("source")
    held = None
    if method:
        held = methods.attach(call, methods.found(call, method, param="payment_method"), customer["id"])
        if call.sent("source"):
            customer["invoice_settings"]["default_payment_method"] = held["id"]
    if held is not None and call.text("invoice_settings[default_payment_method]") == method:
        customer["invoice_settings"]["default_payment_method"] = held["id"]  # a token, said twice
    else:
        _default_method(call, customer)
    opening = call.integer("balance", default=0, min=-(10**12)) or 0
    call.add(customer, email=customer["email"], test_clock=clock)
    for tax_id in call.subs("tax_id_data"):
        add_tax_id(call, customer, tax_id.text("type", required=True), tax_id.text("value", required=True))
    if opening:
        money = call.get("account", call.account)["default_currency"]
        balances.move(call, customer, opening, money, kind="initial")
        call.save(customer)
    call.emit("customer.created", customer)
    return customer


def blank(call: Call, clock: str | None) -> JSON:
    """A customer of whom nothing is known yet."""
    id_ = call.new_id("cus")
    return {
        "id": id_,
        "object": "customer",
        "address": None,
        "balance": 0,
        "created": call.now,
        "currency": None,
        "customer_account": None,
        "default_source": None,
        "delinquent": False,
        "description": None,
        "discount": None,
        "email": None,
        "invoice_prefix": id_[-8:].upper(),
        "invoice_settings": {
            "custom_fields": None,
            "default_payment_method": None,
            "footer": None,
            "rendering_options": None,
        },
        "livemode": call.livemode,
        "metadata": {},
        "name": None,
        "next_invoice_sequence": 1,
        "phone": None,
        "preferred_locales": [],
        "shipping": None,
        "tax_exempt": "none",
        "test_clock": clock,
    }


@route("GET", "/v1/customers")
def index(call: Call) -> JSON:
    """Customers, newest first, perhaps only those of an address or a clock."""
    return call.page("customer", email=call.text("email"), test_clock=call.text("test_clock"))


@route("GET", "/v1/customers/{customer}")
def read(call: Call) -> JSON:
    """One customer, or the stub of a deleted one."""
    return call.get("customer", call.path["customer"], deleted=True)


@route("POST", "/v1/customers/{customer}")
def change(call: Call) -> JSON:
    """Lay what was sent over a customer."""
    before = get(call, call.path["customer"], param="id")
    after = fields.copy(before)
    _read(call, after)
    if call.sent("source"):
        held = methods.attach(
            call, methods.found(call, call.text("source") or "", param="source"), after["id"]
        )
        after["invoice_settings"]["default_payment_method"] = held["id"]
    _default_method(call, after)
    if call.sent("balance"):
        _set_balance(call, after)
    return fields.update(call, before, after, "customer.updated", email=after["email"])


@route("DELETE", "/v1/customers/{customer}")
def remove(call: Call) -> JSON:
    """Delete a customer: what runs for it ends, its stub stays."""
    from bookhand.sandbox.billing import ending  # noqa: PLC0415 - subscriptions know customers, not the reverse

    customer = get(call, call.path["customer"], param="id")
    for sub in call.find("subscription", customer=customer["id"]):
        if sub["status"] not in ("canceled", "incomplete_expired"):
            ending.cancel_now(call, sub, reason="cancellation_requested")
    ending.stop_invoices(call, call.find("invoice", customer=customer["id"]))
    gone = call.delete("customer", customer["id"])
    call.emit("customer.deleted", customer)
    return gone


def get(call: Call, id_: str, *, param: str = "customer") -> JSON:
    """A customer that is not deleted, with the call moved onto its clock."""
    customer = call.get("customer", id_, param=param)
    enter(call, customer)
    return customer


def default_method(customer: JSON) -> str | None:
    """What a customer pays with when nothing else is said."""
    found: str | None = customer["invoice_settings"]["default_payment_method"] or customer["default_source"]
    return found


@route("POST", "/v1/customers/{customer}/tax_ids")
def create_tax_id(call: Call) -> JSON:
    """Write down a customer's tax number."""
    customer = get(call, call.path["customer"])
    kind, value = call.text("type", required=True), call.text("value", required=True)
    return add_tax_id(call, customer, kind, value)


@route("GET", "/v1/customers/{customer}/tax_ids")
def tax_ids(call: Call) -> JSON:
    """A customer's tax numbers."""
    return call.page("tax_id", customer=call.path["customer"])


@route("GET", "/v1/customers/{customer}/tax_ids/{id}")
def read_tax_id(call: Call) -> JSON:
    """One tax number."""
    return call.get("tax_id", call.path["id"])


@route("DELETE", "/v1/customers/{customer}/tax_ids/{id}")
def remove_tax_id(call: Call) -> JSON:
    """Forget a tax number."""
    tax_id = call.get("tax_id", call.path["id"])
    if tax_id["customer"] != call.path["customer"]:
        raise missing("tax_id", tax_id["id"])
    gone = call.delete("tax_id", tax_id["id"])
    call.emit("customer.tax_id.deleted", tax_id)
    return gone


def add_tax_id(call: Call, customer: JSON, kind: str | None, value: str | None) -> JSON:
    """A tax number of a customer."""
    tax_id: JSON = {
        "id": call.new_id("txi"),
        "object": "tax_id",
        "country": (kind or "").split("_")[0].upper().replace("EU", (value or "")[:2]),
        "created": call.now,
        "customer": customer["id"],
        "customer_account": None,
        "livemode": call.livemode,
        "owner": {
            "customer": customer["id"],
            "customer_account": None,
            "type": "customer",
        },
        "type": kind,
        "value": value,
        "verification": {"status": "verified", "verified_address": None, "verified_name": customer["name"]},
    }
    call.add(tax_id, customer=customer["id"])
    call.emit("customer.tax_id.created", tax_id)
    return tax_id


def tax_of(customer: JSON) -> JSON:
    """`customer.tax`: whether automatic tax can be computed here, and from what."""
    address = (customer["shipping"] or {}).get("address") or customer["address"]
    place = place_of(address)
    known = located(address)
    return {
        "automatic_tax": "supported" if place else "unrecognized_location" if not known else "not_collecting",
        "ip_address": None,
        "location": {"country": address["country"], "source": "billing_address", "state": address["state"]}
        if known and address
        else None,
        "provider": "stripe",
    }


def _read(call: Call, customer: JSON) -> None:
    fields.set_texts(call, customer, TEXTS)
    if call.text("email") and not ADDRESS.fullmatch(customer["email"]):
        raise StripeError(f"Invalid email address: {customer['email']}", code="email_invalid", param="email")
    for name in ONLY_WHEN_KNOWN:
        if call.sent(name) and not customer[name]:
            del customer[name]
    if call.sent("address"):
        customer["address"] = fields.address(call)
    if call.sent("shipping"):
        customer["shipping"] = fields.person(call)
    if call.sent("metadata"):
        customer["metadata"] = call.metadata(old=customer["metadata"])
    if call.sent("preferred_locales"):
        customer["preferred_locales"] = call.listing("preferred_locales")
    if call.sent("tax_exempt"):
        exempt = call.choice("tax_exempt", ("none", "exempt", "reverse"), default="none")
        customer["tax_exempt"] = exempt
    _read_invoicing(call, customer)


def _read_invoicing(call: Call, customer: JSON) -> None:
    if call.sent("invoice_prefix"):
        customer["invoice_prefix"] = (call.text("invoice_prefix", max=12) or "").upper()
    if call.sent("next_invoice_sequence"):
        customer["next_invoice_sequence"] = call.integer("next_invoice_sequence", min=1)
    settings = call.sub("invoice_settings")
    if settings.sent("footer"):
        customer["invoice_settings"]["footer"] = settings.text("footer")
    if settings.sent("custom_fields"):
        customer["invoice_settings"]["custom_fields"] = fields.custom_fields(settings)


def _default_method(call: Call, customer: JSON) -> None:
    settings = call.sub("invoice_settings")
    if not settings.sent("default_payment_method"):
        return
    chosen = settings.text("default_payment_method")
    if chosen is not None:
        method = call.get("payment_method", chosen, param=settings.named("default_payment_method"))
        if method["customer"] != customer["id"]:
            raise StripeError(
                f"The customer does not have a payment method with the ID {chosen}. The payment method must be "
                "attached to the customer.",
                code="resource_missing",
                param=settings.named("default_payment_method"),
            )
    customer["invoice_settings"]["default_payment_method"] = chosen


def _set_balance(call: Call, customer: JSON) -> None:
    wanted = call.integer("balance", required=True, min=-(10**12)) or 0
    if wanted != customer["balance"]:
        money = customer["currency"] or call.get("account", call.account)["default_currency"]
        balances.move(call, customer, wanted - customer["balance"], money, kind="adjustment")
