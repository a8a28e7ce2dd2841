"""A small identity provider: discovery, keys, codes bound to PKCE, signed id tokens; over HTTP on this machine."""

from __future__ import annotations

import base64
import hashlib
import json
import secrets
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, parse_qsl, urlsplit

from joserfc import jwt
from joserfc.jwk import KeySet, OctKey, RSAKey


class IdentityProvider:
    """Somebody is signed in there already, and says yes; `person` and `twist` say what its token tells."""

    def __init__(self) -> None:
        self.key = RSAKey.generate_key(2048, {"kid": "one", "use": "sig", "alg": "RS256"})
        self.published = self.key
        self.person: dict[str, Any] = {
            "sub": "u-1",
            "email": "Ada@Example.com",
            "email_verified": True,
            "name": "Ada L.",
        }
        self.twist: dict[str, Any] = {}
        self.algorithm = "RS256"
        self.issuer_said: str | None = None
        self.codes: dict[str, dict[str, str]] = {}
        self.asked: list[dict[str, str]] = []
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def consent(self, address: str) -> dict[str, str]:
        """A person follows the address and says yes: what comes back in the redirect."""
        asked = dict(parse_qsl(urlsplit(address).query))
        assert asked["code_challenge_method"] == "S256"
        assert asked["response_type"] == "code"
        self.asked.append(asked)
        code = secrets.token_urlsafe(16)
        self.codes[code] = asked
        return {"code": code, "state": asked["state"]}

    def token(self, sent: dict[str, str], basic: str) -> tuple[int, dict[str, Any]]:
        asked = self.codes.pop(sent.get("code", ""), None)
        challenge = (
            base64.urlsafe_b64encode(hashlib.sha256(sent.get("code_verifier", "").encode()).digest())
            .decode()
            .rstrip("=")
        )
        if (
            asked is None
            or challenge != asked["code_challenge"]
            or sent["redirect_uri"] != asked["redirect_uri"]
        ):
            return 400, {"error": "invalid_grant"}
        if base64.b64decode(basic.removeprefix("Basic ")).decode() != "bookhand:client-hush":
            return 401, {"error": "invalid_client"}
        now = int(time.time())
        claims = {
            "iss": self.url, "aud": "bookhand", "iat": now, "exp": now + 300, "nonce": asked["nonce"], **self.person, **self.twist,
        }  # fmt: skip
        return 200, {
            "access_token": "at",
            "token_type": "Bearer",
            "expires_in": 300,
            "id_token": self._signed(claims),
        }

    def _signed(self, claims: dict[str, Any]) -> str:
        plain = {name: value for name, value in claims.items() if value is not None}
        if self.algorithm == "none":
            parts = [
                base64.urlsafe_b64encode(json.dumps(each).encode()).decode().rstrip("=")
                for each in ({"alg": "none"}, plain)
            ]
            return ".".join([*parts, ""])
        if self.algorithm == "HS256":
            return jwt.encode(
                {"alg": "HS256"}, plain, OctKey.import_key("client-hush-client-hush-client-hush")
            )
        return jwt.encode({"alg": "RS256", "kid": "one"}, plain, self.key)

    def _handler(provider) -> type[BaseHTTPRequestHandler]:  # noqa: N805
        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                if self.path == "/.well-known/openid-configuration":
                    url = provider.url
                    self._tell(200, {
                        "issuer": provider.issuer_said or url, "authorization_endpoint": f"{url}/authorize",
                        "token_endpoint": f"{url}/token", "jwks_uri": f"{url}/keys",
                    })  # fmt: skip
                elif self.path == "/keys":
                    self._tell(200, KeySet([provider.published]).as_dict(private=False))
                else:
                    self._tell(404, {})

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"])).decode()
                sent = {name: values[0] for name, values in parse_qs(body).items()}
                self._tell(*provider.token(sent, self.headers.get("authorization", "")))

            def _tell(self, status: int, found: dict[str, Any]) -> None:
                self.send_response(status)
                self.send_header("content-type", "application/json")
                self.end_headers()
                self.wfile.write(json.dumps(found).encode())

            def log_message(self, *_: Any) -> None:
                pass

        return Handler
