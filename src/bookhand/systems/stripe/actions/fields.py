"""The types that parameters of Stripe's actions are made of, pure: ids with their prefix, moments, money, metadata.

Each says what is wrong in one sentence a person can act on. An optional field is written with its description beside its type:

    class RefundsList(ListParams):
        charge: Annotated[ChargeId | None, Field(description="Only refunds of this charge.")] = None
        created: Annotated[Created | None, Field(description="Only those created in this span.")] = None

>>> moment("2026-03-01"), moment("2026-03-01T12:00:00+02:00"), moment(1772323200)
(1772323200, 1772359200, 1772323200)
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, Field, GetCoreSchemaHandler, StringConstraints
from pydantic_core import CoreSchema, core_schema

from bookhand.core.action import MARKER, MINOR_UNITS, Params
from bookhand.core.money import EXPONENTS

MOST = 10_000
"""The most objects that one list gives; then it says how to go on."""
METADATA_KEYS, METADATA_KEY, METADATA_VALUE = 49, 40, 500
"""Stripe's limits (docs.stripe.com/metadata): 50 keys, of which one is ours; characters of a key; characters of a value."""
_MOST_MINOR = 999_999_999_999
_MOST_SECONDS = 4_102_444_800
"""The year 2100: what is above it is milliseconds, not seconds."""


@dataclass(frozen=True, slots=True)
class Prefixed:
    """A validator of ids that begin with one of `prefixes`: a charge's id where a refund's is wanted is told at once."""

    what: str
    prefixes: tuple[str, ...]
    but: tuple[str, ...] = ()
    """Longer prefixes that are of something else (``sub_sched_`` is no ``sub_``)."""

    def __call__(self, value: str) -> str:
        """`value` itself, or a ValueError in one sentence."""
        fits = value.startswith(self.prefixes) and not (self.but and value.startswith(self.but))
        if fits and _is_id(value):
            return value
        shown = f"{kind}_…" if (kind := value.partition("_")[0]).isalpha() and len(kind) <= _SHOWN else "This"
        raise ValueError(
            f"{shown} is not the id of {self.what}: it begins with {' or '.join(self.prefixes)}."
        )

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        """A string, checked by this, whose JSON schema tells the pattern."""
        starts = "|".join(self.prefixes)
        told = {"pattern": f"^({starts})[A-Za-z0-9_]+$", "examples": [f"{self.prefixes[0]}…"]}
        return core_schema.no_info_after_validator_function(
            self, handler(source), metadata={"pydantic_js_updates": told}
        )


_SHOWN = 6
"""Letters of a prefix that are shown: what was given may be a secret, so no more of it is."""
_LONGEST_ID = 255


def _is_id(value: str) -> bool:
    """Whether `value` can stand in a path: letters, digits and underscores, as every id that Stripe makes."""
    return len(value) <= _LONGEST_ID and value.isascii() and value.replace("_", "").isalnum()


def chosen_id(value: str) -> str:
    """`value` if it can be an id that people choose themselves (of a product, price or coupon): no slash, no space."""
    if 0 < len(value) <= _LONGEST_ID and all(c.isalnum() or c in "_-.+" for c in value) and value.strip("."):
        return value
    raise ValueError("An id has letters, digits, underscores, hyphens, dots and plus signs alone.")


