"""Connecting a QuickBooks company by OAuth, keeping the sign-in alive, and letting go.

    url = start_sign_in(db, application, name="Acme's books")                      # send the person there
    connection = finish_sign_in(db, secrets, application, Back(state=…, code=…, realm=…))      # when they come back
    look_after(db, secrets)                                                          # once a day
    disconnect(db, secrets, connection.id)

Addresses are those of Intuit's discovery document. The state is random, kept as a hash, good once and for a quarter of an hour; the code
is sent once. Which company it is, is `realmId` in the way back and must be the one that the token then opens.
"""

from __future__ import annotations

import hashlib
import secrets as chance
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal
from urllib.parse import parse_qs, urlencode, urlsplit

import httpx
import msgspec
import structlog

from bookhand.core.facts import Link
from bookhand.core.problems import BookhandError, Outage, Refusal
from bookhand.core.ready import ready
from bookhand.core.redaction import redact_text
from bookhand.systems import store
from bookhand.systems.client import Gate, LocalLeaser
from bookhand.systems.connection import Connection
from bookhand.systems.quickbooks import MINOR_VERSION, SCOPE, SYSTEM, layers
from bookhand.systems.quickbooks.client import BASES, Patience, QuickBooksClient, trust
from bookhand.systems.quickbooks.token_auth import (
    CLIENT_SECRET,
    TOKENS,
    Credential,
    Endpoint,
    Tokens,
    as_json,
    endpoint_of,
    exchange,
    remind,
    revoke,
    settings_of,
)

if TYPE_CHECKING:
    from bookhand.db.engine import Database
    from bookhand.workspace.secrets_store import Secrets

DISCOVERY = {
    "live": "https://developer.intuit.com/.well-known/openid_configuration/",
    "test": "https://developer.intuit.com/.well-known/openid_sandbox_configuration/",
}
_MINUTES = 15
_TIMEOUT_SECONDS = 30.0

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Application:
    """An app of one's own at Intuit: its production keys (``live``), or its development keys, for sandbox companies (``test``)."""

    client_id: str
    client_secret: str = field(repr=False)
    redirect_uri: str
    mode: Literal["live", "test"] = "live"
    base_url: str | None = None
    """Another API than Intuit's own: a stand-in."""
    discovery_url: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Back:
    """What a person comes back with."""

    state: str
    code: str | None = field(default=None, repr=False)
    realm: str | None = None
    error: str | None = None


class _Discovered(msgspec.Struct):
    authorization_endpoint: str
    token_endpoint: str
    revocation_endpoint: str


def back_of(query: Mapping[str, str]) -> Back:
    """The query of the address that Intuit sent somebody back to."""
    return Back(
        state=query.get("state", ""),
        code=query.get("code"),
        realm=query.get("realmId"),
        error=query.get("error"),
    )


def start_sign_in(
    db: Database,
    application: Application,
    *,
    name: str | None = None,
    limits: Mapping[str, int] | None = None,
    bound: store.Bound | None = None,
    again: int | None = None,
) -> str:
    """The address to send a person to, who chooses a company there.

    `bound` says whose sign-in it is, `again` which connection is to come back by it.
    """
    layers.limits(limits)
    found = _discover(application)
    state = chance.token_urlsafe(32)
    plan = {
        "kind": SYSTEM, "client_id": application.client_id, "name": name, "limits": dict(limits or {}),
        "bound": msgspec.to_builtins(bound), "again": again, **settings_of(msgspec.to_builtins(found)),
    }  # fmt: skip
    with db.transaction() as cx:
        store.begin_sign_in(cx, db.workspace_id, store.state_hash(state), plan, minutes=_MINUTES)
    asked = {
        "client_id": application.client_id, "response_type": "code", "scope": SCOPE, "redirect_uri": application.redirect_uri,
        "state": state,
    }  # fmt: skip
    return f"{found.authorization_endpoint}?{urlencode(asked)}"


