"""Where the company collects tax, and how: `tax.registrations`, `tax.settings`, customers' tax ids at large.

POST /v1/tax/registrations country=US country_options[us][state]=CA country_options[us][type]=state_sales_tax active_from=now
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from bookhand.sandbox.billing import fields
from bookhand.sandbox.stripe.errors import StripeError
from bookhand.sandbox.stripe.routes import route

if TYPE_CHECKING:
    from bookhand.sandbox.stripe.call import Call

JSON = dict[str, Any]
KIND = "tax.registration"
SETTINGS = "tax.settings"
CODES = (
    ("txcd_10103001", "Software as a service (SaaS) - business use", "SaaS sold to companies."),
    ("txcd_10103000", "Software as a service (SaaS) - personal use", "SaaS sold to people."),
    ("txcd_10000000", "General - Electronically Supplied Services", "Digital services in general."),
    ("txcd_20030000", "General - Services", "Services in general."),
    ("txcd_99999999", "General - Tangible Goods", "Goods in general."),
    ("txcd_00000000", "Nontaxable", "What no place taxes."),
)


@route("POST", "/v1/tax/registrations")
def create(call: Call) -> JSON:
    """Begin to collect in a country or state."""
    country = (call.text("country", required=True, max=2) or "").upper()
    options = call.mapping("country_options").get(country.lower())
    if not isinstance(options, dict) or "type" not in options:
        raise StripeError(
            f"You must pass `country_options[{country.lower()}]`.",
            param="country_options",
            code="parameter_missing",
        )
    start = (
        call.now if call.text("active_from") == "now" else call.timestamp("active_from", required=True) or 0
    )
    registration: JSON = {
        "id": call.new_id("taxreg"),
        "object": KIND,
        "active_from": start,
        "country": country,
        "country_options": {country.lower(): options},
        "created": call.now,
        "expires_at": call.timestamp("expires_at"),
        "livemode": call.livemode,
        "status": "active" if start <= call.now else "scheduled",
    }
    state = options.get("state") if country == "US" else None
    return call.add(
        registration, place=f"{country}-{state}" if state else country, status=registration["status"]
    )


@route("GET", "/v1/tax/registrations")
def index(call: Call) -> JSON:
    """Registrations, by status."""
    status = call.choice("status", ("active", "all", "expired", "scheduled"), default="all")
    return call.page(KIND, status=None if status == "all" else status)


@route("GET", "/v1/tax/registrations/{id}")
def read(call: Call) -> JSON:
    """One registration."""
    return call.get(KIND, call.path["id"])


@route("POST", "/v1/tax/registrations/{id}")
def change(call: Call) -> JSON:
    """When it begins or ends."""
    registration = call.get(KIND, call.path["id"])
    for name in ("active_from", "expires_at"):
        if call.sent(name):
            registration[name] = call.now if call.text(name) == "now" else call.timestamp(name)
    ends = registration["expires_at"]
    over = ends is not None and ends <= call.now
    registration["status"] = (
        "expired" if over else "active" if registration["active_from"] <= call.now else "scheduled"
    )
    return call.save(registration, status=registration["status"])


@route("GET", "/v1/tax/settings")
def settings(call: Call) -> JSON:
    """How automatic tax is set up."""
    return _shown(call.look(SETTINGS, "tax_settings") or _settings(call))


@route("POST", "/v1/tax/settings")
def change_settings(call: Call) -> JSON:
    """Defaults, and where the company sits."""
    known = call.look(SETTINGS, "tax_settings")
    found = known or _settings(call)
    if call.sent("defaults[tax_behavior]"):
        behaviors = ("exclusive", "inclusive", "inferred_by_currency")
        found["defaults"]["tax_behavior"] = call.choice("defaults[tax_behavior]", behaviors)
    if call.sent("defaults[tax_code]"):
        found["defaults"]["tax_code"] = call.text("defaults[tax_code]")
    if call.mapping("head_office"):
        found["head_office"] = {"address": fields.address(call.sub("head_office"))}
        found["status"], found["status_details"] = "active", {"active": {}}
    if known is None:
        call.add(found, stamp=False)
    else:
        call.save(found)
    call.emit("tax.settings.updated", _shown(found))
    return _shown(found)


@route("GET", "/v1/tax_codes")
def codes(call: Call) -> JSON:
    """The kinds of things sold."""
    return call.embedded([_code(*row) for row in CODES], call.url)


@route("GET", "/v1/tax_codes/{id}")
def code(call: Call) -> JSON:
    """One of them."""
    for row in CODES:
        if row[0] == call.path["id"]:
            return _code(*row)
    raise StripeError(
        f"No such tax code: '{call.path['id']}'", code="resource_missing", param="id", status=404
    )


@route("GET", "/v1/tax_ids")
def tax_ids(call: Call) -> JSON:
    """All tax numbers."""
    return call.page("tax_id")


def _code(id_: str, name: str, words: str) -> JSON:
    return {"id": id_, "object": "tax_code", "description": words, "name": name, "requirements": None}


def _settings(call: Call) -> JSON:
    return {
        "id": "tax_settings",
        "object": SETTINGS,
        "defaults": {"provider": "stripe", "tax_behavior": None, "tax_code": "txcd_10103001"},
        "head_office": None,
        "livemode": call.livemode,
        "status": "pending",
        "status_details": {"pending": {"missing_fields": ["head_office"]}},
    }


def _shown(found: JSON) -> JSON:
    return {name: value for name, value in found.items() if name != "id"}
