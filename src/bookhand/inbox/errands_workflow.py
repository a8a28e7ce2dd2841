"""Errands: what must still be read from Stripe, run outside any transaction and put into the inbox like all other mail.

`pull` lists new balance transactions, newest first, back to the newest one we knew and a little further: one call for all the
events of a drain. `members` lists what a payout holds. `fetch` asks for objects in doubt, whole windows of them at a time where
that saves calls. An errand stays written down until its answer is kept; Stripe being down postpones it, a refusal names what is
missing and postpones it too.

    run_errands(db, link, reader, clock=time.time)        # how many were done
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import groupby

import structlog

from bookhand.core.facts import Link
from bookhand.core.problems import Outage, Problem, Refusal
from bookhand.db.engine import Database
from bookhand.inbox import errand_store, reading_store, snapshot_store, store
from bookhand.inbox.delivery import Delivery, gone, listed, members, of_event
from bookhand.inbox.errand_store import Errand
from bookhand.inbox.lists import BALANCE_TRANSACTIONS, JOURNAL_EVENTS, LISTS, PAGE_SIZE, StripeList, path_of
from bookhand.systems.stripe.client import Page, Params, StripeReader
from bookhand.systems.stripe.translate import about
from bookhand.workspace.store import clear, report

Clock = Callable[[], float]

OVERLAP_ROWS = 25
"""How far a pull reads past what it knew: money may be booked a little out of order."""
SAFETY_OVERLAP_SECONDS = 3600
PAGES_AT_ONCE = 20
_MANY = 4
_REFUSED_SECONDS = 3600.0
_LONGEST_WAIT_SECONDS = 600.0
_EVENTS = "events"

log = structlog.get_logger(__name__)


def run_errands(
    db: Database,
    link: Link,
    reader: StripeReader,
    *,
    clock: Clock,
    kinds: Sequence[str] = ("pull", "members", "fetch"),
    side_by_side: int = 1,
) -> int:
    """Run the errands that are due; how many were done. Never raises for one of them: it is postponed and says why."""
    with db.transaction() as cx:
        errands = errand_store.due(cx, link, kinds=kinds)
    groups = list(_groups(errands))
    if side_by_side == 1 or len(groups) <= 1:
        return sum(_try(db, link, reader, group, clock=clock) for group in groups)
    with ThreadPoolExecutor(side_by_side, thread_name_prefix="errand") as pool:
        return sum(pool.map(lambda group: _try(db, link, reader, group, clock=clock), groups))


def _try(db: Database, link: Link, reader: StripeReader, group: Sequence[Errand], *, clock: Clock) -> int:
    try:
        _run(db, link, reader, group, clock=clock)
    except (Outage, Refusal, ValueError) as error:
        _postpone(db, link, group, error)
        return 0
    return len(group)


def pull(
    db: Database, link: Link, reader: StripeReader, *, clock: Clock, overlap_seconds: int | None = None
) -> int:
    """List the balance transactions that are new; how many were. `overlap_seconds` reads that far back, whatever is known."""
    name = BALANCE_TRANSACTIONS.name
    with db.transaction() as cx:
        known = reading_store.reading(cx, link, name)
        since = _since(
            known,
            overlap_seconds,
            first_told=reading_store.first_told(cx, link) if known.newest_id is None else 0,
        )
    until = (
        known.newest_created - overlap_seconds if overlap_seconds is not None and known.newest_id else None
    )
    pages: list[Delivery] = []
    newest: tuple[str, int] | None = None
    fresh = 0
    for page, as_of in _pages(reader, BALANCE_TRANSACTIONS, since, clock=clock):
        if newest is None and page.data:
            first = about(page.data[0])
            newest = (first.id or "", first.created or 0)
        pages += _deliveries(link, page, as_of)
        if until is None and _reached(page, known):
            break
        if len(pages) >= PAGES_AT_ONCE * PAGE_SIZE:
            fresh += _keep(db, link, pages)
            pages = []
    with db.transaction() as cx:
        fresh += len(store.receive(cx, link, pages))
        reading_store.put_reading(
            cx, link, name, newest_id=newest[0] if newest else None, newest_created=newest[1] if newest else 0
        )
    return fresh


def poll_events(
    db: Database, link: Link, reader: StripeReader, *, clock: Clock, every_minutes: int
) -> int | None:
    """The safety net: events whose delivery failed, and money of the last hour. None where it is not yet time.

    Every 15 to 30 minutes costs some 9,000 reads a month, within the 10,000 that every account has.
    """
    with db.transaction() as cx:
        last = reading_store.reading(cx, link, _EVENTS)
    if last.age_seconds < every_minutes * 60:
        return None
    started = int(clock())
    since = max(last.newest_created, started - 30 * 86400) - SAFETY_OVERLAP_SECONDS
    fresh = 0
    for types in JOURNAL_EVENTS:
        asked = StripeList(name=_EVENTS, object="event")
        extra: Params = {"delivery_success": False, "types": list(types), "created[gte]": since}
        for page, _ in _pages(reader, asked, extra, clock=clock):
            fresh += keep_events(db, link, page)
    pull(db, link, reader, clock=clock, overlap_seconds=SAFETY_OVERLAP_SECONDS)
    with db.transaction() as cx:
        reading_store.put_reading(cx, link, _EVENTS, newest_id=None, newest_created=started)
    return fresh


def keep_events(db: Database, link: Link, page: Page) -> int:
    """Keep events from a list as the webhook would have brought them; how many were new.

    A list renders an event in the version it was born in. What another version tells is parked, so its object is asked for.
    """
    events = [of_event(bytes(raw)) for raw in page.data]
    with db.transaction() as cx:
        fresh = store.receive(cx, link, events)
        errand_store.want(cx, link, strays(cx, link, [event for _, event in fresh]))
    return len(fresh)


def strays(cx: store.Transaction, link: Link, events: Sequence[Delivery]) -> list[Errand]:
    """Objects of events in another API version, unless we know a later state of them already."""
    foreign = [
        each
        for each in events
        if each.kind == "event" and each.api_version != link.api_version and each.object_id
    ]
    known = (
        snapshot_store.sights(cx, link, sorted({(each.object, each.object_id) for each in foreign}))
        if foreign
        else {}
    )
    found = []
    for event in foreign:
        sight, path = known.get((event.object, event.object_id)), path_of(event.object, event.object_id)
        if path and (sight is None or sight.as_of <= event.created):
            found.append(Errand(kind="fetch", object=event.object, object_id=event.object_id, path=path))
    return found


# --- one errand ---


def _run(db: Database, link: Link, reader: StripeReader, group: Sequence[Errand], *, clock: Clock) -> None:
    match group[0].kind:
        case "pull":
            pull(db, link, reader, clock=clock)
        case "members":
            _name_members(db, link, reader, group[0].object_id, clock=clock)
        case _ if len(group) > 1:
            _fetch_window(db, link, reader, group, clock=clock)
        case _:
            _fetch(db, link, reader, group[0], clock=clock)
    with db.transaction() as cx:
        for errand in group:
            errand_store.done(cx, link, errand)
        clear(cx, link, kind="errand_refused", subjects=[_subject(errand) for errand in group])


def _groups(errands: Sequence[Errand]) -> Iterator[list[Errand]]:
    """Each errand by itself, but fetches of one kind of object together where a window of its list brings them."""
    fetches = sorted((e for e in errands if e.kind == "fetch"), key=lambda e: (e.object, e.born or 0))
    yield from ([e] for e in errands if e.kind != "fetch")
    for name, group in groupby(fetches, key=lambda e: e.object):
        many = list(group)
        together = [e for e in many if e.born is not None and _list_of(name)]
        if len(together) >= _MANY:
            yield together
            many = [e for e in many if e not in together]
        yield from ([e] for e in many)


def _fetch(db: Database, link: Link, reader: StripeReader, errand: Errand, *, clock: Clock) -> None:
    as_of = int(clock())
    if errand.path is None:
        return
    body = reader.one(errand.path)
    found = (
        gone(errand.object, errand.object_id, as_of=as_of)
        if body is None
        else listed(
            body, as_of=as_of, livemode=link.mode == "live", api_version=link.api_version, fetched=True
        )
    )
    _keep(db, link, [found])


def _fetch_window(
    db: Database, link: Link, reader: StripeReader, group: Sequence[Errand], *, clock: Clock
) -> None:
    """Objects of one kind, brought by listing the time they were made in; whoever was not on the list is asked for alone."""
    wanted = {errand.object_id: errand for errand in group}
    source = _list_of(group[0].object)
    born = [errand.born for errand in group if errand.born is not None]
    if source is not None:
        window = {"created[gte]": min(born), "created[lte]": max(born)}
        for number, (page, as_of) in enumerate(_pages(reader, source, window, clock=clock), 1):
            found = [d for d in _deliveries(link, page, as_of, fetched=True) if wanted.pop(d.object_id, None)]
            _keep(db, link, found)
            if not wanted or number * _MANY > len(group):
                break
    for errand in list(wanted.values()):
        _fetch(db, link, reader, errand, clock=clock)


def _name_members(db: Database, link: Link, reader: StripeReader, payout: str, *, clock: Clock) -> None:
    """What a payout holds; all of its pages are told in one transaction, so a payout is never half named."""
    told: list[Delivery] = []
    for page, as_of in _pages(reader, BALANCE_TRANSACTIONS, {"payout": payout}, clock=clock):
        objects = _deliveries(link, page, as_of)
        if objects:
            told.append(members(payout, [each.object_id for each in objects], as_of=as_of))
        with db.transaction() as cx:
            new = set(
                store.unknown(cx, link, BALANCE_TRANSACTIONS.object, [each.object_id for each in objects])
            )
            store.receive(cx, link, [each for each in objects if each.object_id in new])
    _keep(db, link, told)


def _postpone(
    db: Database, link: Link, group: Sequence[Errand], error: Outage | Refusal | ValueError
) -> None:
    """Later: after an outage soon and then ever less often, after a refusal in an hour, when somebody may have mended it."""
    wait = _REFUSED_SECONDS
    if isinstance(error, Outage):
        wait = min(_LONGEST_WAIT_SECONDS, (error.retry_after_seconds or 5.0) * 2 ** min(group[0].tries, 6))
    log.warning(
        "errand_postponed",
        connection=link.connection_id,
        kind=group[0].kind,
        seconds=round(wait),
        why=str(error),
    )
    with db.transaction() as cx:
        for errand in group:
            errand_store.postpone(cx, link, errand, seconds=wait, note=str(error))
        if not isinstance(error, Outage):
            report(
                cx,
                link,
                [Problem(kind="errand_refused", subject=_subject(e), message=str(error)) for e in group],
            )


# --- pages ---


def _pages(
    reader: StripeReader, source: StripeList, params: Params, *, clock: Clock
) -> Iterator[tuple[Page, int]]:
    """The pages of a list, newest first, each with the time it was asked for."""
    asked: Params = {**source.params, **params}
    while True:
        as_of = int(clock())
        page = reader.page(source.path, asked)
        yield page, as_of
        if not page.has_more or not page.data:
            return
        asked = {**asked, "starting_after": about(page.data[-1]).id}


def _deliveries(link: Link, page: Page, as_of: int, *, fetched: bool = False) -> list[Delivery]:
    live = link.mode == "live"
    return [
        listed(raw, as_of=as_of, livemode=live, api_version=link.api_version, fetched=fetched) for raw in page.data
    ]  # fmt: skip


def _keep(db: Database, link: Link, deliveries: Sequence[Delivery]) -> int:
    if not deliveries:
        return 0
    with db.transaction() as cx:
        return len(store.receive(cx, link, deliveries))


def _since(known: reading_store.Reading, overlap_seconds: int | None, *, first_told: int) -> dict[str, int]:
    """How far back a pull may go; the first one to where our mail begins, for what was before is the backfill's to bring."""
    back = SAFETY_OVERLAP_SECONDS if overlap_seconds is None else overlap_seconds
    return {"created[gte]": max(0, (known.newest_created if known.newest_id else first_told) - back)}


def _reached(page: Page, known: reading_store.Reading) -> bool:
    """Whether this page goes past the newest transaction we knew, by the overlap."""
    if known.newest_id is None:
        return False
    ids = [about(raw).id for raw in page.data]
    if known.newest_id in ids:
        return len(ids) - ids.index(known.newest_id) > OVERLAP_ROWS
    return bool(page.data) and (about(page.data[-1]).created or 0) < known.newest_created


def _list_of(object_name: str) -> StripeList | None:
    return next((each for each in LISTS.values() if each.object == object_name), None)


def _subject(errand: Errand) -> str:
    return errand.object_id or errand.object
