"""Signing in to QuickBooks: the way there and back, tokens that change, reminders, letting go."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor

import httpx
import msgspec
import pytest
from tests.systems.quickbooks.connecting import BRIEF, application_of, connect_for_test

from bookhand.core.problems import Outage, Refusal
from bookhand.sandbox.quickbooks.oauth import HARD_SECONDS, REFRESH_SECONDS
from bookhand.sandbox.quickbooks.person import come_back
from bookhand.sandbox.quickbooks.standin import SMALL_REALM, TRADING_REALM
from bookhand.systems import store
from bookhand.systems.quickbooks import auth
from bookhand.systems.quickbooks.auth import Back, back_of, finish_sign_in, start_sign_in
from bookhand.systems.quickbooks.token_auth import RECONNECT, TOKENS, Credential, Tokens, reconnect_problem
from bookhand.workspace.store import open_problems


def tokens_of(desk):
    with desk.db.transaction() as cx:
        return msgspec.json.decode(desk.secrets.get(cx, desk.at.link, TOKENS), type=Tokens)


def credential(desk):
    """With the stand-in's own clock."""
    return Credential(desk.db, desk.secrets, desk.at.connection, clock=desk.qb.clock.now)


def status_of(desk):
    with desk.db.transaction() as cx:
        found = store.get(cx, desk.at.connection.id)
    return found.status, found.status_reason or ""


def problems(desk):
    with desk.db.transaction() as cx:
        return [each.problem.message for each in open_problems(cx) if each.problem.kind == RECONNECT]


def test_the_company_somebody_chose_is_connected(desk):
    made = desk.at.connection
    assert (made.link.system, made.link.account, made.link.mode, made.auth) == (
        "quickbooks",
        SMALL_REALM,
        "test",
        "oauth",
    )
    assert made.name == f"Acme Web Shop LLC (QuickBooks {SMALL_REALM}, sandbox)"
    assert made.settings["token_url"] == f"{desk.url}/oauth2/v1/tokens/bearer"
    assert tokens_of(desk).hard_ends_at - time.time() > HARD_SECONDS - 60
    with desk.db.transaction() as cx:
        kept = cx.execute("select settings::text from connection").fetchone()[0]
    assert desk.qb.app.client_secret not in kept
    assert tokens_of(desk).refresh_token not in kept + repr(tokens_of(desk)) + repr(desk.at.application)


def test_several_companies_stand_side_by_side_and_one_that_comes_back_is_the_same(desk, stand_in):
    qb, url = stand_in
    other = connect_for_test(url, qb, desk.db, desk.secrets, realm=TRADING_REALM)
    again = connect_for_test(url, qb, desk.db, desk.secrets, realm=SMALL_REALM)
    assert again.connection.id == desk.at.connection.id != other.connection.id
    assert other.books.company(other.link).name == "Meridian Trading Inc"
    other.performer.close()
    again.performer.close()


def test_a_way_back_is_good_once_and_for_its_own_application(desk, stand_in):
    qb, url = stand_in
    application = application_of(url, qb)
    query = come_back(start_sign_in(desk.db, application), realm=SMALL_REALM)
    with pytest.raises(Refusal, match="another application"):
        finish_sign_in(
            desk.db,
            desk.secrets,
            auth.Application(client_id="AB0", client_secret="x", redirect_uri="x"),
            back_of(query),
        )
    for state in (query["state"], "made up"):
        with pytest.raises(Refusal, match="not one that was begun here"):
            finish_sign_in(desk.db, desk.secrets, application, back_of({**query, "state": state}))


def test_a_no_is_told(desk, stand_in):
    application = application_of(stand_in[1], stand_in[0])
    query = come_back(start_sign_in(desk.db, application), realm="")
    with pytest.raises(Refusal, match="not connected: access_denied"):
        finish_sign_in(desk.db, desk.secrets, application, back_of(query))


