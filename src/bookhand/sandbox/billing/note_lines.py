"""The lines of a credit note: parts of an invoice's lines, or custom ones, with their share of discount and tax.

half of a line of 1,000 with 100 off and 171 tax  ->  500, 50 off, 86 tax (rounded, never more than the line's own)
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from bookhand.sandbox.billing import rates, totals
from bookhand.sandbox.billing.shares import rounded
from bookhand.sandbox.billing.totals import Totals
from bookhand.sandbox.stripe.errors import StripeError, parameter_missing

if TYPE_CHECKING:
    from bookhand.sandbox.stripe.call import Call
    from bookhand.sandbox.stripe.params import Params

JSON = dict[str, Any]


def build(call: Call, invoice: JSON, invoice_lines: list[JSON]) -> tuple[list[JSON], Totals]:
    """The lines that the call's parameters ask for, and their sums."""
    wanted = call.subs("lines")
    if wanted:
        found = [_asked(call, params, invoice, invoice_lines) for params in wanted]
    else:
        amount = call.integer("amount", min=1)
        if amount is None:
            amount = sum(
                call.integer(n) or 0 for n in ("refund_amount", "credit_amount", "out_of_band_amount")
            )
        if not amount:
            raise parameter_missing("amount")
        found = [_share_of_all(call, invoice, amount)]
    return found, _sum(found)


def _asked(call: Call, params: Params, invoice: JSON, invoice_lines: list[JSON]) -> JSON:
    if params.choice("type", ("custom_line_item", "invoice_line_item"), required=True) == "custom_line_item":
        return _custom(call, params, invoice)
    id_ = params.text("invoice_line_item", required=True)
    line = next((line for line in invoice_lines if line["id"] == id_), None)
    if line is None:
        raise StripeError(
            f"No such invoice line item: '{id_}'",
            code="resource_missing",
            param=params.named("invoice_line_item"),
            status=404,
        )
    return _part_of(call, params, line)


def _part_of(call: Call, params: Params, line: JSON) -> JSON:
    quantity = params.integer("quantity", min=1)
    amount = params.integer("amount", min=1)
    whole = line["amount"]
    if amount is None:
        of = line["quantity"] or 1
        quantity = quantity if quantity is not None else of
        amount = rounded(whole * quantity, of)
    if amount > whole:
        raise StripeError("You cannot credit more than the line's amount.", param=params.named("amount"))
    return _line(
        call,
        amount,
        line["description"],
        [{**d, "amount": rounded(d["amount"] * amount, whole)} for d in line["discount_amounts"]],
        [_scaled(tax, amount, whole) for tax in line["taxes"]],
        kind="invoice_line_item",
        of=line["id"],
        quantity=quantity,
    )


def _custom(call: Call, params: Params, invoice: JSON) -> JSON:
    quantity = params.integer("quantity", default=1, min=1) or 1
    unit = params.integer("unit_amount", min=1)
    amount = unit * quantity if unit is not None else params.integer("amount", required=True, min=1) or 0
    chosen = rates.by_hand(call, params.listing("tax_rates"))
    line: JSON = {"amount": amount, "discountable": False, "pricing": None, "discounts": []}
    customer = {"tax_exempt": invoice["customer_tax_exempt"] or "none"}
    totals.settle([line], [], [rates.of(chosen, customer)])
    made = _line(
        call,
        amount,
        params.text("description"),
        [],
        line["taxes"],
        kind="custom_line_item",
        quantity=quantity,
    )
    made["unit_amount"], made["unit_amount_decimal"] = unit, None if unit is None else str(unit)
    made["tax_rates"] = chosen
    return made


def _share_of_all(call: Call, invoice: JSON, amount: int) -> JSON:
    if amount > invoice["total"]:
        raise StripeError("You cannot credit more than the invoice's total.", param="amount")
    taxes = [_scaled(tax, amount, invoice["total"]) for tax in invoice["total_taxes"]]
    added = sum(tax["amount"] for tax in taxes if tax["tax_behavior"] == "exclusive")
    return _line(call, amount - added, None, [], taxes, kind="custom_line_item", quantity=1)


def _scaled(tax: JSON, amount: int, whole: int) -> JSON:
    return {
        **tax,
        "amount": rounded(tax["amount"] * amount, whole),
        "taxable_amount": rounded((tax["taxable_amount"] or 0) * amount, whole),
    }


def _line(
    call: Call,
    amount: int,
    words: str | None,
    discounts: list[JSON],
    taxes: list[JSON],
    *,
    kind: str,
    of: str | None = None,
    quantity: int | None = None,
) -> JSON:
    return {
        "id": call.new_id("cnli"),
        "object": "credit_note_line_item",
        "amount": amount,
        "description": words,
        "discount_amount": sum(d["amount"] for d in discounts),
        "discount_amounts": discounts,
        **({"invoice_line_item": of} if of else {}),
        "livemode": call.livemode,
        "metadata": {},
        "pretax_credit_amounts": [],
        "quantity": quantity,
        "tax_rates": [],
        "taxes": taxes,
        "type": kind,
        "unit_amount": None,
        "unit_amount_decimal": None,
    }


def _sum(found: list[JSON]) -> Totals:
    subtotal = sum(line["amount"] for line in found)
    discounts: dict[str, JSON] = {}
    taxes: dict[str, JSON] = {}
    for line in found:
        for discount in line["discount_amounts"]:
            known = discounts.setdefault(discount["discount"], {**discount, "amount": 0})
            known["amount"] += discount["amount"]
        for tax in line["taxes"]:
            rate = (tax["tax_rate_details"] or {}).get("tax_rate", "")
            known = taxes.setdefault(rate, {**tax, "amount": 0, "taxable_amount": 0})
            known["amount"] += tax["amount"]
            known["taxable_amount"] += tax["taxable_amount"]
    off = sum(d["amount"] for d in discounts.values())
    added = sum(t["amount"] for t in taxes.values() if t["tax_behavior"] == "exclusive")
    inside = sum(t["amount"] for t in taxes.values() if t["tax_behavior"] == "inclusive")
    return Totals(
        subtotal=subtotal,
        subtotal_excluding_tax=subtotal - inside,
        total=subtotal - off + added,
        total_excluding_tax=subtotal - off - inside,
        discounts=list(discounts.values()),
        taxes=list(taxes.values()),
    )
