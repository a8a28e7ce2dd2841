"""Passkeys, with an authenticator in software."""

from __future__ import annotations

import pytest
from tests.workspace.people.authenticator import Authenticator
from tests.workspace.people.conftest import HERE, Town

from bookhand.core.problems import Refusal
from bookhand.workspace.people import session_store, store
from bookhand.workspace.people.passkeys import Site
from bookhand.workspace.people.person import NotSignedIn
from bookhand.workspace.people.sign_in_workflow import Half

SITE = Site("localhost", "http://localhost:8787")


def enrolled(town: Town, caller, **given) -> Authenticator:
    device = Authenticator(**given)
    step, options = town.door.new_passkey_options(SITE, caller, now=town.now)
    town.door.add_passkey(SITE, caller, step, device.make(options), name="Phone", now=town.now)
    return device


def come(town: Town, device: Authenticator, *, half: str | None = None):
    step, options = town.door.passkey_options(SITE, half=half, now=town.now)
    return town.door.by_passkey(SITE, step, device.use(options), source=HERE, now=town.now)


def test_a_passkey_lets_its_person_in_and_a_password_alone_does_not_any_more(town):
    ada = town.owner()
    device = enrolled(town, ada)
    assert town.caller(come(town, device)).who == ada.who
    half = town.sign_in()
    assert isinstance(half, Half)
    assert half.ways == ("passkey",)
    with pytest.raises(NotSignedIn):
        town.door.by_code(half.step, "000000", source=HERE, now=town.now)
    assert town.caller(come(town, device, half=half.step)).who == ada.who


def test_after_a_password_only_that_persons_passkey_will_do(town):
    ada = town.owner()
    bob = town.person("operator", ada)
    enrolled(town, ada)
    theirs = enrolled(town, bob)
    half = town.sign_in()
    with pytest.raises(NotSignedIn, match="not known"):
        come(town, theirs, half=half.step)


def test_an_answer_is_taken_once(town):
    device = enrolled(town, town.owner())
    step, options = town.door.passkey_options(SITE, now=town.now)
    said = device.use(options)
    town.door.by_passkey(SITE, step, said, source=HERE, now=town.now)
    with pytest.raises(NotSignedIn, match="start again"):
        town.door.by_passkey(SITE, step, said, source=HERE, now=town.now)
    other, _ = town.door.passkey_options(SITE, now=town.now)
    with pytest.raises(Refusal, match="not accepted"):
        town.door.by_passkey(SITE, other, said, source=HERE, now=town.now)


@pytest.mark.parametrize(
    ("name", "value"),
    [("origin", "http://evil.example"), ("host", "evil.example"), ("flags", 0x01), ("count", -5)],
)
def test_an_answer_for_another_site_unverified_or_from_a_copy_is_refused(town, name, value):
    device = enrolled(town, town.owner())
    if name == "count":
        device.count = 10
        come(town, device)
        value = 3
    setattr(device, name, value)
    with pytest.raises(Refusal, match="not accepted"):
        come(town, device)


def test_a_signature_of_another_key_is_refused(town):
    device = enrolled(town, town.owner())
    thief = Authenticator()
    thief.id = device.id
    with pytest.raises(Refusal, match="not accepted"):
        come(town, thief)


def test_an_unknown_passkey_nonsense_and_a_late_answer_are_refused(town):
    device = enrolled(town, town.owner())
    with pytest.raises(NotSignedIn, match="not known"):
        come(town, Authenticator())
    for nonsense in ({}, {"id": 3}, {"id": "!!"}, {"id": device.id.hex()}):
        step, _ = town.door.passkey_options(SITE, now=town.now)
        with pytest.raises(Refusal):
            town.door.by_passkey(SITE, step, nonsense, source=HERE, now=town.now)
    step, options = town.door.passkey_options(SITE, now=town.now)
    town.later(minutes=11)
    with pytest.raises(NotSignedIn, match="start again"):
        town.door.by_passkey(SITE, step, device.use(options), source=HERE, now=town.now)


@pytest.mark.parametrize(
    "given", [{"verified": False}, {"origin": "http://evil.example"}, {"host": "evil.example"}]
)
def test_a_passkey_that_is_not_verified_or_for_another_site_is_not_kept(town, given):
    with pytest.raises(Refusal, match="not accepted"):
        enrolled(town, town.owner(), **given)


def test_a_passkey_is_made_for_who_began_it_and_kept_once(town):
    ada = town.owner()
    bob = town.person("operator", ada)
    device = Authenticator()
    step, options = town.door.new_passkey_options(SITE, ada, now=town.now)
    with pytest.raises(Refusal):
        town.door.add_passkey(SITE, bob, step, device.make(options), name="", now=town.now)
    mine = enrolled(town, ada)
    step, options = town.door.new_passkey_options(SITE, bob, now=town.now)
    assert options["excludeCredentials"] == []
    with pytest.raises(Refusal, match="kept already"):
        town.door.add_passkey(SITE, bob, step, mine.make(options), name="", now=town.now)


def test_a_disabled_persons_passkey_opens_nothing(town):
    ada = town.owner()
    device = enrolled(town, town.person("operator", ada))
    town.do(store.disable, ada, 2)
    with pytest.raises(NotSignedIn):
        come(town, device)


def test_a_token_changes_nothing_of_how_its_person_signs_in(town):
    _, secret = town.do(session_store.make_token, town.owner(), "all", ["own", "people", "read"])
    robot = town.who(bearer=secret)
    for act in (
        lambda: town.door.new_totp(robot),
        lambda: town.door.new_passkey_options(SITE, robot, now=town.now),
    ):
        with pytest.raises(Refusal, match="A token cannot"):
            act()
