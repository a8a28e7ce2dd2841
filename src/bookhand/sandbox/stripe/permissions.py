"""What a restricted key needs for an endpoint, and the refusal that names it.

needed("GET", "/v1/payouts/{id}")    # ("payout", "read")
"""

from __future__ import annotations

from bookhand.sandbox.stripe.errors import StripeError
from bookhand.sandbox.stripe.keys import Key
from bookhand.sandbox.stripe.routes import Route

# Resources whose permission is not their name in the singular.
NAMES = {
    "account": "accounts_kyc_basic",
    "accounts": "connected_account",
    "application_fees": "application_fee",
    "balance": "balance",
    "balance_settings": "balance",
    "balance_transactions": "balance_transaction_source",
    "disputes": "dispute",
    "invoice_payments": "invoice",
    "invoiceitems": "invoice",
    "payment_links": "payment_links",
    "plans": "plan",
    "prices": "plan",
    "refunds": "charge",
    "subscription_items": "subscription",
    "subscription_schedules": "subscription",
    "tax_rates": "tax_rate",
    "test_helpers": "billing_clock",
    "webhook_endpoints": "webhook",
}


def needed(route: Route) -> tuple[str, str]:
    """(resource, read | write) of an endpoint."""
    way = "read" if route.method == "GET" else "write"
    if route.permission:
        return route.permission, way
    steps = route.path.strip("/").split("/")
    if steps[0] == "v2":
        return "event_destination" if "event_destinations" in steps else "event", way
    head = steps[1] if len(steps) > 1 else steps[0]
    return NAMES.get(head) or head.removesuffix("s"), way


def check(key: Key, route: Route, account: str) -> None:
    """Refuse a key that may not do this, in Stripe's words."""
    if key.permissions is None:
        return
    resource, way = needed(route)
    granted = key.permissions.get(resource, key.permissions.get("*", "none"))
    if granted in ("write", way):
        return
    raise StripeError(
        f"The provided key '{key.masked}' does not have the required permissions for this endpoint on account "
        f"'{account}'. Having the 'rak_{resource}_{way}' permission would allow this request to continue.",
        status=403,
    )
