"""OAuth: Connect for platforms, and Stripe Apps for accounts that install one.

    client = register(engine, "acct_platform", name="Books", redirect_uris=["https://books.example/back"])
    GET  /oauth/authorize?response_type=code&client_id=ca_…&redirect_uri=…&state=…   # the consent page
    POST /oauth/token  grant_type=authorization_code&code=ac_…                       # with the platform's key

A code is good once and for five minutes; shown twice, it ends the connection. Connect's tokens last; an app's access
token lasts an hour, its refresh token a year and once.
"""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlencode, urlsplit

import msgspec

from bookhand.sandbox.stripe.call import Call, Content
from bookhand.sandbox.stripe.consent import render
from bookhand.sandbox.stripe.errors import JSON, StripeError
from bookhand.sandbox.stripe.keys import Key, credential
from bookhand.sandbox.stripe.routes import route

if TYPE_CHECKING:
    from bookhand.sandbox.stripe.engine import Pinstripe

SCHEMA = """
CREATE TABLE IF NOT EXISTS clients (id TEXT PRIMARY KEY, body BLOB) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS grants (token TEXT PRIMARY KEY, body BLOB) WITHOUT ROWID;
"""
CODE_SECONDS = 300
ACCESS_SECONDS = 3600
REFRESH_SECONDS = 365 * 86400
SCOPES = ("read_only", "read_write")


class Client(msgspec.Struct, frozen=True):
    """A registered application: a platform's (kind "connect") or an app (kind "app")."""

    id: str
    platform: str
    name: str
    redirect_uris: tuple[str, ...]
    livemode: bool = False
    kind: str = "connect"
    permissions: dict[str, str] | None = None

    @property
    def application(self) -> JSON:
        """As events show it."""
        return {"id": self.id, "object": "application", "name": self.name}


class Grant(msgspec.Struct, frozen=True):
    """A code or a refresh token: what it gives, and whether it was used."""

    token: str
    client: str
    account: str
    livemode: bool
    scope: str
    created: int
    used: bool = False


class OAuthError(StripeError):
    """A refusal in OAuth's own shape."""

    def __init__(self, error: str, description: str, *, status: int = 400, keep: bool = False) -> None:
        super().__init__(description, type=error, status=status, keep=keep)

    def body(self, *, request_id: str, account: str | None, livemode: bool) -> JSON:  # noqa: ARG002
        """`{"error": …, "error_description": …}`."""
        return {"error": self.type, "error_description": self.message}


def register(
    engine: Pinstripe,
    platform: str,
    *,
    name: str,
    redirect_uris: list[str],
    livemode: bool = False,
    kind: str = "connect",
    permissions: dict[str, str] | None = None,
) -> Client:
    """A new application of an account; its client id begins with ca_."""
    with engine.session(platform, livemode=livemode) as call:
        client = Client(
            engine.ids.new("ca", 32), platform, name, tuple(redirect_uris), livemode, kind, permissions
        )
        engine.store.db.execute("INSERT INTO clients VALUES (?, ?)", (client.id, msgspec.json.encode(client)))
        call.add(client.application, stamp=False)
    return client


@route("GET", "/oauth/authorize", open=True)
def authorize(call: Call) -> Content:
    """Connect's consent page."""
    return _page(call, _asked(call, "connect"))


@route("GET", "/express/oauth/authorize", open=True)
def authorize_express(call: Call) -> Content:
    """The same for Express accounts."""
    return _page(call, _asked(call, "connect"))


@route("GET", "/oauth/v2/authorize", open=True)
def authorize_app(call: Call) -> Content:
    """The page on which an account installs an app."""
    return _page(call, _asked(call, "app"))


@route("POST", "/oauth/authorize", open=True)
def decide(call: Call) -> Content:
    """What the person on the consent page chose: back to the application with a code, or without."""
    client = _asked(call, call.choice("kind", ("connect", "app"), default="connect") or "connect")
    target = _redirect_uri(call, client)
    asked = call.text("state")
    state: dict[str, str] = {"state": asked} if asked else {}
    if call.text("decision") != "allow":
        denied = {"error": "access_denied", "error_description": "The user denied your request"}
        return _back(target, denied | state)
    account = call.text("account", required=True) or ""
    if account not in call.engine.accounts():
        raise OAuthError("invalid_request", f"No such account: {account}")
    scope = _scope(call, client)
    code = call.new_id("ac")
    _keep(call, Grant(code, client.id, account, client.livemode, scope, call.now))
    shown = {"scope": scope, "code": code} if client.kind == "connect" else {"code": code}
    return _back(target, shown | state)


