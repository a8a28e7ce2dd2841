"""Which customer one of Stripe's objects is about. Pure.

>>> told = party_of(b'{"id":"ch_1","object":"charge","customer":"cus_1","created":5}', is_event=False)
>>> told.customer, told.object, told.object_id
('cus_1', 'charge', 'ch_1')

An object without a customer, and a body that is no object, are about nobody (None).
"""

from __future__ import annotations

from typing import Any

import msgspec

OBJECTS = ("customer", "charge", "invoice", "subscription", "payment_method", "credit_note")
"""The kinds of objects that a customer's page is made of; refunds and disputes are found by their charge."""


class Party(msgspec.Struct, frozen=True, kw_only=True):
    """An object and its customer; `name` and `email` only where the object is the customer."""

    customer: str
    object: str
    object_id: str
    created: int
    name: str = ""
    email: str = ""
    gone: bool = False


class _Object(msgspec.Struct):
    id: str
    object: str
    created: int = 0
    customer: str | dict[str, Any] | None = None
    name: str | None = None
    email: str | None = None
    deleted: bool = False


class _Data(msgspec.Struct):
    object: _Object


class _Event(msgspec.Struct):
    data: _Data


_OBJECT, _EVENT = msgspec.json.Decoder(_Object), msgspec.json.Decoder(_Event)


def party_of(body: bytes, *, is_event: bool) -> Party | None:
    """Whom the object in `body` is about: an event's own object, or the object itself."""
    try:
        found = _EVENT.decode(body).data.object if is_event else _OBJECT.decode(body)
    except msgspec.MsgspecError:
        return None
    if found.object not in OBJECTS:
        return None
    customer = found.id if found.object == "customer" else _id(found.customer)
    if not customer:
        return None
    is_one = found.object == "customer"
    return Party(
        customer=customer, object=found.object, object_id=found.id, created=found.created,
        name=(found.name or "") if is_one else "", email=(found.email or "") if is_one else "", gone=found.deleted,
    )  # fmt: skip


def _id(customer: str | dict[str, Any] | None) -> str:
    """An id, or that of an expanded object."""
    found = customer.get("id", "") if isinstance(customer, dict) else customer
    return found if isinstance(found, str) else ""
