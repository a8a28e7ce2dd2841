"""Connecting a bank through Plaid: a link token for the sign-in, its public token exchanged, and letting go.

    link_token(plaid, user="workspace-1")                      # what Plaid's own page (Link) is opened with
    connect(db, secrets, plaid, "public-sandbox-…")            # what that page gave; the Item is a connection then

An Item's access token does not expire; where the bank wants a new sign-in, Link is opened in its update mode (`access_token` of the Item),
and the connection is made active again. Source: plaid.com/docs/link, plaid.com/docs/api/items.
"""

from __future__ import annotations

import secrets as chance
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

import msgspec

from bookhand.core.problems import Outage, Refusal
from bookhand.systems import store as connections
from bookhand.systems.bank import PLAID_VERSION, SYSTEM, store
from bookhand.systems.store import NewConnection

if TYPE_CHECKING:
    from bookhand.db.engine import Database
    from bookhand.systems.bank.plaid.api_client import PlaidClient
    from bookhand.systems.connection import Connection
    from bookhand.workspace.secrets_store import Secrets

ACCESS_TOKEN = "access_token"  # noqa: S105 (the name it is sealed under)
_MINUTES = 30
MOST_DAYS = 730
"""How far back is asked for; it is fixed at the first call of an Item for ever."""


def link_token(
    plaid: PlaidClient,
    *,
    user: str,
    countries: tuple[str, ...] = ("US",),
    redirect_uri: str | None = None,
    access_token: str | None = None,
) -> str:
    """A token for Plaid's page, good for some hours; with an Item's `access_token` it is to sign in again."""
    body: dict[str, Any] = {
        "client_name": "bookhand", "language": "en", "country_codes": list(countries), "user": {"client_user_id": user},
    }  # fmt: skip
    if access_token is None:
        body |= {"products": ["transactions"], "transactions": {"days_requested": MOST_DAYS}}
    else:
        body |= {"access_token": access_token}
    if redirect_uri:
        body["redirect_uri"] = redirect_uri
    return str(plaid.post("/link/token/create", body)["link_token"])


def connect(
    db: Database, secrets: Secrets, plaid: PlaidClient, public_token: str, *, name: str | None = None
) -> Connection:
    """Exchange what Link gave and keep the Item as a connection with its accounts; `Refusal` where Plaid does not know the token."""
    granted = plaid.post("/item/public_token/exchange", {"public_token": public_token})
    token, item = str(granted["access_token"]), str(granted["item_id"])
    mode = mode_of(token)
    told = plaid.post("/accounts/get", {"access_token": token})
    bank = (
        (told.get("item") or {}).get("institution_name")
        or (told.get("item") or {}).get("institution_id")
        or "Bank"
    )
    new = NewConnection(
        system=SYSTEM, account=item, mode=mode, livemode=mode == "live", api_version=PLAID_VERSION, auth="plaid", name=name,
        default_name=f"{bank} (Plaid, {item[-6:]})", scopes=["transactions"],
    )  # fmt: skip
    with db.transaction() as cx:
        made = connections.keep(cx, db.workspace_id, new)
        secrets.put(cx, made.link, ACCESS_TOKEN, token)
        keep_accounts(cx, made, told.get("accounts") or ())
    return made


