"""The API versions the stand-in knows, and how an object looked in an older one.

    render({"object": "subscription", …}, "2024-06-20")   # has current_period_start again

An older version is reached by undoing the changes made since, newest first.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from bookhand.sandbox.stripe.errors import JSON, StripeError

CURRENT = "2026-10-28.endive"

KNOWN = (
    "2017-12-14",
    "2018-05-21",
    "2018-07-27",
    "2018-09-24",
    "2018-11-08",
    "2019-02-19",
    "2019-03-14",
    "2019-05-16",
    "2019-08-14",
    "2019-09-09",
    "2019-10-17",
    "2019-11-05",
    "2019-12-03",
    "2020-03-02",
    "2020-08-27",
    "2022-08-01",
    "2022-11-15",
    "2023-08-16",
    "2023-10-16",
    "2024-04-10",
    "2024-06-20",
    "2024-09-30.acacia",
    "2024-10-28.acacia",
    "2024-11-20.acacia",
    "2024-12-18.acacia",
    "2025-01-27.acacia",
    "2025-02-24.acacia",
    "2025-03-31.basil",
    "2025-04-30.basil",
    "2025-05-28.basil",
    "2025-06-30.basil",
    "2025-07-30.basil",
    "2025-08-27.basil",
    "2025-09-30.clover",
    "2025-10-29.clover",
    "2025-11-17.clover",
    "2025-12-15.clover",
    "2026-01-28.clover",
    "2026-02-25.clover",
    "2026-03-25.dahlia",
    "2026-04-22.dahlia",
    "2026-05-27.dahlia",
    "2026-06-24.dahlia",
    "2026-07-29.dahlia",
    "2026-08-26.dahlia",
    "2026-09-30.endive",
    CURRENT,
)
BASIL = "2025-03-31.basil"


def check(version: str) -> str:
    """The version, or Stripe's refusal of one nobody knows."""
    if version in _KNOWN:
        return version
    raise StripeError(
        f"Invalid Stripe API version: {version}. You can find the list of valid versions at "
        "https://stripe.com/docs/upgrades#api-changelog.",
    )


def render(value: Any, version: str) -> Any:
    """The value as an older version shows it, changed in place."""
    if isinstance(value, dict):
        for inner in value.values():
            if isinstance(inner, (dict, list)):
                render(inner, version)
        for since, object_, undo in CHANGES:
            if version < since and value.get("object") == object_:
                undo(value)
    elif isinstance(value, list):
        for inner in value:
            if isinstance(inner, (dict, list)):
                render(inner, version)
    return value


def _subscription(sub: JSON) -> None:
    items = (sub.get("items") or {}).get("data") or [{}]
    for field in ("current_period_start", "current_period_end"):
        sub[field] = items[0].get(field)
        for item in items:
            item.pop(field, None)


def _invoice(invoice: JSON) -> None:
    parent = (invoice.get("parent") or {}).get("subscription_details") or {}
    payments = (invoice.get("payments") or {}).get("data") or []
    paid_by = (payments[0].get("payment") or {}) if payments else {}
    taxes = invoice.get("total_taxes") or []
    invoice["subscription"] = parent.get("subscription")
    invoice["payment_intent"] = paid_by.get("payment_intent")
    invoice["charge"] = paid_by.get("charge")
    invoice["paid"] = invoice.get("status") == "paid"
    invoice["tax"] = sum(tax.get("amount") or 0 for tax in taxes) if taxes else None


def _invoiceless(obj: JSON) -> None:
    obj.setdefault("invoice", None)


_KNOWN = frozenset(KNOWN)
CHANGES: tuple[tuple[str, str, Callable[[JSON], None]], ...] = (
    (BASIL, "subscription", _subscription),
    (BASIL, "invoice", _invoice),
    (BASIL, "charge", _invoiceless),
    (BASIL, "payment_intent", _invoiceless),
)
