"""A list's answer: a page of stored bytes, its bounds and whether there is more.

    page(call, "charge", customer="cus_1")   # {"object": "list", "data": [Raw, …], "has_more": True, "url": "/v1/charges"}

The items are `msgspec.Raw`: bytes that go out as they are stored, undecoded unless something must be expanded.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from msgspec import Raw

from bookhand.sandbox.stripe.errors import JSON, StripeError

if TYPE_CHECKING:
    from bookhand.sandbox.stripe.call import Call

DEFAULT = 10
MOST = 100


def page(call: Call, object: str, links: dict[str, str], *, created: bool = True) -> JSON:  # noqa: A002
    """The page that the request's `limit`, `starting_after`, `ending_before` and `created` ask for."""
    params = call.params
    limit = size(call) if "limit" in params else DEFAULT
    after, before = params.get("starting_after"), params.get("ending_before")
    if after and before:
        raise StripeError(
            "You can only provide one of `starting_after` and `ending_before`.", param="starting_after"
        )
    bounds = _bounds(call) if created and "created" in params else {}
    store, part = call.engine.store, call.part
    if before:
        place = _place(call, object, before, "ending_before")
        found = store.bodies(
            part, object, links=links, newer_than=place, limit=limit + 1, newest_first=False, **bounds
        )
        more = len(found) > limit
        found = found[:limit][::-1]
    else:
        older = _place(call, object, after, "starting_after") if after else None
        found = store.bodies(part, object, links=links, older_than=older, limit=limit + 1, **bounds)
        more = len(found) > limit
        del found[limit:]
    return {"object": "list", "data": [Raw(body) for body in found], "has_more": more, "url": call.url}


def size(call: Call) -> int:
    """`limit`, from 1 to 100."""
    limit = call.integer("limit", default=DEFAULT)
    if limit is None or not 1 <= limit <= MOST:
        side = "less than or equal to 100" if limit and limit > MOST else "greater than or equal to 1"
        raise StripeError(f"This value must be {side}.", code="parameter_invalid_integer", param="limit")
    return limit


def bounds_of(call: Call, name: str) -> tuple[int | None, int | None]:
    """The inclusive range that `name=…` or `name[gte]=…` asks for."""
    value = call.value(name)
    if not isinstance(value, dict):
        exact = call.timestamp(name)
        return exact, exact
    low = high = None
    for word in value:
        moment = call.timestamp(f"{name}[{word}]")
        if moment is None:
            continue
        if word in ("gt", "gte"):
            low = moment + (word == "gt")
        elif word in ("lt", "lte"):
            high = moment - (word == "lt")
        else:
            raise StripeError(
                f"Received unknown parameter: {name}[{word}]", code="parameter_unknown", param=name
            )
    return low, high


def _bounds(call: Call) -> dict[str, Any]:
    since, until = bounds_of(call, "created")
    return {"since": since, "until": until}


def _place(call: Call, object: str, id: str, param: str) -> tuple[int, int]:  # noqa: A002
    place = call.engine.store.place(call.part, object, str(id))
    if place is None:
        noun = object.replace("_", " ")
        raise StripeError(f"No such {noun}: '{id}'", code="resource_missing", param=param, status=404)
    return place
