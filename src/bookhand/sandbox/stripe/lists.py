"""A list's answer: a page of stored bytes, its bounds and whether there is more.

    page(call, "charge", customer="cus_1")   # {"object": "list", "data": [Raw, …], "has_more": True, "url": "/v1/charges"}

The items are `msgspec.Raw`: bytes that go out as they are stored, undecoded unless something must be expanded.
"""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlencode

import msgspec
from msgspec import Raw

from bookhand.sandbox.stripe.errors import JSON, StripeError, missing
from bookhand.sandbox.stripe.store import Window

if TYPE_CHECKING:
    from bookhand.sandbox.stripe.call import Call

DEFAULT = 10
MOST = 100


def page(call: Call, object: str, links: dict[str, str], *, created: bool = True) -> JSON:  # noqa: A002
    """The page that the request's `limit`, `starting_after`, `ending_before` and `created` ask for."""
    params = call.params
    limit = size(call) if "limit" in params else DEFAULT
    after, before = params.get("starting_after"), params.get("ending_before")
    window = _window(call, object, after, before, created=created)
    found = call.engine.store.bodies(
        call.part, object, links=links, window=window, limit=limit + 1, newest_first=not before
    )
    more = len(found) > limit
    del found[limit:]
    if before:
        found.reverse()
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


def merged(call: Call, object: str, indexes: list[dict[str, str | None]], *, since: int) -> JSON:  # noqa: A002
    """The page over several look-ups at once: an object is listed when it is in any of them."""
    limit = size(call)
    before = call.text("ending_before")
    window = _window(call, object, call.text("starting_after"), before)
    window = window._replace(since=max(since, window.since or since))
    found: list[tuple[int, int, bytes]] = []
    for index in indexes:
        links = {name: value for name, value in index.items() if value is not None}
        found += call.engine.store.rows(
            call.part, object, links=links, window=window, limit=limit + 1, newest_first=not before
        )
    found.sort(reverse=not before)
    chosen = [Raw(body) for _, _, body in found[:limit]]
    if before:
        chosen.reverse()
    return {"object": "list", "data": chosen, "has_more": len(found) > limit, "url": call.url}


def second(call: Call, object: str, links: dict[str, str]) -> JSON:  # noqa: A002
    """A page of the second API: `{data, next_page_url, previous_page_url}`, continued by `page`."""
    limit, after = size(call), call.text("page")
    window = Window(older_than=_place(call, object, after, "page")) if after else None
    found = call.engine.store.bodies(call.part, object, links=links, window=window, limit=limit + 1)
    following = None
    if len(found) > limit:
        last = msgspec.json.decode(found[limit - 1])["id"]
        following = f"{call.url}?{urlencode({**links, 'limit': limit, 'page': last})}"
    return {
        "data": [Raw(body) for body in found[:limit]],
        "next_page_url": following,
        "previous_page_url": None,
    }


def _window(
    call: Call,
    object: str,  # noqa: A002
    after: str | None,
    before: str | None,
    *,
    created: bool = True,
) -> Window:
    if after and before:
        raise StripeError(
            "You can only provide one of `starting_after` and `ending_before`.", param="starting_after"
        )
    since, until = bounds_of(call, "created") if created and "created" in call.params else (None, None)
    return Window(
        _place(call, object, after, "starting_after") if after else None,
        _place(call, object, before, "ending_before") if before else None,
        since,
        until,
    )


def _place(call: Call, object: str, id: str, param: str) -> tuple[int, int]:  # noqa: A002
    place = call.engine.store.place(call.part, object, str(id))
    if place is None:
        raise missing(object, id, param=param)
    return place