def start_hosted(
    db: Database, plaid: PlaidClient, *, user: str, countries: tuple[str, ...], name: str | None, back: str, bound: connections.Bound,
    again: tuple[int, str] | None = None,
) -> str:  # fmt: skip
    """The address of Plaid's own page (Hosted Link) to send a person to, who comes back to `back` when it is done there.

    `again` is a connection's number and its access token, for a new sign-in at a bank that is connected already.
    """
    state = chance.token_urlsafe(32)
    what: dict[str, Any] = (
        {"access_token": again[1]}
        if again
        else {"products": ["transactions"], "transactions": {"days_requested": MOST_DAYS}}
    )
    body = {
        "client_name": "bookhand", "language": "en", "country_codes": list(countries), "user": {"client_user_id": user}, **what,
        "hosted_link": {"completion_redirect_uri": f"{back}?{urlencode({'state': state})}", "url_lifetime_seconds": _MINUTES * 60},
    }  # fmt: skip
    told = plaid.post("/link/token/create", body)
    if not told.get("hosted_link_url"):
        raise Refusal("Plaid gave no page to sign in at: ask Plaid to switch Hosted Link on for your keys.")
    plan = {
        "kind": "plaid", "name": name, "link_token": str(told["link_token"]), "bound": msgspec.to_builtins(bound),
        "again": again[0] if again else None,
    }  # fmt: skip
    with db.transaction() as cx:
        connections.begin_sign_in(cx, db.workspace_id, connections.state_hash(state), plan, minutes=_MINUTES)
    return str(told["hosted_link_url"])


def finish_hosted(db: Database, secrets: Secrets, plaid: PlaidClient, *, state: str) -> Connection:
    """Keep the bank that somebody chose on Plaid's page; `Refusal` where none was, or the sign-in is not one of ours."""
    with db.transaction() as cx:
        plan = connections.take_sign_in(cx, connections.state_hash(state))
    if plan is None or plan["kind"] != "plaid":
        raise Refusal(
            "This sign-in is not one that was begun here, or it was used, or is over half an hour old: start again."
        )
    if plan.get("again") is not None:
        return _let_in_again(db, plan["again"])
    told = plaid.post("/link/token/get", {"link_token": plan["link_token"]})
    added = [
        str(item["public_token"])
        for session in told.get("link_sessions") or ()
        for item in (session.get("results") or {}).get("item_add_results") or ()
    ]
    if not added:
        raise Refusal("No bank was connected at Plaid: start again when you want to.")
    return connect(db, secrets, plaid, added[0], name=plan["name"])


def _let_in_again(db: Database, number: int) -> Connection:
    """Active again; where nobody signed in after all, the next reading disconnects it with the reason."""
    with db.transaction() as cx:
        connections.set_status(cx, number, "active")
        return connections.get(cx, number)


def keep_accounts(cx: store.Transaction, connection: Connection, accounts: Any) -> None:
    """The accounts of an Item as they are told beside its transactions."""
    for each in accounts:
        balances = each.get("balances") or {}
        said = " ".join(part for part in (each.get("name"), each.get("mask")) if part)
        store.keep_account(
            cx, connection.link, str(each["account_id"]), balances.get("iso_currency_code"), name=said or None
        )


def token_of(db: Database, secrets: Secrets, connection: Connection) -> str:
    """The Item's access token; `Refusal` where it was removed."""
    with db.transaction() as cx:
        found = secrets.get(cx, connection.link, ACCESS_TOKEN)
    if found is None:
        raise Refusal(
            f"Connection {connection.id} ({connection.name}) has no access token any more: connect the bank again."
        )
    return found


def part(db: Database, secrets: Secrets, plaid: PlaidClient | None, connection: Connection) -> list[str]:
    """Take the Item away at Plaid (which ends what it costs) and forget its token; in sentences what could not be done."""
    undone = []
    with db.transaction() as cx:
        token = secrets.get(cx, connection.link, ACCESS_TOKEN)
    if token is not None and plaid is not None:
        try:
            plaid.post("/item/remove", {"access_token": token})
        except (Refusal, Outage) as error:
            undone.append(f"The Item was not removed at Plaid: {error}")
    elif token is not None:
        undone.append(
            "The Item was not removed at Plaid, whose keys are not set: remove it in Plaid's dashboard."
        )
    with db.transaction() as cx:
        secrets.drop(cx, connection.link, ACCESS_TOKEN)
        connections.set_status(cx, connection.id, "disconnected", reason="disconnected by a person")
    return undone


def mode_of(token: str) -> str:
    """``access-production-…`` is live; everything else (``access-sandbox-…``) is test."""
    return "live" if token.startswith("access-production-") else "test"
