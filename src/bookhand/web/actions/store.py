"""What a form about an action has to know of the connected systems. Reads only."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

import msgspec

from bookhand.core.facts import Link
from bookhand.core.money import EXPONENTS
from bookhand.inbox.snapshot_store import snapshot
from bookhand.systems import store as connections
from bookhand.systems.connection import Connection

if TYPE_CHECKING:
    from psycopg import Connection as Transaction

_OBJECTS: Mapping[str, str] = {
    "ch": "charge", "py": "charge", "pi": "payment_intent", "in": "invoice", "re": "refund", "pyr": "refund", "po": "payout",
    "du": "dispute", "dp": "dispute", "sub": "subscription", "ii": "invoiceitem",
}  # fmt: skip
_MOST_IDS = 20


def serving(cx: Transaction[Any], vendor: str) -> list[Connection]:
    """The connections to a vendor, those that can be used first."""
    return sorted(connections.every(cx, system=vendor), key=lambda each: (each.status != "active", each.id))


def currency_of(cx: Transaction[Any], link: Link, texts: Iterable[str]) -> str | None:
    """The one currency of the objects that are named in `texts`, as far as we were told of them; None where that is not one."""
    found = {
        code
        for object_id in list(dict.fromkeys(texts))[:_MOST_IDS]
        for code in _currency(cx, link, object_id)
    }
    return found.pop() if len(found) == 1 else None


def _currency(cx: Transaction[Any], link: Link, object_id: str) -> Iterator[str]:
    name = _OBJECTS.get(object_id.partition("_")[0])
    known = snapshot(cx, link, name, object_id) if name else None
    if known is None or known.gone:
        return
    body = msgspec.json.decode(known.delivery.body)
    told = body.get("data", {}).get("object", body) if known.delivery.kind == "event" else body
    code = str(told.get("currency") or "").upper()
    if code in EXPONENTS:
        yield code
