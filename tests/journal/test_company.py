"""A whole company at the stand-in Stripe: every movement posted, every currency proven, every payout group zero."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from typing import Any

import pytest
from tests.journal.shapes import seen

from bookhand.books.workflow import mirror, verify
from bookhand.core.facts import PayoutMember
from bookhand.journal import payout_store, store
from bookhand.journal.check_workflow import check
from bookhand.journal.proof_workflow import prove
from bookhand.journal.workflow import read
from bookhand.sandbox.stripe.engine import DEFAULT_ACCOUNT
from bookhand.sandbox.world.world import EUROPE, World
from bookhand.systems.stripe.balance import balance_of
from bookhand.systems.stripe.translate import facts_of

LISTS = {
    "/v1/balance_transactions": "balance_transaction", "/v1/charges": "charge", "/v1/refunds": "refund", "/v1/disputes": "dispute",
    "/v1/payouts": "payout", "/v1/invoices": "invoice", "/v1/invoice_payments": "invoice_payment", "/v1/credit_notes": "credit_note",
}  # fmt: skip


class Company:
    """One account of the stand-in, listed whole."""

    def __init__(self, engine: Any, account: str) -> None:
        self.engine, self.account = engine, account
        self.key = engine.keys(account).test
        self.objects = {name: list(self.pages(path)) for path, name in LISTS.items()}

    def pages(self, path: str, **params: str) -> Iterator[Any]:
        after: dict[str, str] = {}
        while True:
            answer = self.engine.call("GET", path, {"limit": "100", **params, **after}, key=self.key)
            assert answer.status == 200, answer.body
            page = answer.json()
            yield from page["data"]
            if not page["has_more"]:
                return
            after = {"starting_after": page["data"][-1]["id"]}

    def facts(self) -> list[Any]:
        facts = [
            fact for name, objects in self.objects.items() for one in objects for fact in facts_of(name, json.dumps(one).encode())
        ]  # fmt: skip
        for payout in self.objects["payout"]:
            if payout["automatic"]:
                inside = self.pages("/v1/balance_transactions", payout=payout["id"])
                facts += [PayoutMember(payout=payout["id"], balance_transaction=bt["id"]) for bt in inside]
        random.Random(5).shuffle(facts)
        return facts

    def balance(self) -> Any:
        return balance_of(self.engine.call("GET", "/v1/balance", {}, key=self.key).body)


@pytest.fixture(scope="module")
def world():
    engine = World(seed=3, months=3, customers=15).create()
    yield engine
    engine.close()


@pytest.mark.parametrize("account", [DEFAULT_ACCOUNT, EUROPE])
def test_a_companys_books_prove_themselves(db, new_link, world, account, tmp_path):
    link, company = new_link(account=account), Company(world, account)
    facts = seen(company.facts())
    batches = [facts[start : start + 100] for start in range(0, len(facts), 100)]
    for batch in batches:
        with db.transaction() as cx:
            assert read(cx, link, batch) == []

    proofs = prove(db, link, company.balance)
    assert proofs
    assert {proof.off_by for proof in proofs} == {0}
    assert {proof.suspense for proof in proofs} == {0}
    with db.transaction() as cx:
        assert payout_store.unbalanced(cx, link) == []
        balances = store.balances(cx, link)
    assert balances.get(("disputes_pending", "USD"), 0) == _in_dispute(company)
    assert mirror(db, tmp_path, [link]).entries > len(company.objects["balance_transaction"])
    assert verify(tmp_path) == []
    report = check(db, link, batches)
    assert report.holds, report.sentences


def test_the_company_won_a_dispute_in_part(world):
    """So the proof above stands for one, too: the rest has left what is in dispute."""
    disputes = Company(world, DEFAULT_ACCOUNT).objects["dispute"]
    left = {
        sum(bt["amount"] for bt in one["balance_transactions"]) for one in disputes if one["status"] == "won"
    }
    assert -12_000 in left


def _in_dispute(company: Company) -> int:
    """What disputes that are not decided have taken."""
    return -sum(
        bt["amount"]
        for dispute in company.objects["dispute"]
        if dispute["status"] not in {"won", "lost"}
        for bt in dispute["balance_transactions"]
    )
