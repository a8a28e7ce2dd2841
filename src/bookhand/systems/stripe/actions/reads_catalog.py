"""What is sold and for how much: products, prices, coupons, payment links.

>>> sorted({action.resource for action in CATALOG_READS})
['coupons', 'payment_links', 'prices', 'products']
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from bookhand.core.action import Params
from bookhand.systems.stripe.actions.entries import Kind, Word, lists, retrieves, searches
from bookhand.systems.stripe.actions.fields import (
    CouponId,
    Created,
    Currency,
    Line,
    ListParams,
    PaymentLinkId,
    PriceId,
    ProductId,
    RetrieveParams,
)

_CREATED = Field(description="Only those created in this span.")
_ACTIVE = Field(description="True: only those that can be bought; false: only those that cannot any more.")

PRODUCT = Kind(
    resource="products", object="product", scope="rak_product_read",
    fields={
        "id": "the product", "name": "as customers see it", "active": "whether it can be bought", "description": "as customers see it",
        "default_price": "what it costs unless told otherwise", "tax_code": "how it is taxed", "metadata": "your own names and texts",
        "created": "Unix seconds",
    },
)  # fmt: skip


class ProductsList(ListParams):
    """Filters of a list of products."""

    active: Annotated[bool | None, _ACTIVE] = None
    ids: Annotated[list[ProductId] | None, Field(min_length=1, max_length=100, description="Only these; not together with starting_after.")] = None  # fmt: skip
    shippable: Annotated[bool | None, Field(description="True: only goods that are shipped; false: only those that are not.")] = None  # fmt: skip
    url: Annotated[Line | None, Field(description="Only those with this address.")] = None
    created: Annotated[Created | None, _CREATED] = None


class ProductRetrieve(RetrieveParams):
    """Which product."""

    id: Annotated[ProductId, Field(description="The product's id.")]


PRICE = Kind(
    resource="prices", object="price", scope="rak_plan_read",
    fields={
        "id": "the price", "product": "what it is the price of", "unit_amount": "of one, in minor units", "currency": "of the amount",
        "type": "one_time or recurring", "recurring": "interval, interval_count, usage_type", "active": "whether it can be used",
        "lookup_key": "your own name for it", "tax_behavior": "inclusive, exclusive or unspecified", "created": "Unix seconds",
    },
)  # fmt: skip


class PriceRecurring(Params):
    """How a price recurs."""

    interval: Annotated[Literal["day", "week", "month", "year"] | None, Field(description="Only those billed at this interval.")] = None  # fmt: skip
    usage_type: Annotated[Literal["licensed", "metered"] | None, Field(description="Only those billed by quantity (licensed), or by use (metered).")] = None  # fmt: skip
    meter: Annotated[Word | None, Field(description="Only those of this meter.")] = None


class PricesList(ListParams):
    """Filters of a list of prices."""

    active: Annotated[bool | None, _ACTIVE] = None
    product: Annotated[ProductId | None, Field(description="Only prices of this product.")] = None
    currency: Annotated[Currency | None, Field(description="Only those in this currency.")] = None
    type: Annotated[Literal["one_time", "recurring"] | None, Field(description="Only those paid once, or again and again.")] = None  # fmt: skip
    recurring: Annotated[PriceRecurring | None, Field(description="Only those that recur in this way.")] = (
        None
    )
    lookup_keys: Annotated[list[Line] | None, Field(min_length=1, max_length=10, description="Only those with one of these names of your own.")] = None  # fmt: skip
    created: Annotated[Created | None, _CREATED] = None


class PriceRetrieve(RetrieveParams):
    """Which price."""

    price: Annotated[PriceId, Field(description="The price's id.")]


COUPON = Kind(
    resource="coupons", object="coupon", scope="rak_coupon_read",
    fields={
        "id": "the coupon", "name": "as customers see it", "percent_off": "per cent", "amount_off": "or an amount, in minor units",
        "currency": "of the amount", "duration": "once, repeating or forever", "duration_in_months": "where it repeats",
        "times_redeemed": "how often it was used", "max_redemptions": "how often it may be used", "redeem_by": "until when",
        "valid": "whether it can still be used", "created": "Unix seconds",
    },
)  # fmt: skip


class CouponsList(ListParams):
    """Filters of a list of coupons."""

    created: Annotated[Created | None, _CREATED] = None


class CouponRetrieve(RetrieveParams):
    """Which coupon."""

    coupon: Annotated[CouponId, Field(description="The coupon's id.")]


LINK = Kind(
    resource="payment_links", object="payment_link", scope="rak_payment_links_read",
    fields={
        "id": "the payment link (plink_…)", "url": "where customers pay", "active": "whether it works", "currency": "what it asks in",
        "line_items": "what is bought, with expand line_items", "metadata": "your own names and texts",
    },
)  # fmt: skip


class PaymentLinksList(ListParams):
    """Filters of a list of payment links."""

    active: Annotated[bool | None, Field(description="True: only those that work; false: only those that were turned off.")] = None  # fmt: skip


class PaymentLinkRetrieve(RetrieveParams):
    """Which payment link."""

    payment_link: Annotated[PaymentLinkId, Field(description="The payment link's id.")]


CATALOG_READS = (
    lists(PRODUCT, ProductsList, "Products, newest first", when="To see what is sold, archived products too unless active is true. Deleted ones are hidden."),
    retrieves(PRODUCT, ProductRetrieve, "One product", "/v1/products/{id}"),
    searches(PRODUCT, "active, created, description, name, shippable, url"),
    lists(PRICE, PricesList, "Prices, newest first", when="To see what things cost, archived prices too unless active is true. Prices made inline are hidden."),
    retrieves(PRICE, PriceRetrieve, "One price", "/v1/prices/{price}", when="When its id is known. Tiers come with expand tiers alone."),
    searches(PRICE, "active, created, currency, lookup_key, product, type"),
    lists(COUPON, CouponsList, "Coupons, newest first", when="To see which discounts there are; valid tells those that can still be used."),
    retrieves(COUPON, CouponRetrieve, "One coupon", "/v1/coupons/{coupon}"),
    lists(LINK, PaymentLinksList, "Payment links, newest first", when="To see where customers can pay, turned off links too; Stripe does not say when one was made."),
    retrieves(LINK, PaymentLinkRetrieve, "One payment link", "/v1/payment_links/{payment_link}"),
)  # fmt: skip
"""Every read about what is sold."""
