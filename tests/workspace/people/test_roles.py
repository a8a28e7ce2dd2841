"""Nobody gives, takes or touches more than they have; the last owner stays."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from tests.workspace.people.conftest import PASSWORD, Town

from bookhand.core.caller import ROLES, NotAllowed
from bookhand.core.problems import Refusal
from bookhand.db.engine import Database
from bookhand.workspace.people import invitation_store, session_store, store, totp
from bookhand.workspace.people.person import NoSuch, NotSignedIn

_GIVES = {
    "owner": set(ROLES),
    "admin": set(ROLES) - {"owner"},
    "approver": set(),
    "operator": set(),
    "viewer": set(),
    "auditor": set(),
}


@pytest.fixture
def cast(town: Town):
    """One person of each role, by role."""
    ada = town.owner()
    return {"owner": ada} | {role: town.person(role, ada) for role in ROLES if role != "owner"}


@pytest.mark.parametrize("role", ROLES)
def test_who_may_invite_whom(town, cast, role):
    for asked in ROLES:
        if asked in _GIVES[role]:
            assert (
                town.do(
                    invitation_store.invite, cast[role], f"new-{asked}@example.com", asked
                ).invitation.role
                == asked
            )
        else:
            with pytest.raises(NotAllowed):
                town.do(invitation_store.invite, cast[role], f"new-{asked}@example.com", asked)


@pytest.mark.parametrize("role", ROLES)
def test_who_may_give_which_role(town, cast, role):
    viewer = session_store.number_of(cast["viewer"])
    for asked in ROLES:
        if asked in _GIVES[role]:
            town.do(store.change_role, cast[role], viewer, asked)
            town.do(store.change_role, cast["owner"], viewer, "viewer")
        else:
            with pytest.raises(NotAllowed):
                town.do(store.change_role, cast[role], viewer, asked)


def test_an_admin_cannot_touch_an_owner(town, cast):
    admin = cast["admin"]
    for act, given in (
        (store.change_role, (1, "viewer")), (store.disable, (1,)), (invitation_store.reset, (1,)), (store.change_role, (2, "owner")),
    ):  # fmt: skip
        with pytest.raises(NotAllowed, match="only an owner"):
            town.do(act, admin, *given)
    theirs = town.sign_in()
    with pytest.raises(NotAllowed):
        town.do(session_store.end, admin, theirs.id)


def test_a_token_that_may_care_for_people_is_no_owner(town, cast):
    _, secret = town.do(session_store.make_token, cast["owner"], "people", ["read", "people"])
    robot = town.who(bearer=secret)
    assert robot is not None
    assert robot.can == {"read", "people"}
    with pytest.raises(NotAllowed):
        town.do(invitation_store.invite, robot, "eve@example.com", "owner")
    with pytest.raises(NotAllowed):
        town.do(invitation_store.invite, robot, "eve@example.com", "operator")
    with pytest.raises(NotAllowed, match="makes no tokens"):
        town.do(session_store.make_token, robot, "more", ["read"])
    town.do(invitation_store.invite, robot, "eve@example.com", "viewer")


def test_the_last_owner_stays(town):
    ada = town.owner()
    for act, given in ((store.change_role, (1, "admin")), (store.disable, (1,))):
        with pytest.raises(Refusal, match="last owner"):
            town.do(act, ada, *given)
    bob = town.person("owner", ada)
    town.do(store.disable, ada, 2)
    with pytest.raises(Refusal, match="last owner"):
        town.do(store.change_role, ada, 1, "admin")
    assert bob.role == "owner"


def test_two_owners_who_demote_each_other_at_once_leave_one(town):
    ada = town.owner()
    bob = town.person("owner", ada)
    with ThreadPoolExecutor(1) as pool, town.db.connect() as first:
        store.change_role(first, ada, 2, "viewer", now=town.now, note=town.note)
        second = pool.submit(town.do, store.change_role, bob, 1, "viewer")
        time.sleep(1)
        first.commit()
        with pytest.raises(Refusal, match="last owner"):
            second.result()
    with town.db.transaction() as cx:
        assert [each.role for each in store.every(cx)] == ["owner", "viewer"]


def test_a_changed_role_and_a_disabled_person_end_sessions_and_offers(town, cast):
    session = town.sign_in("admin@example.com")
    offered = town.do(invitation_store.invite, cast["admin"], "eve@example.com", "admin")
    town.do(store.change_role, cast["owner"], session_store.number_of(cast["admin"]), "viewer")
    assert town.who(session.secret) is None
    with pytest.raises(Refusal, match="used already"):
        town.come(offered.secret)
    session, (_, token) = (
        town.sign_in("operator@example.com"),
        town.do(session_store.make_token, cast["operator"], "ci", ["read"]),
    )
    number = session_store.number_of(cast["operator"])
    town.do(store.disable, cast["owner"], number)
    assert town.who(session.secret) is None
    assert town.who(bearer=token) is None
    with town.db.transaction() as cx:
        store.enable(cx, cast["owner"], number, note=town.note)
    assert town.who(session.secret) is None
    assert town.who(bearer=token) is None
    town.sign_in("operator@example.com")


def test_a_tokens_scopes_narrow_and_follow_the_role(town, cast):
    with pytest.raises(NotAllowed):
        town.do(session_store.make_token, cast["operator"], "ci", ["read", "approve"])
    with pytest.raises(Refusal, match="no scope 'fly'"):
        town.do(session_store.make_token, cast["operator"], "ci", ["fly"])
    with pytest.raises(Refusal, match="at least one"):
        town.do(session_store.make_token, cast["operator"], "ci", [])
    token, secret = town.do(session_store.make_token, cast["approver"], "ci", ["read", "approve"])
    found = town.who(bearer=secret)
    assert (found.who, found.token, found.can) == (cast["approver"].who, token.id, {"read", "approve"})
    town.do(store.change_role, cast["owner"], session_store.number_of(cast["approver"]), "viewer")
    assert town.who(bearer=secret).can == {"read"}


def test_a_token_ends(town, cast):
    token, secret = town.do(session_store.make_token, cast["owner"], "ci", ["read"], days=1)
    assert secret.startswith("bhk_")
    with pytest.raises(NoSuch):
        town.do(session_store.revoke_token, cast["operator"], token.id)
    town.later(hours=23)
    assert town.who(bearer=secret)
    town.later(hours=1)
    assert town.who(bearer=secret) is None
    token, secret = town.do(session_store.make_token, cast["owner"], "ci", ["read"])
    town.do(session_store.revoke_token, cast["owner"], token.id)
    assert town.who(bearer=secret) is None
    for days in (0, 400):
        with pytest.raises(Refusal, match="366"):
            town.do(session_store.make_token, cast["owner"], "ci", ["read"], days=days)


def test_a_session_ends_at_its_hour_and_when_nobody_uses_it(town):
    town.owner()
    idle, used = town.sign_in(), town.sign_in()
    for _ in range(6):
        town.later(minutes=119)
        assert town.who(used.secret)
    assert town.who(idle.secret) is None
    town.later(minutes=10)
    assert town.who(used.secret) is None


def test_a_bearer_that_is_no_good_is_not_helped_by_a_session(town):
    town.owner()
    session = town.sign_in()
    assert town.who(session.secret, bearer="bhk_wrong") is None
    assert town.who(bearer=session.secret) is None
    assert town.who("") is None


def test_a_disabled_person_is_nobody_even_where_a_session_was_left(town):
    ada = town.owner()
    session, (_, token) = town.sign_in(), town.do(session_store.make_token, ada, "ci", ["read"])
    with town.db.transaction() as cx:
        cx.execute("update person set disabled_at = now()")
    assert town.who(session.secret) is None
    assert town.who(bearer=token) is None


def test_one_ends_ones_own_sessions_and_those_one_cares_for(town, cast):
    mine, theirs = town.sign_in("viewer@example.com"), town.sign_in("operator@example.com")
    with pytest.raises(NoSuch):
        town.do(session_store.end, cast["viewer"], theirs.id)
    town.do(session_store.end, cast["viewer"], mine.id)
    town.do(session_store.end, cast["admin"], theirs.id)
    assert town.who(mine.secret) is None
    assert town.who(theirs.secret) is None
    with town.db.transaction() as cx:
        assert {each.person_id for each in session_store.sessions(cx, cast["viewer"], now=town.now)} == {5}
        assert len({each.person_id for each in session_store.sessions(cx, cast["admin"], now=town.now)}) > 3


def test_a_link_is_good_once_and_for_its_time(town):
    ada = town.owner()
    link = town.do(invitation_store.invite, ada, "bob@example.com", "viewer")
    assert link.secret not in repr(link)
    newer = town.do(invitation_store.invite, ada, "BOB@example.com", "operator")
    with pytest.raises(Refusal, match="used already"):
        town.come(link.secret)
    assert town.caller(town.come(newer.secret)).role == "operator"
    with pytest.raises(Refusal, match="used already"):
        town.come(newer.secret)
    with pytest.raises(Refusal, match="in this workspace already"):
        town.do(invitation_store.invite, ada, "bob@example.com", "viewer")
    old = town.do(invitation_store.invite, ada, "cy@example.com", "viewer")
    town.later(days=8)
    with pytest.raises(Refusal, match="too old"):
        town.come(old.secret)
    revoked = town.do(invitation_store.invite, ada, "di@example.com", "viewer")
    town.do(invitation_store.revoke, ada, revoked.invitation.id)
    with pytest.raises(Refusal):
        town.come(revoked.secret)


def test_of_two_who_use_a_link_at_once_one_comes_in(town):
    ada = town.owner()
    link = town.do(invitation_store.invite, ada, "bob@example.com", "viewer")

    def come(_: int) -> bool:
        try:
            town.come(link.secret)
        except Refusal:
            return False
        return True

    with ThreadPoolExecutor(4) as pool:
        assert sum(pool.map(come, range(4))) == 1


def test_the_machine_makes_the_first_owner_and_lets_a_locked_out_one_in(town):
    ada = town.owner()
    secret, _ = town.door.new_totp(ada)
    town.door.keep_totp(ada, totp.code_at(secret, town.now.timestamp()), now=town.now)
    old = town.do(invitation_store.owner_link, "ada@example.com")
    assert old.invitation.kind == "reset"
    session = town.come(old.secret, password="another four good words")
    assert town.caller(session).role == "owner"
    assert town.caller(town.sign_in(password="another four good words")).who == ada.who
    with pytest.raises(NotSignedIn):
        town.sign_in(password=PASSWORD)
    with pytest.raises(Refusal, match="is no owner here"):
        town.do(invitation_store.owner_link, "eve@example.com")


def test_the_first_link_is_replaced_by_the_next(town):
    first = town.do(invitation_store.owner_link, "ada@example.com")
    town.do(invitation_store.owner_link, "eve@example.com")
    with pytest.raises(Refusal):
        town.come(first.secret)


def test_every_change_is_told_with_who_did_it(town, cast):
    town.told.clear()
    number = session_store.number_of(cast["viewer"])
    town.do(store.change_role, cast["admin"], number, "auditor")
    town.do(store.disable, cast["admin"], number)
    town.do(invitation_store.invite, cast["admin"], "eve@example.com", "viewer")
    assert [(what, subject) for what, subject, _ in town.told] == [
        ("person.role", f"person:{number}"), ("person.disabled", f"person:{number}"), ("invitation.made", "invitation:7"),
    ]  # fmt: skip
    assert {details["by"] for _, _, details in town.told} == {cast["admin"].who}


def test_people_of_another_workspace_are_not_there(town):
    town.owner()
    session = town.sign_in()
    with town.db.connect(autocommit=True) as cx:
        cx.execute("reset role")
        cx.execute("insert into workspace (workspace_id, name) overriding system value values (2, 'Other')")
    with Database(town.db.url, workspace_id=2) as other, other.transaction() as cx:
        assert not store.has_people(cx)
        assert (
            session_store.authenticate(cx, session=session.secret, bearer=None, channel="web", now=town.now)
            is None
        )