def test_another_company_than_the_tokens_own_is_refused_and_the_access_given_back(desk, stand_in):
    qb, url = stand_in
    application = application_of(url, qb)
    before = len(qb.oauth.grants)
    query = come_back(start_sign_in(desk.db, application), realm=SMALL_REALM)
    with pytest.raises(Refusal, match="3100"):
        finish_sign_in(
            desk.db, desk.secrets, application, back_of({**query, "realmId": TRADING_REALM}), patience=BRIEF
        )
    assert len(qb.oauth.grants) == before
    with pytest.raises(Refusal, match="names no company"):
        state = come_back(start_sign_in(desk.db, application), realm=SMALL_REALM)["state"]
        finish_sign_in(desk.db, desk.secrets, application, Back(state=state, code="x", realm="../1"))


def test_a_code_whose_exchange_is_lost_is_not_sent_again(desk, stand_in):
    qb, url = stand_in
    application = application_of(url, qb)
    query = come_back(start_sign_in(desk.db, application), realm=SMALL_REALM)
    qb.faults.add("cut_after", path="/oauth2/v1/tokens/bearer")
    before = qb.calls["POST /oauth2/v1/tokens/bearer"]
    with pytest.raises(Refusal, match="sent once: start again"):
        finish_sign_in(desk.db, desk.secrets, application, back_of(query))
    assert qb.calls["POST /oauth2/v1/tokens/bearer"] == before + 1


def test_where_to_sign_in_is_intuits_word(db):
    application = auth.Application(
        client_id="AB1",
        client_secret="s",
        redirect_uri="http://localhost/x",
        discovery_url="http://127.0.0.1:9/",
    )
    with pytest.raises(Outage, match="where to sign in"):
        start_sign_in(db, application)


def test_an_access_token_is_refreshed_before_its_hour_is_over(desk):
    first = credential(desk).token()
    assert credential(desk).token() == first
    desk.qb.clock.advance(3_500)
    second = credential(desk).token()
    assert second != first
    assert tokens_of(desk).access_token == second
    assert desk.qb.oauth.refreshes == 1


def test_refresh_tokens_that_change_are_kept_and_the_old_one_is_no_good(desk):
    old = tokens_of(desk).refresh_token
    for _ in range(5):
        desk.qb.clock.advance(86_400)
        credential(desk).token()
    assert tokens_of(desk).refresh_token != old
    answer = httpx.post(
        f"{desk.url}/oauth2/v1/tokens/bearer", data={"grant_type": "refresh_token", "refresh_token": old},
        auth=(desk.qb.app.client_id, desk.qb.app.client_secret),
    )  # fmt: skip
    assert answer.json()["error"] == "invalid_grant"
    assert status_of(desk)[0] == "active"


def test_many_who_need_a_token_at_once_refresh_once(desk):
    desk.qb.oauth.rotation_seconds = 0  # every refresh ends the token before it
    desk.qb.clock.advance(3_600)
    with ThreadPoolExecutor(8) as pool:
        tokens = list(pool.map(lambda _: credential(desk).token(), range(8)))
    assert len(set(tokens)) == 1
    assert desk.qb.oauth.refreshes == 1
    assert status_of(desk)[0] == "active"


def test_a_token_that_quickbooks_refuses_is_renewed_once_and_the_call_goes_through(desk):
    for token in list(desk.qb.oauth.access):
        del desk.qb.oauth.access[token]  # ended early, by Intuit
    desk.write(desk.sale())
    assert len(desk.held()) == 1
    assert desk.qb.oauth.refreshes == 1


def test_access_that_was_taken_back_disconnects_with_the_reason(desk):
    desk.fault("token_revoked")
    with pytest.raises(Refusal):
        desk.write(desk.sale())
    status, reason = status_of(desk)
    assert status == "disconnected"
    assert "revoked" in reason
    assert not desk.held()
    with pytest.raises(Refusal, match="disconnected"):
        desk.write(desk.sale())