CustomerId = Annotated[str, Prefixed("a customer", ("cus_",))]
ChargeId = Annotated[str, Prefixed("a charge", ("ch_", "py_"))]
PaymentIntentId = Annotated[str, Prefixed("a payment intent", ("pi_",))]
PaymentMethodId = Annotated[str, Prefixed("a payment method", ("pm_", "card_", "src_", "ba_"))]
RefundId = Annotated[str, Prefixed("a refund", ("re_", "pyr_"))]
DisputeId = Annotated[str, Prefixed("a dispute", ("du_", "dp_", "pdp_"))]
WarningId = Annotated[str, Prefixed("an early fraud warning", ("issfr_",))]
SubscriptionId = Annotated[str, Prefixed("a subscription", ("sub_",), but=("sub_sched_",))]
SubscriptionItemId = Annotated[str, Prefixed("a subscription item", ("si_",))]
ScheduleId = Annotated[str, Prefixed("a subscription schedule", ("sub_sched_",))]
InvoiceId = Annotated[str, Prefixed("an invoice", ("in_",))]
InvoiceItemId = Annotated[str, Prefixed("an invoice item", ("ii_",))]
CreditNoteId = Annotated[str, Prefixed("a credit note", ("cn_",))]
PayoutId = Annotated[str, Prefixed("a payout", ("po_",))]
DestinationId = Annotated[str, Prefixed("a bank account or debit card", ("ba_", "card_"))]
BalanceTransactionId = Annotated[str, Prefixed("a balance transaction", ("txn_",))]
CustomerBalanceTransactionId = Annotated[str, Prefixed("a customer balance transaction", ("cbtxn_",))]
ApplicationFeeId = Annotated[str, Prefixed("an application fee", ("fee_",))]
EventId = Annotated[str, Prefixed("an event", ("evt_",))]
AccountId = Annotated[str, Prefixed("an account", ("acct_",))]
TaxTransactionId = Annotated[str, Prefixed("a tax transaction", ("tax_",))]
TaxRateId = Annotated[str, Prefixed("a tax rate", ("txr_",))]
PaymentLinkId = Annotated[str, Prefixed("a payment link", ("plink_",))]
FileId = Annotated[str, Prefixed("a file", ("file_",))]
PromotionCodeId = Annotated[str, Prefixed("a promotion code", ("promo_",))]
TestClockId = Annotated[str, Prefixed("a test clock", ("clock_",))]
TransferId = Annotated[str, Prefixed("a transfer", ("tr_",))]
ProductId = Annotated[str, AfterValidator(chosen_id)]
PriceId = Annotated[str, AfterValidator(chosen_id)]
"""Old plans are prices too, with ids that people chose."""
CouponId = Annotated[str, AfterValidator(chosen_id)]
AnyId = Annotated[str, AfterValidator(chosen_id)]
"""The id of an object of whichever kind."""


def currency(value: str) -> str:
    """`value` as Stripe writes it (lower case), if it is a currency with known decimals."""
    if value.upper() not in EXPONENTS:
        raise ValueError("A currency is three letters, as in usd, eur or jpy; this one is not known.")
    return value.lower()


Currency = Annotated[str, AfterValidator(currency), Field(examples=["usd"])]


def _an_amount(value: Any) -> Any:
    """`value`, where it is an amount that Stripe may take; else a sentence that is right in every currency."""
    if type(value) is int and abs(value) > _MOST_MINOR:
        raise ValueError("An amount has twelve digits at most, those behind the point among them.")
    return value


Minor = Annotated[
    int,
    Field(strict=True, gt=0, le=_MOST_MINOR, json_schema_extra=MINOR_UNITS),
    BeforeValidator(_an_amount),
]
"""An amount in whole minor units (1500 is 15.00 USD, and 1500 JPY); more than nothing."""

SignedMinor = Annotated[
    int,
    Field(strict=True, ge=-_MOST_MINOR, le=_MOST_MINOR, json_schema_extra=MINOR_UNITS),
    BeforeValidator(_an_amount),
]
"""An amount in whole minor units that may be negative."""

Quantity = Annotated[int, Field(strict=True, ge=0, le=1_000_000_000)]

Line = Annotated[str, StringConstraints(min_length=1, max_length=500)]
"""A text of a line or a paragraph."""


def moment(value: Any, *, day_ends: bool = False) -> Any:
    """An ISO date or date and time (UTC unless it says) as Unix seconds; a date is its first second, or its last if `day_ends`."""
    if not isinstance(value, str) or _is_number(value):
        return _seconds(value)
    try:
        if len(value) == len("2026-03-01"):
            first = datetime.combine(date.fromisoformat(value), datetime.min.time(), UTC)
            return int((first + timedelta(days=1, seconds=-1) if day_ends else first).timestamp())
        found = datetime.fromisoformat(value)
    except ValueError:
        raise ValueError(_NO_MOMENT) from None
    return int((found if found.tzinfo else found.replace(tzinfo=UTC)).timestamp())


_NO_MOMENT = "A moment is Unix seconds, or ISO 8601: 2026-03-01 or 2026-03-01T12:00:00Z."


def _is_number(value: str) -> bool:
    return value.isascii() and value.isdigit() and len(value) != len("20260301")


