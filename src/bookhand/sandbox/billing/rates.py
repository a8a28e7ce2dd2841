"""Tax rates, by hand or by place: which taxes hold for each line of an invoice.

    POST /v1/tax_rates display_name=VAT percentage=19 inclusive=false country=DE

Automatic tax reads the customer's address in the table of places, and collects only where the company is registered
(`tax.registrations`). Where it does not, the line still says so: a tax of 0 with the reason.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from bookhand.sandbox.billing import fields
from bookhand.sandbox.billing.places import Place, located, place_of
from bookhand.sandbox.billing.totals import Rate
from bookhand.sandbox.stripe.routes import route

if TYPE_CHECKING:
    from collections.abc import Iterable

    from bookhand.sandbox.stripe.call import Call

JSON = dict[str, Any]
WORDS = {"sales_tax": "Sales Tax", "vat": "VAT", "gst": "GST", "hst": "HST", "jct": "JCT"}
TYPES = frozenset(("amusement_tax", "communications_tax", "gst", "hst", "igst", "jct", "lease_tax", "pst", "qst",
                   "retail_delivery_fee", "rst", "sales_tax", "service_tax", "vat"))  # fmt: skip
EXCLUSIVE_MONEY = frozenset(("usd", "cad"))


@route("POST", "/v1/tax_rates")
def create(call: Call) -> JSON:
    """A rate to put on lines by hand."""
    percentage = fields.number(call, "percentage")
    rate = blank(
        call,
        display_name=call.text("display_name", required=True) or "",
        percentage=percentage if percentage is not None else _required(call),
        inclusive=bool(call.boolean("inclusive", required=True)),
    )
    fields.set_texts(call, rate, ("country", "description", "jurisdiction", "state"))
    rate["active"] = call.boolean("active", default=True)
    rate["tax_type"] = call.choice("tax_type", TYPES)
    rate["metadata"] = call.metadata()
    return _add(call, rate)


@route("GET", "/v1/tax_rates")
def index(call: Call) -> JSON:
    """Rates, newest first."""
    active, inclusive = call.boolean("active"), call.boolean("inclusive")
    return call.page(
        "tax_rate",
        active=None if active is None else str(active).lower(),
        inclusive=None if inclusive is None else str(inclusive).lower(),
    )


@route("GET", "/v1/tax_rates/{id}")
def read(call: Call) -> JSON:
    """One rate."""
    return call.get("tax_rate", call.path["id"])


@route("POST", "/v1/tax_rates/{id}")
def change(call: Call) -> JSON:
    """Its words and activity; a percentage never changes."""
    before = call.get("tax_rate", call.path["id"])
    after = fields.copy(before)
    fields.set_texts(
        call, after, ("country", "description", "display_name", "jurisdiction", "state", "tax_type")
    )
    after["active"] = call.boolean("active", default=after["active"])
    after["metadata"] = call.metadata(old=after["metadata"])
    return fields.update(call, before, after, "tax_rate.updated", active=str(after["active"]).lower())


def blank(call: Call, *, display_name: str, percentage: float | str, inclusive: bool) -> JSON:
    """A rate with nothing but its percentage."""
    number = float(percentage)
    return {
        "id": call.new_id("txr"),
        "object": "tax_rate",
        "active": True,
        "country": None,
        "created": call.now,
        "description": None,
        "display_name": display_name,
        "effective_percentage": None,
        "flat_amount": None,
        "inclusive": inclusive,
        "jurisdiction": None,
        "jurisdiction_level": None,
        "livemode": call.livemode,
        "metadata": {},
        "percentage": int(number) if number.is_integer() else number,
        "rate_type": "percentage",
        "state": None,
        "tax_type": None,
    }


def by_hand(call: Call, ids: Iterable[str], *, param: str = "tax_rates") -> list[JSON]:
    """The tax rates of these ids."""
    return [call.get("tax_rate", id_, param=param) for id_ in ids]


def of(rates: Iterable[JSON], customer: JSON) -> list[Rate]:
    """Rates put on by hand, as they apply to a customer."""
    exempt = customer["tax_exempt"]
    return [
        Rate(
            rate["id"],
            str(rate["percentage"]) if exempt == "none" else "0",
            rate["inclusive"],
            {"none": "standard_rated", "exempt": "customer_exempt"}.get(exempt, "reverse_charge"),
        )
        for rate in rates
    ]


def address_of(customer: JSON) -> JSON | None:
    """Where a customer is taxed: where it is shipped to, else where it is billed."""
    found: JSON | None = (customer["shipping"] or {}).get("address") or customer["address"]
    return found


def known(customer: JSON) -> bool:
    """Whether automatic tax can tell where a customer is."""
    return located(address_of(customer))


def automatic(call: Call, customer: JSON, *, inclusive: bool) -> list[Rate]:
    """The tax of a customer's place on one line."""
    place = place_of(address_of(customer))
    if place is None:
        return []
    reason = _reason(call, customer, place)
    percentage = place.percentage if reason == "standard_rated" else "0"
    return [Rate(_rate_of(call, place, percentage, inclusive=inclusive), percentage, inclusive, reason)]


def inclusive_by(call: Call, price: JSON, currency: str) -> bool:
    """Whether a price contains its tax: by itself, by the account's settings, or by its currency."""
    behavior = price.get("tax_behavior") or "unspecified"
    if behavior == "unspecified":
        settings = call.look("tax.settings", "tax_settings") or {"defaults": {}}
        behavior = settings["defaults"].get("tax_behavior") or "exclusive"
    if behavior == "inferred_by_currency":
        return currency not in EXCLUSIVE_MONEY
    return bool(behavior == "inclusive")


def registered(call: Call, place: Place) -> bool:
    """Whether the company collects tax in a place now."""
    key = f"{place.country}-{place.state}" if place.country == "US" and place.state else place.country
    for registration in call.find("tax.registration", place=key):
        ends = registration["expires_at"]
        if registration["active_from"] <= call.now and (ends is None or ends > call.now):
            return True
    return False


def _reason(call: Call, customer: JSON, place: Place) -> str:
    if not registered(call, place):
        return "not_collecting"
    if customer["tax_exempt"] == "exempt":
        return "customer_exempt"
    if customer["tax_exempt"] == "reverse":
        return "reverse_charge"
    return "standard_rated" if float(place.percentage) else "not_subject_to_tax"


def _rate_of(call: Call, place: Place, percentage: str, *, inclusive: bool) -> str:
    key = f"{place.key}:{percentage}:{inclusive}"
    found = call.first("tax_rate", place=key)
    if found is None:
        rate = blank(call, display_name=WORDS[place.tax], percentage=percentage, inclusive=inclusive)
        rate |= {
            "active": False,
            "country": place.country,
            "jurisdiction": place.name,
            "jurisdiction_level": place.level,
            "state": place.state,
            "tax_type": place.tax,
        }
        found = _add(call, rate, place=key)
    return str(found["id"])


def _add(call: Call, rate: JSON, place: str | None = None) -> JSON:
    call.add(rate, active=str(rate["active"]).lower(), inclusive=str(rate["inclusive"]).lower(), place=place)
    if place is None:
        call.emit("tax_rate.created", rate)
    return rate


def _required(call: Call) -> float:
    call.text("percentage", required=True)
    return 0.0
