"""Clearing: each journal entry is one journal entry of the book (one for each currency), on the same day; pure.

The book's clearing account is then Stripe's balance, as the journal's is; a payout moves money from it to the bank.
"""

from __future__ import annotations

from collections.abc import Iterable

from bookhand.books.posting.lines import Booked, Desk, Planned


def plan(desk: Desk, entries: Iterable[Booked]) -> Planned:
    """See the module's docstring."""
    planned = Planned(bundles=[], waiting=[])
    for booked in entries:
        bundles, waiting = desk.entry_bundle(booked.entry.key, [booked], booked.entry.why)
        planned.bundles.extend(bundles)
        planned.waiting.extend(waiting)
    return planned
