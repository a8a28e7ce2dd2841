"""Signing in: a page on which somebody chooses a company, codes, tokens that live an hour, refresh tokens that change.

A refresh token's value changes once it is `rotation_seconds` old (a day): the answer then has a new one, and the old one is refused from
then on. Each use gives it another 100 days, but never more than five years in all from the day somebody said yes. What is refused is
``invalid_grant``. Source: Intuit's pages on OAuth 2.0, and its notes on the hard expiry of refresh tokens (2026).
"""

from __future__ import annotations

import base64
import hashlib
from html import escape
from typing import TYPE_CHECKING
from urllib.parse import urlencode

import msgspec

from bookhand.sandbox.outside.consent import sheet
from bookhand.sandbox.outside.standin import JSON, Request, Response, html, redirect, reply

if TYPE_CHECKING:
    from bookhand.sandbox.quickbooks.standin import QuickBooks

SCOPE = "com.intuit.quickbooks.accounting"
ACCESS_SECONDS = 3600
REFRESH_SECONDS = 100 * 86_400
HARD_SECONDS = 5 * 365 * 86_400
ROTATION_SECONDS = 86_400
CODE_SECONDS = 600


class App(msgspec.Struct, frozen=True):
    """An application registered with Intuit. No redirect addresses: any on this machine will do."""

    client_id: str
    client_secret: str
    redirect_uris: tuple[str, ...] = ()


class Grant(msgspec.Struct):
    """One app's access to one company."""

    client_id: str
    realm: str
    given_at: float
    refresh: str = ""
    refresh_at: float = 0.0
    """When this value of the refresh token was made."""
    used_at: float = 0.0


class Code(msgspec.Struct, frozen=True):
    """A code that waits to be exchanged."""

    client_id: str
    realm: str
    redirect_uri: str
    at: float


