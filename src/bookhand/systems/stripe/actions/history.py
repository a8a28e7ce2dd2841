"""A customer's history, put together from several lists; pure but for `read`, which is handed in.

    together("customers.history", {"customer": "cus_1", "window_days": 90}, now=1772323200, read=reading.listed)

Stripe lists refunds and disputes by charge alone: they are asked for each charge that shows one.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from bookhand.core.action import Found, Values
from bookhand.core.problems import Bug
from bookhand.systems.stripe.actions.reads_customers import HISTORY

Read = Callable[[str, Values], Found]

_DAY_SECONDS = 86_400
_MOST = 1_000
_MOST_CHARGES = 50
"""For so many charges at most refunds and disputes are asked for."""


def together(name: str, values: Values, *, now: int, read: Read) -> Found:
    """What a composed read gives; `Bug` for one that nobody knows how to compose."""
    if name != HISTORY.name:
        raise Bug(f"{name} has no call, and nobody knows how to put it together.")
    return _history(values["customer"], now - values["window_days"] * _DAY_SECONDS, read)


def _history(customer: str, since: int, read: Read) -> Found:
    parts = {name: read(path, params) for name, path, params in _lists(customer, since)}
    charges = parts["charges"].data
    refunded, some = _of_charges([each["id"] for each in charges if each["amount_refunded"]], "refunds", read)
    disputed, others = _of_charges([each["id"] for each in charges if each["disputed"]], "disputes", read)
    parts |= {"refunds": refunded, "disputes": disputed}
    told = {name: part.data for name, part in parts.items()}
    cuts = [part.cut for part in parts.values() if part.cut] + some + others
    data: dict[str, Any] = {
        "customer": customer, "since": since, **told,
        "counts": {name: part.count for name, part in parts.items()}, "cuts": cuts,
    }  # fmt: skip
    return Found(data=data, count=sum(part.count for part in parts.values()), cut=" ".join(cuts) or None)


def _lists(customer: str, since: int) -> list[tuple[str, str, Values]]:
    window = {"customer": customer, "created": {"gte": since}, "limit": _MOST}
    return [
        ("charges", "/v1/charges", window),
        ("invoices", "/v1/invoices", window),
        ("credit_notes", "/v1/credit_notes", window),
        ("subscriptions", "/v1/subscriptions", {"customer": customer, "status": "all", "limit": _MOST}),
    ]


def _of_charges(charges: list[str], what: str, read: Read) -> tuple[Found, list[str]]:
    """`what` of each of these charges, and what was left out."""
    asked = charges[:_MOST_CHARGES]
    found = [read(f"/v1/{what}", {"charge": charge, "limit": _MOST}) for charge in asked]
    data = [each for part in found for each in part.data]
    cuts = [part.cut for part in found if part.cut]
    if len(charges) > len(asked):
        cuts.append(
            f"The {what} of the first {len(asked)} of {len(charges)} charges are here: list those of the others by charge."
        )
    return Found(data=data, count=len(data)), cuts
