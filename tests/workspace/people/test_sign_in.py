"""Who comes in, and who does not."""

from __future__ import annotations

import statistics
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from tests.workspace.people.conftest import HERE, PASSWORD, Town

from bookhand.core.problems import Refusal
from bookhand.workspace.people import factor_store, invitation_store, session_store, store, totp
from bookhand.workspace.people.factor_store import TRIES_BY_ADDRESS, TRIES_BY_EMAIL, TooMany
from bookhand.workspace.people.person import NotSignedIn
from bookhand.workspace.people.sign_in_workflow import Half, Source


def with_app(town: Town):
    """The owner, with an authenticator app; its secret and the recovery codes."""
    ada = town.owner()
    secret, address = town.door.new_totp(ada)
    assert address.startswith("otpauth://totp/bookhand:ada%40example.com?secret=" + secret)
    codes = town.door.keep_totp(ada, code(town, secret), now=town.now)
    town.later(minutes=1)
    return ada, secret, codes


def code(town: Town, secret: str, *, offset: int = 0) -> str:
    return totp.code_at(secret, town.now.timestamp() + offset)


def test_a_password_lets_in_and_a_wrong_one_does_not(town):
    ada = town.owner()
    assert town.caller(town.sign_in(" ADA@example.com ")).who == ada.who
    for email, password in (
        ("ada@example.com", "wrong" + PASSWORD),
        ("ada@example.com", ""),
        ("eve@example.com", PASSWORD),
    ):
        with pytest.raises(NotSignedIn, match="not right"):
            town.sign_in(email, password)


def test_who_does_not_exist_is_answered_in_the_same_words_after_the_same_time(town):
    town.owner()

    def asked(email: str) -> tuple[float, str]:
        began = time.perf_counter()
        with pytest.raises(NotSignedIn) as told:
            town.sign_in(email, "x" * 20)
        return time.perf_counter() - began, str(told.value)

    asked("warm@example.com")
    known = [asked("ada@example.com") for _ in range(5)]
    unknown = [asked("eve@example.com") for _ in range(5)]
    assert {text for _, text in known} == {text for _, text in unknown}
    ratio = statistics.median(t for t, _ in unknown) / statistics.median(t for t, _ in known)
    assert 0.4 < ratio < 2.5


def test_a_password_alone_is_not_enough_beside_an_authenticator_app(town):
    _, secret, _ = with_app(town)
    half = town.sign_in()
    assert isinstance(half, Half)
    assert half.ways == ("totp",)
    assert half.step not in repr(half)
    with pytest.raises(NotSignedIn):
        town.door.by_code(half.step, "000000", source=HERE, now=town.now)
    session = town.door.by_code(half.step, code(town, secret), source=HERE, now=town.now)
    assert town.caller(session).role == "owner"
    with pytest.raises(NotSignedIn, match="start again"):
        town.door.by_code(half.step, code(town, secret, offset=30), source=HERE, now=town.now)
    assert town.who(half.step) is None


def test_password_and_code_together(town):
    _, secret, _ = with_app(town)
    assert town.caller(town.sign_in(code=code(town, secret))).role == "owner"
    town.later(minutes=1)
    with pytest.raises(NotSignedIn):
        town.sign_in(code="")
    with pytest.raises(NotSignedIn):
        town.sign_in(password="wrong password of hers", code=code(town, secret))


def test_a_code_is_taken_once(town):
    _, secret, _ = with_app(town)
    seen = code(town, secret)
    town.sign_in(code=seen)
    with pytest.raises(NotSignedIn):
        town.sign_in(code=seen)
    with pytest.raises(NotSignedIn):
        town.sign_in(code=code(town, secret, offset=-30))
    town.sign_in(code=code(town, secret, offset=30))


def test_a_code_that_another_sign_in_is_just_taking_is_not_taken_twice(town):
    _, secret, _ = with_app(town)
    seen = code(town, secret)
    with ThreadPoolExecutor(1) as pool, town.db.connect() as first:
        factor_store.totp_step(first, 1)
        second = pool.submit(town.sign_in, code=seen)
        time.sleep(1)
        factor_store.keep_totp_step(
            first, 1, totp.step_of(secret, seen, at=town.now.timestamp(), used=0) or 0
        )
        first.commit()
        with pytest.raises(NotSignedIn):
            second.result()


@pytest.mark.parametrize("offset", [-90, 90])
def test_a_code_of_another_time_is_not_taken(town, offset):
    _, secret, _ = with_app(town)
    with pytest.raises(NotSignedIn):
        town.sign_in(code=code(town, secret, offset=offset))


def test_a_recovery_code_works_once_and_only_its_hash_is_kept(town):
    _, _, codes = with_app(town)
    assert len(set(codes)) == 10
    town.caller(town.sign_in(code=codes[0].lower().replace("-", " ")))
    with pytest.raises(NotSignedIn):
        town.sign_in(code=codes[0])
    with town.db.transaction() as cx:
        rows = cx.execute("select t::text from recovery_code t").fetchall()
    assert len(rows) == 10
    assert not any(each in str(rows) or each.replace("-", "") in str(rows) for each in codes)


def test_the_authenticators_secret_is_sealed_and_survives_a_new_key(town):
    _, secret, _ = with_app(town)
    with town.db.transaction() as cx:
        assert secret not in str(cx.execute("select t::text from house_secret t").fetchall())
        before = cx.execute("select key_id, sealed from house_secret").fetchall()
    assert town.door.secrets.rotate(town.db) == 1
    with town.db.transaction() as cx:
        assert cx.execute("select key_id, sealed from house_secret").fetchall() != before
    town.sign_in(code=code(town, secret))


