"""Opening balances: what lay at Stripe before the history that was brought in begins.

A backfill of twelve months knows every movement of those months, and Stripe's balance holds what was there before as well. The
difference at the first tie-out is the opening balance: one entry for each currency and balance type, dated where the history
begins, against the account ``opening_balances``. It is taken from Stripe, not proven by history, and says so. A longer
backfill later replaces it: the old entry is reversed, the new one lies further back. Without older history at Stripe there is no
opening balance, and a difference stays a difference.

>>> entry, = entries_of(OpeningBalance(since=1767225600, currency="USD", balance_type="payments", minor=5000))
>>> entry.key, entry.postings[0].minor
('opening:1767225600:USD:payments', 5000)
"""

from __future__ import annotations

from collections.abc import Mapping

from bookhand.core.days import moment
from bookhand.core.entry import Entry, Posting, reversal
from bookhand.core.facts import OpeningBalance
from bookhand.core.money import Money

ROLE = "opening_balances"

Bucket = tuple[str, str]
"""Currency and balance type: one clearing account of a connection."""


def entries_of(opening: OpeningBalance) -> list[Entry]:
    """The entry of an opening balance, and the reversal of the one it replaces; none for an amount of zero."""
    entries = [_entry(opening, opening.since, opening.minor)] if opening.minor else []
    if opening.replaces and opening.replaces[1]:
        before = _entry(opening, *opening.replaces)
        why = f"The history now begins at {moment(opening.since)}: the opening balance taken at {moment(before.happened_at)} is undone"
        entries.append(
            reversal(before, key=f"{before.key}:replaced", happened_at=before.happened_at, why=why)
        )
    return entries


def openings(
    *,
    stripe: Mapping[Bucket, int],
    moved: Mapping[Bucket, int],
    since: int,
    before: Mapping[Bucket, tuple[int, int]],
    older: bool,
) -> list[OpeningBalance]:
    """What must have lain there: Stripe's balance less what `moved` since, for every bucket where that is not zero.

    `moved` leaves earlier opening balances out; `before` are those that stand (since, amount). One that stands is replaced only
    by a longer history: for the same one a difference is a difference, and stays to be seen. Without `older` history at Stripe
    nothing lay there.
    """
    found = []
    for bucket in sorted({*stripe, *moved, *before}):
        currency, balance_type = bucket
        minor = stripe.get(bucket, 0) - moved.get(bucket, 0) if older else 0
        replaced = before.get(bucket)
        taken_since = min((taken for taken, _ in before.values()), default=since + 1)
        if since < taken_since and (minor or replaced):
            found.append(
                OpeningBalance(
                    since=since, currency=currency, balance_type=balance_type, minor=minor, replaces=replaced
                )
            )
    return found


def _entry(opening: OpeningBalance, since: int, minor: int) -> Entry:
    currency = opening.currency
    return Entry(
        key=f"opening:{since}:{currency}:{opening.balance_type}",
        happened_at=since,
        kind="opening_balance",
        why=f"{Money(minor, currency)} lay at Stripe ({opening.balance_type}) before {moment(since)}: taken from Stripe's balance",
        postings=(
            Posting(f"stripe_clearing:{opening.balance_type}", currency, minor),
            Posting(ROLE, currency, -minor),
        ),
    )
