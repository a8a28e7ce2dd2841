"""Links between objects, followed on request: `expand[]=data.source`, `latest_charge.balance_transaction`.

    expand(call, charge, ["customer", "balance_transaction.source"])

An object's link is its id; the id's prefix names what it is. A field that is there only when asked for is registered:

    @includable("charge", "refunds")
    def refunds(call, charge): return call.embedded(call.find("refund", charge=charge["id"]), url=…)
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from bookhand.sandbox.stripe.errors import JSON, StripeError

if TYPE_CHECKING:
    from bookhand.sandbox.stripe.call import Call

DEPTH = 4

PREFIXES = {
    "acct": "account",
    "ba": "bank_account",
    "ca": "application",
    "card": "card",
    "cbtxn": "customer_balance_transaction",
    "ch": "charge",
    "clock": "test_helpers.test_clock",
    "cn": "credit_note",
    "cs": "checkout.session",
    "cus": "customer",
    "di": "discount",
    "dp": "dispute",
    "du": "dispute",
    "evt": "event",
    "fee": "application_fee",
    "file": "file",
    "fr": "fee_refund",
    "ii": "invoiceitem",
    "in": "invoice",
    "inpay": "invoice_payment",
    "link": "file_link",
    "mandate": "mandate",
    "pi": "payment_intent",
    "plan": "plan",
    "plink": "payment_link",
    "pm": "payment_method",
    "po": "payout",
    "price": "price",
    "prod": "product",
    "promo": "promotion_code",
    "py": "charge",
    "pyr": "refund",
    "qt": "quote",
    "re": "refund",
    "seti": "setup_intent",
    "si": "subscription_item",
    "src": "source",
    "sub": "subscription",
    "sub_sched": "subscription_schedule",
    "tok": "token",
    "tr": "transfer",
    "trr": "transfer_reversal",
    "tu": "topup",
    "txi": "tax_id",
    "txn": "balance_transaction",
    "txr": "tax_rate",
    "we": "webhook_endpoint",
}

# Links whose ids people choose themselves: the field says what they are.
FIELDS = {
    "coupon": "coupon",
    "plan": "plan",
    "price": "price",
    "product": "product",
    "default_price": "price",
}

Includer = Callable[["Call", JSON], Any]
INCLUDABLE: dict[tuple[str, str], Includer] = {}
Shower = Callable[["Call", JSON], JSON]
SHOWN: dict[str, Shower] = {}


def includable(object: str, field: str) -> Callable[[Includer], Includer]:  # noqa: A002
    """Make the field below on request."""

    def register(make: Includer) -> Includer:
        INCLUDABLE[object, field] = make
        return make

    return register


def shown(object: str) -> Callable[[Shower], Shower]:  # noqa: A002
    """Objects of this kind are stored short: the function below makes what is sent."""

    def register(show: Shower) -> Shower:
        SHOWN[object] = show
        return show

    return register


def kind_of(id: str, field: str = "") -> str | None:  # noqa: A002
    """What an id is: `kind_of("ch_1")` is "charge"."""
    return PREFIXES.get(id.rpartition("_")[0]) or PREFIXES.get(id.partition("_")[0]) or FIELDS.get(field)


def expand(call: Call, answer: JSON, paths: list[Any]) -> JSON:
    """Follow the links named by the paths, in place."""
    for path in paths:
        if not isinstance(path, str):
            raise StripeError("Invalid array of strings", param="expand")
        steps = path.split(".")
        if len(steps) - (steps[0] == "data") > DEPTH:
            raise StripeError(
                f"You cannot expand more than {DEPTH} levels of a property. Property: {path}", param="expand"
            )
        if not _follow(call, [answer], steps):
            raise _refusal(answer, path)
    return answer


def _follow(call: Call, nodes: list[JSON], steps: list[str]) -> bool:
    """Whether the path leads somewhere; nothing to follow (nulls, empty lists) is no mistake."""
    field, rest = steps[0], steps[1:]
    found: list[JSON] = []
    known = not nodes
    for node in nodes:
        reached = _step(call, node, field)
        if reached is None:
            continue
        known = True
        found += reached
    if not known:
        return False
    return _follow(call, found, rest) if rest else True


def _step(call: Call, node: JSON, field: str) -> list[JSON] | None:
    """The objects one step further, expanded in place; None when there is no such link."""
    if field not in node:
        make = INCLUDABLE.get((node.get("object", ""), field))
        if make is None:
            return None
        node[field] = make(call, node)
    value = node[field]
    if value is None:
        return []
    if isinstance(value, dict):
        return [value]
    if isinstance(value, list):
        return _items(call, value, field)
    return _link(call, node, field, value)


def _items(call: Call, items: list[Any], field: str) -> list[JSON] | None:
    for at, item in enumerate(items):
        if isinstance(item, str):
            kind = kind_of(item, field.removesuffix("s"))
            if kind is None:
                return None
            items[at] = _fetch(call, kind, item) or item
    return [item for item in items if isinstance(item, dict)]


def _link(call: Call, node: JSON, field: str, value: Any) -> list[JSON] | None:
    if not isinstance(value, str) or field == "id":
        return None
    kind = kind_of(value, field)
    if kind is None:
        return None
    found = _fetch(call, kind, value)
    if found is None:
        return []
    node[field] = found
    return [found]


def _fetch(call: Call, kind: str, id: str) -> JSON | None:  # noqa: A002
    if kind == "account":
        theirs = call.on(id)
        stored = theirs.look(kind, id)
        return SHOWN[kind](theirs, stored) if stored is not None and kind in SHOWN else stored
    if call.engine.store.deleted(call.part, kind, id):
        return {"id": id, "object": kind, "deleted": True}
    return call.look(kind, id)


def _refusal(answer: JSON, path: str) -> StripeError:
    message = f"This property cannot be expanded ({path})."
    if answer.get("object") in ("list", "search_result") and not path.startswith("data"):
        message += f" You may want to try expanding 'data.{path}' instead."
    return StripeError(message, param="expand")
