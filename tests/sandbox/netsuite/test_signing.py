"""Who is let in: assertions signed as NetSuite wants them, and calls signed with a token pair; and nobody else."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from oauthlib.oauth1 import SIGNATURE_HMAC_SHA1, SIGNATURE_HMAC_SHA256, Client
from tests.sandbox.netsuite.conftest import SIMPLE, WORLD, asserted, certificate

from bookhand.sandbox.netsuite.netsuite import NetSuite

RSA = rsa.generate_private_key(65537, 3072)
CURVES = {"ES256": ec.SECP256R1(), "ES384": ec.SECP384R1(), "ES512": ec.SECP521R1()}
ASSERTION = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"


def _key(alg: str) -> Any:
    return ec.generate_private_key(CURVES[alg]) if alg in CURVES else RSA


def _granted(
    netsuite: NetSuite,
    url: str,
    *,
    alg: str = "ES256",
    key: Any = None,
    kid: str | None = None,
    **changed: Any,
) -> httpx.Response:
    """What the token endpoint answers to an assertion that is right but for what is changed; None leaves a claim out."""
    keys, signer = netsuite.accounts[SIMPLE].keys, key or _key(alg)
    mapped = keys.upload(certificate(_key(alg) if key else signer), now=datetime.now(UTC))
    where = f"{url}/{SIMPLE}/services/rest/auth/oauth2/v1/token"
    now = int(time.time())
    claims = {
        "iss": keys.client_id,
        "scope": ["rest_webservices"],
        "aud": where,
        "iat": now,
        "exp": now + 3600,
    } | changed
    claims = {name: value for name, value in claims.items() if value is not None}
    form = {"grant_type": "client_credentials", "client_assertion_type": ASSERTION}
    return httpx.post(
        where, data=form | {"client_assertion": asserted(signer, claims, alg=alg, kid=kid or mapped.id)}
    )


@pytest.mark.parametrize("alg", ["PS256", "PS384", "PS512", "ES256", "ES384", "ES512"])
def test_a_good_assertion_gives_a_token_for_an_hour_and_no_refresh_token(
    netsuite: NetSuite, url: str, alg: str
) -> None:
    answer = _granted(netsuite, url, alg=alg)
    assert answer.status_code == 200
    assert answer.json().keys() == {"access_token", "expires_in", "token_type"}
    keys = netsuite.accounts[SIMPLE].keys
    token = answer.json()["access_token"]
    assert keys.check(token, now=time.time() + 3590)
    assert not keys.check(token, now=time.time() + 3601)
    assert not netsuite.accounts[WORLD].keys.check(token, now=time.time())


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"alg": "RS256"}, "invalid_client"),
        ({"kid": "another"}, "invalid_client"),
        ({"key": ec.generate_private_key(ec.SECP256R1())}, "invalid_client"),
        ({"iss": "another"}, "invalid_client"),
        ({"aud": "https://1002-sb1.suitetalk.api.netsuite.com/"}, "invalid_request"),
        ({"exp": int(time.time()) + 7200}, "invalid_request"),
        ({"iat": int(time.time()) - 4000, "exp": int(time.time()) - 1000}, "invalid_request"),
        ({"exp": None}, "invalid_request"),
        ({"scope": None}, "invalid_scope"),
        ({"scope": ["everything"]}, "invalid_scope"),
    ],
)
def test_another_assertion_is_refused(netsuite: NetSuite, url: str, wrong: dict[str, Any], said: str) -> None:
    answer = _granted(netsuite, url, **wrong)
    assert (answer.status_code, answer.json()["error"]) == (400, said)
    assert not netsuite.accounts[SIMPLE].keys.tokens


def test_a_certificate_meets_the_conditions_or_is_not_mapped(netsuite: NetSuite) -> None:
    keys, now = netsuite.accounts[SIMPLE].keys, datetime.now(UTC)
    with pytest.raises(ValueError, match="3072 or 4096"):
        keys.upload(certificate(rsa.generate_private_key(65537, 2048)), now=now)
    long = keys.upload(certificate(ec.generate_private_key(ec.SECP256R1()), days=3650), now=now)
    assert long.expires == now + timedelta(days=730)


def test_a_revoked_certificate_ends_its_tokens(netsuite: NetSuite, url: str) -> None:
    token = _granted(netsuite, url).json()["access_token"]
    keys = netsuite.accounts[SIMPLE].keys
    for each in keys.certificates.values():
        each.revoked = True
    assert not keys.check(token, now=time.time())


def _signed(
    netsuite: NetSuite,
    url: str,
    *,
    method: str = "GET",
    realm: str = "1002_SB1",
    how: str = SIGNATURE_HMAC_SHA256,
    **more: Any,
) -> dict[str, str]:
    pair = netsuite.accounts[SIMPLE].pair
    secret = more.pop("secret", pair.token_secret)
    client = Client(
        pair.consumer_key, client_secret=pair.consumer_secret, resource_owner_key=pair.token_id, resource_owner_secret=secret,
        signature_method=how, realm=realm, **more,
    )  # fmt: skip
    return dict(client.sign(url, http_method=method)[1])


def test_a_call_signed_with_the_pair_is_let_in_once(netsuite: NetSuite, url: str) -> None:
    """Signed by a library that is not ours, with a query and with a colon in the path."""
    where = (
        f"{url}/{SIMPLE}/services/rest/record/v1/journalEntry/eid:a.3Ab?expandSubResources=true&limit=1%2B1"
    )
    headers = _signed(netsuite, where)
    assert httpx.get(where, headers=headers).status_code == 404
    assert httpx.get(where, headers=headers).status_code == 401, "a nonce is taken once"


@pytest.mark.parametrize(
    "wrong",
    [{"realm": "1002"}, {"secret": "another"}, {"timestamp": str(int(time.time()) - 900)}, {"how": SIGNATURE_HMAC_SHA1}, {"method": "POST"}],
)  # fmt: skip
def test_a_call_signed_otherwise_is_not(netsuite: NetSuite, url: str, wrong: dict[str, Any]) -> None:
    where = f"{url}/{SIMPLE}/services/rest/record/v1/journalEntry"
    answer = httpx.get(where, headers=_signed(netsuite, where, **wrong))
    assert answer.status_code == 401
    assert answer.json()["o:errorDetails"][0]["o:errorCode"] == "INVALID_LOGIN"
    assert httpx.get(where + "?limit=2", headers=_signed(netsuite, where + "?limit=1")).status_code == 401


def test_without_any_signature(url: str) -> None:
    assert httpx.get(f"{url}/{SIMPLE}/services/rest/record/v1/deposit").status_code == 401
    assert httpx.get(f"{url}/nobody/services/rest/record/v1/deposit").status_code == 404
