"""Entries: what the journal is made of.

An `Entry` is a set of signed `Posting` lines that sum to zero in each currency; a debit is positive, a credit negative.
Its `key` is the idempotency key: the same key is the same entry, for ever. Keys begin with the id of what happened
(``txn_…``, ``dp_…:lost``), so one movement of money told twice is one entry.

>>> sale = Entry(key="txn_1", happened_at=1767225600, kind="charge", why="Charge ch_1", postings=(
...     Posting("stripe_clearing:payments", "USD", 9680), Posting("processing_fees", "USD", 320), Posting("revenue", "USD", -10000)))
>>> sale.imbalance()
{}
"""

from __future__ import annotations

from collections import Counter

import msgspec


class Posting(msgspec.Struct, frozen=True, array_like=True):
    """One signed line: `account` is a chart key (a role, with a detail after a colon), `minor` is in `currency`'s minor units."""

    account: str
    currency: str
    minor: int


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """A balanced journal entry.

    `happened_at` is Unix seconds (when it was true); `kind` names the rule that wrote it; `why` is a sentence for a person;
    `delivery` is the delivery it came from; `reverses` is the key of the entry it undoes; `refs` are Stripe ids to link to, by role.
    """

    key: str
    happened_at: int
    kind: str
    why: str
    postings: tuple[Posting, ...]
    delivery: int = 0
    reverses: str | None = None
    refs: dict[str, str] = msgspec.field(default_factory=dict)

    def imbalance(self) -> dict[str, int]:
        """Currencies in which the lines do not sum to zero, with the sum; empty for a good entry."""
        sums: Counter[str] = Counter()
        for posting in self.postings:
            sums[posting.currency] += posting.minor
        return {currency: minor for currency, minor in sums.items() if minor}


def reversal(entry: Entry, *, key: str, happened_at: int, why: str) -> Entry:
    """The entry that undoes `entry`: the same lines with the signs turned."""
    lines = tuple(Posting(line.account, line.currency, -line.minor) for line in entry.postings)
    return Entry(
        key=key, happened_at=happened_at, kind="reversal", why=why, postings=lines,
        delivery=entry.delivery, reverses=entry.key, refs=entry.refs,
    )  # fmt: skip
