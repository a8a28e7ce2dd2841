"""Signing in at an identity provider: a real one, small, over HTTP."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from joserfc.jwk import RSAKey
from tests.workspace.people.conftest import HERE, Town
from tests.workspace.people.provider import IdentityProvider

from bookhand.core.problems import Outage, Refusal
from bookhand.workspace.people import invitation_store, store
from bookhand.workspace.people.oidc_auth import Provider
from bookhand.workspace.people.person import NotSignedIn


@pytest.fixture
def idp() -> Iterator[IdentityProvider]:
    found = IdentityProvider()
    yield found
    found.close()


@pytest.fixture
def provider(idp: IdentityProvider) -> Provider:
    return Provider(
        issuer=idp.url, client_id="bookhand", client_secret="client-hush", redirect_uri="http://localhost:8787/oidc/back",
        name="Example ID",
    )  # fmt: skip


@pytest.fixture
def now_town(town: Town) -> Town:
    town.now = datetime.now(UTC)
    return town


def come(town: Town, idp: IdentityProvider, provider: Provider):
    step, address = town.door.start_oidc(provider, now=town.now)
    return town.door.by_oidc(provider, step, idp.consent(address), source=HERE, now=town.now)


def test_a_person_comes_in_by_a_verified_address(now_town, idp, provider):
    ada = now_town.owner()
    assert now_town.caller(come(now_town, idp, provider)).who == ada.who
    idp.person["email"] = "changed@example.com"
    assert now_town.caller(come(now_town, idp, provider)).who == ada.who
    [asked] = idp.asked[:1]
    assert "openid" in asked["scope"]
    assert len({each["state"] for each in idp.asked} | {each["nonce"] for each in idp.asked}) == 4


def test_an_invited_person_comes_in_with_the_role_of_the_invitation(now_town, idp, provider):
    ada = now_town.owner()
    link = now_town.do(invitation_store.invite, ada, "bob@example.com", "approver")
    idp.person = {"sub": "u-2", "email": "bob@example.com", "email_verified": True, "name": "Bob"}
    caller = now_town.caller(come(now_town, idp, provider))
    assert (caller.name, caller.role) == ("Bob", "approver")
    with pytest.raises(Refusal, match="used already"):
        now_town.come(link.secret)


@pytest.mark.parametrize("verified", [False, None, "false"])
def test_an_address_that_is_not_verified_opens_nothing(now_town, idp, provider, verified):
    now_town.owner()
    idp.person["email_verified"] = verified
    with pytest.raises(NotSignedIn, match="not verified"):
        come(now_town, idp, provider)


def test_a_stranger_and_a_disabled_person_do_not_come_in(now_town, idp, provider):
    ada = now_town.owner()
    idp.person = {"sub": "u-9", "email": "eve@example.com", "email_verified": True}
    with pytest.raises(NotSignedIn, match="not invited"):
        come(now_town, idp, provider)
    bob = now_town.person("operator", ada)
    idp.person = {"sub": "u-2", "email": "operator@example.com", "email_verified": True}
    assert now_town.caller(come(now_town, idp, provider)).who == bob.who
    now_town.do(store.disable, ada, 2)
    with pytest.raises(NotSignedIn):
        come(now_town, idp, provider)


@pytest.mark.parametrize(
    "twist",
    [{"iss": "http://127.0.0.1:1"}, {"aud": "somebody-else"}, {"nonce": "another"}, {"nonce": None}, {"exp": 1_000_000_000},
     {"sub": None}, {"aud": ["bookhand", "other"], "azp": "other"}, {"exp": None}],
)  # fmt: skip
def test_a_token_that_does_not_hold_signs_nobody_in(now_town, idp, provider, twist):
    now_town.owner()
    idp.twist = twist
    with pytest.raises(Refusal, match="does not hold"):
        come(now_town, idp, provider)


@pytest.mark.parametrize("algorithm", ["none", "HS256"])
def test_a_token_without_a_key_pairs_signature_is_none(now_town, idp, provider, algorithm):
    now_town.owner()
    idp.algorithm = algorithm
    with pytest.raises(Refusal, match="does not hold"):
        come(now_town, idp, provider)


def test_a_token_signed_by_another_key_is_none(now_town, idp, provider):
    now_town.owner()
    idp.published = RSAKey.generate_key(2048, {"kid": "one", "use": "sig", "alg": "RS256"})
    with pytest.raises(Refusal, match="does not hold"):
        come(now_town, idp, provider)


def test_another_browser_cannot_end_a_sign_in_and_nobody_ends_it_twice(now_town, idp, provider):
    now_town.owner()
    step, address = now_town.door.start_oidc(provider, now=now_town.now)
    other, _ = now_town.door.start_oidc(provider, now=now_town.now)
    back = idp.consent(address)
    with pytest.raises(Refusal, match="this browser"):
        now_town.door.by_oidc(provider, other, back, source=HERE, now=now_town.now)
    assert now_town.door.by_oidc(provider, step, back, source=HERE, now=now_town.now)
    with pytest.raises(NotSignedIn, match="start again"):
        now_town.door.by_oidc(provider, step, idp.consent(address), source=HERE, now=now_town.now)
    with pytest.raises(NotSignedIn):
        now_town.door.by_oidc(provider, "", back, source=HERE, now=now_town.now)


def test_a_code_of_another_sign_in_is_not_exchanged(now_town, idp, provider):
    now_town.owner()
    step, mine = now_town.door.start_oidc(provider, now=now_town.now)
    _, theirs = now_town.door.start_oidc(provider, now=now_town.now)
    stolen = {"code": idp.consent(theirs)["code"], "state": idp.consent(mine)["state"]}
    with pytest.raises(Refusal, match="did not take the code"):
        now_town.door.by_oidc(provider, step, stolen, source=HERE, now=now_town.now)


def test_what_the_provider_refuses_or_breaks_is_told(now_town, idp, provider):
    step, address = now_town.door.start_oidc(provider, now=now_town.now)
    state = idp.consent(address)["state"]
    with pytest.raises(Refusal, match="access_denied"):
        now_town.door.by_oidc(
            provider, step, {"error": "access_denied", "state": state}, source=HERE, now=now_town.now
        )
    idp.issuer_said = "https://evil.example"
    with pytest.raises(Refusal, match="calls itself"):
        now_town.door.start_oidc(provider, now=now_town.now)
    idp.close()
    with pytest.raises(Outage, match="could not be asked"):
        now_town.door.start_oidc(provider, now=now_town.now)


def test_nothing_of_a_sign_in_under_way_lies_in_the_database(now_town, idp, provider):
    step, address = now_town.door.start_oidc(provider, now=now_town.now)
    idp.consent(address)
    with now_town.db.transaction() as cx:
        lies = str(cx.execute("select t::text from sign_in_step t").fetchall())
    for secret in (step, idp.asked[0]["state"], idp.asked[0]["nonce"]):
        assert secret not in lies
    assert "client-hush" not in repr(provider)