@route("POST", "/oauth/token", open=True)
def connect_token(call: Call) -> JSON:
    """Connect: a code or a refresh token for an access token."""
    key = _caller(call)
    grant_type = call.text("grant_type")
    if grant_type == "authorization_code":
        grant, client = _use_code(call, key)
        refresh = _keep(
            call, Grant(call.new_id("rt"), client.id, grant.account, key.livemode, grant.scope, call.now)
        )
        call.engine.connect(client.platform, grant.account, livemode=key.livemode, scope=grant.scope)
        _tell(call, client, grant.account, key.livemode, "account.application.authorized")
        return _issue(call, client, grant, refresh.token, livemode=key.livemode)
    if grant_type == "refresh_token":
        found = _refresh(call, key)
        client = _client(call, found.client)
        scope = call.choice("scope", SCOPES) or found.scope
        if scope == "read_write" and found.scope == "read_only":
            raise OAuthError("invalid_scope", f"Requested scope {scope} exceeds the granted scope")
        _end_tokens(call, client.id, found.account, livemode=key.livemode)
        call.engine.connect(client.platform, found.account, livemode=key.livemode, scope=scope)
        grant = msgspec.structs.replace(found, scope=scope)
        return _issue(call, client, grant, found.token, livemode=key.livemode)
    raise OAuthError("unsupported_grant_type", f"Unsupported grant type: {grant_type}")


@route("POST", "/v1/oauth/token", open=True)
def app_token(call: Call) -> JSON:
    """Stripe Apps: the same, for an hour; the refresh token is new each time."""
    key = _caller(call)
    grant_type = call.text("grant_type")
    if grant_type == "authorization_code":
        grant, client = _use_code(call, key)
    elif grant_type == "refresh_token":
        grant = _refresh(call, key)
        client = _client(call, grant.client)
        if grant.created + REFRESH_SECONDS <= call.now:
            raise OAuthError("invalid_grant", "Refresh token expired")
        _keep(call, msgspec.structs.replace(grant, used=True))
        _end_tokens(call, client.id, grant.account, livemode=grant.livemode)
    else:
        raise OAuthError("unsupported_grant_type", f"Unsupported grant type: {grant_type}")
    refresh = _keep(
        call, Grant(call.new_id("rt"), client.id, grant.account, grant.livemode, "stripe_apps", call.now)
    )
    return _issue(
        call,
        client,
        msgspec.structs.replace(grant, scope="stripe_apps"),
        refresh.token,
        livemode=grant.livemode,
        expires=call.now + ACCESS_SECONDS,
    )


@route("POST", "/oauth/deauthorize", open=True)
def deauthorize(call: Call) -> JSON:
    """The platform ends a connection."""
    key = _caller(call)
    client = _client(call, call.text("client_id") or "")
    account = call.text("stripe_user_id") or ""
    if client.platform != key.account:
        raise OAuthError("invalid_client", f"No such application: '{client.id}'", status=401)
    if not disconnect(call, client, account, livemode=key.livemode):
        raise OAuthError(
            "invalid_client",
            f"This application is not connected to stripe account {account}, or that account does not exist.",
            status=401,
        )
    return {"stripe_user_id": account}


def disconnect(call: Call, client: Client, account: str, *, livemode: bool) -> bool:
    """End a connection or an installation, telling the platform; False if there was none."""
    connected = account in call.engine.connected(client.platform, livemode=livemode)
    ended = _end_tokens(call, client.id, account, livemode=livemode)
    if connected:
        _tell(call, client, account, livemode, "account.application.deauthorized")
        call.engine.disconnect(client.platform, account, livemode=livemode)
    _end_grants(call, client.id, account, livemode=livemode)
    return connected or ended


def client_of(call: Call, id: str) -> Client | None:  # noqa: A002
    """A registered application."""
    row = call.engine.store.db.execute("SELECT body FROM clients WHERE id = ?", (id,)).fetchone()
    return msgspec.json.decode(row[0], type=Client) if row else None


def _asked(call: Call, kind: str) -> Client:
    client = client_of(call, call.text("client_id") or "")
    if client is None or client.kind != kind:
        raise OAuthError("invalid_request", "No application matches the supplied client identifier")
    if kind == "connect" and call.text("response_type", default="") != "code":
        raise OAuthError("unsupported_response_type", "The only supported response type is code")
    _redirect_uri(call, client)
    _scope(call, client)
    return client


def _redirect_uri(call: Call, client: Client) -> str:
    asked = call.text("redirect_uri") or client.redirect_uris[0]
    if asked not in client.redirect_uris:
        raise OAuthError(
            "invalid_redirect_uri", f"Invalid redirect URI '{asked}'. Ensure this URI is registered."
        )
    if client.livemode and urlsplit(asked).scheme != "https":
        raise OAuthError("invalid_redirect_uri", "Livemode redirect URIs must use https")
    return asked


def _scope(call: Call, client: Client) -> str:
    if client.kind == "app":
        return "stripe_apps"
    scope = call.text("scope") or "read_only"
    if scope not in SCOPES:
        raise OAuthError("invalid_scope", f"Invalid scope: {scope}")
    return scope


