"""A stand-in NetSuite over real HTTP, and a caller whose token is good."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from joserfc import jwt
from joserfc.jwk import ECKey, RSAKey

from bookhand.sandbox.netsuite.netsuite import NetSuite
from bookhand.sandbox.outside.server import serve
from bookhand.sandbox.serving import bound

SIMPLE, WORLD = "1002-sb1", "tstdrv1001"


def certificate(key: Any, *, days: int = 365) -> str:
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "a test")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(7)
    )
    made = made.not_valid_before(now - timedelta(days=1)).not_valid_after(now + timedelta(days=days))
    return made.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM).decode()


def asserted(key: Any, claims: dict[str, Any], *, alg: str, kid: str) -> str:
    pem = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    ours = (ECKey if alg.startswith("ES") else RSAKey).import_key(pem)
    return jwt.encode({"typ": "JWT", "alg": alg, "kid": kid}, claims, ours, algorithms=[alg])


class Caller:
    """Calls one account with a token."""

    def __init__(self, url: str, slug: str, token: str) -> None:
        self.rest = f"{url}/{slug}/services/rest"
        self.http = httpx.Client(headers={"Authorization": f"Bearer {token}"}, timeout=10, verify=False)

    def __call__(self, method: str, path: str, body: Any = None, **headers: str) -> httpx.Response:
        told = {name.replace("_", "-"): value for name, value in headers.items()}
        return self.http.request(method, self.rest + path, json=body, headers=told)

    def query(self, q: str, **params: int) -> httpx.Response:
        return self.http.post(
            self.rest + "/query/v1/suiteql", json={"q": q}, params=params, headers={"Prefer": "transient"}
        )


@pytest.fixture
def netsuite() -> Iterator[NetSuite]:
    made = NetSuite()
    yield made
    made.close()


@pytest.fixture(scope="module")
def server() -> Iterator[tuple[str, Any]]:
    """One server for all tests of a file: each puts its own stand-in behind it."""
    idle = NetSuite()
    with bound("127.0.0.1", 0) as sock:
        server = serve(idle)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [sock]}, daemon=True)
        thread.start()
        while not server.started:
            time.sleep(0.005)
        yield f"http://127.0.0.1:{sock.getsockname()[1]}", server.config.app
        server.should_exit = True
        thread.join(timeout=10)
    idle.close()


@pytest.fixture
def url(netsuite: NetSuite, server: tuple[str, Any]) -> Iterator[str]:
    address, app = server
    idle, app.stand_in = app.stand_in, netsuite
    yield address
    app.stand_in = idle


def token_of(netsuite: NetSuite, slug: str) -> str:
    """A token as the endpoint gives it, without going there."""
    key = ec.generate_private_key(ec.SECP256R1())
    keys, now = netsuite.accounts[slug].keys, datetime.now(UTC)
    mapped = keys.upload(certificate(key), now=now)
    at = int(now.timestamp())
    claims = {"iss": keys.client_id, "scope": ["rest_webservices"], "aud": "here", "iat": at, "exp": at + 300}
    form = {
        "grant_type": "client_credentials", "client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
        "client_assertion": asserted(key, claims, alg="ES256", kid=mapped.id),
    }  # fmt: skip
    return str(keys.grant(form, token_url="here", now=at)["access_token"])


@pytest.fixture
def call(netsuite: NetSuite, url: str) -> Iterator[Caller]:
    caller = Caller(url, SIMPLE, token_of(netsuite, SIMPLE))
    yield caller
    caller.http.close()


@pytest.fixture
def world(netsuite: NetSuite, url: str) -> Iterator[Caller]:
    caller = Caller(url, WORLD, token_of(netsuite, WORLD))
    yield caller
    caller.http.close()
