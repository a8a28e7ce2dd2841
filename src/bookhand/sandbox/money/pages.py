"""A page of a list that is short enough to look at whole.

sliced(call, [{"id": "acct_2"}, {"id": "acct_1"}])     # as `limit`, `starting_after` and `ending_before` ask
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from bookhand.sandbox.stripe.call import Call
    from bookhand.sandbox.stripe.errors import JSON


def sliced(call: Call, found: list[JSON]) -> JSON:
    """A page of a short list that is already in order."""
    limit = call.integer("limit", default=10, min=1, max=100) or 10
    ids = [one["id"] for one in found]
    after, before = call.text("starting_after"), call.text("ending_before")
    if after in ids:
        found = found[ids.index(after) + 1 :]
    if before in ids:
        found = found[: ids.index(before)]
        page, more = found[-limit:], len(found) > limit
    else:
        page, more = found[:limit], len(found) > limit
    return {"object": "list", "data": page, "has_more": more, "url": call.url}
