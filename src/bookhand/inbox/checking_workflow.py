"""The second look at every list, before a backfill may say "complete".

Slices must tile the range without a hole. A short list is listed once more from end to end, in one piece, and every id must be
known. Of a long one, both edges of each slice are asked for again, by time and not by cursor: nothing may lie there that we were
not told of. What is found missing is kept, read, and looked at once more; what is missing then is said.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import groupby

from bookhand.core.facts import Link
from bookhand.core.problems import Outage, Refusal
from bookhand.db.engine import Database
from bookhand.inbox import store
from bookhand.inbox.backfill import Slice, holes, list_of
from bookhand.inbox.delivery import Delivery, listed
from bookhand.inbox.lists import PAGE_SIZE, STRIPE_BEGAN
from bookhand.inbox.slices_store import Backfill
from bookhand.systems.stripe.client import Params, StripeReader
from bookhand.systems.stripe.translate import about

LISTED_TWICE = 1000
"""Lists of so many objects are listed once more whole; longer ones are checked at the edges of their slices."""
_SIDE_BY_SIDE = 12


def check_lists(
    db: Database,
    link: Link,
    reader: StripeReader,
    backfill: Backfill,
    slices: Sequence[Slice],
    *,
    clock: Callable[[], float],
    settle: Callable[[], None],
) -> list[str]:
    """A sentence for each list that does not hold; `settle` reads what is queued."""
    parts = [part for part in slices if part.state == "done"]
    amiss = list(_untiled(backfill, slices))
    missing = _look(db, link, reader, parts, clock=clock)
    if any(missing.values()):
        with db.transaction() as cx:
            store.receive(cx, link, [each for found in missing.values() for each in found])
        settle()
        missing = _look(db, link, reader, parts, clock=clock)
    return amiss + [
        f"{name}: {len(found)} that Stripe lists are not here after being fetched twice ({found[0].object_id} is one)."
        for name, found in missing.items()
        if found
    ]


def _untiled(backfill: Backfill, slices: Sequence[Slice]) -> Iterator[str]:
    for name, group in groupby(sorted(slices, key=lambda each: each.list), key=lambda each: each.list):
        since = STRIPE_BEGAN if list_of(name).whole else backfill.since
        for start, end in holes(list(group), since=since, until=backfill.until):
            yield f"{name}: nothing was listed between {start} and {end}; run the backfill for that range."


def _look(
    db: Database, link: Link, reader: StripeReader, parts: Sequence[Slice], *, clock: Callable[[], float]
) -> dict[str, list[Delivery]]:
    """By list, what Stripe has at the places we look at and we were not told of."""
    windows = [
        (name, window, pages)
        for name in {p.list for p in parts}
        for window, pages in _windows([p for p in parts if p.list == name])
    ]

    def look(asked: tuple[str, dict[str, int], int]) -> tuple[str, list[Delivery]]:
        name, window, pages = asked
        told = _page_after_page(link, reader, name, window, pages=pages, clock=clock)
        return name, _unknown(db, link, name, told)

    found: dict[str, list[Delivery]] = {}
    with ThreadPoolExecutor(_SIDE_BY_SIDE, thread_name_prefix="check") as pool:
        for name, strange in pool.map(look, windows):
            found.setdefault(name, []).extend(strange)
    return found


def _windows(parts: Sequence[Slice]) -> Iterator[tuple[dict[str, int], int]]:
    """Where to look, and how many pages of it: the whole list if it is short, else the newest page and what is older than the last of each slice."""
    if sum(part.seen for part in parts) <= LISTED_TWICE:
        whole = {"created[gte]": min(p.since for p in parts), "created[lt]": max(p.until for p in parts)}
        yield whole, LISTED_TWICE
        return
    for part in parts:
        yield {"created[gte]": part.since, "created[lt]": part.until}, 1
        if part.seen > PAGE_SIZE:
            yield {"created[gte]": part.since, "created[lte]": part.reached}, LISTED_TWICE


def _page_after_page(
    link: Link,
    reader: StripeReader,
    name: str,
    window: dict[str, int],
    *,
    pages: int,
    clock: Callable[[], float],
) -> Iterator[Delivery]:
    source = list_of(name)
    asked: Params = {**source.params, **window}
    for number in range(pages):
        as_of = int(clock())
        try:
            page = reader.page(source.path, asked)
        except Refusal as error:
            raise Outage(f"{name} could be listed before and not checked now: {error}") from error
        for raw in page.data:
            yield listed(raw, as_of=as_of, livemode=link.mode == "live", api_version=link.api_version)
        if not page.has_more or not page.data or number + 1 == pages:
            return
        asked = {**asked, "starting_after": about(page.data[-1]).id}


def _unknown(db: Database, link: Link, name: str, told: Iterator[Delivery]) -> list[Delivery]:
    by_id = {each.object_id: each for each in told}
    with db.transaction() as cx:
        return [by_id[each] for each in store.unknown(cx, link, list_of(name).object, list(by_id))]
