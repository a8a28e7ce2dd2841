"""Daily summary: one journal entry a day and currency for days that are over; pure.

A line for each account and kind, debits and credits apart. What is told later of a day that was summed up goes into a supplement,
``…:2026-01-31:USD:2``.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping

from bookhand.books.posting.lines import Booked, Desk, Planned, bundle_of
from bookhand.core.book import BookLine


def plan(desk: Desk, entries: Iterable[Booked], *, today: str, parts: Mapping[str, int]) -> Planned:
    """`today` is not over yet; `parts` is how many summaries each day has already."""
    days: defaultdict[str, list[Booked]] = defaultdict(list)
    for booked in entries:
        days[booked.day].append(booked)
    planned = Planned(bundles=[], waiting=[])
    for day, told in sorted(days.items()):
        if day >= today:
            planned.waiting.extend(desk.wait(told, "open_day", day, f"{day} is not over yet."))
            continue
        _day(desk, day, told, planned, part=parts.get(day, 0) + 1)
    return planned


def _day(desk: Desk, day: str, booked: list[Booked], planned: Planned, *, part: int) -> None:
    missing = desk.unmapped(booked)
    placed = desk.days.placed(day)
    if missing:
        why = (
            f"{missing} is mapped to no account of the book that takes it, and {day} is summed up as a whole."
        )
        planned.waiting.extend(desk.wait(booked, "unmapped", missing, why))
    elif placed is None:
        why = f"{day} is closed: reopen it, or let late facts go into the open period."
        planned.waiting.extend(desk.wait(booked, "closed", day, why))
    else:
        memo = f"Stripe on {day}, {len(booked):,} entries" + (f", supplement {part}" if part > 1 else "")
        base = desk.base(f"{day}:{part}" if part > 1 else day)
        planned.bundles.append(
            bundle_of(day, desk.documents(base, placed, memo, _lines(desk, booked)), booked)
        )


def _lines(desk: Desk, booked: list[Booked]) -> dict[str, list[BookLine]]:
    sums: dict[tuple[str, str, str, bool], list[int]] = {}
    for each in booked:
        for posting in each.entry.postings:
            key = (posting.currency, posting.account, each.entry.kind, posting.minor > 0)
            held = sums.setdefault(key, [0, 0])
            held[0] += posting.minor
            held[1] += 1
    lines: defaultdict[str, list[BookLine]] = defaultdict(list)
    for (currency, account, kind, _), (minor, count) in sorted(sums.items()):
        found = desk.find(account, currency)
        if found is not None:
            memo = f"{kind} {account.replace('_', ' ')} ({count:,})"
            lines[currency].append(BookLine(found.account, minor, memo, found.category))
    return dict(lines)
