"""Test clocks: a customer on one lives on the clock's own line of time.

    clock = POST /v1/test_helpers/test_clocks frozen_time=…
    POST /v1/customers test_clock=clock_…            # everything of this customer happens at the clock's time
    POST …/advance frozen_time=later                 # its renewals, retries and trials run, in time order

`enter` moves a call onto an object's clock: `call.now` is then the clock's time and jobs wait on its line.
Money itself (charges, balance transactions) keeps the account's own time, see `wall`.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from bookhand.sandbox.billing.fields import update
from bookhand.sandbox.stripe.errors import StripeError
from bookhand.sandbox.stripe.routes import route

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bookhand.sandbox.stripe.call import Call

JSON = dict[str, Any]
KIND = "test_helpers.test_clock"
LIFE_SECONDS = 30 * 86_400
TWO_YEARS = 2 * 366 * 86_400


def enter(call: Call, obj: JSON) -> Call:
    """Move this call to the time of an object's test clock, if it has one."""
    clock = obj.get("test_clock")
    if clock and call.line != clock:
        call.line, call.now = clock, call.get(KIND, clock)["frozen_time"]
    return call


@contextmanager
def wall(call: Call) -> Iterator[None]:
    """The account's own time for a while: money moves now, whatever a test clock says."""
    if not call.line:
        yield
        return
    line, now = call.line, call.now
    call.line, call.now = "", call.engine.clock.now()
    try:
        yield
    finally:
        call.line, call.now = line, now


@route("POST", "/v1/test_helpers/test_clocks")
def create(call: Call) -> JSON:
    """A clock standing at a moment."""
    _only_in_test(call)
    clock: JSON = {
        "id": call.new_id("clock"),
        "object": KIND,
        "created": call.now,
        "deletes_after": call.now + LIFE_SECONDS,
        "frozen_time": call.timestamp("frozen_time", required=True),
        "livemode": False,
        "name": call.text("name"),
        "status": "ready",
        "status_details": {},
    }
    call.add(clock)
    call.emit("test_helpers.test_clock.created", clock)
    return clock


@route("GET", "/v1/test_helpers/test_clocks")
def index(call: Call) -> JSON:
    """All clocks."""
    return call.page(KIND)


@route("GET", "/v1/test_helpers/test_clocks/{id}")
def read(call: Call) -> JSON:
    """One clock."""
    return call.get(KIND, call.path["id"])


@route("POST", "/v1/test_helpers/test_clocks/{id}/advance")
def advance(call: Call) -> JSON:
    """Run everything of this clock up to a moment; the answer says `advancing`, the clock is ready right after."""
    clock = call.get(KIND, call.path["id"])
    to = call.timestamp("frozen_time", required=True) or 0
    if to <= clock["frozen_time"]:
        raise StripeError(
            "You can only advance a test clock forward in time.",
            param="frozen_time",
            code="test_clock_invalid",
        )
    if to > clock["frozen_time"] + TWO_YEARS:
        raise StripeError("You cannot advance a test clock that far in one step.", param="frozen_time")
    moving = {**clock, "status": "advancing", "status_details": {"advancing": {"target_frozen_time": to}}}
    update(call, clock, moving, None)
    call.emit("test_helpers.test_clock.advancing", moving)
    call.run_line(clock["id"], to)
    ready = {**clock, "frozen_time": to, "status": "ready"}
    call.save(ready)
    call.emit("test_helpers.test_clock.ready", ready)
    return moving


@route("DELETE", "/v1/test_helpers/test_clocks/{id}")
def remove(call: Call) -> JSON:
    """The clock, its customers and their subscriptions go."""
    clock = call.get(KIND, call.path["id"])
    for customer in call.find("customer", test_clock=clock["id"]):
        for sub in call.find("subscription", customer=customer["id"]):
            call.delete("subscription", sub["id"], stub=False)
        call.delete("customer", customer["id"])
    gone = call.delete(KIND, clock["id"])
    call.emit("test_helpers.test_clock.deleted", clock)
    return gone


def _only_in_test(call: Call) -> None:
    if call.livemode:
        raise StripeError("Test clocks can only be used in test mode.", code="testmode_charges_only")
