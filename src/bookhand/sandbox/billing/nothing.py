"""Lists of what this stand-in never makes, so that a program which copies everything finds them empty and goes on.

    GET /v1/checkout/sessions      # {"object": "list", "data": [], "has_more": false}

One by one they do not exist: reading or making one is refused as an unknown address, and never pretended.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from bookhand.sandbox.stripe.routes import route

if TYPE_CHECKING:
    from bookhand.sandbox.stripe.call import Call

JSON = dict[str, Any]


@route("GET", "/v1/billing/meters")
@route("GET", "/v1/checkout/sessions")
@route("GET", "/v1/customers/{customer}/cash_balance_transactions")
@route("GET", "/v1/customers/{customer}/sources")
@route("GET", "/v1/entitlements/features")
@route("GET", "/v1/invoice_rendering_templates")
@route("GET", "/v1/products/{product}/features")
@route("GET", "/v1/quotes")
@route("GET", "/v1/shipping_rates")
def nothing(call: Call) -> JSON:
    """None of these."""
    return call.embedded([], call.url)
