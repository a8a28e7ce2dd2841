"""A month of documents through the door, with everything going wrong: each is there once, and none is missing."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable

import pytest
from tests.actions.conftest import APPROVER, OPERATOR, OWNER
from tests.systems.netsuite.connecting import Connected, switch

from bookhand.actions import store
from bookhand.actions.asked import Asked
from bookhand.actions.catalogue import Catalogue
from bookhand.actions.kit import Kit
from bookhand.actions.own import OWN_ACTIONS
from bookhand.actions.own_store import OWN
from bookhand.actions.rights import rights_store
from bookhand.actions.workflow import Door
from bookhand.core.book import Document
from bookhand.core.book_params import params_of
from bookhand.core.problems import Outage, Refusal, UnknownOutcome
from bookhand.db.engine import Database
from bookhand.sandbox.netsuite.netsuite import NetSuite
from bookhand.systems.netsuite.actions import ACTIONS


@pytest.fixture
def door(db: Database, books: Connected) -> Door:
    with db.transaction() as cx:
        rights_store.grant(cx, OWNER, connection_id=None, grantee="*", pattern="*:write", allowed=True)
    return Door(
        Kit(
            db=db, catalogue=Catalogue((*ACTIONS, *OWN_ACTIONS), ()), performers={"netsuite": books.performer}, own=OWN,
            settle_seconds=0, believe_seconds=0, lease_seconds=30,
        )
    )  # fmt: skip


def test_one_document_is_seen_approved_and_written(
    door: Door, books: Connected, entry: Callable[..., Document]
) -> None:
    proposal = door.propose(
        OPERATOR, "netsuite.journal_entries.create", params_of(entry()), Asked(reason="Mirror")
    )
    assert "100.00 USD, Stripe clearing" in proposal.preview.says
    assert proposal.endpoint == "PUT /record/v1/journalEntry/eid:acct_1:test:txn_1"
    door.approve(APPROVER, proposal.proposal_id, proposal.call_hash)
    call = door.calls.perform(proposal.proposal_id)
    assert (call.state, call.result["number"]) == ("done", entry().number)
    [posted] = books.books.documents(books.connection.link, since="2026-11-01", until="2026-11-30")
    assert (posted.id, posted.version) == (call.result["id"], call.result["version"])


def test_a_batch_in_bad_weather(
    door: Door, db: Database, books: Connected, netsuite: NetSuite, entry: Callable[..., Document]
) -> None:
    documents = [
        entry(f"acct_1:test:txn_{number}", day=f"2026-11-{1 + number % 28:02}") for number in range(60)
    ]
    rows = [params_of(document) for document in documents]
    batch = door.propose_batch(OPERATOR, "netsuite.journal_entries.create", rows, Asked(reason="Mirror"))
    door.approve(APPROVER, batch.proposal_id, batch.call_hash)
    for kind, method in (
        ("cut_before", "PUT"),
        ("cut_after", "PUT"),
        ("500_after", "PUT"),
        ("429", "*"),
        ("500", "*"),
        ("token_revoked", "*"),
    ):
        netsuite.faults.add(kind, method=method, chance=0.08, times=6)
    came_back = 0
    for _ in range(60):
        try:
            ended = door.batches.perform(batch.proposal_id)
            break
        except (UnknownOutcome, Outage):
            came_back += 1
            time.sleep(0.01)
    assert ended == {"done": 60}
    assert came_back
    assert netsuite.faults.happened.keys() >= {"cut_before", "cut_after", "500_after"}
    made = Counter(each.external_id for each in netsuite.accounts["1002-sb1"].transactions.values())
    assert (len(made), set(made.values())) == (60, {1})
    found = {
        each.key: each
        for each in books.books.documents(books.connection.link, since="2026-11-01", until="2026-11-30")
    }
    assert all(found[document.key].lines == document.lines for document in documents)


def test_a_revoked_certificate_leaves_the_rest_for_later(
    door: Door, db: Database, books: Connected, url: str, entry: Callable[..., Document]
) -> None:
    rows = [params_of(entry(f"k{number}")) for number in range(3)]
    batch = door.propose_batch(OPERATOR, "netsuite.journal_entries.create", rows, Asked(reason="Mirror"))
    door.approve(APPROVER, batch.proposal_id, batch.call_hash)
    switch(url, "revoke", account="1002-sb1", certificate_id=books.connection.settings["certificate_id"])
    with pytest.raises(Refusal):
        door.batches.perform(batch.proposal_id)
    with db.transaction() as cx:
        assert store.proposal(cx, 1, batch.proposal_id).state == "approved", (
            "nothing failed: it goes on once the account is back"
        )
