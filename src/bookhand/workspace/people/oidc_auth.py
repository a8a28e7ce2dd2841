"""Signing in at the company's own identity provider: OpenID Connect, authorization code with PKCE and a nonce, by Authlib.

    provider = Provider(issuer="https://id.example.com", client_id="bookhand", redirect_uri="https://books.example.com/oidc/back")
    url = start(provider, step)                              # send the browser there; `step` stays in its cookie
    identity = finish(provider, step, sent, at=time)         # when it comes back; `Refusal` or `Outage`

State, nonce and verifier are made from the step's secret, each by a hash of its own. So a browser that did not begin the sign-in
cannot end it, and the database holds none of them. The id token's signature is checked against the provider's published keys.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import httpx
import msgspec
from authlib.common.errors import AuthlibBaseError
from authlib.oauth2.auth import ClientAuth
from authlib.oauth2.rfc6749.parameters import prepare_grant_uri, prepare_token_request
from authlib.oauth2.rfc7636 import create_s256_code_challenge
from authlib.oidc.core import CodeIDToken
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from bookhand.core.problems import Outage, Refusal
from bookhand.core.ready import ready
from bookhand.workspace.people.person import address

_ALGORITHMS = (
    "RS256",
    "RS384",
    "RS512",
    "PS256",
    "PS384",
    "PS512",
    "ES256",
    "ES384",
    "ES512",
    "EdDSA",
    "Ed25519",
)
"""Signed with a key pair: a token signed with the client's secret, or not at all, is none."""
_TIMEOUT_SECONDS = 10
_LEEWAY_SECONDS = 60
_LOOPBACK = ("http://127.0.0.1", "http://localhost", "http://[::1]")


@dataclass(frozen=True, slots=True, kw_only=True)
class Provider:
    """An identity provider, and what bookhand is called there."""

    issuer: str
    client_id: str
    redirect_uri: str
    client_secret: str | None = field(default=None, repr=False)
    name: str = "single sign-on"


class Identity(msgspec.Struct, frozen=True, kw_only=True):
    """Who the provider says it is; `email` only where the provider has verified it."""

    issuer: str
    subject: str
    email: str | None
    name: str


class _Places(msgspec.Struct, frozen=True):
    """What a provider says of itself under ``/.well-known/openid-configuration``."""

    issuer: str
    authorization_endpoint: str
    token_endpoint: str
    jwks_uri: str


def start(provider: Provider, step: str) -> str:
    """The address to send the browser to."""
    places = _discover(provider)
    url = prepare_grant_uri(
        places.authorization_endpoint,
        provider.client_id,
        "code",
        redirect_uri=provider.redirect_uri,
        scope="openid email profile",
        state=_made(step, "state"),
        nonce=_made(step, "nonce"),
        code_challenge=create_s256_code_challenge(_made(step, "verifier")),
        code_challenge_method="S256",
    )
    return str(url)


def finish(provider: Provider, step: str, sent: Mapping[str, str], *, at: float) -> Identity:
    """Who came back; `Refusal` where the browser is another, the provider said no, or its token does not hold."""
    if not hmac.compare_digest(sent.get("state", "").encode(), _made(step, "state").encode()):
        raise Refusal("This sign-in was not begun in this browser: start again.")
    if sent.get("error") or not sent.get("code"):
        raise Refusal(
            f"{provider.name} did not sign you in ({_plain(sent.get('error', 'no code'))}): start again."
        )
    places = _discover(provider)
    token = _exchange(provider, places, sent["code"], _made(step, "verifier"))
    return _identity(provider, places, token, nonce=_made(step, "nonce"), at=at)


def _discover(provider: Provider) -> _Places:
    body = _get(provider, f"{provider.issuer.rstrip('/')}/.well-known/openid-configuration")
    try:
        places = msgspec.json.decode(body, type=_Places)
    except msgspec.DecodeError:
        raise Outage(
            f"{provider.name} answered with something else than its configuration: is oidc_issuer right?"
        ) from None
    if places.issuer.rstrip("/") != provider.issuer.rstrip("/"):
        raise Refusal(
            f"{provider.issuer} calls itself {_plain(places.issuer)}: put that into oidc_issuer, if it is yours."
        )
    for url in (places.authorization_endpoint, places.token_endpoint, places.jwks_uri):
        if not url.startswith(("https://", *_LOOPBACK)):
            raise Refusal(f"{provider.name} has an address that is not https: nobody can sign in there.")
    return places


def _exchange(provider: Provider, places: _Places, code: str, verifier: str) -> Mapping[str, Any]:
    body = prepare_token_request(
        "authorization_code", redirect_uri=provider.redirect_uri, code=code, code_verifier=verifier
    )
    way = "client_secret_basic" if provider.client_secret else "none"
    uri, headers, body = ClientAuth(provider.client_id, provider.client_secret, way).prepare(
        "POST", places.token_endpoint, {"content-type": "application/x-www-form-urlencoded"}, body
    )
    try:
        answer = httpx.post(uri, content=body, headers=headers, timeout=_TIMEOUT_SECONDS)
        found = msgspec.json.decode(answer.content, type=dict[str, Any])
    except (httpx.HTTPError, msgspec.DecodeError) as error:
        raise Outage(f"{provider.name} could not be asked ({type(error).__name__}): try again.") from None
    if not answer.is_success:
        why = _plain(str(found.get("error", answer.status_code)))
        raise Refusal(f"{provider.name} did not take the code ({why}): start again.")
    return found


def _identity(
    provider: Provider, places: _Places, token: Mapping[str, Any], *, nonce: str, at: float
) -> Identity:
    try:
        keys = KeySet.import_key_set(msgspec.json.decode(_get(provider, places.jwks_uri)))
        signed = jwt.decode(str(token["id_token"]), keys, algorithms=list(_ALGORITHMS))
        claims = CodeIDToken(
            signed.claims,
            signed.header,
            options={
                "iss": {"essential": True, "value": places.issuer},
                "aud": {"essential": True, "value": provider.client_id},
            },
            params={
                "nonce": nonce,
                "client_id": provider.client_id,
                "access_token": token.get("access_token"),
            },
        )
        claims.validate(now=int(at), leeway=_LEEWAY_SECONDS)
    except (JoseError, AuthlibBaseError, KeyError, ValueError, TypeError, msgspec.DecodeError) as error:
        raise Refusal(
            f"What {provider.name} says of you does not hold ({type(error).__name__}): nobody was signed in."
        ) from None
    return _read(places.issuer, claims)


def _read(issuer: str, claims: Mapping[str, Any]) -> Identity:
    verified = claims.get("email_verified") in {True, "true"} and isinstance(claims.get("email"), str)
    return Identity(
        issuer=issuer, subject=str(claims["sub"]), email=address(claims["email"]) if verified else None,
        name=str(claims.get("name") or ""),
    )  # fmt: skip


def _get(provider: Provider, url: str) -> bytes:
    try:
        answer = httpx.get(url, timeout=_TIMEOUT_SECONDS)
        answer.raise_for_status()
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise Outage(f"{provider.name} could not be asked ({type(error).__name__}): try again.") from None
    return answer.content


def _made(step: str, what: str) -> str:
    """A value of its own for each use; none tells of the others, or of the step."""
    made = hmac.digest(step.encode(), f"bookhand oidc {what}".encode(), hashlib.sha256)
    return base64.urlsafe_b64encode(made).decode().rstrip("=")


def _plain(text: str) -> str:
    return "".join(char for char in text if char.isprintable())[:80]


ready(_Places)  # see core.ready
