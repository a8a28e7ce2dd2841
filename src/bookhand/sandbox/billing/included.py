"""What this room's objects only show when asked for: `expand[]=payments`, `expand[]=subscriptions`, `expand[]=tiers`.

GET /v1/invoices/in_1?expand[]=payments        # "payments": {"object": "list", "data": [{"id": "inpay_…"}]}
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from bookhand.sandbox.billing import balances, catalog
from bookhand.sandbox.billing.customers import tax_of
from bookhand.sandbox.stripe.expand import includable

if TYPE_CHECKING:
    from bookhand.sandbox.stripe.call import Call

JSON = dict[str, Any]


@includable("invoice", "payments")
def payments(call: Call, invoice: JSON) -> JSON:
    """How an invoice was, or is to be, paid."""
    found = call.find("invoice_payment", invoice=invoice["id"], limit=10)
    return call.embedded(found, f"/v1/invoice_payments?invoice={invoice['id']}")


@includable("invoice", "confirmation_secret")
def confirmation_secret(call: Call, invoice: JSON) -> JSON | None:
    """With what the customer confirms the payment."""
    payment = call.first("invoice_payment", invoice=invoice["id"])
    if payment is None:
        return None
    intent = call.get("payment_intent", payment["payment"]["payment_intent"])
    return {"client_secret": intent["client_secret"], "type": "payment_intent"}


@includable("subscription", "plan")
def plan(_call: Call, subscription: JSON) -> JSON | None:
    """Old clients ask for the plan of a subscription that has one item."""
    items = subscription["items"]["data"]
    return dict(items[0]["plan"]) if len(items) == 1 else None


@includable("customer", "subscriptions")
def subscriptions(call: Call, customer: JSON) -> JSON:
    """A customer's subscriptions that have not ended."""
    found = call.find("subscription", customer=customer["id"], listed="1", limit=10)
    return call.embedded(found, f"/v1/customers/{customer['id']}/subscriptions")


@includable("customer", "tax_ids")
def tax_ids(call: Call, customer: JSON) -> JSON:
    """A customer's tax numbers."""
    found = call.find("tax_id", customer=customer["id"], limit=10)
    return call.embedded(found, f"/v1/customers/{customer['id']}/tax_ids")


@includable("customer", "sources")
def sources(call: Call, customer: JSON) -> JSON:
    """Old-style sources: this stand-in has payment methods only."""
    return call.embedded([], f"/v1/customers/{customer['id']}/sources")


@includable("customer", "tax")
def tax(_call: Call, customer: JSON) -> JSON:
    """Whether tax can be computed for a customer."""
    return tax_of(customer)


@includable("customer", "cash_balance")
def cash_balance(_call: Call, _customer: JSON) -> None:
    """Money sent ahead by bank transfer: none."""


@includable("customer", "invoice_credit_balance")
def invoice_credit_balance(call: Call, customer: JSON) -> JSON:
    """The credit balance by currency."""
    return balances.in_every_currency(call, customer)


@includable("price", "tiers")
def tiers(call: Call, price: JSON) -> list[JSON] | None:
    """The tiers of a tiered price."""
    found: list[JSON] | None = (call.look(catalog.DETAIL, price["id"]) or {}).get("tiers")
    return found


@includable("price", "currency_options")
def currency_options(call: Call, price: JSON) -> JSON:
    """A price in every currency it has."""
    own = {
        name: price[name]
        for name in ("custom_unit_amount", "tax_behavior", "unit_amount", "unit_amount_decimal")
    }
    detail = call.look(catalog.DETAIL, price["id"])
    options: JSON = {price["currency"]: own} if detail is None else detail["currency_options"]
    return options


@includable("plan", "tiers")
def plan_tiers(call: Call, plan: JSON) -> list[JSON] | None:
    """The tiers of a tiered plan."""
    found: list[JSON] | None = (call.look(catalog.DETAIL, plan["id"]) or {}).get("tiers")
    return found


@includable("coupon", "applies_to")
def applies_to(_call: Call, _coupon: JSON) -> None:
    """A coupon without it applies to everything."""


@includable("tax.calculation", "line_items")
def calculation_lines(call: Call, found: JSON) -> JSON:
    """The first lines of a tax calculation."""
    own = call.get("tax.calculation_lines", found["id"])["data"]
    return call.embedded(own[:10], f"/v1/tax/calculations/{found['id']}/line_items", has_more=len(own) > 10)


@includable("tax.transaction", "line_items")
def transaction_lines(call: Call, found: JSON) -> JSON:
    """The first lines of a tax transaction."""
    own = call.get("tax.transaction_lines", found["id"])["data"]
    return call.embedded(own[:10], f"/v1/tax/transactions/{found['id']}/line_items", has_more=len(own) > 10)