def test_a_half_sign_in_ends_after_ten_minutes_and_with_the_password(town):
    ada, secret, _ = with_app(town)
    half = town.sign_in()
    town.later(minutes=11)
    with pytest.raises(NotSignedIn, match="start again"):
        town.door.by_code(half.step, code(town, secret), source=HERE, now=town.now)
    half = town.sign_in()
    town.door.change_password(
        ada, before=PASSWORD, after="another four good words", source=HERE, now=town.now
    )
    with pytest.raises(NotSignedIn):
        town.door.by_code(half.step, code(town, secret), source=HERE, now=town.now)


def test_an_authenticator_app_is_in_force_only_after_its_first_code(town):
    ada = town.owner()
    town.door.new_totp(ada)
    with pytest.raises(Refusal, match="not right"):
        town.door.keep_totp(ada, "000000", now=town.now)
    assert not isinstance(town.sign_in(), Half)


def test_taking_the_second_factor_away_needs_the_password(town):
    ada, _, codes = with_app(town)
    with pytest.raises(NotSignedIn):
        town.door.drop_second(ada, password="not hers at all", source=HERE, now=town.now)
    assert isinstance(town.sign_in(), Half)
    town.door.drop_second(ada, password=PASSWORD, source=HERE, now=town.now)
    assert not isinstance(town.sign_in(), Half)
    with town.db.transaction() as cx:
        assert cx.execute("select count(*) from house_secret").fetchone() == (0,)
        assert cx.execute("select count(*) from recovery_code").fetchone() == (0,)
    assert codes


def test_failures_are_limited_by_address_of_mail_and_then_forgiven(town):
    town.owner()
    for number in range(TRIES_BY_EMAIL):
        with pytest.raises(NotSignedIn):
            town.sign_in(password="wrong wrong wrong", source=Source(f"198.51.100.{number}", ""))
    with pytest.raises(TooMany):
        town.sign_in(source=Source("192.0.2.1", ""))
    with pytest.raises(NotSignedIn):
        town.sign_in("eve@example.com")
    town.later(minutes=16)
    town.sign_in()


def test_failures_are_limited_by_network_address(town):
    town.owner()
    with town.db.transaction() as cx:
        for number in range(TRIES_BY_ADDRESS):
            factor_store.begin_try(cx, f"p{number}@example.com", address=HERE.address, now=town.now)
    with pytest.raises(TooMany):
        town.sign_in()
    town.sign_in(source=Source("192.0.2.1", ""))


def test_good_sign_ins_count_against_nobody(town):
    town.owner()
    for _ in range(TRIES_BY_EMAIL + 2):
        town.sign_in()


def test_many_guesses_at_once_count_as_many(town):
    town.owner()
    with ThreadPoolExecutor(1) as pool, town.db.connect() as others:
        for number in range(TRIES_BY_EMAIL):
            factor_store.begin_try(others, "ada@example.com", address=f"198.51.100.{number}", now=town.now)
        mine = pool.submit(town.sign_in)
        time.sleep(1)
        others.commit()
        with pytest.raises(TooMany):
            mine.result()


def test_wrong_codes_are_limited_as_well(town):
    _, secret, _ = with_app(town)
    half = town.sign_in()
    for _ in range(TRIES_BY_EMAIL):
        with pytest.raises(NotSignedIn):
            town.door.by_code(half.step, "000000", source=HERE, now=town.now)
    with pytest.raises(TooMany):
        town.door.by_code(half.step, code(town, secret), source=HERE, now=town.now)


def test_a_disabled_person_does_not_come_in(town):
    ada = town.owner()
    bob = town.person("operator", ada)
    town.do(store.disable, ada, 2)
    with pytest.raises(NotSignedIn):
        town.sign_in("operator@example.com")
    assert bob.who == "person:2"


@pytest.mark.parametrize(
    ("password", "why"),
    [("short", "too short"), ("a" * 300, "too long"), ("passwordpassword", "tried first"), ("aaaaaaaaaaaaaa", "tried first"),
     ("administrator1", "tried first"), ("bookhandbookhand", "tried first")],
)  # fmt: skip
def test_a_bad_password_is_refused_and_the_link_stays_good(town, password, why):
    with town.db.transaction() as cx:
        link = invitation_store.owner_link(cx, "ada@example.com", now=town.now, note=town.note)
    with pytest.raises(Refusal, match=why) as told:
        town.come(link.secret, password=password)
    assert password not in str(told.value) or password == "short"
    town.come(link.secret)


def test_a_new_password_ends_every_session(town):
    ada = town.owner()
    old = town.sign_in()
    new = town.door.change_password(
        ada, before=PASSWORD, after="another four good words", source=HERE, now=town.now
    )
    assert town.who(old.secret) is None
    assert town.who(new.secret) is not None
    with pytest.raises(NotSignedIn):
        town.sign_in()


def test_passwords_lie_as_argon2id_and_nothing_secret_lies_anywhere(town):
    ada = town.owner()
    session = town.sign_in()
    _, token = town.do(session_store.make_token, ada, "ci", ["read"])
    link = town.do(invitation_store.invite, ada, "bob@example.com", "viewer")
    with town.db.transaction() as cx:
        tables = ("person", "session", "api_token", "invitation", "sign_in_try", "sign_in_step")
        lies = " ".join(str(cx.execute(f"select t::text from {name} t").fetchall()) for name in tables)
    assert "$argon2id$" in lies
    for secret in (PASSWORD, session.secret, token, link.secret):
        assert secret not in lies
        assert secret.encode().hex() not in lies
        assert secret not in repr((session, link)) + repr(town.told)
