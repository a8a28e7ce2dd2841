"""Deposit: one bank deposit for each payout, with everything that was in it already split; pure.

The first line is the bank; then gross, fees, refunds, disputes and the rest, each line with the ids of what it is of. What belongs to a
payout's balance transactions (tax, exchange, outcomes) goes with them. Clearing nets to zero; where part of a payout was booked before,
a line on clearing takes it up. What is in no payout yet waits. An instant payout that Stripe lists among what is in another one is
taken from clearing on its own day. Money that comes back from the bank, top-ups, and what does not
touch the balance that payouts take from are journal entries on their own day; a payout that takes from the bank is one too, for a
deposit cannot be negative. A payout whose breakdown is not whole waits: never a guess.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping

import msgspec

from bookhand.books.posting.lines import (
    AT_BANK,
    CLEARING,
    Booked,
    Bundle,
    Desk,
    Planned,
    Waits,
    bundle_of,
    clearing_of,
)
from bookhand.core.book import BookLine
from bookhand.core.entry import Entry, Posting

PAYOUT = "payout"
_ADVANCES = frozenset({"advance", "advance_funding"})
"""What Stripe lends for an instant payout and takes back: it goes with that payout."""
_NAMES = {
    "revenue": "Gross", "refunds": "Refund", "refunds_payable": "Refund", "disputes_pending": "Dispute", "disputes_losses": "Dispute",
    "bank_in_transit": "Payout", "sales_tax_payable": "Tax",
}  # fmt: skip


class Payouts(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of payouts: which balance transaction went out with which, which are whole (by id), which were posted before.

    `off` is by how much those that are not whole do not add up, in words.
    """

    of: Mapping[str, str]
    whole: Collection[str]
    off: Mapping[str, str] = {}
    parts: Mapping[str, int] = {}
    """The highest number among the documents that a payout has already."""


def plan(desk: Desk, entries: Iterable[Booked], payouts: Payouts) -> Planned:
    """See the module's docstring."""
    held = {booked.entry.key: booked for booked in entries}
    planned = Planned(bundles=[], waiting=[])
    groups: defaultdict[str, list[Booked]] = defaultdict(list)
    for booked in held.values():
        place = _place(booked.entry, held, payouts)
        if place is None:
            bundles, waiting = desk.entry_bundle(booked.entry.key, [booked], booked.entry.why)
            planned.bundles.extend(bundles)
            planned.waiting.extend(waiting)
        else:
            groups[place].append(booked)
    for payout, members in sorted(groups.items()):
        bundles, waiting = _posted(desk, payout, members, payouts)
        planned.bundles.extend(bundles)
        planned.waiting.extend(waiting)
    return planned


def _place(entry: Entry, held: Mapping[str, Booked], payouts: Payouts) -> str | None:
    """The payout that an entry goes with ('' where it is in none yet); None where it stands on its own day."""
    moved = entry
    if not _goes_out(entry, payouts):
        follows = held.get(entry.refs.get("balance_transaction", ""))
        if follows is None or not _goes_out(follows.entry, payouts):
            return None
        moved = follows.entry
    if moved.kind == "opening_balance" or moved.reverses is not None:
        return None
    source, listed = moved.refs.get("source", ""), payouts.of.get(moved.key)
    if (
        moved.kind == PAYOUT
    ):  # one that Stripe lists in another payout was paid from it: it stands on its own day
        return source if listed in {None, source} else None
    if moved.kind in _ADVANCES:
        return listed or source
    if any(posting.account in AT_BANK for posting in moved.postings):
        return None
    return listed or ""


def _goes_out(entry: Entry, payouts: Payouts) -> bool:
    """Whether it moves what payouts take from, or (a charge that its fee ate up) is listed in one all the same."""
    return bool(clearing_of(entry)) or entry.key in payouts.of


def _posted(
    desk: Desk, payout: str, booked: list[Booked], payouts: Payouts
) -> tuple[list[Bundle], list[Waits]]:
    if not payout:
        return [], desk.wait(booked, "payout", "", "It is in no payout yet.")
    before = payouts.parts.get(payout, 0)
    own = [each for each in booked if each.entry.kind == PAYOUT]
    if payout not in payouts.whole:
        off = payouts.off.get(
            payout,
            "Stripe has not listed what is in it (a manual or an instant payout has no list: a person has to confirm its breakdown)",
        )
        return [], desk.wait(booked, "breakdown", payout, f"Payout {payout} is not whole: {off}.")
    if not own and not before:
        return [], desk.wait(booked, "payout", payout, f"Payout {payout} itself has not been told yet.")
    missing = desk.unmapped(booked)
    if missing:
        why = f"{missing} is mapped to no account of the book that takes it, and payout {payout} is posted as a whole."
        return [], desk.wait(booked, "unmapped", missing, why)
    day = own[0].day if own else max(each.day for each in booked)
    placed = desk.days.placed(day)
    if placed is None:
        why = f"{day} is closed: reopen it, or let late facts go into the open period."
        return [], desk.wait(booked, "closed", day, why)
    lines = _lines(desk, own, booked)
    first = next(iter(lines.values()))
    is_deposit = bool(own) and first[0].minor > 0
    memo = f"Payout {payout}, {len(booked) - len(own):,} entries" + (
        f", supplement {before + 1}" if before else ""
    )
    base = desk.base(f"{payout}:{before + 1}" if before else payout)
    documents = desk.documents(base, placed, memo, lines, first="deposit" if is_deposit else "journal_entry")
    return [bundle_of(payout, documents, booked)], []


def _lines(desk: Desk, own: list[Booked], booked: list[Booked]) -> dict[str, list[BookLine]]:
    """The bank first, then everything else by time, and at last what was booked before (or is left) on clearing; by currency."""
    lines: defaultdict[str, list[BookLine]] = defaultdict(list)
    rest: dict[str, int] = {}
    for each in own:
        for posting in each.entry.postings:
            if posting.account in AT_BANK:
                lines[posting.currency].append(desk.line(posting, _memo(each.entry, posting)))
    for each in sorted(booked, key=lambda one: (one.entry.happened_at, one.entry.key)):
        clearing = clearing_of(each.entry)
        for currency, minor in clearing.items():
            rest[currency] = rest.get(currency, 0) + minor
            lines.setdefault(currency, [])
        for posting in each.entry.postings:
            bank = each.entry.kind == PAYOUT and posting.account in AT_BANK
            if not bank and not (clearing and posting.account == CLEARING):
                lines[posting.currency].append(desk.line(posting, _memo(each.entry, posting)))
    for currency, minor in rest.items():
        if minor:
            what = "booked before" if minor < 0 else "taken out before"
            lines[currency].append(desk.line(Posting(CLEARING, currency, minor), f"Clearing, {what}"))
    return {currency: held for currency, held in lines.items() if held}


def _memo(entry: Entry, posting: Posting) -> str:
    role = posting.account.partition(":")[0]
    what = (
        "Tax"
        if entry.kind.startswith("tax")
        else _NAMES.get(role) or ("Fee" if role.endswith("fees") else role.replace("_", "-"))
    )
    ids = dict.fromkeys([entry.refs.get("source", ""), *entry.refs.values(), entry.key])
    return f"{what} {' '.join(each for each in ids if each)}"[:400]
