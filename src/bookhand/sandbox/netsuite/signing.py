"""OAuth 2.0 client credentials with a certificate (M2M): mapping certificates, the token endpoint, access tokens.

    keys.upload(pem, now=…).id                         # a person maps a certificate: gives the certificate id (the JWT's kid)
    keys.grant(form, token_url=…, now=…)               # the token endpoint: an access token for 3600 s, and no refresh token
    keys.check(token, now=…)                           # whether an access token is good

Facts (Oracle's help): PS256/384/512 or ES256/384/512, never RS256; kid, iss, scope, aud = the token URL, exp less than an hour after iat
(section_162790605110); RSA of 3072 or 4096 bits or EC of 256, 384 or 521, valid for two years at most, shortened where longer
(subsect_162755332391). UNVERIFIED: how far clocks may differ, the OAuth error codes of each refusal, and what an access token looks like.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from joserfc import jws, jwt
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, RSAKey

ALGORITHMS = ("PS256", "PS384", "PS512", "ES256", "ES384", "ES512")
ASSERTION = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
SCOPES = frozenset({"rest_webservices", "restlets", "suite_analytics"})
TOKEN_SECONDS = 3600
_SKEW_SECONDS = 300
_LONGEST = timedelta(days=730)


class Denied(Exception):  # noqa: N818 (what is said, not a mistake)
    """The token endpoint says no: an OAuth error code and a description."""

    def __init__(self, code: str, detail: str) -> None:
        super().__init__(detail)
        self.code = code
        self.detail = detail


@dataclass
class Certificate:
    """A mapping of a certificate to a role; `expires` is at most two years ahead."""

    id: str
    client_id: str
    key: ECKey | RSAKey
    expires: datetime
    revoked: bool = False


@dataclass
class Access:
    """An access token that was given."""

    certificate: str
    expires: float


@dataclass
class Keys:
    """The certificates and tokens of one account's integration record."""

    client_id: str
    certificates: dict[str, Certificate] = field(default_factory=dict)
    tokens: dict[str, Access] = field(default_factory=dict)

    def upload(self, pem: str, *, now: datetime) -> Certificate:
        """Map a certificate; ValueError with the condition that it does not meet."""
        found = x509.load_pem_x509_certificate(pem.encode())
        key = _public(found.public_key())
        expires = min(found.not_valid_after_utc, now + _LONGEST)
        if expires <= now:
            raise ValueError("The certificate has expired.")
        made = Certificate(secrets.token_urlsafe(32), self.client_id, key, expires)
        self.certificates[made.id] = made
        return made

    def grant(self, form: dict[str, str], *, token_url: str, now: float) -> dict[str, Any]:
        """An access token for a good assertion; `Denied` for another."""
        if form.get("grant_type") != "client_credentials":
            raise Denied("unsupported_grant_type", "The grant type is not supported.")
        if form.get("client_assertion_type") != ASSERTION:
            raise Denied("invalid_request", "client_assertion_type is missing or wrong.")
        certificate = self._asserted(form.get("client_assertion", ""), token_url=token_url, now=now)
        token = "ns." + secrets.token_urlsafe(48)
        self.tokens[token] = Access(certificate.id, now + TOKEN_SECONDS)
        return {"access_token": token, "expires_in": str(TOKEN_SECONDS), "token_type": "bearer"}

    def _asserted(self, assertion: str, *, token_url: str, now: float) -> Certificate:
        try:
            head = _header(assertion)
            certificate = self.certificates.get(str(head.get("kid")))
            if certificate is None or certificate.revoked or certificate.expires.timestamp() <= now:
                raise Denied("invalid_client", "The certificate is unknown, revoked or expired.")
            if head.get("typ") != "JWT" or head.get("alg") not in ALGORITHMS:
                raise Denied("invalid_client", "The algorithm of the client assertion is not supported.")
            claims = jwt.decode(assertion, certificate.key, algorithms=list(ALGORITHMS)).claims
        except (JoseError, ValueError):
            raise Denied("invalid_client", "The client assertion is not valid.") from None
        self._require(claims, certificate, token_url=token_url, now=now)
        return certificate

    def _require(
        self, claims: dict[str, Any], certificate: Certificate, *, token_url: str, now: float
    ) -> None:
        scope = claims.get("scope")
        scopes = (
            set(scope.split(","))
            if isinstance(scope, str)
            else set(scope)
            if isinstance(scope, list)
            else set()
        )
        issued, ends = claims.get("iat"), claims.get("exp")
        if claims.get("iss") != certificate.client_id:
            raise Denied(
                "invalid_client",
                "The issuer of the client assertion is not the integration of the certificate.",
            )
        if claims.get("aud") != token_url and claims.get("aud") != [token_url]:
            raise Denied("invalid_request", "The audience of the client assertion is not the token endpoint.")
        if not scopes or not scopes <= SCOPES or "rest_webservices" not in scopes:
            raise Denied("invalid_scope", "The scope of the client assertion is not valid.")
        if not isinstance(issued, int) or not isinstance(ends, int) or not 0 < ends - issued <= TOKEN_SECONDS:
            raise Denied(
                "invalid_request", "The client assertion is valid for longer than an hour, or without an end."
            )
        if not issued - _SKEW_SECONDS <= now < ends:
            raise Denied("invalid_request", "The client assertion has expired, or is of the future.")

    def check(self, token: str, *, now: float) -> bool:
        """Whether an access token is good at this moment."""
        access = self.tokens.get(token)
        certificate = self.certificates.get(access.certificate) if access else None
        return (
            access is not None
            and access.expires > now
            and certificate is not None
            and not certificate.revoked
        )


def _header(assertion: str) -> dict[str, Any]:
    return dict(jws.extract_compact(assertion.encode()).headers())


def _public(key: Any) -> ECKey | RSAKey:
    if isinstance(key, rsa.RSAPublicKey) and key.key_size in {3072, 4096}:
        return RSAKey.import_key(_pem(key))
    if isinstance(key, ec.EllipticCurvePublicKey) and key.curve.key_size in {256, 384, 521}:
        return ECKey.import_key(_pem(key))
    raise ValueError("The key must be RSA of 3072 or 4096 bits, or EC of 256, 384 or 521 bits.")


def _pem(key: Any) -> bytes:
    return bytes(
        key.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    )


def utc(now: float) -> datetime:
    """Seconds since 1970 as a moment."""
    return datetime.fromtimestamp(now, UTC)