class OAuth:
    """Codes, grants and tokens of one stand-in."""

    def __init__(self, house: QuickBooks, app: App) -> None:
        self._house = house
        self.apps = {app.client_id: app}
        self.codes: dict[str, Code] = {}
        self.grants: dict[str, Grant] = {}
        """By the refresh token that is good now."""
        self.access: dict[str, tuple[Grant, float]] = {}
        """Access token to its grant and the moment it ends."""
        self.rotation_seconds: float = ROTATION_SECONDS
        self.refreshes = 0
        self._made = 0

    def answer(self, request: Request) -> Response | None:
        """The answer of a sign-in address; None for any other."""
        match request.method, request.path:
            case "GET", "/.well-known/openid_configuration":
                return reply(self._discovery(request))
            case "GET", "/connect/oauth2":
                return self._page(request)
            case "POST", "/connect/oauth2":
                return self._consented(request)
            case "POST", "/oauth2/v1/tokens/bearer":
                return self._token(request)
            case "POST", "/v2/oauth2/tokens/revoke":
                return self._revoke(request)
            case _:
                return None

    def grant_of(self, token: str) -> Grant | None:
        """Whose access token it is, while it is good."""
        found = self.access.get(token)
        return found[0] if found and self._now() < found[1] else None

    def revoke(self, realm: str) -> int:
        """Somebody takes the access to a company back, in QuickBooks; how many tokens ended."""
        ended = [token for token, grant in self.grants.items() if grant.realm == realm]
        for token in ended:
            self._end(self.grants[token])
        return len(ended)

    def _discovery(self, request: Request) -> JSON:
        here = f"http://{request.headers.get('host', '127.0.0.1')}"
        return {
            "issuer": here,
            "authorization_endpoint": f"{here}/connect/oauth2",
            "token_endpoint": f"{here}/oauth2/v1/tokens/bearer",
            "revocation_endpoint": f"{here}/v2/oauth2/tokens/revoke",
            "scopes_supported": ["openid", SCOPE],
            "response_types_supported": ["code"],
        }

    def _page(self, request: Request) -> Response:
        wrong = self._wrong(request.query)
        if wrong:
            return html(f"<h1>Sorry, but something went wrong</h1><p>{escape(wrong)}</p>", status=400)
        names = ("client_id", "redirect_uri", "state", "scope", "response_type")
        return html(
            sheet(
                "Intuit", "Choose the company to connect", to="/connect/oauth2", name="realm",
                fields={name: request.query.get(name, "") for name in names},
                choices={company.realm: company.name for company in self._house.companies.values()},
                allows=("Read the chart of accounts and the books", "Write journal entries and deposits"),
            )
        )  # fmt: skip

    def _wrong(self, asked: dict[str, str]) -> str | None:
        app = self.apps.get(asked.get("client_id", ""))
        if app is None:
            return "The client_id is of no application."
        to = asked.get("redirect_uri", "")
        local = to.startswith(("http://127.0.0.1", "http://localhost", "https://"))
        if to not in app.redirect_uris and (app.redirect_uris or not local):
            return "The redirect_uri query parameter value is invalid: it is not one of the application's."
        if asked.get("response_type") != "code" or SCOPE not in asked.get("scope", "").split():
            return "The response_type must be code, and the scope com.intuit.quickbooks.accounting."
        return None if asked.get("state") else "The state query parameter is missing."

    def _consented(self, request: Request) -> Response:
        asked = request.form
        wrong = self._wrong(asked)
        if wrong:
            return html(f"<p>{escape(wrong)}</p>", status=400)
        realm = asked.get("realm", "")
        if realm not in self._house.companies:
            return redirect(
                f"{asked['redirect_uri']}?{urlencode({'error': 'access_denied', 'state': asked['state']})}"
            )
        code = self._new("AB11")
        self.codes[code] = Code(asked["client_id"], realm, asked["redirect_uri"], self._now())
        return redirect(
            f"{asked['redirect_uri']}?{urlencode({'code': code, 'state': asked['state'], 'realmId': realm})}"
        )

    def _token(self, request: Request) -> Response:
        app = self._app(request)
        if app is None:
            return reply({"error": "invalid_client"}, status=401)
        match request.form.get("grant_type"):
            case "authorization_code":
                grant = self._exchanged(app, request.form)
            case "refresh_token":
                grant = self._refreshed(app, request.form.get("refresh_token", ""))
            case _:
                return reply({"error": "unsupported_grant_type"}, status=400)
        if grant is None:
            return reply(
                {"error": "invalid_grant", "error_description": "Incorrect or expired token or code"},
                status=400,
            )
        return self._granted(grant, request)

    def _exchanged(self, app: App, form: dict[str, str]) -> Grant | None:
        code = self.codes.pop(form.get("code", ""), None)
        if code is None or code.client_id != app.client_id or code.redirect_uri != form.get("redirect_uri"):
            return None
        if self._now() > code.at + CODE_SECONDS:
            return None
        grant = Grant(app.client_id, code.realm, self._now())
        self._rotate(grant)
        return grant

    def _refreshed(self, app: App, token: str) -> Grant | None:
        grant, now = self.grants.get(token), self._now()
        if grant is None or grant.client_id != app.client_id:
            return None
        if now > grant.used_at + REFRESH_SECONDS or now > grant.given_at + HARD_SECONDS:
            self._end(grant)
            return None
        self.refreshes += 1
        if now >= grant.refresh_at + self.rotation_seconds:
            self._rotate(grant)
        return grant

    def _rotate(self, grant: Grant) -> None:
        self.grants.pop(grant.refresh, None)
        grant.refresh, grant.refresh_at = self._new("AB11"), self._now()
        self.grants[grant.refresh] = grant

    def _granted(self, grant: Grant, request: Request) -> Response:
        now = self._now()
        grant.used_at = now
        token = self._new("eyJ")
        self.access[token] = (grant, now + ACCESS_SECONDS)
        hard = int(grant.given_at + HARD_SECONDS - now)
        answer: JSON = {
            "token_type": "bearer", "access_token": token, "expires_in": ACCESS_SECONDS, "refresh_token": grant.refresh,
            "x_refresh_token_expires_in": min(REFRESH_SECONDS, hard),
        }  # fmt: skip
        if request.headers.get("x-include-refresh-token-hard-expires-in") == "true":
            answer["x_refresh_token_hard_expires_in"] = hard
        return reply(answer)

    def _revoke(self, request: Request) -> Response:
        app = self._app(request)
        if app is None:
            return reply({"error": "invalid_client"}, status=401)
        asked = (
            request.json()
            if request.headers.get("content-type", "").startswith("application/json")
            else request.form
        )
        token = str(asked.get("token", ""))
        grant = self.grants.get(token) or (self.access.get(token) or (None,))[0]
        if grant is None or grant.client_id != app.client_id:
            return reply({"error": "invalid_token"}, status=400)
        self._end(grant)
        return Response(200)

    def _end(self, grant: Grant) -> None:
        self.grants.pop(grant.refresh, None)
        for token in [token for token, (of, _) in self.access.items() if of is grant]:
            del self.access[token]

    def _app(self, request: Request) -> App | None:
        kind, _, told = request.headers.get("authorization", "").partition(" ")
        if kind.lower() != "basic":
            return None
        try:
            client_id, _, secret = base64.b64decode(told, validate=True).decode().partition(":")
        except ValueError:
            return None
        app = self.apps.get(client_id)
        return app if app and app.client_secret == secret else None

    def _now(self) -> float:
        return self._house.clock.now()

    def _new(self, start: str) -> str:
        """The next token: the same for the same seed."""
        self._made += 1
        told = f"{self._house.seed}/{self._made}".encode()
        return start + hashlib.sha256(told).hexdigest()