def finish_sign_in(
    db: Database, secrets: Secrets, application: Application, back: Back, *, patience: Patience | None = None
) -> Connection:
    """Exchange the code of a person who came back, and keep the connection; `Refusal` where it cannot be."""
    plan = _take(db, application, back.state)
    if back.error or not back.code or not back.realm:
        why = redact_text(back.error or "no code or no company came back")
        raise Refusal(f"QuickBooks was not connected: {why}. Start again when you want to.")
    if not back.realm.isascii() or not back.realm.isdigit():
        raise Refusal("What came back names no company of QuickBooks: start again.")
    if plan.get("again") is not None:
        with db.transaction() as cx:
            store.only_itself(
                cx,
                plan["again"],
                system=SYSTEM,
                account=back.realm,
                mode=application.mode,
                called="another company",
            )
    endpoint = Endpoint(
        token_url=plan["token_url"], revoke_url=plan["revoke_url"], client_id=application.client_id,
        client_secret=application.client_secret,
    )  # fmt: skip
    tokens = _exchanged(endpoint, application, back.code)
    draft = _draft(application, back, plan)
    try:
        company = _company_name(draft, tokens, patience or Patience(tries=3))
    except BookhandError:
        _give_back(endpoint, tokens)
        raise
    return _keep(db, secrets, draft, tokens, application, company=company, name=plan["name"])


def came_back(db: Database, address: str) -> tuple[Connection | None, bool]:
    """The connection that the sign-in at `address` made, if it did; and whether somebody may still come back from there."""
    state = parse_qs(urlsplit(address).query)["state"][0]
    with db.transaction() as cx:
        waits = store.sign_in_waits(cx, store.state_hash(state))
        made = [
            each for each in store.every(cx, system=SYSTEM) if each.settings.get("signed_in") == _trace(state)
        ]
    return (made[0] if made else None), waits


def look_after(db: Database, secrets: Secrets) -> list[str]:
    """Use every sign-in once a day, so that none ends for want of use; in sentences what could not be done."""
    with db.transaction() as cx:
        active = store.every(cx, system=SYSTEM, status="active")
    told = []
    for connection in active:
        try:
            Credential(db, secrets, connection).keep_alive()
        except BookhandError as error:
            told.append(f"{connection.name}: {error}")
    return told


def disconnect(
    db: Database, secrets: Secrets, connection_id: int, *, reason: str = "disconnected by a person"
) -> list[str]:
    """Give the access back, forget every secret; in sentences what could not be done at Intuit. The books stay."""
    with db.transaction() as cx:
        connection = store.get(cx, connection_id)
        sealed = secrets.get(cx, connection.link, TOKENS)
        endpoint = endpoint_of(cx, secrets, connection) if sealed else None
    undone = []
    if sealed and endpoint:
        try:
            revoke(endpoint, msgspec.json.decode(sealed, type=Tokens).refresh_token)
        except BookhandError as error:
            undone.append(f"Intuit still has bookhand's access: {error}")
    with db.transaction() as cx:
        secrets.drop(cx, connection.link)
        store.set_status(cx, connection.id, "disconnected", reason=reason)
    log.info("quickbooks_disconnected", connection=connection.id, reason=reason)
    return undone


# --- the parts of a sign-in ---


def _discover(application: Application) -> _Discovered:
    url = application.discovery_url or DISCOVERY[application.mode]
    try:
        answer = httpx.get(url, timeout=_TIMEOUT_SECONDS, headers={"Accept": "application/json", "User-Agent": "bookhand"}, follow_redirects=True, verify=trust())  # fmt: skip
        answer.raise_for_status()
        return msgspec.json.decode(answer.content, type=_Discovered)
    except (httpx.HTTPError, msgspec.DecodeError) as error:
        raise Outage(
            f"Intuit does not say where to sign in ({type(error).__name__} at {url}).", retry_after_seconds=60
        ) from None


