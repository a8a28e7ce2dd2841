"""Tax for sales made outside invoices: a calculation, the transaction it becomes, the reversal that undoes it.

    POST /v1/tax/calculations currency=usd customer_details[address][country]=US … line_items[0][amount]=1000
    POST /v1/tax/transactions/create_from_calculation calculation=taxcalc_1 reference=order_1
    POST /v1/tax/transactions/create_reversal original_transaction=tax_1 mode=full reference=order_1_refund

There is no list of tax transactions, as there is none at Stripe.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from bookhand.sandbox.billing import fields, rates, totals
from bookhand.sandbox.billing.invoices import part
from bookhand.sandbox.billing.places import Place, located, place_of
from bookhand.sandbox.billing.shares import apportion, rounded
from bookhand.sandbox.billing.totals import Rate
from bookhand.sandbox.stripe.errors import StripeError, parameter_missing
from bookhand.sandbox.stripe.routes import route

if TYPE_CHECKING:
    from bookhand.sandbox.stripe.call import Call
    from bookhand.sandbox.stripe.params import Params

JSON = dict[str, Any]
CALCULATION, TRANSACTION = "tax.calculation", "tax.transaction"
LIFE_SECONDS = 90 * 86_400
OVERRIDES = ("customer_exempt", "none", "reverse_charge")


@route("POST", "/v1/tax/calculations")
def calculate(call: Call) -> JSON:
    """The tax of some lines at an address."""
    details = _customer(call)
    place = place_of(details["address"])
    if not located(details["address"]):
        raise StripeError(
            "The customer's location isn't recognized.",
            code="customer_tax_location_invalid",
            param="customer_details",
        )
    wanted = call.subs("line_items")
    if not wanted:
        raise parameter_missing("line_items")
    money = fields.currency(call, required=True) or ""
    own, sums = _lines(call, wanted, place, details)
    id_ = call.new_id("taxcalc")
    calculation: JSON = {
        "id": id_,
        "object": CALCULATION,
        "amount_total": sums.total,
        "currency": money,
        "customer": call.text("customer"),
        "customer_details": details,
        "expires_at": call.now + LIFE_SECONDS,
        "livemode": call.livemode,
        "ship_from_details": None,
        "shipping_cost": None,
        "tax_amount_exclusive": _taxed(sums, "exclusive"),
        "tax_amount_inclusive": _taxed(sums, "inclusive"),
        "tax_breakdown": [_summary(tax, place) for tax in sums.taxes],
        "tax_date": call.timestamp("tax_date", default=call.now),
    }
    call.add(calculation, stamp=False)
    call.add({"id": id_, "object": "tax.calculation_lines", "data": own}, stamp=False)
    return calculation


@route("GET", "/v1/tax/calculations/{id}")
def calculation(call: Call) -> JSON:
    """One calculation, for ninety days."""
    found = call.get(CALCULATION, call.path["id"])
    if found["expires_at"] <= call.now:
        raise StripeError("This tax calculation has expired.", code="taxes_calculation_expired", status=404)
    return found


@route("GET", "/v1/tax/calculations/{id}/line_items")
def calculation_lines(call: Call) -> JSON:
    """Its lines."""
    return part(call, call.get("tax.calculation_lines", call.path["id"])["data"])


@route("POST", "/v1/tax/transactions/create_from_calculation")
def create_from_calculation(call: Call) -> JSON:
    """The sale took place: its tax is owed."""
    id_ = call.text("calculation", required=True) or ""
    calculated = call.get(CALCULATION, id_, param="calculation")
    reference = _reference(call)
    transaction = _transaction(call, calculated, reference, "transaction")
    transaction["posted_at"] = call.timestamp("posted_at", default=call.now)
    own = [_posted(call, line) for line in call.get("tax.calculation_lines", id_)["data"]]
    return _keep(call, transaction, own)


@route("POST", "/v1/tax/transactions/create_reversal")
def create_reversal(call: Call) -> JSON:
    """The sale was refunded, wholly or in part."""
    id_ = call.text("original_transaction", required=True) or ""
    original = call.get(TRANSACTION, id_, param="original_transaction")
    mode = call.choice("mode", ("full", "partial"), required=True)
    reference = _reference(call)
    lines = call.get("tax.transaction_lines", id_)["data"]
    reversal = _transaction(call, original, reference, "reversal")
    reversal["reversal"] = {"original_transaction": id_}
    if mode == "full":
        undone = [_undone(call, line, line["amount"], line["amount_tax"]) for line in lines]
    elif call.sent("flat_amount"):
        undone = _flat(call, lines)
    else:
        undone = [_undone_part(call, params, lines) for params in call.subs("line_items")]
    if not undone:
        raise parameter_missing("line_items")
    return _keep(call, reversal, undone)


@route("GET", "/v1/tax/transactions/{id}")
def transaction(call: Call) -> JSON:
    """One transaction."""
    return call.get(TRANSACTION, call.path["id"])


@route("GET", "/v1/tax/transactions/{id}/line_items")
def transaction_lines(call: Call) -> JSON:
    """Its lines."""
    return part(call, call.get("tax.transaction_lines", call.path["id"])["data"])


def _customer(call: Call) -> JSON:
    known = (
        call.get("customer", call.text("customer") or "", param="customer") if call.text("customer") else None
    )
    inner = call.sub("customer_details")
    address = fields.address(inner) or (rates.address_of(known) if known else None)
    exempt = {"exempt": "customer_exempt", "reverse": "reverse_charge"}.get(
        (known or {}).get("tax_exempt", ""), "none"
    )
    return {
        "address": address,
        "address_source": inner.choice("address_source", ("billing", "shipping"), default="billing"),
        "ip_address": inner.text("ip_address"),
        "tax_ids": inner.listing("tax_ids"),
        "taxability_override": inner.choice("taxability_override", OVERRIDES, default=exempt),
    }


def _rate(call: Call, place: Place | None, override: str, *, inclusive: bool) -> list[Rate]:
    if place is None:
        return []
    reason = "standard_rated"
    if not rates.registered(call, place):
        reason = "not_collecting"
    elif override != "none":
        reason = override
    elif not float(place.percentage):
        reason = "not_subject_to_tax"
    percentage = place.percentage if reason == "standard_rated" else "0"
    return [Rate(f"{place.key}:{inclusive}", percentage, inclusive, reason)]


def _lines(
    call: Call, wanted: list[Params], place: Place | None, details: JSON
) -> tuple[list[JSON], totals.Totals]:
    own: list[JSON] = []
    taxes: list[list[Rate]] = []
    for at, params in enumerate(wanted):
        behavior = params.choice("tax_behavior", ("exclusive", "inclusive"), default="exclusive")
        amount = params.integer("amount", required=True, min=-(10**12)) or 0
        own.append(
            {
                "id": call.new_id("tax_li"),
                "object": "tax.calculation_line_item",
                "amount": amount,
                "amount_tax": 0,
                "livemode": call.livemode,
                "metadata": params.metadata() or None,
                "performance_location": params.text("performance_location"),
                "product": params.text("product"),
                "quantity": params.integer("quantity", default=1, min=1),
                "reference": params.text("reference") or f"L{at + 1}",
                "tax_behavior": behavior,
                "tax_code": params.text("tax_code") or "txcd_10103001",
                "discountable": False,
                "pricing": None,
            }
        )
        taxes.append(_rate(call, place, details["taxability_override"], inclusive=behavior == "inclusive"))
    sums = totals.settle(own, [], taxes)
    for line in own:
        line["amount_tax"] = sum(tax["amount"] for tax in line["taxes"])
        line["tax_breakdown"] = [_breakdown(tax, place) for tax in line.pop("taxes")]
        for name in ("discountable", "pricing", "discount_amounts"):
            line.pop(name)
    return own, sums


def _breakdown(tax: JSON, place: Place | None) -> JSON:
    if place is None:
        return {}
    return {
        "amount": tax["amount"],
        "jurisdiction": {
            "country": place.country,
            "display_name": place.name,
            "level": place.level,
            "state": place.state,
        },
        "sourcing": "destination",
        "tax_rate_details": {
            "display_name": rates.WORDS[place.tax],
            "percentage_decimal": place.percentage,
            "tax_type": place.tax,
        }
        if tax["taxability_reason"] == "standard_rated"
        else None,
        "taxability_reason": tax["taxability_reason"],
        "taxable_amount": tax["taxable_amount"],
    }


def _summary(tax: JSON, place: Place | None) -> JSON:
    standard = tax["taxability_reason"] == "standard_rated" and place is not None
    return {
        "amount": tax["amount"],
        "inclusive": tax["tax_behavior"] == "inclusive",
        "tax_rate_details": {
            "country": place.country if place else None,
            "flat_amount": None,
            "percentage_decimal": place.percentage if place and standard else "0.0",
            "rate_type": "percentage" if standard else None,
            "state": place.state if place else None,
            "tax_type": place.tax if place and standard else None,
        },
        "taxability_reason": tax["taxability_reason"],
        "taxable_amount": tax["taxable_amount"],
    }


def _taxed(sums: totals.Totals, behavior: str) -> int:
    return sum(tax["amount"] for tax in sums.taxes if tax["tax_behavior"] == behavior)


def _reference(call: Call) -> str:
    reference = call.text("reference", required=True, max=500) or ""
    if call.first(TRANSACTION, reference=reference):
        raise StripeError(
            f"The reference `{reference}` is already in use by another tax transaction.", param="reference"
        )
    return reference


def _transaction(call: Call, of: JSON, reference: str, kind: str) -> JSON:
    return {
        "id": call.new_id("tax"),
        "object": TRANSACTION,
        "created": call.now,
        "currency": of["currency"],
        "customer": of["customer"],
        "customer_details": of["customer_details"],
        "livemode": call.livemode,
        "metadata": call.metadata() or None,
        "posted_at": call.now,
        "reference": reference,
        "reversal": None,
        "ship_from_details": None,
        "shipping_cost": None,
        "tax_date": of["tax_date"],
        "type": kind,
    }


def _posted(call: Call, line: JSON) -> JSON:
    kept = {
        name: value for name, value in line.items() if name not in ("tax_breakdown", "performance_location")
    }
    return {
        **kept,
        "id": call.new_id("tax_li"),
        "object": "tax.transaction_line_item",
        "reversal": None,
        "type": "transaction",
    }


def _undone(call: Call, line: JSON, amount: int, tax: int, reference: str | None = None) -> JSON:
    return {
        **line,
        "id": call.new_id("tax_li"),
        "amount": -abs(amount),
        "amount_tax": -abs(tax),
        "reference": reference or line["reference"],
        "reversal": {"original_line_item": line["id"]},
        "type": "reversal",
    }


def _undone_part(call: Call, params: Params, lines: list[JSON]) -> JSON:
    id_ = params.text("original_line_item", required=True)
    line = next((line for line in lines if line["id"] == id_), None)
    if line is None:
        raise StripeError(
            f"No such line item: '{id_}'", code="resource_missing", param=params.named("original_line_item")
        )
    amount = params.integer("amount", required=True, min=-(10**12)) or 0
    tax = params.integer("amount_tax", required=True, min=-(10**12)) or 0
    if abs(amount) > line["amount"] or abs(tax) > line["amount_tax"]:
        raise StripeError("You cannot reverse more than the line's own amount.", param=params.named("amount"))
    return _undone(call, line, amount, tax, params.text("reference"))


def _flat(call: Call, lines: list[JSON]) -> list[JSON]:
    flat = abs(call.integer("flat_amount", required=True, min=-(10**12)) or 0)
    grosses = [_gross(line) for line in lines]
    whole = sum(grosses)
    if flat > whole:
        raise StripeError("You cannot reverse more than the transaction's total.", param="flat_amount")
    parts = apportion([gross * flat for gross in grosses], whole)
    undone = []
    for line, gross, share in zip(lines, grosses, parts, strict=True):
        tax = rounded(line["amount_tax"] * share, gross) if gross else 0
        undone.append(_undone(call, line, share - (tax if line["tax_behavior"] == "exclusive" else 0), tax))
    return undone


def _gross(line: JSON) -> int:
    added = line["amount_tax"] if line["tax_behavior"] == "exclusive" else 0
    return int(line["amount"] + added)


def _keep(call: Call, made: JSON, lines: list[JSON]) -> JSON:
    call.add(made, reference=made["reference"])
    call.add({"id": made["id"], "object": "tax.transaction_lines", "data": lines}, stamp=False)
    return {**made, "line_items": call.embedded(lines[:10], f"/v1/tax/transactions/{made['id']}/line_items")}
