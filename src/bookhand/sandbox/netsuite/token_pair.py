"""Token-based sign-in (OAuth 1.0a): every call is signed with HMAC-SHA256, and the signature is really checked.

    pair.check(request, url="https://1234567.suitetalk.api.netsuite.com/services/rest/…", realm="1234567", now=…)      # True or False

Checked by hand after RFC 5849, section 3.4: the base string has the method, the address without its query, and all parameters of the
header and the query sorted; a JSON body is not signed. A nonce is taken once. UNVERIFIED: that a timestamp may be 5 minutes off.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from dataclasses import dataclass, field
from urllib.parse import quote, unquote

from bookhand.sandbox.outside.standin import Request

_SKEW_SECONDS = 300
_UNSIGNED = frozenset({"realm", "oauth_signature"})


@dataclass
class TokenPair:
    """The four values of an integration record and its access token."""

    consumer_key: str
    consumer_secret: str
    token_id: str
    token_secret: str
    revoked: bool = False
    nonces: dict[str, float] = field(default_factory=dict)

    def check(self, request: Request, *, url: str, realm: str, now: float) -> bool:
        """Whether the call is signed by who holds the pair, for this account, now, and for the first time."""
        told = _header(request.headers.get("authorization", ""))
        self.nonces = {nonce: at for nonce, at in self.nonces.items() if now - at <= _SKEW_SECONDS}
        nonce = told.get("oauth_nonce", "")
        if self.revoked or not nonce or nonce in self.nonces or not self._is_ours(told, realm, now):
            return False
        params = [(n, v) for n, v in told.items() if n not in _UNSIGNED] + list(request.query.items())
        if not hmac.compare_digest(
            self.signature(request.method, url, params), told.get("oauth_signature", "")
        ):
            return False
        self.nonces[nonce] = now
        return True

    def signature(self, method: str, url: str, params: list[tuple[str, str]]) -> str:
        """The HMAC-SHA256 of the base string, in base64."""
        pairs = sorted((_escaped(name), _escaped(value)) for name, value in params)
        base = "&".join(
            [method.upper(), _escaped(url), _escaped("&".join(f"{name}={value}" for name, value in pairs))]
        )
        secret = f"{_escaped(self.consumer_secret)}&{_escaped(self.token_secret)}"
        return base64.b64encode(hmac.digest(secret.encode(), base.encode(), hashlib.sha256)).decode()

    def _is_ours(self, told: dict[str, str], realm: str, now: float) -> bool:
        stamp = told.get("oauth_timestamp", "")
        wanted = {
            "realm": realm, "oauth_consumer_key": self.consumer_key, "oauth_token": self.token_id,
            "oauth_signature_method": "HMAC-SHA256", "oauth_version": "1.0",
        }  # fmt: skip
        return (
            all(told.get(name) == value for name, value in wanted.items())
            and stamp.isdigit()
            and abs(now - int(stamp)) <= _SKEW_SECONDS
        )


def _header(header: str) -> dict[str, str]:
    kind, _, rest = header.partition(" ")
    if kind.lower() != "oauth":
        return {}
    parts = (part.strip().partition("=") for part in rest.split(","))
    return {name: unquote(value.strip().strip('"')) for name, _, value in parts}


def _escaped(text: str) -> str:
    return quote(text, safe="-._~")
