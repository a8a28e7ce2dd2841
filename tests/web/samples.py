"""Every way it can stand, as values."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from bookhand.web.status import (
    BackfillRow,
    ConnectionRow,
    EntryRow,
    HistoryRow,
    Live,
    PostingRow,
    ProblemRow,
    ProofRow,
    Status,
)

NOW = datetime(2026, 11, 23, 18, 51, 7, tzinfo=UTC)


def before(**ago: float) -> datetime:
    return NOW - timedelta(**ago)


LIVE = ConnectionRow(
    id=1, name="Harbor Software", account="acct_1Q8hHarborEx", mode="live", livemode=True, auth="key", api_version="2026-10-28.endive", status="active"
)  # fmt: skip
TEST = ConnectionRow(
    id=2, name="Harbor, rehearsal", account="acct_1Q8hHarborEx", mode="test", livemode=False, auth="app_oauth", api_version="2026-10-28.endive", status="active"
)  # fmt: skip


def proof(
    connection: int,
    currency: str,
    clearing: int,
    stripe: int | None,
    *,
    unmatched: int = 0,
    suspense: int = 0,
    reason: str = "",
) -> ProofRow:
    return ProofRow(
        connection_id=connection, currency=currency, clearing=clearing, stripe_balance=stripe, unmatched=unmatched, suspense=suspense,
        off_by=None if stripe is None else clearing - stripe, reason=reason, at=before(seconds=12),
    )  # fmt: skip


def entry(key: str, kind: str, why: str, *lines: tuple[str, str, int], ago: float = 40) -> EntryRow:
    return EntryRow(
        connection_id=1, key=key, kind=kind, why=why, happened_at=before(seconds=ago), recorded_at=before(seconds=ago - 0.1),
        postings=tuple(PostingRow(account=account, currency=currency, minor=minor) for account, currency, minor in lines),
    )  # fmt: skip


ENTRIES = (
    entry("txn_3QzHarbor0001", "charge", "Charge ch_3QzHarbor0001", ("stripe_clearing:payments", "USD", 9578), ("processing_fees", "USD", 322), ("revenue", "USD", -9083), ("sales_tax_payable:txr_1CA", "USD", -817), ago=18),
    entry("txn_3QzHarbor0002", "charge", "Charge ch_3QzHarbor0002, taken as 42.00 EUR", ("stripe_clearing:payments", "USD", 4410), ("processing_fees", "USD", 187), ("revenue", "USD", -4597), ago=31),
    entry("txn_3QzHarbor0003", "refund", "Refund re_3QzHarbor0003 of charge ch_3QzHarbor0019", ("refunds", "USD", 4900), ("stripe_clearing:payments", "USD", -4900), ago=95),
    entry("txn_3QzHarbor0004", "dispute", "Dispute du_1QzHarbor0004 opened: the money was withdrawn, with its fee", ("disputes_pending", "USD", 12900), ("dispute_fees", "USD", 1500), ("stripe_clearing:payments", "USD", -14400), ago=620),
    entry("txn_1QzHarbor0005", "payout", "Payout po_1QzHarbor0005 to the bank", ("bank_in_transit", "USD", 1284410), ("stripe_clearing:payments", "USD", -1284410), ago=3700),
    entry("txn_3QzHarbor0006", "charge", "Charge ch_3QzHarbor0006", ("stripe_clearing:payments", "JPY", 482000), ("processing_fees", "JPY", 17800), ("revenue", "JPY", -499800), ago=7400),
    entry("txn_3QzHarbor0007", "charge", "Charge ch_3QzHarbor0007", ("stripe_clearing:payments", "KWD", 48210), ("processing_fees", "KWD", 1640), ("revenue", "KWD", -49850), ago=9100),
    entry("txn_3QzHarbor0008", "stripe_fee", "Billing fee for October", ("processing_fees", "USD", 4218), ("stripe_clearing:payments", "USD", -4218), ago=40000),
)  # fmt: skip

PROOFS = (
    proof(1, "USD", 4_821_093, 4_821_093, unmatched=612_480), proof(1, "EUR", 912_440, 912_440), proof(1, "JPY", 482_000, 482_000),
    proof(1, "KWD", 48_210, 48_210), proof(2, "USD", -12_375, -12_375),
)  # fmt: skip

DONE = tuple(
    BackfillRow(connection_id=1, what=what, done=done, total=done, complete=True)
    for what, done in (
        ("balance_transactions", 14_882), ("charges", 12_410), ("payment_intents", 13_201), ("invoices", 2_614), ("customers", 204), ("payouts", 251), ("refunds", 311), ("disputes", 24),
    )
)  # fmt: skip

PROBLEMS = (
    ProblemRow(connection_id=1, kind="unknown_type", subject="txn_1QzOdd", message="Balance transaction txn_1QzOdd has the type fee_credit_funding, which no rule knows: 12.00 USD stands in Suspense. Say where it belongs, and it is posted there.", first_seen=before(hours=5), last_seen=before(minutes=41), times=2),
    ProblemRow(connection_id=1, kind="foreign_version", subject="evt_1QzOld", message="Event evt_1QzOld is written in API version 2024-06-20, this connection is pinned to 2026-10-28.endive: it is kept unread. Recreate the webhook endpoint with `bookhand connect`.", first_seen=before(days=2), last_seen=before(days=2), times=1),
)  # fmt: skip

HISTORY = (
    HistoryRow(
        connection_id=1,
        status="complete",
        verdict=("Of 8,120 events that Stripe keeps (30 days), every one had arrived.",),
    ),
)
GOOD = Status(
    at=NOW, connections=(LIVE, TEST), proofs=PROOFS, backfills=DONE, histories=HISTORY, entries=ENTRIES,
    live=Live(entries=29_311),
)  # fmt: skip
EMPTY = Status(at=NOW)
CONNECTED = Status(at=NOW, connections=(TEST,))
LOADING = Status(
    at=NOW, connections=(TEST,), histories=(HistoryRow(connection_id=2, status="running"),), live=Live(oldest_waiting_seconds=3.2, entries=8_412),
    entries=tuple(ENTRIES[3:]),
    backfills=(
        BackfillRow(connection_id=2, what="balance_transactions", done=8_412, total=14_900, complete=False, per_second=2210, seconds_left=2.9),
        BackfillRow(connection_id=2, what="charges", done=6_020, total=12_400, complete=False, per_second=1740, seconds_left=3.6),
        BackfillRow(connection_id=2, what="invoices", done=120, total=None, complete=False, per_second=0.4),
        BackfillRow(connection_id=2, what="customers", done=204, total=204, complete=True),
    ),
)  # fmt: skip
GAP = Status(
    at=NOW, connections=(LIVE, TEST), backfills=DONE, histories=HISTORY, entries=ENTRIES, problems=PROBLEMS, open_problems=7,
    proofs=(
        *PROOFS[1:], proof(1, "USD", 4_821_093, 4_821_101, reason="8 cents: balance transaction txn_1QzHarbor0099 (a network cost) is in Stripe's list and not in the journal yet."),
        proof(2, "EUR", 100, None, reason="Stripe's balance moved while it was read; it is compared again with the next batch."),
    ),
    live=Live(oldest_waiting_seconds=0.4, entries=29_311),
)  # fmt: skip
LOST = Status(
    at=NOW, connections=(ConnectionRow(id=1, name="Harbor Software", account="acct_1Q8hHarborEx", mode="live", livemode=True, auth="app_oauth", api_version="2026-10-28.endive", status="disconnected", status_reason="Stripe says the app was removed from the account"), TEST),
    proofs=PROOFS, backfills=DONE, histories=HISTORY, entries=ENTRIES, live=GOOD.live,
)  # fmt: skip
STUCK = Status(
    at=NOW,
    connections=(LIVE,),
    proofs=PROOFS[:2],
    backfills=DONE,
    entries=ENTRIES,
    live=Live(
        oldest_waiting_seconds=840,
        entries=29_311,
    ),
)
STALE = Status(
    at=NOW + timedelta(hours=2), connections=(LIVE,), backfills=DONE, histories=HISTORY, live=GOOD.live,
    entries=(*ENTRIES, entry("txn_later", "charge", "Charge ch_later", ("stripe_clearing:payments", "USD", 1), ("revenue", "USD", -1), ago=-600)),
    proofs=PROOFS[:2],
)  # fmt: skip
HOLE = Status(
    at=NOW, connections=(LIVE,), proofs=PROOFS[:2], entries=ENTRIES, live=GOOD.live,
    backfills=(*DONE[:3], BackfillRow(connection_id=1, what="credit_notes", done=0, total=0, complete=True, refused="The key lacks the permission Credit notes: Read (rak_credit_note_read).")),
    histories=(HistoryRow(connection_id=1, status="incomplete", verdict=("credit_notes: refused, so tax in refunds is a share and not the credit note's own word.",)),),
)  # fmt: skip

ALL = {"good": GOOD, "empty": EMPTY, "connected": CONNECTED, "loading": LOADING, "gap": GAP, "lost": LOST, "stuck": STUCK, "stale": STALE, "hole": HOLE}  # fmt: skip
