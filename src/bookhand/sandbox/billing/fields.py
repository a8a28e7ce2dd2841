"""Small readings that many objects of this room share: addresses, changes, copies.

diff({"name": "A", "metadata": {"a": "1"}}, {"name": "B", "metadata": {"a": "2"}})
# {"name": "A", "metadata": {"a": "1"}}: what `previous_attributes` of an update event says
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from bookhand.sandbox.stripe.errors import StripeError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from bookhand.sandbox.stripe.call import Call
    from bookhand.sandbox.stripe.params import Params

JSON = dict[str, Any]
ADDRESS = ("city", "country", "line1", "line2", "postal_code", "state")


def copy(obj: JSON) -> JSON:
    """A deep copy of an object."""
    found: JSON = msgspec.json.decode(msgspec.json.encode(obj))
    return found


def diff(before: JSON, after: JSON) -> JSON:
    """The changed fields as they were; of a nested object only the changed keys."""
    changed: JSON = {}
    for name, old in before.items():
        new = after.get(name)
        if old == new:
            continue
        if isinstance(old, dict) and isinstance(new, dict) and "object" not in old:
            changed[name] = diff(old, new)
        else:
            changed[name] = old
    for name in after:
        if name not in before:
            changed[name] = None
    return changed


def update(call: Call, before: JSON, after: JSON, event: str | None, **index: str | None) -> JSON:
    """Save a changed object and tell it, unless nothing changed."""
    previous = diff(before, after)
    if previous:
        call.save(after, **index)
        if event:
            call.emit(event, after, previous)
    return after


def set_texts(params: Params, obj: JSON, names: Iterable[str]) -> None:
    """Lay the texts that were sent over an object; an empty one unsets."""
    for name in names:
        if params.sent(name):
            obj[name] = params.text(name)


def address(params: Params, name: str = "address") -> JSON | None:
    """An address, or None where it was unset."""
    if not params.mapping(name):
        return None
    inner = params.sub(name)
    return {part: inner.text(part) for part in ADDRESS}


def person(params: Params, name: str = "shipping") -> JSON | None:
    """A name, phone and address to ship to."""
    if not params.mapping(name):
        return None
    inner = params.sub(name)
    return {
        "address": address(inner),
        "carrier": inner.text("carrier"),
        "name": inner.text("name"),
        "phone": inner.text("phone"),
        "tracking_number": inner.text("tracking_number"),
    }


def currency(params: Params, name: str = "currency", *, required: bool = False) -> str | None:
    """A currency code, in lower case."""
    found = params.text(name, required=required)
    if found is not None and (len(found) != 3 or not found.isalpha()):
        raise StripeError(f"Invalid currency: {found}.", param=params.named(name))
    return found.lower() if found else None


def custom_fields(params: Params, name: str = "custom_fields") -> list[JSON] | None:
    """Up to four names and values to print on invoices."""
    found = [
        {"name": p.text("name", required=True), "value": p.text("value", required=True)}
        for p in params.subs(name)
    ]
    return found or None


def number(params: Params, name: str) -> float | int | None:
    """A number with decimals, kept whole where it is."""
    found = params.text(name)
    if found is None:
        return None
    try:
        value = float(found)
    except ValueError:
        raise StripeError(f"Invalid decimal: {found}", param=params.named(name)) from None
    return int(value) if value.is_integer() else value
