"""Payouts in the database: any order of the same mail ends alike."""

from __future__ import annotations

import random

from tests.journal.shapes import START

from bookhand.core.facts import Payout, Seen
from bookhand.workflows.payouts.payout_store import get, read

BORN = Payout(
    id="po_1", created=START, currency="USD", amount=9_680, status="pending", automatic=True, method="standard",
    arrival_date=START, reconciliation_status="in_progress", trace_status="pending", destination="ba_1",
)  # fmt: skip


def changed(**more):
    return Payout(**{name: getattr(BORN, name) for name in BORN.__struct_fields__} | more)


LIFE = [
    (0, BORN),
    (5, changed(status="in_transit")),
    (5, changed(status="in_transit", reconciliation_status="completed")),
    (9, changed(status="paid", reconciliation_status="completed")),
    (12, changed(status="paid", reconciliation_status="completed", trace_status="supported", trace_id="T1")),
    (12, changed(status="failed", failure_code="account_closed", failure_message="Closed", trace_status="supported", trace_id="T1")),
    (12, changed(status="failed", failure_code="account_closed", failure_message="closed", trace_status="supported", trace_id="T1")),
    (3, changed(id="po_2", status="canceled")),
    (1, changed(id="po_2")),
]  # fmt: skip


def told(db, link, mail, cuts):
    for start, end in zip([0, *cuts], [*cuts, len(mail)], strict=True):
        with db.transaction() as cx:
            assert read(cx, link, mail[start:end]) == []
    with db.transaction() as cx:
        looked_for = cx.execute(
            "select payout_id from payout_open where connection_id = %s order by 1",
            (link.connection_id,),
        ).fetchall()
        found = [get(cx, id_, connection_id=link.connection_id) for id_ in ("po_1", "po_2")]
        return [(each.payout, each.as_of) for each in found], looked_for


def test_any_order_doubled_or_split_gives_the_same_newest_state(db, new_link):
    mail = [Seen(fact=fact, delivery=1, as_of=START + at, told_by="event") for at, fact in LIFE]
    first = told(db, new_link(account="acct_0"), mail, [])
    (state, as_of), (second, _) = first[0]
    assert (state.status, state.trace_id, as_of, second.status) == ("failed", "T1", START + 12, "canceled")
    assert first[1] == [("po_1",)]
    for seed in range(6):
        chance = random.Random(seed)
        shuffled = [*mail, *chance.sample(mail, 4)]
        chance.shuffle(shuffled)
        cuts = sorted(chance.sample(range(1, len(shuffled)), 4))
        assert told(db, new_link(account=f"acct_{seed + 1}"), shuffled, cuts) == first