@pytest.mark.parametrize("path", ["*/journalentry", "*/query"])
def test_who_may_not_use_the_company_any_more_is_disconnected(desk, path):
    desk.at.books.home(desk.at.link)
    desk.fault("left", method="*", path=path, times=None)
    with pytest.raises(Refusal, match="Connect QuickBooks again, as somebody who may"):
        desk.write(desk.sale())
    assert status_of(desk) == ("disconnected", "whoever connected it may not use that company any more")
    assert not desk.held()


def test_a_refresh_that_gets_no_answer_leaves_everything_as_it_was(desk):
    before = tokens_of(desk)
    desk.qb.clock.advance(3_600)
    desk.qb.faults.add("cut_before", path="/oauth2/v1/tokens/bearer")
    with pytest.raises(Outage):
        credential(desk).token()
    assert tokens_of(desk) == before
    assert status_of(desk)[0] == "active"
    assert credential(desk).token() != before.access_token


def test_a_sign_in_that_is_about_to_end_is_said_and_then_it_ends(desk):
    desk.qb.clock.advance(HARD_SECONDS - 50 * 86_400)
    with desk.qb.lock:
        for grant in desk.qb.oauth.grants.values():
            grant.used_at = desk.qb.clock.now()  # it was used all those years
    credential(desk).token()
    (said,) = problems(desk)
    assert "ends on" in said
    assert "after five years" in said
    desk.qb.clock.advance(51 * 86_400)
    with pytest.raises(Refusal, match="does not accept the sign-in"):
        credential(desk).token()
    assert status_of(desk)[0] == "disconnected"


def test_a_sign_in_that_nobody_uses_ends_and_looking_after_it_prevents_that(desk):
    keep = credential(desk)
    assert not keep.keep_alive()
    for _ in range(4):
        desk.qb.clock.advance(REFRESH_SECONDS - 86_400)
        assert keep.keep_alive()
    assert keep.token()
    desk.qb.clock.advance(REFRESH_SECONDS + 1)
    with pytest.raises(Refusal):
        keep.keep_alive()
    assert status_of(desk)[0] == "disconnected"


def test_looking_after_says_what_could_not_be_done(desk):
    assert auth.look_after(desk.db, desk.secrets) == []
    with desk.db.transaction() as cx:
        old = msgspec.structs.replace(tokens_of(desk), issued_at=time.time() - 2 * 86_400)
        desk.secrets.put(cx, desk.at.link, TOKENS, msgspec.json.encode(old).decode())
    desk.qb.faults.add("cut_before", path="/oauth2/v1/tokens/bearer")
    (said,) = auth.look_after(desk.db, desk.secrets)
    assert said.startswith("Acme Web Shop LLC")
    assert auth.look_after(desk.db, desk.secrets) == []
    assert desk.qb.oauth.refreshes == 1


@pytest.mark.parametrize(
    ("soft", "hard", "said"),
    [(99, 1_800, None), (20, 1_800, "not used"), (99, 59, "five years"), (99, None, None)],
)
def test_when_a_reminder_is_due(soft, hard, said):
    tokens = Tokens("a", "r", 0, 3_600, soft * 86_400, None if hard is None else hard * 86_400)
    problem = reconnect_problem(tokens, now=0, name="Acme", subject="1")
    assert (problem is None) == (said is None)
    assert said is None or said in problem.message


def test_letting_go_gives_the_access_back_and_forgets_the_tokens(desk):
    assert auth.disconnect(desk.db, desk.secrets, desk.at.connection.id) == []
    assert not desk.qb.oauth.grants
    with desk.db.transaction() as cx:
        assert cx.execute("select count(*) from secret").fetchone() == (0,)
    assert status_of(desk) == ("disconnected", "disconnected by a person")
    assert auth.disconnect(desk.db, desk.secrets, desk.at.connection.id) == []


def test_letting_go_says_what_intuit_still_has(desk):
    desk.qb.faults.add("500", path="/v2/*")
    (said,) = auth.disconnect(desk.db, desk.secrets, desk.at.connection.id)
    assert "still has bookhand's access" in said
    assert status_of(desk)[0] == "disconnected"
