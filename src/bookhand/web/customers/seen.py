"""What a customer's page shows, made from the objects that Stripe told of: one line for each, and what they add up to. Pure."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Literal

import msgspec

from bookhand.workflows.customers.store import Told

Tone = Literal["good", "bad", "look", "busy", "quiet"]
_TONES: Mapping[str, Tone] = {
    "succeeded": "good", "paid": "good", "active": "good", "won": "good", "trialing": "busy", "open": "busy", "pending": "busy",
    "needs_response": "look", "warning_needs_response": "look", "under_review": "busy", "past_due": "bad", "unpaid": "bad",
    "failed": "bad", "lost": "bad", "uncollectible": "bad", "incomplete": "look", "refunded": "quiet",
}  # fmt: skip


class Line(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that happened: `minor` is what it moved or asks for, in the currency's minor units, with the customer's money positive."""

    kind: str
    id: str
    at: datetime
    status: str
    tone: Tone
    minor: int | None = None
    currency: str = ""
    words: str = ""
    about: str = ""


class Totals(msgspec.Struct, frozen=True, kw_only=True):
    """What one currency adds up to: paid, given back, disputed, and what is still asked for."""

    currency: str
    paid: int = 0
    returned: int = 0
    disputed: int = 0
    due: int = 0
    failed: int = 0

    @property
    def kept(self) -> int:
        """Paid, and not given back."""
        return self.paid - self.returned


class Subscription(msgspec.Struct, frozen=True, kw_only=True):
    """A subscription as its customer sees it; `minor` is one period's, before discounts and tax."""

    id: str
    status: str
    tone: Tone
    items: tuple[str, ...]
    minor: int
    currency: str
    interval: str
    until: datetime | None
    ends: datetime | None


def raw(told: Told) -> dict[str, Any]:
    """The object itself, from an event or as it was listed."""
    found = json.loads(told.body)
    return dict(found["data"]["object"] if told.is_event else found)


def lines(objects: Iterable[Mapping[str, Any]]) -> list[Line]:
    """Newest first; kinds that no line is made of are left out."""
    made = [_LINES[kind](each) for each in objects if (kind := str(each.get("object"))) in _LINES]
    return sorted(made, key=lambda each: (each.at, each.id), reverse=True)


def totals(objects: Iterable[Mapping[str, Any]]) -> list[Totals]:
    """What these objects add up to, currency by currency."""
    sums: dict[str, dict[str, int]] = defaultdict(lambda: defaultdict(int))
    for each in objects:
        for name, minor in _parts(each):
            sums[str(each.get("currency", "")).upper()][name] += minor
    return [
        Totals(currency=currency, **dict(found))
        for currency, found in sorted(sums.items())
        if any(found.values())
    ]


def subscriptions(objects: Sequence[Mapping[str, Any]]) -> list[Subscription]:
    """Those that were told of; what is alive first."""
    made = [_subscription(each) for each in objects]
    return sorted(made, key=lambda each: (each.status == "canceled", each.id))


def card(method: Mapping[str, Any]) -> str:
    """A payment method in words, never more of it than Stripe shows: ``Visa •••• 4242, 04/2029``."""
    kind = str(method.get("type", ""))
    found = method.get(kind) or {}
    last = found.get("last4")
    brand = str(found.get("brand") or found.get("bank_name") or kind.replace("_", " "))
    name = brand[:1].upper() + brand[1:]
    until = f", {int(found['exp_month']):02d}/{found['exp_year']}" if found.get("exp_month") else ""
    return f"{name} •••• {last}{until}" if last else name


def _parts(each: Mapping[str, Any]) -> Iterable[tuple[str, int]]:
    amount = int(each.get("amount") or 0)
    match each.get("object"):
        case "charge" if each.get("status") == "succeeded" and each.get("captured", True):
            yield "paid", int(each.get("amount_captured", amount))
        case "charge" if each.get("status") == "failed":
            yield "failed", amount
        case "refund" if each.get("status") not in {"failed", "canceled"}:
            yield "returned", amount
        case "dispute":
            yield "disputed", amount
        case "invoice" if each.get("status") == "open":
            yield "due", int(each.get("amount_remaining") or 0)
        case _:
            return


def _line(
    each: Mapping[str, Any], *, minor: int | None, status: str, words: str = "", about: str = ""
) -> Line:
    return Line(
        kind=str(each["object"]), id=str(each["id"]), at=_moment(each.get("created")), status=status,
        tone=_TONES.get(status, "quiet"), minor=minor, currency=str(each.get("currency") or "").upper(), words=words, about=about,
    )  # fmt: skip


def _charge(each: Mapping[str, Any]) -> Line:
    back, amount = int(each.get("amount_refunded") or 0), int(each.get("amount") or 0)
    status = "refunded" if back and back >= amount else str(each.get("status") or "")
    words = str(each.get("failure_message") or each.get("description") or "")
    return _line(each, minor=amount, status=status, words=words, about=str(each.get("failure_code") or ""))


def _refund(each: Mapping[str, Any]) -> Line:
    charge = each.get("charge")
    return _line(
        each, minor=-int(each.get("amount") or 0), status=str(each.get("status") or ""),
        words=str(each.get("reason") or "").replace("_", " "), about=str(charge or ""),
    )  # fmt: skip


def _dispute(each: Mapping[str, Any]) -> Line:
    return _line(
        each, minor=-int(each.get("amount") or 0), status=str(each.get("status") or ""),
        words=str(each.get("reason") or "").replace("_", " "), about=str(each.get("charge") or ""),
    )  # fmt: skip


def _invoice(each: Mapping[str, Any]) -> Line:
    return _line(
        each, minor=int(each.get("total") or 0), status=str(each.get("status") or ""), words=str(each.get("number") or ""),
        about=str(each.get("description") or ""),
    )  # fmt: skip


def _credit_note(each: Mapping[str, Any]) -> Line:
    return _line(
        each, minor=-int(each.get("total") or 0), status=str(each.get("status") or ""), words=str(each.get("number") or "")
    )  # fmt: skip


def _begun(each: Mapping[str, Any]) -> Line:
    return _line(each, minor=None, status=str(each.get("status") or ""))


_LINES = {
    "charge": _charge, "refund": _refund, "dispute": _dispute, "invoice": _invoice, "credit_note": _credit_note,
    "subscription": _begun,
}  # fmt: skip


def _subscription(each: Mapping[str, Any]) -> Subscription:
    items = (each.get("items") or {}).get("data") or []
    prices = [(item, item.get("price") or {}) for item in items]
    first = prices[0][1] if prices else {}
    recurring = first.get("recurring") or {}
    ends = each.get("cancel_at") or each.get("ended_at")
    until = next((item.get("current_period_end") for item in items if item.get("current_period_end")), None)
    status = str(each.get("status") or "")
    return Subscription(
        id=str(each["id"]), status=status, tone=_TONES.get(status, "quiet"),
        items=tuple(str(price.get("nickname") or price.get("lookup_key") or price.get("id") or "") for _, price in prices),
        minor=sum(int(price.get("unit_amount") or 0) * int(item.get("quantity") or 1) for item, price in prices),
        currency=str(each.get("currency") or first.get("currency") or "").upper(), interval=str(recurring.get("interval") or ""),
        until=_moment(until) if until else None, ends=_moment(ends) if ends else None,
    )  # fmt: skip


def _moment(seconds: Any) -> datetime:
    return datetime.fromtimestamp(int(seconds or 0), UTC)