def _seconds(value: Any) -> int:
    """Whole seconds; not a float, a bool or milliseconds."""
    if isinstance(value, bool) or not isinstance(value, int | str):
        raise ValueError(_NO_MOMENT)  # noqa: TRY004 (pydantic turns a ValueError into a sentence, a TypeError into a crash)
    if not 0 <= int(value) <= _MOST_SECONDS:
        raise ValueError("That moment is before 1970 or after 2100: were milliseconds meant as seconds?")
    return int(value)


def _day_ends(value: Any) -> Any:
    return moment(value, day_ends=True)


_SHOWN_MOMENT = Field(
    json_schema_extra={
        "type": ["integer", "string"],
        "examples": [1772323200, "2026-03-01", "2026-03-01T12:00:00Z"],
    }
)
Moment = Annotated[int, BeforeValidator(moment), _SHOWN_MOMENT]
"""Unix seconds; also given as an ISO date (its first second, UTC) or date and time."""
DayEnd = Annotated[int, BeforeValidator(_day_ends), _SHOWN_MOMENT]
"""As `Moment`, but a date is its last second."""


class Span(Params):
    """A span of time. A date means the whole day, in UTC: ``lte`` holds all of it, ``gt`` begins after it."""

    gt: Annotated[DayEnd | None, Field(description="After this moment (after the whole of this day).")] = None
    gte: Annotated[Moment | None, Field(description="At or after this moment (from the start of this day).")] = None  # fmt: skip
    lt: Annotated[Moment | None, Field(description="Before this moment (before this day).")] = None
    lte: Annotated[DayEnd | None, Field(description="At or before this moment (to the end of this day).")] = None  # fmt: skip


Created = Span
"""When an object was created."""


def metadata(value: dict[str, str]) -> dict[str, str]:
    """`value` if Stripe will take it, and the key that is bookhand's own is not in it."""
    if MARKER in value:
        raise ValueError(f"The metadata key {MARKER} is bookhand's own: leave it out.")
    if len(value) > METADATA_KEYS:
        raise ValueError(f"Metadata takes {METADATA_KEYS} keys; these are {len(value)}.")
    for key, text in value.items():
        _one_of_metadata(key, text)
    return value


def _one_of_metadata(key: str, text: str) -> None:
    if not 0 < len(key) <= METADATA_KEY or "[" in key or "]" in key:
        raise ValueError(f"A metadata key has 1 to {METADATA_KEY} characters, and no square brackets.")
    if len(text) > METADATA_VALUE:
        raise ValueError(
            f"The metadata under {key} has {len(text)} characters; Stripe takes {METADATA_VALUE}."
        )


Metadata = Annotated[dict[str, str], AfterValidator(metadata)]
"""Names and texts of your own on an object; in an update, an empty text removes its name."""

Path = Annotated[str, StringConstraints(pattern=r"^[a-z0-9_]+(\.[a-z0-9_]+){0,3}$")]
Expand = Annotated[list[Path], Field(max_length=20)]
"""Ids to be replaced by their objects; in a list each begins with ``data.``."""

Limit = Annotated[int, Field(strict=True, ge=1, le=MOST)]


class ListParams(Params):
    """What every list takes. Newest first, paged to the end unless `limit` says otherwise."""

    limit: Annotated[Limit | None, Field(description=f"How many objects at most; without it all, up to {MOST:,}.")] = None  # fmt: skip
    starting_after: Annotated[AnyId | None, Field(description="Go on after the object with this id (the last one seen).")] = None  # fmt: skip
    expand: Annotated[Expand | None, Field(description="Ids to replace by their objects, as in data.customer; up to four levels.")] = None  # fmt: skip


class SearchParams(Params):
    """What every search takes: a query in Stripe's search language."""

    query: Annotated[Line, Field(description="Stripe's search language: amount>1000 AND metadata['order']:'6735'. At most ten clauses, AND or OR alone.")]  # fmt: skip
    limit: Annotated[Limit | None, Field(description=f"How many objects at most; without it all, up to {MOST:,}.")] = None  # fmt: skip
    page: Annotated[Line | None, Field(description="Go on from here: the next_page that a cut answer named.")] = None  # fmt: skip
    expand: Annotated[Expand | None, Field(description="Ids to replace by their objects, as in data.customer.")] = None  # fmt: skip


class RetrieveParams(Params):
    """What every retrieve takes beside the id."""

    expand: Annotated[Expand | None, Field(description="Ids to replace by their objects, as in customer or latest_charge.balance_transaction.")] = None  # fmt: skip
