"""What a connected account may do, and the link by which its owner is asked for more.

stripe.Account.list_capabilities("acct_2")                    # card_payments, transfers: active
stripe.AccountLink.create(account="acct_2", type="account_onboarding", refresh_url=…, return_url=…)
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from bookhand.sandbox.money.accounts import reach, requirements
from bookhand.sandbox.stripe.errors import JSON, missing
from bookhand.sandbox.stripe.routes import route

if TYPE_CHECKING:
    from bookhand.sandbox.stripe.call import Call

LINKS = ("account_onboarding", "account_update")


@route("GET", "/v1/accounts/{account}/capabilities")
def list_capabilities(call: Call) -> JSON:
    """Every one the account has."""
    theirs = reach(call)
    stored = theirs.get("account", theirs.account)
    found = [_shape(theirs, stored, name) for name in stored["capabilities"]]
    return {"object": "list", "data": found, "has_more": False, "url": call.url}


@route("GET", "/v1/accounts/{account}/capabilities/{capability}")
def retrieve_capability(call: Call) -> JSON:
    """One of them."""
    theirs = reach(call)
    stored = theirs.get("account", theirs.account)
    name = call.path["capability"]
    if name not in stored["capabilities"]:
        raise missing("capability", name, param="capability")
    return _shape(theirs, stored, name)


@route("POST", "/v1/accounts/{account}/capabilities/{capability}")
def update_capability(call: Call) -> JSON:
    """Ask for it, or give it up."""
    theirs = reach(call)
    stored = theirs.get("account", theirs.account)
    name = call.path["capability"]
    before = dict(stored["capabilities"])
    requested = call.boolean("requested")
    if requested is not None:
        stored["capabilities"][name] = "active" if requested else "inactive"
        theirs.save(stored)
        if before != stored["capabilities"]:
            theirs.emit("capability.updated", _shape(theirs, stored, name), {"status": before.get(name)})
            theirs.emit("account.updated", stored, {"capabilities": before})
    return retrieve_capability(call)


@route("POST", "/v1/account_links")
def create_link(call: Call) -> JSON:
    """Used once, within five minutes."""
    call.path["account"] = call.text("account", required=True) or ""
    theirs = reach(call)
    call.choice("type", LINKS, required=True)
    code = call.engine.ids.letters(f"link:{theirs.account}:{call.now}", 24)
    return {
        "object": "account_link",
        "created": call.now,
        "expires_at": call.now + 300,
        "url": f"https://connect.stripe.com/setup/s/{theirs.account}/{code}",
    }


def _shape(call: Call, account: JSON, name: str) -> JSON:
    status = account["capabilities"][name]
    return {
        "id": name,
        "object": "capability",
        "account": call.account,
        "future_requirements": requirements(),
        "requested": status != "inactive",
        "requested_at": account["created"],
        "requirements": requirements(),
        "status": status,
    }
