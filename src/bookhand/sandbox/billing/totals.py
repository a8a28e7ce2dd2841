"""What an invoice adds up to: discounts, then taxes, then the totals, to the cent.

`settle` fills `discount_amounts` and `taxes` of every line (dicts in Stripe's shape) and returns the sums:

    total = Σ line amounts - Σ discounts + Σ exclusive taxes
    total_taxes[i].amount = Σ of that tax over the lines, split by the largest remainder
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from bookhand.sandbox.billing.shares import MILLIONTHS, apportion, millionths, rounded

if TYPE_CHECKING:
    from collections.abc import Sequence

JSON = dict[str, Any]


class Rate(msgspec.Struct, frozen=True, gc=False):
    """One tax as it applies to a line: Stripe's tax rate, its percentage and why it is what it is."""

    id: str
    percentage: str
    inclusive: bool
    reason: str = "standard_rated"


class Reduction(msgspec.Struct, frozen=True, gc=False):
    """One discount on an invoice, or on the lines named."""

    discount: str
    coupon: JSON
    lines: frozenset[int] | None = None


class Totals(msgspec.Struct, gc=False):
    """The sums of an invoice or credit note."""

    subtotal: int
    subtotal_excluding_tax: int
    total: int
    total_excluding_tax: int
    discounts: list[JSON]
    taxes: list[JSON]


def settle(lines: list[JSON], reductions: Sequence[Reduction], rates: Sequence[Sequence[Rate]]) -> Totals:
    """Discount and tax the lines in place; `rates[i]` are the taxes of `lines[i]`."""
    discounts = _discount(lines, reductions)
    nets = [line["amount"] - sum(d["amount"] for d in line["discount_amounts"]) for line in lines]
    taxes = _tax(lines, nets, rates)
    subtotal = sum(line["amount"] for line in lines)
    discounted = sum(d["amount"] for d in discounts)
    included = sum(t["amount"] for t in taxes if t["tax_behavior"] == "inclusive")
    added = sum(t["amount"] for t in taxes if t["tax_behavior"] == "exclusive")
    before_discount = included if not discounted else _included([line["amount"] for line in lines], rates)
    return Totals(
        subtotal=subtotal,
        subtotal_excluding_tax=subtotal - before_discount,
        total=subtotal - discounted + added,
        total_excluding_tax=subtotal - discounted - included,
        discounts=discounts,
        taxes=taxes,
    )


def _discount(lines: list[JSON], reductions: Sequence[Reduction]) -> list[JSON]:
    left = [line["amount"] for line in lines]
    for line in lines:
        line["discount_amounts"] = []
    sums = []
    for reduction in reductions:
        chosen = [i for i, line in enumerate(lines) if line["discountable"] and _covers(reduction, i, line)]
        parts = reduce([left[i] for i in chosen], reduction.coupon)
        for i, part in zip(chosen, parts, strict=True):
            left[i] -= part
            lines[i]["discount_amounts"].append({"amount": part, "discount": reduction.discount})
        sums.append({"amount": sum(parts), "discount": reduction.discount})
    return sums


def _covers(reduction: Reduction, index: int, line: JSON) -> bool:
    if reduction.lines is not None and index not in reduction.lines:
        return False
    only = (reduction.coupon.get("applies_to") or {}).get("products")
    if not only:
        return True
    details = (line["pricing"] or {}).get("price_details") or {}
    return details.get("product") in only


def reduce(amounts: Sequence[int], coupon: JSON) -> list[int]:
    """What a coupon takes off each amount; an amount off never takes more than there is."""
    if not amounts:
        return []
    if coupon["percent_off"] is not None:
        share = millionths(str(coupon["percent_off"]))
        return apportion([amount * share for amount in amounts], MILLIONTHS)
    whole = sum(amounts)
    off = min(coupon["amount_off"] or 0, whole)
    if off <= 0:
        return [0] * len(amounts)
    return apportion([amount * off for amount in amounts], whole)


def _tax(lines: list[JSON], nets: list[int], rates: Sequence[Sequence[Rate]]) -> list[JSON]:
    for line in lines:
        line["taxes"] = []
    sums: dict[str, JSON] = {}
    for (rate, denominator), members in _groups(rates).items():
        share = millionths(rate.percentage)
        amounts = apportion([nets[i] * share for i in members], denominator)
        behavior = "inclusive" if rate.inclusive else "exclusive"
        for i, amount in zip(members, amounts, strict=True):
            taxable = nets[i] - _inside(nets[i], amount, share, denominator)
            tax = tax_row(rate, behavior, amount, taxable)
            lines[i]["taxes"].append(tax)
            _add(sums, rate.id, tax)
    return list(sums.values())


def _inside(net: int, amount: int, share: int, denominator: int) -> int:
    """How much of a line's amount is tax; with one inclusive rate, exactly that tax."""
    included = denominator - MILLIONTHS
    return amount if included == share else rounded(net * included, denominator)


def tax_row(rate: Rate, behavior: str, amount: int, taxable: int) -> JSON:
    """One entry of `taxes` or `total_taxes`."""
    return {
        "amount": amount,
        "tax_behavior": behavior,
        "tax_rate_details": {"tax_rate": rate.id},
        "taxability_reason": rate.reason,
        "taxable_amount": taxable,
        "type": "tax_rate_details",
    }


def _groups(rates: Sequence[Sequence[Rate]]) -> dict[tuple[Rate, int], list[int]]:
    groups: dict[tuple[Rate, int], list[int]] = {}
    for i, of_line in enumerate(rates):
        included = sum(millionths(rate.percentage) for rate in of_line if rate.inclusive)
        for rate in of_line:
            groups.setdefault((rate, MILLIONTHS + (included if rate.inclusive else 0)), []).append(i)
    return groups


def _add(sums: dict[str, JSON], rate: str, tax: JSON) -> None:
    known = sums.get(rate)
    if known is None:
        sums[rate] = dict(tax)
        return
    known["amount"] += tax["amount"]
    known["taxable_amount"] += tax["taxable_amount"]


def _included(amounts: list[int], rates: Sequence[Sequence[Rate]]) -> int:
    return sum(
        rounded(sum(amounts[i] for i in members) * millionths(rate.percentage), denominator)
        for (rate, denominator), members in _groups(rates).items()
        if rate.inclusive
    )
