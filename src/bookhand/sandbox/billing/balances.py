"""The customer's credit balance at the company: what invoices draw on, and what they leave.

A balance below zero is credit, kept apart for each currency. `move` writes one customer balance transaction; a balance
is always their sum:

    move(call, customer, -500, "usd", kind="adjustment")     # customer["balance"] == -500
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from bookhand.sandbox.billing.clocks import enter
from bookhand.sandbox.billing.fields import currency, update
from bookhand.sandbox.stripe.errors import missing
from bookhand.sandbox.stripe.routes import route

if TYPE_CHECKING:
    from bookhand.sandbox.stripe.call import Call

JSON = dict[str, Any]
KIND = "customer_balance_transaction"


def move(
    call: Call,
    customer: JSON,
    amount: int,
    money: str,
    *,
    kind: str,
    invoice: str | None = None,
    credit_note: str | None = None,
    description: str | None = None,
    metadata: JSON | None = None,
) -> JSON:
    """Change a customer's balance by an amount and write down why; the customer is changed in place, not saved."""
    customer["currency"] = customer["currency"] or money
    if customer["currency"] == money:
        ending = customer["balance"] = customer["balance"] + amount
    else:
        ending = call.bump(_other(customer, money), amount)
    movement: JSON = {
        "id": call.new_id("cbtxn"),
        "object": KIND,
        "amount": amount,
        "checkout_session": None,
        "created": call.now,
        "credit_note": credit_note,
        "currency": money,
        "customer": customer["id"],
        "customer_account": None,
        "description": description,
        "ending_balance": ending,
        "invoice": invoice,
        "livemode": call.livemode,
        "metadata": metadata or {},
        "type": kind,
    }
    return call.add(movement, customer=customer["id"], invoice=invoice)


def of(call: Call, customer: JSON, money: str) -> int:
    """A customer's balance in a currency; `customer["balance"]` is the one in the customer's own."""
    if customer["currency"] in (None, money):
        return int(customer["balance"])
    return call.marks(_other(customer, money))


def in_every_currency(call: Call, customer: JSON) -> JSON:
    """Each balance by its currency."""
    own = {customer["currency"]: customer["balance"]} if customer["currency"] else {}
    others = call.marked(_other(customer, ""))
    return own | {name.rpartition(":")[2]: balance for name, balance in sorted(others.items())}


@route("POST", "/v1/customers/{customer}/balance_transactions")
def create(call: Call) -> JSON:
    """Credit (below zero) or debit a customer by hand."""
    before = call.get("customer", call.path["customer"], param="customer")
    enter(call, before)
    amount = call.integer("amount", required=True, min=-(10**12)) or 0
    money = currency(call, required=True) or ""
    after = dict(before)
    movement = move(
        call,
        after,
        amount,
        money,
        kind="adjustment",
        description=call.text("description"),
        metadata=call.metadata(),
    )
    update(call, before, after, "customer.updated")
    return movement


@route("GET", "/v1/customers/{customer}/balance_transactions")
def index(call: Call) -> JSON:
    """A customer's balance transactions."""
    return call.page(KIND, customer=call.path["customer"])


@route("GET", "/v1/customers/{customer}/balance_transactions/{id}")
def read(call: Call) -> JSON:
    """One of them."""
    return _of_customer(call)


@route("POST", "/v1/customers/{customer}/balance_transactions/{id}")
def change(call: Call) -> JSON:
    """Only the words can change."""
    movement = _of_customer(call)
    if call.sent("description"):
        movement["description"] = call.text("description")
    movement["metadata"] = call.metadata(old=movement["metadata"])
    return call.save(movement)


def _other(customer: JSON, money: str) -> str:
    return f"balance:{customer['id']}:{money}"


def _of_customer(call: Call) -> JSON:
    movement = call.get(KIND, call.path["id"])
    if movement["customer"] != call.path["customer"]:
        raise missing("customer balance transaction", call.path["id"])
    return movement
