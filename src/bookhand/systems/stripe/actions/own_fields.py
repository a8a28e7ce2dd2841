"""Parameters that several writes share: metadata, addresses, and amounts that a currency can hold; pure.

>>> chargeable(1005, "kwd")
Traceback (most recent call last):
ValueError: Stripe takes KWD with two decimals, and a third that is 0: 1.005 KWD cannot be asked for.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field, StringConstraints

from bookhand.core.action import Params
from bookhand.core.money import EXPONENTS, Money
from bookhand.systems.stripe.actions.fields import (
    CouponId,
    Line,
    Metadata,
    PriceId,
    PromotionCodeId,
    Quantity,
)

Short = Annotated[str, StringConstraints(min_length=1, max_length=200)]
Unset = Annotated[str, StringConstraints(max_length=500)]
"""A text that may be empty, which takes away what is there."""
Country = Annotated[str, StringConstraints(pattern=r"^[A-Z]{2}$")]
Email = Annotated[str, StringConstraints(max_length=512, pattern=r"^([^@\s]+@[^@\s]+)?$")]

_WHOLE_UNITS = ("ISK", "UGX")
"""Two decimals in the API, none in life."""
_THREE = 3


def chargeable(amount: int, currency: str) -> int:
    """`amount` if money of `currency` can be that much; a ValueError in one sentence if not."""
    code = currency.upper()
    if code in _WHOLE_UNITS and amount % 100:
        raise ValueError(f"{code} has no coin smaller than 1: {Money(amount, code)} cannot be asked for.")
    if EXPONENTS.get(code) == _THREE and amount % 10:
        raise ValueError(
            f"Stripe takes {code} with two decimals, and a third that is 0: {Money(amount, code)} cannot be asked for."
        )
    return amount


def exactly_one(given: Params, *names: str) -> None:
    """A ValueError unless exactly one of the fields was given."""
    told = [name for name in names if getattr(given, name) is not None]
    if len(told) != 1:
        raise ValueError(
            f"Give exactly one of {' and '.join(names)}: {'more than one' if told else 'none'} was given."
        )


class Tagged(Params):
    """What takes metadata."""

    metadata: Annotated[Metadata | None, Field(description="Names and texts of your own, kept on the object.")] = None  # fmt: skip


class Address(Params):
    """A postal address."""

    line1: Annotated[Unset | None, Field(description="Street and number, or post box.")] = None
    line2: Annotated[Unset | None, Field(description="Flat, floor or building.")] = None
    city: Annotated[Unset | None, Field(description="City or town.")] = None
    state: Annotated[Unset | None, Field(description="State, county or province.")] = None
    postal_code: Annotated[Unset | None, Field(description="Postal code.")] = None
    country: Annotated[Country | None, Field(description="Two letters, as in US or DE.")] = None


class Discount(Params):
    """A discount to give: of a coupon or by a promotion code."""

    coupon: Annotated[CouponId | None, Field(description="The coupon it comes from.")] = None
    promotion_code: Annotated[PromotionCodeId | None, Field(description="The promotion code it comes from.")] = None  # fmt: skip

    def model_post_init(self, _: Any) -> None:
        """One of the two."""
        exactly_one(self, "coupon", "promotion_code")


class AutomaticTax(Params):
    """Whether Stripe Tax computes tax."""

    enabled: Annotated[bool, Field(description="True to have Stripe Tax compute the tax.")]


class Sold(Params):
    """A price and how many of it."""

    price: Annotated[PriceId, Field(description="The price (price_…).")]
    quantity: Annotated[Quantity | None, Field(description="How many; without it, one.")] = None


Collection = Literal["charge_automatically", "send_invoice"]
Proration = Literal["create_prorations", "always_invoice", "none"]
Feedback = Literal["customer_service", "low_quality", "missing_features", "other", "switched_service", "too_complex",
                   "too_expensive", "unused"]  # fmt: skip


class Cancellation(Params):
    """Why a customer goes."""

    comment: Annotated[Line | None, Field(description="In their own words.")] = None
    feedback: Annotated[Feedback | None, Field(description="The reason, in Stripe's words.")] = None
