"""How one account collects: when failed payments are tried again and what follows when none succeeds.

    with engine.session("acct_1") as call:
        configure(call, retry_days=[3, 5, 7], then="cancel", invoice="uncollectible")

`POST /_pinstripe/billing` sets the same over HTTP; at Stripe these are choices in the Dashboard.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

import msgspec

from bookhand.sandbox.stripe.routes import route

if TYPE_CHECKING:
    from bookhand.sandbox.stripe.call import Call
    from bookhand.sandbox.stripe.engine import Pinstripe

JSON = dict[str, Any]
KIND = "_pinstripe.billing"
ID = "billing"
DAY = 86_400


class Terms(msgspec.Struct, frozen=True):
    """`retry_days` = days from each failed try to the next; `then` and `invoice` = what happens after the last."""

    retry_days: tuple[int, ...] = (3, 5, 7)
    then: str = "cancel"
    invoice: str = "open"
    upcoming_days: int = 0

    def next_try(self, attempts: int, moment: int) -> int | None:
        """When to try again after so many attempts; None after the last."""
        if not 1 <= attempts <= len(self.retry_days):
            return None
        return moment + self.retry_days[attempts - 1] * DAY


_known: WeakKeyDictionary[Pinstripe, dict[int, Terms]] = WeakKeyDictionary()


def terms(call: Call) -> Terms:
    """The terms of the call's account in its mode."""
    cache = _known.setdefault(call.engine, {})
    found = cache.get(call.part)
    if found is None:
        stored = call.look(KIND, ID) or {}
        found = cache[call.part] = msgspec.convert(
            {name: value for name, value in stored.items() if name in Terms.__struct_fields__}, Terms
        )
    return found


def configure(call: Call, **changes: Any) -> Terms:
    """Change some of them."""
    merged = msgspec.convert({**msgspec.structs.asdict(terms(call)), **changes}, Terms)
    stored: JSON = {"id": ID, "object": KIND, **msgspec.structs.asdict(merged)}
    if call.look(KIND, ID) is None:
        call.add(stored, stamp=False)
    else:
        call.save(stored)
    _known.setdefault(call.engine, {}).pop(call.part, None)
    return merged


@route("POST", "/_pinstripe/billing")
def change(call: Call) -> JSON:
    """`retry_days[]`, `then` (cancel, unpaid, past_due), `invoice` (open, uncollectible), `upcoming_days`."""
    changes: JSON = {}
    if call.sent("retry_days"):
        changes["retry_days"] = tuple(int(days) for days in call.listing("retry_days"))
    if call.sent("then"):
        changes["then"] = call.choice("then", ("cancel", "unpaid", "past_due"))
    if call.sent("invoice"):
        changes["invoice"] = call.choice("invoice", ("open", "uncollectible"))
    if call.sent("upcoming_days"):
        changes["upcoming_days"] = call.integer("upcoming_days", min=0)
    found: JSON = msgspec.to_builtins(configure(call, **changes))
    return found
