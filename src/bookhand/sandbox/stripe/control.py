"""The stand-in's own switches, under `/_pinstripe`; no key is asked for, so keep it on loopback.

GET  /_pinstripe                                   what is here
POST /_pinstripe/clock    advance=86400            or set=…, speed=3600
POST /_pinstripe/faults   kind=429&path=/v1/charges&times=2
POST /_pinstripe/latency  milliseconds=150
POST /_pinstripe/limits   enabled=true&live=100
POST /_pinstripe/keys     permissions[charge]=read
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from bookhand.sandbox.stripe import oauth
from bookhand.sandbox.stripe.errors import JSON, StripeError, missing
from bookhand.sandbox.stripe.faults import Fault
from bookhand.sandbox.stripe.limits import Rates
from bookhand.sandbox.stripe.routes import route

if TYPE_CHECKING:
    from bookhand.sandbox.stripe.call import Call


@route("GET", "/_pinstripe", open=True)
def status(call: Call) -> JSON:
    """What is here."""
    engine = call.engine
    return {
        "version": engine.version,
        "seed": engine.seed,
        "clock": engine.clock.now(),
        "accounts": {
            account: {"test": engine.keys(account).test, "live": engine.keys(account).live}
            for account in engine.accounts()
        },
        "deliveries": {
            "delivered": engine.courier.delivered,
            "failed": engine.courier.failed,
            "given_up": engine.courier.given_up,
            "waiting": engine.courier.waiting(),
        },
        "requests": dict(sorted(engine.tally.items())),
        "refused_by_limits": engine.limits.refused,
    }


@route("GET", "/_pinstripe/clock", open=True)
def read_clock(call: Call) -> JSON:
    """What time it is here."""
    clock = call.engine.clock
    return {"now": clock.now(), "speed": clock.speed, "simulated": clock.simulated}


@route("POST", "/_pinstripe/clock", open=True)
def move_clock(call: Call) -> JSON:
    """Set it, advance it (jobs due on the way are run) or change its speed."""
    clock = call.engine.clock
    to = call.timestamp("set")
    ahead = call.integer("advance", min=0)
    if ahead is not None:
        to = clock.now() + ahead
    if to is not None:
        if to < clock.now():
            raise StripeError("The clock only goes forward.", param="set")
        call.engine.advance(to)
    speed = call.text("speed")
    if speed is not None:
        clock.run_at(_number(speed, "speed"))
    return read_clock(call)


@route("GET", "/_pinstripe/faults", open=True)
def list_faults(call: Call) -> JSON:
    """What waits to go wrong."""
    return {"data": msgspec.to_builtins(call.engine.faults.waiting)}


@route("POST", "/_pinstripe/faults", open=True)
def add_fault(call: Call) -> JSON:
    """Let something go wrong; the fields of `Fault`, `times=forever` for until cleared."""
    asked: JSON = {**call.params}
    if asked.get("times") == "forever":
        asked["times"] = None
    try:
        fault = msgspec.convert(asked, Fault, strict=False)
    except msgspec.ValidationError as error:
        raise StripeError(str(error)) from None
    found: JSON = msgspec.to_builtins(call.engine.faults.put(fault))
    return found


@route("DELETE", "/_pinstripe/faults", open=True)
def clear_faults(call: Call) -> JSON:
    """Nothing goes wrong any more."""
    call.engine.faults.clear()
    return {"data": []}


@route("POST", "/_pinstripe/latency", open=True)
def set_latency(call: Call) -> JSON:
    """Hold up every answer by so many milliseconds."""
    call.engine.latency_seconds = (call.integer("milliseconds", required=True, min=0) or 0) / 1000
    return {"milliseconds": round(call.engine.latency_seconds * 1000)}


@route("POST", "/_pinstripe/limits", open=True)
def set_limits(call: Call) -> JSON:
    """Rate limits on or off, and their figures: live, sandbox, endpoint, resources[…]."""
    enabled = bool(call.boolean("enabled", default=True))
    asked = {name: value for name, value in call.params.items() if name != "enabled"}
    try:
        rates = msgspec.convert(asked, Rates, strict=False)
    except msgspec.ValidationError as error:
        raise StripeError(str(error)) from None
    call.engine.limits.configure(rates, enabled=enabled)
    return {"enabled": enabled, **msgspec.to_builtins(rates)}


@route("POST", "/_pinstripe/keys", open=True)
def make_key(call: Call) -> JSON:
    """A restricted key: account, livemode, permissions[resource]=read|write."""
    account = call.text("account") or call.engine.default_account
    livemode = bool(call.boolean("livemode", default=False))
    permissions = {name: str(way) for name, way in call.mapping("permissions").items()}
    return {"key": call.engine.restricted(account, permissions, livemode=livemode)}


@route("POST", "/_pinstripe/accounts", open=True)
def make_account(call: Call) -> JSON:
    """Open an account (id, country, default_currency), and connect it to `platform` if one is named."""
    id_ = call.text("id") or call.new_id("acct")
    account = call.engine.account(
        id_,
        country=call.text("country") or "US",
        default_currency=call.text("default_currency") or "usd",
    )
    platform = call.text("platform")
    if platform:
        for livemode in (False, True):
            call.engine.connect(platform, id_, livemode=livemode)
    keys = call.engine.keys(id_)
    return {"account": account, "test": keys.test, "live": keys.live}


@route("POST", "/_pinstripe/applications", open=True)
def make_application(call: Call) -> JSON:
    """Register an OAuth application: name, redirect_uris[], kind=connect|app, account, livemode, permissions[…]."""
    client = oauth.register(
        call.engine,
        call.text("account") or call.engine.default_account,
        name=call.text("name", required=True) or "",
        redirect_uris=[str(uri) for uri in call.listing("redirect_uris")],
        livemode=bool(call.boolean("livemode", default=False)),
        kind=call.choice("kind", ("connect", "app"), default="connect") or "connect",
        permissions={name: str(way) for name, way in call.mapping("permissions").items()} or None,
    )
    found: JSON = msgspec.to_builtins(client)
    return found


@route("POST", "/_pinstripe/disconnect", open=True)
def disconnect(call: Call) -> JSON:
    """The account's owner ends a connection: client_id, account, livemode."""
    client = oauth.client_of(call, call.text("client_id", required=True) or "")
    if client is None:
        raise missing("application", call.text("client_id") or "", param="client_id")
    livemode = bool(call.boolean("livemode", default=client.livemode))
    return {
        "ended": oauth.disconnect(call, client, call.text("account", required=True) or "", livemode=livemode)
    }


@route("GET", "/_pinstripe/digest", open=True)
def digest(call: Call) -> JSON:
    """One hash of every object."""
    return {"digest": call.engine.digest()}


def _number(text: str, param: str) -> float:
    try:
        return max(float(text), 0.0)
    except ValueError:
        raise StripeError(f"Invalid number: {text}", param=param) from None