def _page(call: Call, client: Client) -> Content:
    accounts = [account for account in call.engine.accounts() if account != client.platform]
    fields = {
        "kind": client.kind,
        "response_type": "code",
        "client_id": client.id,
        "redirect_uri": _redirect_uri(call, client),
        "scope": _scope(call, client),
        "state": call.text("state") or "",
    }
    named = [(account, (call.on(account).look("account", account) or {})) for account in accounts]
    return Content(
        render(client.name, named, fields, permissions=client.permissions, livemode=client.livemode),
        "text/html; charset=utf-8",
    )


def _back(target: str, params: dict[str, str]) -> Content:
    mark = "&" if "?" in target else "?"
    return Content(status=303, type="text/plain", headers={"Location": f"{target}{mark}{urlencode(params)}"})


def _caller(call: Call) -> Key:
    key = call.engine.ring.find(credential(call.headers) or call.text("client_secret") or "")
    if key is None or key.kind == "publishable":
        raise OAuthError("invalid_client", "No valid API key provided", status=401)
    return key


def _client(call: Call, id_: str) -> Client:
    client = client_of(call, id_)
    if client is None:
        raise OAuthError("invalid_client", f"No such application: '{id_}'", status=401)
    return client


def _use_code(call: Call, key: Key) -> tuple[Grant, Client]:
    code = call.text("code") or ""
    grant = _grant(call, code)
    if grant is None or not code.startswith("ac_"):
        raise OAuthError("invalid_grant", f"Authorization code does not exist: {code}")
    client = _client(call, grant.client)
    if client.platform != key.account:
        raise OAuthError("invalid_grant", "This authorization code was not issued to your application")
    if grant.livemode != key.livemode:
        raise OAuthError("invalid_grant", "The code and the API key are of different modes")
    if grant.used:
        disconnect(call, client, grant.account, livemode=grant.livemode)
        raise OAuthError(
            "invalid_grant",
            "This authorization code has already been used. All tokens issued with this code have been revoked.",
            keep=True,
        )
    if grant.created + CODE_SECONDS <= call.now:
        raise OAuthError("invalid_grant", f"Authorization code expired: {code}")
    _keep(call, msgspec.structs.replace(grant, used=True))
    return grant, client


def _refresh(call: Call, key: Key) -> Grant:
    token = call.text("refresh_token") or ""
    grant = _grant(call, token)
    if grant is None or grant.used or not token.startswith("rt_"):
        raise OAuthError("invalid_grant", "Refresh token does not exist or was already used")
    if _client(call, grant.client).platform != key.account:
        raise OAuthError("invalid_grant", "This refresh token was not issued to your application")
    return grant


def _issue(
    call: Call, client: Client, grant: Grant, refresh: str, *, livemode: bool, expires: int = 0
) -> JSON:
    permissions = client.permissions or ({"*": "read"} if grant.scope == "read_only" else None)
    token = call.new_id("sk_live" if livemode else "sk_test")
    kind = _token_kind(client.id)
    call.engine.ring.put(Key(token, grant.account, livemode, kind, permissions, expires))
    keys = call.engine.ring.keys(grant.account)
    return {
        "access_token": token,
        "livemode": livemode,
        "refresh_token": refresh,
        "token_type": "bearer",
        "stripe_publishable_key": keys.publishable_live if livemode else keys.publishable_test,
        "stripe_user_id": grant.account,
        "scope": grant.scope,
    }


def _token_kind(client: str) -> str:
    return f"token of {client}"


def _end_tokens(call: Call, client: str, account: str, *, livemode: bool) -> bool:
    rows = call.engine.store.db.execute(
        "SELECT key FROM keys WHERE kind = ? AND account = ? AND livemode = ?",
        (_token_kind(client), account, livemode),
    ).fetchall()
    for (key,) in rows:
        call.engine.ring.drop(key)
    return bool(rows)


def _end_grants(call: Call, client: str, account: str, *, livemode: bool) -> None:
    for (body,) in call.engine.store.db.execute("SELECT body FROM grants").fetchall():
        grant = msgspec.json.decode(body, type=Grant)
        if (grant.client, grant.account, grant.livemode) == (client, account, livemode):
            _keep(call, msgspec.structs.replace(grant, used=True))


def _grant(call: Call, token: str) -> Grant | None:
    row = call.engine.store.db.execute("SELECT body FROM grants WHERE token = ?", (token,)).fetchone()
    return msgspec.json.decode(row[0], type=Grant) if row else None


def _keep(call: Call, grant: Grant) -> Grant:
    call.engine.store.db.execute(
        "INSERT OR REPLACE INTO grants VALUES (?, ?)", (grant.token, msgspec.json.encode(grant))
    )
    return grant


def _tell(call: Call, client: Client, account: str, livemode: bool, type_: str) -> None:  # noqa: FBT001
    call.on(account, livemode=livemode).emit(type_, client.application)