def _take(db: Database, application: Application, state: str) -> dict[str, Any]:
    """The plan of a sign-in, used up and committed before anything else happens."""
    with db.transaction() as cx:
        plan = store.take_sign_in(cx, store.state_hash(state))
    if plan is None:
        raise Refusal(
            "This sign-in is not one that was begun here, or it was used, or is over a quarter of an hour old: start again."
        )
    if (plan["kind"], plan["client_id"]) != (SYSTEM, application.client_id):
        raise Refusal("This sign-in was begun for another application: start again.")
    return plan


def _exchanged(endpoint: Endpoint, application: Application, code: str) -> Tokens:
    form = {"grant_type": "authorization_code", "code": code, "redirect_uri": application.redirect_uri}
    try:
        return exchange(endpoint, form, at=time.time())
    except Outage as error:
        raise Refusal(
            f"{error} Whether the code was used is not known, and a code is sent once: start again."
        ) from None


def _draft(application: Application, back: Back, plan: Mapping[str, Any]) -> Connection:
    told = {
        "signed_in": _trace(back.state),
        "client_id": application.client_id,
        "token_url": plan["token_url"],
        "revoke_url": plan["revoke_url"],
    }
    base = (application.base_url or BASES[application.mode]).rstrip("/")
    settings = told | ({} if base == BASES[application.mode] else {"base_url": base})
    settings |= {"limits": plan["limits"]} if plan.get("limits") else {}
    return Connection(
        link=Link(
            workspace_id=0, connection_id=0, system=SYSTEM, account=back.realm or "", mode=application.mode, api_version=MINOR_VERSION
        ),
        name="a new connection", livemode=application.mode == "live", auth="oauth", status="active", scopes=[SCOPE], settings=settings,
    )  # fmt: skip


def _company_name(draft: Connection, tokens: Tokens, patience: Patience) -> str:
    """The name of the company, by its own word; a token that opens another one is refused by QuickBooks."""
    client = QuickBooksClient(
        draft,
        token=lambda: tokens.access_token,
        renew=lambda _: None,
        gate=Gate(LocalLeaser()),
        patience=patience,
    )
    with client:
        found = client.get(f"/companyinfo/{draft.link.account}")
    name = (found.get("CompanyInfo") or {}).get("CompanyName") if isinstance(found, dict) else None
    if not name:
        raise Outage("What answers is not QuickBooks: is the address right?")
    return str(name)


def _give_back(endpoint: Endpoint, tokens: Tokens) -> None:
    """Nothing was connected: the access that was granted is no use."""
    try:
        revoke(endpoint, tokens.refresh_token)
    except BookhandError as error:
        log.warning("quickbooks_not_given_back", why=str(error))


def _keep(
    db: Database, secrets: Secrets, draft: Connection, tokens: Tokens, application: Application, *, company: str, name: str | None
) -> Connection:  # fmt: skip
    """Store a connection and its secrets in one transaction."""
    link = draft.link
    new = store.NewConnection(
        system=SYSTEM, account=link.account, mode=link.mode, livemode=draft.livemode, name=name,
        default_name=f"{company} (QuickBooks {link.account}{'' if draft.livemode else ', sandbox'})",
        api_version=MINOR_VERSION, auth="oauth", scopes=draft.scopes, settings=draft.settings,
    )  # fmt: skip
    with db.transaction() as cx:
        connection = store.keep(cx, db.workspace_id, new)
        secrets.put(cx, connection.link, CLIENT_SECRET, application.client_secret)
        secrets.put(cx, connection.link, TOKENS, as_json(tokens))
        remind(cx, connection, tokens, now=time.time())
    log.info("quickbooks_connected", connection=connection.id, company=link.account, mode=link.mode)
    return connection


def _trace(state: str) -> str:
    """What a connection remembers of the sign-in that made it: enough to find it, and nothing to sign in with."""
    return hashlib.sha256(f"trace {state}".encode()).hexdigest()[:16]


ready(_Discovered)  # see core.ready
