"""A small company's movements, in dollars, for any book: two payouts that are whole, one that came back, one without a list."""

from __future__ import annotations

from tests.journal.shapes import DAY, START, bt, charge, dispute, invoice, members, paid, refund, seen

from bookhand.core.facts import Fact


def first() -> list[Fact]:
    """January: a payout with everything in it, tax included."""
    return [
        charge("1", 10_000), bt("txn_1", 10_000, fee=320, source="ch_1"),
        invoice("1", 10_000, {"txr_1": 1_000}), paid("1", "1", "1", 10_000),
        charge("2", 5_000, at=START + DAY), bt("txn_2", 5_000, fee=175, source="ch_2", at=START + DAY),
        refund("1", "1", 1_500, at=START + DAY), bt("txn_3", -1_500, category="refund", source="re_1", at=START + DAY),
        bt("txn_4", -5_000, category="dispute", kind="adjustment", fee=1_500, source="dp_1", at=START + 2 * DAY),
        dispute("1", "2", 5_000, "lost", ["txn_4"]),
        bt("txn_5", -6_505, category="payout", source="po_1", at=START + 3 * DAY),
        *members("po_1", "txn_1", "txn_2", "txn_3", "txn_4", "txn_5"),
    ]  # fmt: skip


def second() -> list[Fact]:
    """February: a payout that comes back, a payout that has no list, and what is in none."""
    at = START + 40 * DAY
    return [
        charge("3", 2_000, at=at), bt("txn_6", 2_000, fee=88, source="ch_3", at=at),
        bt("txn_7", -1_912, category="payout", source="po_2", at=at + DAY), *members("po_2", "txn_6", "txn_7"),
        bt("txn_8", 1_912, category="payout_reversal", kind="payout_failure", source="po_2", at=at + 2 * DAY),
        charge("4", 3_000, at=at + 3 * DAY), bt("txn_9", 3_000, fee=117, source="ch_4", at=at + 3 * DAY),
        bt("txn_10", -1_000, category="payout", source="po_3", at=at + 4 * DAY),
    ]  # fmt: skip


def third() -> list[Fact]:
    """The money that came back goes out again; a charge of January is told late."""
    at = START + 50 * DAY
    return [
        bt("txn_11", -1_912, category="payout", source="po_4", at=at), *members("po_4", "txn_8", "txn_11"),
        charge("5", 700, at=START + 5 * DAY), bt("txn_12", 700, fee=50, source="ch_5", at=START + 5 * DAY),
    ]  # fmt: skip


def told(*parts: list[Fact]):
    """The facts, as the journal reads them."""
    return seen([fact for part in parts for fact in part])
