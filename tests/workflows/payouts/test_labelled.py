"""A labelled world through the database, a week at a time: mail and statements come in parts, and still nothing is matched wrongly."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

import pytest
from tests.journal.shapes import bt

from bookhand.core.bank import Statement
from bookhand.core.facts import Link, Payout, Seen
from bookhand.journal.workflow import read as post
from bookhand.sandbox.labelled import World, generate, score
from bookhand.systems import store as connections
from bookhand.systems.bank import store as bank_store
from bookhand.workflows.payouts.matching import Bounds
from bookhand.workflows.payouts.payout_store import read
from bookhand.workflows.payouts.reconciling import match_store
from bookhand.workflows.payouts.reconciling.workflow import reconcile


class Told:
    """What of a world has been told up to a day."""

    def __init__(self, db, world: World, new_link) -> None:
        self.db, self.world = db, world
        names = sorted({one.connection for one in world.payouts})
        self.stripe = {name: new_link(account=f"acct_{name}") for name in names}
        self.banks = {
            account: self._bank(account) for account in sorted({line.account for line in world.lines})
        }
        self.before = ""

    def _bank(self, account: str) -> Link:
        new = connections.NewConnection(
            system="bank", account=account, mode="test", livemode=False, default_name=account, api_version="", auth="files"
        )  # fmt: skip
        with self.db.transaction() as cx:
            return connections.keep(cx, 1, new).link

    def until(self, day: str) -> None:
        with self.db.transaction() as cx:
            for one in self.world.payouts:
                self._payout(cx, one, day)
            for account, link in self.banks.items():
                lines = tuple(
                    line
                    for line in self.world.lines
                    if line.account == account and self.before < line.day <= day
                )
                if lines:
                    bank_store.keep_account(cx, link, account, lines[0].currency)
                    found = Statement(account=account, currency=lines[0].currency, format="csv", lines=lines)
                    bank_store.keep_statement(cx, link, found, file_hash=None)
        self.before = day

    def _payout(self, cx, one, day: str) -> None:
        failed = one.failed_day is not None and one.failed_day <= day
        news = self.before < one.created_day <= day or (failed and one.failed_day > self.before)
        if not news:
            return
        link = self.stripe[one.connection]
        status = "paid" if one.status == "failed" and one.failed_day and not failed else one.status
        payout = Payout(
            id=one.id, created=at(one.created_day), currency=one.currency, amount=one.minor, status=status, automatic=one.automatic,
            method=one.method, arrival_date=at(one.arrival_day), reconciliation_status="completed", trace_id=one.trace_id,
            trace_status="supported" if one.trace_id else "unsupported", statement_descriptor=one.descriptor,
            original_payout=one.original, reversed_by=one.reversed_by, failure_balance_transaction=f"txn_{one.id}_back" if failed else None,
        )  # fmt: skip
        facts = [payout]
        if failed:
            back = bt(
                f"txn_{one.id}_back",
                one.minor,
                category="payout_reversal",
                currency=one.currency,
                at=at(one.failed_day),
            )
            facts.append(back)
        told = [Seen(fact=fact, delivery=1, as_of=at(day), told_by="event") for fact in facts]
        post(cx, link, told)
        read(cx, link, told)


def at(day: str) -> int:
    return int(datetime.fromisoformat(day).replace(tzinfo=UTC).timestamp())


@pytest.mark.parametrize("seed", [11, 12])
def test_nothing_is_wrong_however_it_comes_in(db, new_link, seed):
    world = generate(seed=seed, payouts=250, days=42)
    told = Told(db, world, new_link)
    rates = {pair: (Decimal(low), Decimal(high)) for pair, (low, high) in world.rates.items()}
    days = sorted({line.day for line in world.lines} | {one.created_day for one in world.payouts})
    for day in [*days[6::7], "2999-01-01"]:
        told.until(day)
        reconcile(db, mode="test", bounds=Bounds(rates=rates))
    assert not reconcile(db, mode="test", bounds=Bounds(rates=rates)).changed
    with db.transaction() as cx:
        kept = [each for each in match_store.newest(cx, limit=100_000) if each.undone_by is None]
        wrong_sums = cx.execute(
            "select key from journal_entry where key like 'match:%' and not journal_balanced(accounts, currencies, minors)"
        ).fetchall()
    answers = [
        (tuple(p.payout for p in each.payouts), tuple((line.account, line.key) for line in each.lines))
        for each in kept
    ]
    amounts = {one.id: (one.currency, one.minor) for one in world.payouts}
    found = score(world.labels, answers, equal_amounts=amounts)
    assert found.wrong == []
    assert wrong_sums == []
    assert found.whole.recall > 0.97
