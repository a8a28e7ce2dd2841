"""Connecting, staying connected, and losing it: by certificate and by token pair."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import psycopg
import pytest
from tests.systems.netsuite.conftest import ENTRY
from tests.systems.netsuite.connecting import ONE_WORLD, SIMPLE, Connected, connect, connected, switch

from bookhand.core.book import Document
from bookhand.core.book_params import params_of
from bookhand.core.problems import Outage, Refusal
from bookhand.db.engine import Database
from bookhand.sandbox.netsuite.netsuite import NetSuite
from bookhand.systems import store
from bookhand.systems.netsuite import auth
from bookhand.systems.netsuite.session import certificate_auth
from bookhand.systems.netsuite.session.certificate_auth import expiry_problem
from bookhand.systems.netsuite.session.place import place_of
from bookhand.systems.netsuite.session.sessions_auth import place_of_connection
from bookhand.systems.netsuite.session.token_auth import Credential, TokenPair
from bookhand.workspace.secrets_store import Secrets
from bookhand.workspace.store import open_problems


@pytest.mark.parametrize("by", ["m2m", "tba"])
def test_connected_and_let_in(url: str, db: Database, secrets: Secrets, by: str) -> None:
    with connected(url, db, secrets, account=SIMPLE, auth_by=by) as books:
        link = books.connection.link
        assert (link.system, link.account, link.mode, books.connection.auth) == (
            "netsuite",
            "1002_SB1",
            "test",
            by,
        )
        assert books.books.company(link).home_currency == "USD"


def test_no_secret_is_in_the_database_as_it_is(
    url: str, db: Database, secrets: Secrets, database_url: str
) -> None:
    pair = auth.begin(db, secrets, SIMPLE, now=datetime.now(UTC))
    assert auth.begin(db, secrets, SIMPLE, now=datetime.now(UTC)) == pair, "the same one until it is used"
    assert auth.begin(db, secrets, SIMPLE, now=datetime.now(UTC), fresh=True) != pair
    connect(url, db, secrets)
    assert "PRIVATE" not in repr(pair)
    with psycopg.connect(database_url) as cx:
        rows = cx.execute(
            "select c::text from connection c union all select s::text from secret s union all select h::text from house_secret h"
        )
        everything = "".join(row[0] for row in rows)
    key = pair.private_pem.splitlines()[1]
    assert key not in everything
    assert "private" not in everything.lower()


def test_whose_books_it_is_has_to_be_said(url: str, db: Database, secrets: Secrets) -> None:
    with pytest.raises(Refusal, match=r"--subsidiary: 1 \(Aurora Goods Inc\.\), 2 \(Aurora Goods GmbH\)"):
        connect(url, db, secrets, account=ONE_WORLD)
    with pytest.raises(Refusal, match="no subsidiaries"):
        connect(url, db, secrets, account=SIMPLE, subsidiary="1")
    with db.transaction() as cx:
        assert store.every(cx) == []
    one, two = (connect(url, db, secrets, account=ONE_WORLD, subsidiary=number) for number in ("1", "2"))
    assert (one.link.account, two.link.account) == ("TSTDRV1001/1", "TSTDRV1001/2")
    assert one.name == "Aurora Goods Inc. (NetSuite TSTDRV1001, test)"


def test_a_role_that_may_not_is_told_what_it_lacks(url: str, db: Database, secrets: Secrets) -> None:
    switch(url, "deny", account="1002-sb1", record="deposit")
    with pytest.raises(Refusal, match=r"lacks permissions: Deposit \(Full\), to write bank deposits\. Add"):
        connect(url, db, secrets)


def test_a_wrong_certificate_and_a_wrong_pair_store_nothing(url: str, db: Database, secrets: Secrets) -> None:
    auth.begin(db, secrets, SIMPLE, now=datetime.now(UTC))
    where = f"{url}/{{account}}"
    with pytest.raises(Refusal, match="unknown, revoked or expired"):
        auth.connect_with_certificate(db, secrets, SIMPLE, client_id="x", certificate_id="y", base_url=where)
    pair = TokenPair(consumer_key="a", consumer_secret="b", token_id="c", token_secret="d")
    with pytest.raises(Refusal, match="not accepted any more"):
        auth.connect_with_tokens(db, secrets, SIMPLE, pair, base_url=where)
    with pytest.raises(Refusal, match="No certificate was made for 77"):
        auth.connect_with_certificate(db, secrets, "77", client_id="x", certificate_id="y", base_url=where)
    with pytest.raises(Outage):
        auth.connect_with_tokens(db, secrets, SIMPLE, pair, base_url="http://127.0.0.1:9")
    with db.transaction() as cx:
        assert store.every(cx) == []


def test_one_token_serves_many_calls_and_a_refused_one_is_renewed(
    netsuite: NetSuite, books: Connected
) -> None:
    link, token = books.connection.link, "POST auth/oauth2/v1"
    before = netsuite.calls[token]
    for _ in range(3):
        books.books.accounts(link)
    assert netsuite.calls[token] == before + 1
    netsuite.accounts["1002-sb1"].keys.tokens.clear()
    assert books.books.accounts(link)
    assert netsuite.calls[token] == before + 2


def test_a_token_is_asked_for_anew_before_it_ends(
    url: str, netsuite: NetSuite, db: Database, secrets: Secrets
) -> None:
    connection = connect(url, db, secrets)
    now = [time.time()]
    credential = Credential(db, secrets, connection, place_of_connection(connection), clock=lambda: now[0])
    first = credential.headers("GET", "")
    now[0] += 3200
    assert credential.headers("GET", "") == first
    now[0] += 120  # within five minutes of the end
    with pytest.raises(
        Refusal
    ):  # an assertion of the future, for the stand-in goes by the wall's clock: it did ask
        credential.headers("GET", "")


@pytest.mark.parametrize("by", ["m2m", "tba"])
def test_what_was_revoked_disconnects_and_connecting_again_mends_it(
    url: str, db: Database, secrets: Secrets, entry: Callable[..., Document], by: str
) -> None:
    with connected(url, db, secrets, auth_by=by) as books:
        link = books.connection.link
        books.performer.send(link, ENTRY, params_of(entry("a")), key="", marker="")
        certificate = books.connection.settings.get("certificate_id")
        switch(
            url,
            "revoke",
            account="1002-sb1",
            **({"certificate_id": certificate} if certificate else {"token_pair": True}),
        )
        with pytest.raises(Refusal):
            books.performer.send(link, ENTRY, params_of(entry("b")), key="", marker="")
        with db.transaction() as cx:
            away = store.get(cx, link.connection_id)
        assert away.status == "disconnected"
        assert "does not accept" in (away.status_reason or "")
        with pytest.raises(Refusal, match="disconnected"):
            books.books.company(link)
        if by == "m2m":
            again = connect(url, db, secrets)
            assert again.id == link.connection_id
            books.performer.send(link, ENTRY, params_of(entry("b")), key="", marker="")
            assert [
                each.key for each in books.books.documents(link, since="2026-11-01", until="2026-11-30")
            ] == ["a", "b"]


def test_a_certificate_that_ends_soon_is_a_problem_until_it_is_new(
    url: str, db: Database, secrets: Secrets, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert expiry_problem("2028-11-26", today="2028-09-26", subject="1") is None
    assert "in 60 days" in (expiry_problem("2028-11-26", today="2028-09-27", subject="1") or object()).message  # type: ignore[attr-defined]
    assert "expired on" in (expiry_problem("2028-11-26", today="2028-12-01", subject="1") or object()).message  # type: ignore[attr-defined]
    monkeypatch.setattr(certificate_auth, "_LIFE", timedelta(days=30))
    with connected(url, db, secrets) as books:
        books.books.company(books.connection.link)
    with db.transaction() as cx:
        [found] = open_problems(cx)
    assert found.problem.kind == "netsuite_certificate_expires"
    assert "--new-certificate" in found.problem.message
    monkeypatch.undo()
    connect(url, db, secrets)
    with db.transaction() as cx:
        assert open_problems(cx) == []


def test_places() -> None:
    assert place_of("1234567").mode == "live"
    assert {place_of(each).mode for each in ("1234567_SB2", "1234567-rp", "TSTDRV99", "TD123")} == {"test"}
    with pytest.raises(Refusal, match="no NetSuite account id"):
        place_of("https://evil.example/")
